// Whoever leaves the dashboard while the bar for saving is there is asked first. Within it what was typed is kept.
addEventListener("beforeunload", (event) => {
  if (document.querySelector("[data-unsaved]")) event.preventDefault();
});

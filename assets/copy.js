// Buttons with data-copy put that text into the clipboard. Delegated: the pages are drawn, and drawn again, by a framework.
const SHOWN_MS = 2000;

const live = document.createElement("div");
live.className = "visually-hidden";
live.setAttribute("aria-live", "polite");
document.body.append(live);

// Without TLS on another host than localhost a browser has no clipboard API.
function copyBySelection(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  // inside a dialog, because that keeps the focus within itself
  (document.activeElement?.closest("[role=dialog],[role=alertdialog]") || document.body).append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const done = await copy(button.dataset.copy);
  button.focus();
  live.textContent = done ? "Copied" : "Your browser does not let us copy. Select the text and copy it yourself.";
  if (!done) return;
  button.dataset.copied = "";
  clearTimeout(button.copiedTimer);
  button.copiedTimer = setTimeout(() => {
    delete button.dataset.copied;
    live.textContent = "";
  }, SHOWN_MS);
});

// The website of the dashboard's preview: it has the real loader, which is given the draft in place of what is saved. The
// draft hangs on the iframe that shows this page, where only a page of our own origin can put it.
const holder = frameElement;
window.draft = holder?.draft;

// see quiet.js
for (const name of ["show", "showModal"]) {
  const open = HTMLDialogElement.prototype[name];
  HTMLDialogElement.prototype[name] = function () {
    entered ? open.call(this) : this.setAttribute("open", "");
  };
}

/** The dashboard shows this page once there is something to see. Called by the frame, too. */
window.drawn = () => requestAnimationFrame(() => holder.dispatchEvent(new Event("drawn")));

if (draft) {
  const { config, dark, open } = draft;
  document.documentElement.classList.toggle("dark", dark);
  if (config.theme.mode === "auto") config.theme.mode = dark ? "dark" : "light";
  // it is a page like no other, and nobody wants to wait
  delete config.launcher.hidden;
  if (config.launcher.message) config.launcher.delay = 0;
  const ask = fetch;
  window.fetch = (address, options) => (/\/config$/.test(address) ? Promise.resolve(Response.json(config)) : ask(address, options));
  const script = document.createElement("script");
  script.src = "chatbot-widget.js";
  script.dataset.botId = new URLSearchParams(location.search).get("bot_id");
  script.onload = () => {
    if (open) ChatbotWidget.open();
    else ChatbotWidget.on("ready", drawn);
  };
  document.body.append(script);
}

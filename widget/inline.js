// A chat that stands in the page itself: in the element that is named, or behind its script.
const css = `:host{display:block!important;height:100%!important}
iframe{min-height:420px}`;

/** `bot`: what chatbot-widget.js knows of the bot. */
export function place({ host, options, sheet, warn }) {
  const into = options.target ? document.querySelector(options.target) : options.tag;
  if (!into?.isConnected) return warn(`There is no element ${options.target || ""} for the chat.`);
  sheet(css);
  options.target ? into.append(host) : into.after(host);
}

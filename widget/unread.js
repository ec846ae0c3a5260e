// The number of answers that came while the chat was closed, at its launcher. Fetched with the first of them.
const css = `b{position:absolute;inset:-4px -4px auto auto;min-width:22px;padding:0 6px;box-sizing:border-box;border-radius:11px;background:#c81e1e;color:#fff;box-shadow:0 0 0 2px #fff;font:600 12px/22px system-ui,sans-serif}
b:empty{display:none}`;
const counts = new WeakMap();

/** `bot`: what chatbot-widget.js knows of the bot; `more`: answers, or 0 when the visitor has seen all. */
export function count(bot, more) {
  if (!counts.has(bot)) {
    bot.sheet(css);
    counts.set(bot, { number: 0, badge: bot.make(bot.button, "b") });
  }
  const own = counts.get(bot);
  const number = more && own.number + more;
  if (number === own.number) return;
  own.number = number;
  own.badge.textContent = number || "";
  // the button's name takes the place of what is in it
  bot.button.ariaLabel = bot.button.ariaLabel.replace(/( \(\d+\))?$/, number ? ` (${number})` : "");
  bot.emit("unread", { count: number });
}

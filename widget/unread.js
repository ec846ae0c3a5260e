// The number of answers that came while the chat was closed, at its launcher. Fetched with the first of them.
const badge = `b{position:absolute;inset:-4px -4px auto auto;min-width:22px;padding:0 6px;box-sizing:border-box;border-radius:11px;background:#c81e1e;color:#fff;box-shadow:0 0 0 2px #fff;font:600 12px/22px system-ui,sans-serif}
b:empty{display:none}`;

/** `bot`: what chatbot-widget.js knows of the bot; `more`: answers, or 0 when the visitor has seen all. */
export function count(bot, more) {
  const { button } = bot;
  const own = (bot.unread ??= (bot.sheet(badge), { number: 0, badge: bot.make(button, "b"), name: button.ariaLabel }));
  const number = more && own.number + more;
  if (number === own.number) return;
  own.number = number;
  own.badge.textContent = number || "";
  // it takes the place of what is in the button
  button.ariaLabel = own.name + (number ? ` (${number})` : "");
  bot.emit("unread", { count: number });
}

// A message beside the launcher, once in a visitor's session. Fetched when its time has come.
const css = `aside{display:flex;gap:4px;align-items:start;max-width:min(300px,100vw - 2*var(--x));padding:6px 6px 6px 16px;box-sizing:border-box;border-radius:18px;background:light-dark(#fff,#22252c);color:light-dark(#15171c,#eceef2);box-shadow:0 0 0 1px #8883,0 8px 32px #0003;font:15px/1.45 system-ui,sans-serif}
aside button{all:unset;cursor:pointer;padding:7px 0;overflow-wrap:anywhere}
aside button:before{content:none}
aside [aria-label]{flex:none;width:36px;padding:0;text-align:center;font-size:22px;line-height:36px;border-radius:12px}
aside button:focus-visible{outline:2px solid;outline-offset:-2px;box-shadow:none}
@media(prefers-reduced-motion:no-preference){aside{animation:come .25s ease-out}}
@keyframes come{from{opacity:0;transform:translateY(8px)}}`;

/** `bot`: what chatbot-widget.js knows of the bot. */
export function nudge(bot) {
  const { button, config, make, origin, root, signal } = bot;
  const asked = make(root, "iframe", { hidden: "", src: bot.url("once?bot_id=") });
  asked.onload = () => asked.contentWindow.postMessage({ type: "chatbot:first" }, origin);
  const say = () => {
    asked.remove();
    bot.sheet(css);
    const box = make(root, "aside", { class: bot.corner, role: "status" });
    box.style.cssText = bot.style;
    const text = make(box, "button", {});
    text.textContent = config.launcher.message;
    text.onclick = () => bot.run("open");
    const { close = "Close" } = config.launcher;
    const shut = make(box, "button", { "aria-label": close[navigator.language.slice(0, 2)] || close.en || close });
    shut.textContent = "×";
    // beyond the launchers and messages of other bots in its corner, also of those that come later
    const place = () => {
      let edge = 0;
      for (const { shadowRoot } of document.querySelectorAll(`[data-chatbot="${bot.corner}"]`))
        for (const node of shadowRoot.querySelectorAll("button,aside")) {
          const { top, bottom, height } = node.getBoundingClientRect();
          if (height && !box.contains(node)) edge = Math.max(edge, /top/.test(bot.corner) ? bottom : innerHeight - top);
        }
      box.style.setProperty("--e", edge + 16 + "px");
    };
    ChatbotWidget.on("ready", place);
    const leave = () => box.remove();
    shut.onclick = () => {
      leave();
      button.focus({ preventScroll: true });
    };
    // an open chat, or a page without a launcher, has no need of it
    const watch = new MutationObserver(() => (button.hidden || button.ariaExpanded === "true") && (leave(), watch.disconnect()));
    watch.observe(button, { attributes: true });
  };
  addEventListener(
    "message",
    ({ source, origin: from, data }) => {
      if (source !== asked.contentWindow || !source || from !== origin) return;
      if (data?.type === "chatbot:first") data.first ? say() : asked.remove();
    },
    { signal },
  );
}

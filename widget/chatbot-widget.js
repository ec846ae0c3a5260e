// Adds a launcher; the chat is an iframe of our origin, made at the first click: README.md
(() => {
  const script = document.currentScript || document.querySelector("script[data-bot-id]");
  const early = window.ChatbotWidget;
  if (early?.add) return early.add(script); // included again

  const bots = new Map();
  const warn = (text) => console.warn("[Chatbot] " + text);
  const phone = matchMedia("(max-width:480px),(max-height:420px)");

  // !important on :host beats the website's own
  const css = `:host{all:initial!important}
button,dialog{position:fixed;z-index:2147483000;inset:auto 20px calc(var(--y) + env(safe-area-inset-bottom)) auto;padding:0;border:0}
.left{left:20px;right:auto}
button{width:56px;height:56px;border-radius:50%;background:var(--c);color:var(--t);cursor:pointer;box-shadow:0 8px 24px #0004}
button:focus-visible{outline:3px solid var(--t);box-shadow:0 0 0 6px var(--c)}
button:before{content:"";display:block;box-sizing:border-box;width:24px;height:24px;margin:auto;border:2.5px solid;border-radius:50% 50% 50% 5px}
[aria-expanded=true]:before{width:13px;height:13px;border-width:0 2.5px 2.5px 0;border-radius:0;transform:translateY(-3px)rotate(45deg)}
dialog{--m:calc(var(--y) + 72px + env(safe-area-inset-bottom));width:400px;height:min(640px,100dvh - var(--m) - 20px);max-width:none;max-height:none;margin:0;bottom:var(--m);overflow:hidden;border-radius:20px;background:light-dark(#fff,#14161a);box-shadow:0 0 0 1px #8883,0 8px 48px #0004}
dialog[open]{animation:in .2s ease-out}
dialog::backdrop{background:none}
iframe{width:100%;height:100%;border:0;color-scheme:normal}
@keyframes in{from{opacity:0;transform:translateY(12px)}}
@media ${phone.media}{dialog{inset:var(--v,0) 0 auto;width:100%;height:var(--h,100dvh);border-radius:0;box-sizing:border-box;padding:env(safe-area-inset-top) 0 env(safe-area-inset-bottom)}
[aria-expanded=true]{visibility:hidden}}
@media(prefers-reduced-motion){dialog{animation:none!important}}
@media print{*{display:none}}`;

  const make = (parent, name, attributes) => {
    const node = document.createElement(name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    return parent.appendChild(node);
  };

  const widget = (id, src) => {
    const url = (path) => new URL(path + encodeURIComponent(id), src);
    const { origin } = url("");
    const view = window.visualViewport;
    let wanted, gone, ready, config, host, button, dialog, frame;

    const tell = (type) => frame.contentWindow.postMessage({ type: "chatbot:" + type, config }, origin);
    const hear = (event) => {
      if (frame && event.source === frame.contentWindow && event.origin === origin && event.data?.type === "chatbot:close") self.close();
    };
    // a phone's keyboard covers the page without resizing it
    const fit = () => {
      dialog.style.setProperty("--h", view.height + "px");
      dialog.style.setProperty("--v", view.offsetTop + "px");
    };

    const self = {
      open() {
        wanted = true;
        if (!dialog || dialog.open) return;
        dialog[phone.matches ? "showModal" : "show"]();
        button.setAttribute("aria-expanded", true);
        if (!frame) {
          frame = make(dialog, "iframe", { title: config.name, src: url("frame?bot_id=") });
          frame.onload = () => tell("hello", (ready = true));
        }
        frame.focus();
        if (ready) tell("open");
      },
      close() {
        wanted = false;
        dialog?.close();
      },
      toggle: () => (dialog ? dialog.open : wanted) ? self.close() : self.open(),
      destroy() {
        gone = true;
        removeEventListener("message", hear);
        view?.removeEventListener("resize", fit);
        host?.remove();
        bots.delete(id);
      },
    };

    const show = () => {
      if (gone) return;
      const { color, mode, position } = config.theme || {};
      const fill = /^#[\da-f]{6}$/i.test(color) ? color : "#4f46e5";
      const [r, g, b] = [1, 3, 5].map((i) => (parseInt(fill.slice(i, i + 2), 16) / 255) ** 2.2);
      const text = 0.21 * r + 0.72 * g + 0.07 * b > 0.18 ? "#000" : "#fff"; // WCAG luminance
      const side = /left/.test(position) ? "left" : "right";
      const above = document.querySelectorAll(`[data-chatbot=${side}]`).length; // several bots: stacked
      const style = `--c:${fill};--t:${text};--y:${20 + 68 * above}px;color-scheme:${/^(dark|light)$/.test(mode) ? mode : "light dark"}`;
      host = make(document.documentElement, "div", { "data-chatbot": side });
      const root = host.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet(); // <style> fails under a strict style-src
      sheet.replaceSync(css);
      root.adoptedStyleSheets = [sheet];
      button = make(root, "button", { class: side, "aria-haspopup": "dialog", "aria-expanded": false, "aria-label": "Chat: " + config.name });
      dialog = make(root, "dialog", { class: side, "aria-label": config.name });
      button.style.cssText = dialog.style.cssText = style;
      button.onclick = self.toggle;
      root.onkeydown = (event) => event.key === "Escape" && self.close();
      dialog.onclose = () => {
        button.setAttribute("aria-expanded", false);
        button.focus();
      };
      addEventListener("message", hear);
      view?.addEventListener("resize", fit);
      if (wanted) self.open();
    };

    fetch(url("../api/public/bot/") + "/config", { credentials: "omit" })
      .then(async (answer) => {
        config = await answer.json();
        const site = location.origin;
        if (answer.ok) show();
        else if (answer.status === 403)
          warn(`${site} may not show bot ${id}. Add ${site} to the bot's allowed origins in the dashboard, then reload this page.`);
        else if (answer.status === 404)
          warn(`There is no published bot ${id}. Publish it in the dashboard, or copy the embed line again.`);
        else throw answer;
      })
      .catch(() => warn(`${origin} does not answer for bot ${id}. Is it up, and does this page's Content-Security-Policy allow it?`));
    return self;
  };

  const api = (window.ChatbotWidget = {
    add(tag) {
      const id = tag?.dataset.botId;
      if (!id) warn("The script tag has no data-bot-id. Copy the embed line again.");
      else if (!bots.has(id)) bots.set(id, widget(id, tag.src));
    },
  });
  // Without an id: open and toggle mean the first bot of the page, close and destroy every one.
  for (const name of ["open", "close", "toggle", "destroy"])
    api[name] = (id) => {
      const all = id ? [bots.get(id)] : [...bots.values()];
      for (const bot of /^[ot]/.test(name) ? all.slice(0, 1) : all) bot?.[name]();
    };
  api.add(script);
  for (const [name, id] of early?.q || []) api[name](id); // called before this file was here
})();

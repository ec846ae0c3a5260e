// Adds a launcher; the chat is an iframe of our origin, made at the first click: README.md
(() => {
  const own = document.currentScript;
  const early = window.ChatbotWidget;
  // a module, and what some tag managers insert, has no currentScript
  const tags = own ? [own] : [...document.querySelectorAll('script[src*="/chatbot-widget.js"]')];
  const found = (tags[0] ? tags : [{}]).map((tag) => ({ src: tag.src, ...window.chatbotWidget, ...tag.dataset, tag }));
  // included again
  if (early?.add) return found.forEach(early.add);

  const bots = new Map();
  let listeners = [];
  const warn = (text) => console.warn("[Chatbot] " + text);

  // !important on :host beats the website's own
  const css = `:host{all:initial!important}
[hidden]{display:none!important}
button,dialog,aside{position:fixed;z-index:2147483000;inset:auto var(--x) var(--e) auto}
.left{left:var(--x);right:auto}
.top{top:var(--e);bottom:auto}
button{--e:calc(var(--y) + env(safe-area-inset-bottom));display:flex;gap:10px;align-items:center;justify-content:center;min-width:56px;height:56px;padding:0;border:0;border-radius:28px;background:var(--c);color:var(--t);font:600 16px system-ui,sans-serif;cursor:pointer;box-shadow:0 8px 24px #0004}
.label{padding:0 22px}
button:focus-visible{outline:3px solid var(--t);box-shadow:0 0 0 6px var(--c)}
button:before{content:"";box-sizing:border-box;width:24px;height:24px;border:2.5px solid;border-radius:50% 50% 50% 5px}
.question:before{content:"?";border:0;font-size:28px;line-height:24px}
.none:before{display:none}
@media print{*{display:none!important}}`;

  const make = (parent, name, attributes) => {
    const node = document.createElement(name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    return parent.appendChild(node);
  };

  // "/shop/*" is /shop and all below it
  const here = (pattern) => {
    const [first, ...rest] = pattern.replace(/\/?(\*?)$/, "/$1").split("*").map((part) => part.replace(/[^\w/]/g, "\\$&"));
    return RegExp(`^${[first, ...rest].join(".*")}$`, "u").test(location.pathname.replace(/\/?$/, "/"));
  };

  const widget = (id, options) => {
    // absolute: import() knows no base in a script of another origin
    const dir = new URL(".", options.src).href;
    const url = (path) => dir + path + encodeURIComponent(id);
    const end = new AbortController();
    const { signal } = end;
    let panel, ready, timer;
    const failed = () => warn(`No answer from ${bot.origin} for bot ${id}. Is it up? Does this page's Content-Security-Policy allow it?`);

    // what is called, in order, once the config is here
    let calls = new Promise((resolve) => (ready = resolve));
    const load = () =>
      (panel ??= import(dir + "panel.js").then((part) => part.panel(bot)).catch((error) => {
        panel = null;
        failed();
        throw error;
      }));
    const run = (name, value) =>
      (calls = calls.then(async () => {
        if (!signal.aborted && (panel || !/^(close|identify|setContext)$/.test(name))) (await load())[name](value);
      }).catch(() => {}));

    // what panel.js and nudge.js are given, also those of the next release
    const bot = {
      id,
      url,
      make,
      warn,
      run,
      signal,
      options,
      origin: new URL(dir).origin,
      // <style> fails under a strict style-src
      sheet(text) {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(text);
        bot.root.adoptedStyleSheets.push(sheet);
      },
      emit(name, detail) {
        for (const [event, listen, only] of listeners)
          if (event === name && (only || id) === id) queueMicrotask(() => listen({ ...detail, botId: id }));
      },
      destroy() {
        end.abort();
        clearInterval(timer);
        bot.host?.remove();
        bots.delete(id);
      },
    };

    const show = () => {
      const { theme, name, launcher } = bot.config;
      const { color, on, mode, position } = theme || {};
      const { corner = position || "", x = 20, y = 20, icon = "", label = "", word = "Chat", hidden = [], message, delay } = launcher || {};
      const fill = /^#[\da-f]{6}$/i.test(color) ? color : "#4f46e5";
      const text = /^#[\da-f]{6}$/i.test(on) ? on : "#fff";
      const inline = options.mode === "inline";
      const place = (bot.corner = inline ? "inline" : (/top/.test(corner) ? "top " : "") + (/left/.test(corner) ? "left" : "right"));
      // several bots: stacked, each where it finds room
      let at = y, beside;
      while ((beside = [...bots.values()].find((other) => other.corner === place && Math.abs(other.y - at) < 68))) at = beside.y + 68;
      bot.y = at;
      bot.style = `--c:${fill};--t:${text};--x:${x}px;--y:${at}px;color-scheme:${/^(dark|light)$/.test(mode) ? mode : "light dark"}`;
      const host = (bot.host = make(document.documentElement, "div", { "data-chatbot": place }));
      const root = (bot.root = host.attachShadow({ mode: "open" }));
      bot.sheet(css);
      if (inline) return run("open");
      const button = (bot.button = make(root, "button", { class: `${place} ${icon} ${label && "label"}`, "aria-haspopup": "dialog", "aria-expanded": false, "aria-label": `${label || word[navigator.language.slice(0, 2)] || word.en || word}: ${name}` }));
      button.append(label);
      button.style.cssText = bot.style;
      // a double click opens it
      button.onclick = ({ detail }) => detail > 1 || run("toggle");
      button.onpointerdown = load;
      const look = () => {
        const away = hidden.some(here);
        button.hidden = away || options.launcher === "none";
        if (away) run("close");
      };
      look();
      // the website's history functions stay its own
      if (hidden[0]) window.navigation ? navigation.addEventListener("currententrychange", look, { signal }) : (timer = setInterval(look, 400));
      if (message) setTimeout(() => panel || button.hidden || signal.aborted || import(dir + "nudge.js").then((part) => part.nudge(bot)), delay * 1000);
    };

    fetch(dir.split("/widget/")[0] + `/api/public/bot/${encodeURIComponent(id)}/config`, { credentials: "omit" })
      .then(async (answer) => {
        bot.config = await answer.json();
        if (signal.aborted) return;
        if (answer.ok) {
          show();
          ready();
          bot.emit("ready", (bot.ready = {}));
        } else warn((await import(dir + "refused.js")).refused(id, answer.status));
      })
      .catch(failed);
    return bot;
  };

  const api = (window.ChatbotWidget = {
    add(options) {
      const id = options.botId;
      // a single-page app took it away with what was around it
      if (bots.get(id)?.host?.isConnected === false) bots.get(id).destroy();
      if (!id) warn("The script tag has no data-bot-id. Copy the embed line again.");
      else if (!bots.has(id)) bots.set(id, widget(id, options));
    },
    on(name, listen, id) {
      listeners.push([name, listen, id]);
      if (name === "ready") for (const bot of bots.values()) if (bot.ready && (id || bot.id) === bot.id) queueMicrotask(() => listen({ botId: bot.id }));
    },
    off(name, listen) {
      listeners = listeners.filter(([event, other]) => event !== name || (listen && other !== listen));
    },
  });
  // A bot's id comes last. Without one, close, destroy and setContext mean every bot of the page, the others its first.
  const method = (name, takes, act) =>
    (api[name] = (...given) => {
      const id = given[takes];
      const all = id ? [bots.get(id)] : [...bots.values()];
      for (const bot of /^(c|d|setC)/.test(name) ? all : all.slice(0, 1)) if (bot) act(bot, given[0]);
    });
  for (const name of ["open", "close", "toggle", "newConversation"]) method(name, 0, (bot) => bot.run(name));
  method("destroy", 0, (bot) => bot.destroy());
  method("sendMessage", 1, (bot, text) => bot.run("sendMessage", String(text)));
  method("identify", 1, (bot, token) => bot.run("identify", (bot.identity = token)));
  method("setContext", 1, (bot, value) => bot.run("setContext", (bot.context = value)));
  found.forEach(api.add);
  // called before this file was here
  for (const [name, ...given] of early?.q || []) api[name](...given);
})();

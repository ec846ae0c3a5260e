// The chat on the website: a dialog at the launcher, or the content of an element; and what the website and the frame
// say to each other. Fetched at the first click.
const phone = matchMedia("(max-width:480px),(max-height:420px)");
const css = `dialog{--e:calc(var(--y) + 72px + env(safe-area-inset-bottom));width:400px;height:min(640px,100dvh - var(--e) - 20px);max-width:calc(100% - 2*var(--x));max-height:none;margin:0;padding:0;border:0;overflow:hidden;border-radius:20px;background:light-dark(#fff,#14161a);box-shadow:0 0 0 1px #8883,0 8px 48px #0004}
dialog::backdrop{background:none}
iframe{display:block;width:100%;height:100%;border:0;color-scheme:normal}
[aria-expanded=true]:before{content:"";display:block;width:13px;height:13px;border:solid;border-width:0 2.5px 2.5px 0;border-radius:0;transform:translateY(-3px)rotate(45deg)}
@keyframes in{from{opacity:0;transform:translateY(12px)}}
@media ${phone.media}{dialog{inset:var(--v,0) 0 auto!important;width:100%;max-width:none;height:var(--h,100dvh);border-radius:0;box-sizing:border-box;padding:env(safe-area-inset-top) 0 env(safe-area-inset-bottom)}
[aria-expanded=true]{visibility:hidden}}
@media(prefers-reduced-motion:no-preference){dialog[open]{animation:in .2s ease-out}}`;
const TOLD = ["message", "answer", "lead", "error"];

/** `bot`: what chatbot-widget.js knows of the bot. Gives the website's calls. */
export async function panel(bot) {
  const { button, config, make, origin, root, signal, options, emit } = bot;
  const inline = !button;
  const view = window.visualViewport;
  let frame, loaded, dialog, unread;
  let waiting = [];

  bot.sheet(css);

  // what JSON cannot say does not cross the border
  const context = () => {
    const text = JSON.stringify(bot.context ?? null);
    if (new TextEncoder().encode(text).length <= 2048) return JSON.parse(text);
    bot.warn("setContext takes 2 KB of JSON at most: it is left out.");
  };
  const around = () => ({
    identity: bot.identity,
    context: context(),
    page: config.page ? { url: location.href.slice(0, 500), title: document.title.slice(0, 200) } : undefined,
  });
  const tell = (type, more) => {
    const say = () => frame.contentWindow.postMessage({ type: "chatbot:" + type, ...around(), ...more }, origin);
    loaded ? say() : waiting.push(say);
  };
  const mount = () => {
    if (frame) return;
    frame = make(inline ? root : dialog, "iframe", { title: config.name, class: bot.corner });
    frame.onload = () => {
      // again, should the frame load itself anew
      loaded = true;
      tell("hello", { config, inline });
      for (const say of waiting.splice(0)) say();
    };
    frame.src = bot.url("frame?bot_id=");
  };
  const missed = async (more) => (await (unread ??= import("./unread.js"))).count(bot, more);

  addEventListener(
    "message",
    ({ source, origin: from, data }) => {
      if (!frame || source !== frame.contentWindow || from !== origin) return;
      if (data?.type === "chatbot:close") bot.run("close");
      if (data?.type !== "chatbot:event" || !TOLD.includes(data.name)) return;
      if (data.name === "answer" && dialog && !dialog.open) missed(1);
      emit(data.name, data.detail);
    },
    { signal },
  );
  // the visitor goes into the chat, perhaps on another page than before
  if (config.page) addEventListener("blur", () => loaded && tell("around"), { signal });

  if (inline) {
    (await import("./inline.js")).place(bot);
  } else {
    dialog = make(root, "dialog", { class: bot.corner, "aria-label": config.name });
    dialog.style.cssText = bot.style;
    root.addEventListener("keydown", (event) => event.key === "Escape" && bot.run("close"));
    dialog.onclose = () => {
      button.ariaExpanded = false;
      button.focus({ preventScroll: true });
      emit("close");
    };
    // a phone's keyboard covers the page without resizing it
    view?.addEventListener(
      "resize",
      () => {
        dialog.style.setProperty("--h", view.height + "px");
        dialog.style.setProperty("--v", view.offsetTop + "px");
      },
      { signal },
    );
  }

  const calls = {
    open() {
      if (dialog?.open) return;
      if (dialog) {
        // over the launchers of other bots, and over their chats that are open
        dialog.style.zIndex = ChatbotWidget.top = (ChatbotWidget.top || 2147483e3) + 1;
        dialog[phone.matches ? "showModal" : "show"]();
        button.ariaExpanded = true;
      }
      mount();
      if (unread) missed(0);
      if (dialog) frame.focus({ preventScroll: true });
      tell("open");
      emit("open");
    },
    close: () => dialog?.close(),
    toggle: () => (dialog?.open ? calls.close() : calls.open()),
    newConversation() {
      mount();
      tell("new");
    },
    sendMessage(text) {
      mount();
      tell("send", { text });
    },
    identify: () => frame && tell("identify"),
    setContext: () => frame && tell("around"),
  };
  return calls;
}

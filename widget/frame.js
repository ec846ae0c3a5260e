// The page in the iframe: learns from which website it was opened, then holds one conversation.
import { client, memory } from "./client.js";
import { more, spoken, texts } from "./texts.js";
import { view } from "./view.js";

// characters of a question; the server refuses more
const LIMIT = 4000;
const $ = (id) => document.getElementById(id);
const bot = new URLSearchParams(location.search).get("bot_id");
const [chat, log, live, input, send, close, menu] = ["chat", "log", "live", "input", "send", "close", "menu"].map($);

// On a phone the keyboard would cover the welcome: it comes when the visitor touches the field.
const focus = () => (matchMedia("(pointer:coarse)").matches ? chat : input).focus();

/**
 * {origin, config?} of the website around us. Its origin is what the browser says of the hello, never what a message
 * claims. A preview in the dashboard, a shared link and a plain iframe say no hello.
 */
const website = () =>
  new Promise((resolve) => {
    const own = { origin: location.origin };
    if (parent === window) return resolve(own);
    addEventListener("message", ({ source, origin, data }) => {
      if (source !== parent) return;
      if (data?.type === "chatbot:open") focus();
      if (data?.type === "chatbot:hello") resolve({ origin, config: data.config });
    });
    // Without the loader no hello comes; then the browser says who is around us, and `frame-ancestors` who may be.
    const around = location.ancestorOrigins?.[0] || new URL(document.referrer || location.href).origin;
    setTimeout(resolve, around === own.origin ? 1000 : 2000, { origin: around });
  });

function paint({ theme, name = "Chat", placeholder, powered_by, icon }, words, language) {
  const { color, mode, radius, font } = theme || {};
  const { style } = document.documentElement;
  if (/^#[\da-f]{6}$/i.test(color)) {
    const [r, g, b] = [1, 3, 5].map((i) => (parseInt(color.slice(i, i + 2), 16) / 255) ** 2.2);
    style.setProperty("--accent", color);
    // WCAG luminance
    style.setProperty("--on-accent", 0.21 * r + 0.72 * g + 0.07 * b > 0.18 ? "#000" : "#fff");
  }
  if (/^(light|dark)$/.test(mode)) style.colorScheme = mode;
  if (/^\d+px$/.test(radius)) style.setProperty("--round", radius);
  if (/^\w+$/.test(font)) chat.dataset.font = font;
  document.documentElement.lang = language;
  document.dir = /ar|he/.test(language) ? "rtl" : "";
  document.title = chat.ariaLabel = $("name").textContent = name;
  const face = $("face");
  face.textContent = name[0];
  if (icon) {
    const picture = new Image();
    picture.onload = () => face.replaceChildren(picture);
    picture.src = `icon/${encodeURIComponent(bot)}?v=${encodeURIComponent(icon)}`;
  }
  for (const node of [input, log, close, menu]) node.ariaLabel = words[node.id];
  close.title = words.close;
  menu.title = words.menu;
  input.placeholder = placeholder || words.placeholder;
  $("note").textContent = words.note + " · " + (powered_by || "Powered by Footnote");
}

function conversation(visitor, config, words, language) {
  const show = view(log, words);
  // no question is taken: an answer arrives, or what was said before, or something has to be agreed to first
  let busy = true;
  // AbortController of the answer that arrives now, and its turn
  let running, current;

  const status = (text) => ($("status").textContent = text);
  const count = () => [...input.value.trim()].length;
  const update = () => {
    const left = LIMIT - count();
    $("count").textContent = left < 0 ? -left + words.over : left < LIMIT / 10 ? left + words.left : "";
    chat.className = (left < 0 ? "over " : "") + (running ? "busy" : "");
    send.ariaLabel = send.title = running ? words.stop : words.send;
    send.ariaDisabled = !running && (left < 0 || left === LIMIT);
    // for browsers that do not size it by themselves
    input.style.height = "auto";
    input.style.height = input.scrollHeight + "px";
  };
  const rest = () => {
    busy = running = null;
    status(words.online);
    update();
  };

  // what is fetched on demand works on this
  const talk = { log, live, input, config, visitor, words, language, show, focus };
  // those of menus and forms, too; the owner's words are among the first ones
  talk.all = async () => ({ ...(await more(language)), ...words });
  /** Thumbs, time and the like under a message; without them it can be read all the same. */
  const dress = async (node, message) => (await import("./extras.js").catch(() => {}))?.dress(node, message, talk);

  const finish = (row, message, note) => {
    row.finish(note, (number) => visitor.source(message.id, number));
    dress(row.node, { ...message, role: "assistant", text: row.source });
  };
  const said = (message) => {
    const { role, text, sources = [], id, proof } = message;
    if (role === "user") return dress(show.user(text), message);
    const row = show.answer(config.name);
    row.add(text);
    row.sources(sources, proof);
    id ? finish(row, message) : row.finish();
  };

  function explain({ code, status, retryable, after = 10, message }, again) {
    if (status === 429) show.notice(words.wait.replace("{n}", after), again, after);
    else if (code === "offline") show.notice(words.offline, again);
    else if (status === 403 || status === 404) show.notice(words.denied);
    else show.notice(message || words.failed, retryable && again);
  }

  async function ask(turn) {
    const row = show.answer(config.name);
    const mine = (busy = running = new AbortController());
    const { signal } = mine;
    let done;
    current = turn;
    update();
    status((live.textContent = words.writing));
    try {
      done = await visitor.ask(turn, {
        token: ({ text }) => (status(words.writing), row.add(text)),
        sources: ({ sources, proof }) => row.sources(sources, proof),
        reset: row.reset,
        waiting: () => status(words.waiting),
        signal,
      });
      finish(row, { id: done.message_id, fresh: true }, done.stopped && words.stopped);
      live.textContent = row.text;
    } catch (error) {
      if (signal.aborted) row.finish(words.stopped);
      else {
        row.remove();
        explain(error, () => busy || ask(turn));
      }
    }
    if (running === mine) rest();
    next(done);
  }

  /** Under the newest answer: what to ask next, and a way to reach a person. */
  async function next(done) {
    if (!done?.choices?.[0] && !done?.leave_message && !done?.handoff) return;
    const { offer } = await import("./offer.js").catch(() => ({}));
    if (!busy) offer?.(done, talk);
  }

  // other tabs show what is said here, and the other way round
  const tabs = new BroadcastChannel("chatbot:" + bot);
  const here = () => visitor.known().id;
  tabs.onmessage = ({ data: { id, turn } }) =>
    // once what is stored has arrived, too
    setTimeout(() => {
      if (busy || id !== here()) return;
      if (!turn) return talk.resume();
      show.user(turn.text);
      ask(turn);
    }, 99);
  talk.changed = () => tabs.postMessage({ id: here() });

  const begin = async (text) => {
    // a UUID; crypto.randomUUID needs https
    const turn = { id: URL.createObjectURL(new Blob()).slice(-36), text };
    dress(show.user(text), { role: "user", text });
    const asked = ask(turn);
    await visitor.begin().catch(() => {});
    tabs.postMessage({ id: here(), turn });
    return asked;
  };

  talk.pick = (text) => {
    if (busy) return;
    focus();
    begin(text);
  };

  function submit(event) {
    event.preventDefault();
    if (busy || send.ariaDisabled === "true") return;
    const text = input.value.trim();
    input.value = "";
    begin(text);
  }

  document.forms[0].onsubmit = submit;
  send.onclick = async (event) => {
    if (!running) return;
    event.preventDefault();
    const mine = running;
    // what was written until then comes as a whole answer; if the server is not heard of, it is left at that
    setTimeout(() => mine.abort(), 2000);
    await visitor.stop(current.id).catch(() => mine.abort());
    visitor.settled();
  };
  input.oninput = () => {
    update();
    // ready by the time the question is; a failure shows when it is sent
    busy || visitor.begin().catch(() => {});
  };
  input.onkeydown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
  };
  const welcome = () => {
    running?.abort();
    log.replaceChildren();
    if (config.welcome_message) said({ text: config.welcome_message });
    show.starters(config.starter_questions, talk.pick);
    rest();
  };
  talk.fresh = (opinion) => {
    if (running) visitor.stop(current.id).catch(() => {});
    visitor.end(opinion);
    talk.resume();
    talk.changed();
    focus();
  };
  menu.onclick = async () => (await import("./menu.js")).menu(menu, talk);
  addEventListener("online", () => log.querySelector(".retry")?.click());

  /** What was said before, and the answer that a change of page interrupted. */
  talk.resume = async () => {
    welcome();
    const pending = visitor.pending();
    busy = true;
    let last;
    const before = await visitor.history();
    // answered meanwhile: heard again, with what comes next
    if (pending && before.at(-2)?.text === pending.text) before.pop();
    for (last of before) said(last);
    busy = false;
    if (last && visitor.done()?.message_id === last.id) next(visitor.done());
    if (pending && last?.role !== "assistant") {
      if (!last) show.user(pending.text);
      return ask(pending);
    }
    if (!config.early || last) return;
    // a consent, or who writes
    busy = true;
    await (await import("./forms.js")).before(talk);
    rest();
  };
  return talk;
}

async function main() {
  const site = await website();
  const api = new URL("../api/public/", location.href).href;
  const visitor = client(api, encodeURIComponent(bot), site.origin, memory(`chatbot:${bot}:${site.origin}`));
  const config = site.config || (await visitor.config().catch(() => null));
  const language = spoken(config?.language);
  const [words, settings] = await Promise.all([texts(language), config?.early && visitor.settings().catch(() => {})]);
  Object.assign(words, settings?.texts);
  chat.hidden = false;
  if (!config) return view(log, words).notice(words.denied);
  paint(config, words, language);
  if (site.config) {
    const leave = () => parent.postMessage({ type: "chatbot:close" }, site.origin);
    close.hidden = false;
    close.onclick = leave;
    addEventListener("keydown", (event) => event.key === "Escape" && leave());
  }
  // part of another page: whoever opened that one was not about to write here
  if (parent === window || site.config) focus();
  await conversation(visitor, config, words, language).resume();
}
main();

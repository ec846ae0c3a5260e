// The page in the iframe: learns from which website it was opened, then holds one conversation.
import { client, memory } from "./client.js";
import { leave, serve, tell, website } from "./host.js";
import { spoken, texts } from "./texts.js";
import { view } from "./view.js";

// characters of a question; the server refuses more
const LIMIT = 4000;
const $ = (id) => document.getElementById(id);
const bot = new URLSearchParams(location.search).get("bot_id");
const [chat, log, live, input, send, close, menu] = ["chat", "log", "live", "input", "send", "close", "menu"].map($);

// On a phone the keyboard would cover the welcome: it comes when the visitor touches the field.
const focus = () => (matchMedia("(pointer:coarse)").matches ? chat : input).focus();

function paint({ theme, name = "Chat", placeholder }, words, language) {
  const { color, on, mode, radius, font, user, logo, face } = theme;
  const { style } = document.documentElement;
  const looks = { "--accent": color, "--on-accent": on, "--round": radius };
  for (const key in looks) if (looks[key]) style.setProperty(key, looks[key]);
  if (/^(light|dark)$/.test(mode)) style.colorScheme = mode;
  document.documentElement.lang = language;
  document.dir = /ar|he/.test(language) ? "rtl" : "";
  document.title = chat.ariaLabel = $("name").textContent = name;
  $("face").textContent = name[0];
  if (font || user || logo || face) import("./brand.js").then((part) => part.brand(chat, theme));
  for (const node of [input, log, close, menu]) node.ariaLabel = words[node.id];
  close.title = words.close;
  menu.title = words.menu;
  input.placeholder = placeholder || words.placeholder;
  $("note").textContent = words.note + " · " + words.powered.replace("{product}", "Footnote");
}

function conversation(visitor, config, words, language) {
  const show = view(log, words);
  // no question is taken: an answer arrives, or what was said before, or something has to be agreed to first
  let busy = true;
  // AbortController of the answer that arrives now, and its turn
  let running, current;
  // questions of the website that wait for their turn
  const asked = [];

  const status = (text) => ($("status").textContent = text);
  // what a file asks of itself: attach.js
  const written = () => input.value.trim() || talk.unsaid || "";
  const update = () => {
    const left = LIMIT - [...written()].length;
    $("count").textContent = left < 0 ? -left + words.over : left < LIMIT / 10 ? left + words.left : "";
    chat.className = (left < 0 ? "over " : "") + (running ? "busy" : "");
    send.ariaLabel = send.title = running ? words.stop : words.send;
    send.ariaDisabled = !running && (left < 0 || left === LIMIT);
    // for browsers that do not size it by themselves
    input.style.height = "auto";
    // a chat that is closed has no height yet
    if (input.scrollHeight) input.style.height = input.scrollHeight + "px";
  };
  const rest = () => {
    busy = running = null;
    status(words.online);
    update();
    if (asked[0]) begin(asked.shift());
  };

  // what is fetched on demand works on this
  const talk = { log, live, input, config, visitor, words, language, show, focus, update };
  // those of menus and forms, too; the owner's words are among the first ones
  talk.all = async () => ({ ...(await texts(language, "more")), ...words });
  /** Thumbs, time and the like under a message; without them it can be read all the same. */
  const dress = async (node, message) => (await import("./extras.js").catch(() => {}))?.dress(node, message, talk);

  const finish = (row, message, note) => {
    row.finish(note, (number) => visitor.own(`messages/${message.id}/sources/${number}`));
    dress(row.node, { ...message, role: "assistant", text: row.source });
  };
  const said = (message) => {
    const { role, text, sources = [], id, proof } = message;
    if (role !== "assistant") return dress(show.user(text), message);
    const row = show.answer(config.name);
    row.add(text);
    row.sources(sources, proof);
    id ? finish(row, message) : row.finish();
  };

  function explain({ code = "unavailable", status, retryable, after = 10 }, again) {
    tell("error", { code });
    if (status === 429) show.notice(words.wait.replace("{n}", after), again, after);
    else if (code === "offline") show.notice(words.offline, again);
    else if (status === 403 || status === 404) show.notice(words.denied);
    else if (status === 401) show.notice(words.signin);
    else show.notice(words.failed, retryable && again);
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
      tell("answer", { id: done.message_id, answered: done.answered });
    } catch (error) {
      if (signal.aborted) row.finish(words.stopped);
      else {
        row.remove();
        explain(error, () => busy || ask(turn));
      }
    }
    if (running === mine) rest();
    next(done);
    join();
  }

  /** Under the newest answer: what to ask next, and a way to reach a person. */
  async function next(done) {
    if (!done?.choices?.[0] && !done?.leave_message && !done?.handoff) return;
    const { offer } = await import("./offer.js").catch(() => ({}));
    if (!busy) offer?.(done, talk);
  }

  // what is said here is shown in other tabs, and the other way round, once there is something
  let tabs;
  const heard = (turn) => busy || (turn ? (said(turn), ask(turn)) : talk.resume());
  const join = () => (tabs ??= import("./tabs.js").then((part) => part.tabs(bot, visitor, heard)).catch(() => (tabs = null)));
  talk.changed = async (turn) => (await join())?.(turn);
  addEventListener("storage", () => tabs || join().then(() => heard()));

  const begin = async (text) => {
    // a UUID; crypto.randomUUID needs https
    const turn = { id: URL.createObjectURL(new Blob()).slice(-36), text, ...talk.take?.() };
    tell("message", { id: turn.id });
    said(turn);
    const answer = ask(turn);
    await visitor.begin().catch(() => {});
    if (tabs) talk.changed(turn);
    return answer;
  };

  talk.pick = (text) => {
    if (busy) return;
    focus();
    begin(text);
  };

  function submit(event) {
    event.preventDefault();
    if (busy || send.ariaDisabled === "true" || talk.hold?.()) return;
    const text = written();
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
    if (config.welcome_message) said({ role: "assistant", text: config.welcome_message });
    show.starters(config.starter_questions, talk.pick);
    rest();
  };
  /** A new conversation, in place of this one. */
  talk.restart = (opinion) => {
    if (running) visitor.stop(current.id).catch(() => {});
    visitor.end(opinion);
    talk.resume();
    talk.changed();
  };
  talk.fresh = (opinion) => {
    talk.restart(opinion);
    focus();
  };
  menu.onclick = async () => (await import("./menu.js")).menu(menu, talk);
  addEventListener("online", () => log.querySelector(".retry")?.click());

  /** What was said before, and the answer that a change of page interrupted. */
  talk.resume = async () => {
    welcome();
    const { pending, done } = visitor.known();
    busy = true;
    let last;
    const before = await visitor.history();
    // answered meanwhile: heard again, with what comes next
    if (pending && before.at(-2)?.text === pending.text) before.pop();
    for (last of before) said(last);
    if (last) join();
    busy = false;
    if (last?.id === done?.message_id) next(done);
    if (pending && last?.role !== "assistant") {
      if (!last) said(pending);
      return ask(pending);
    }
    if (!config.early || last) return rest();
    // a consent, or who writes
    busy = true;
    await (await import("./forms.js")).before(talk);
    rest();
  };
  /** A question of the website's: at once, or in its turn. */
  talk.send = (text) => (busy ? asked.push(text) : begin(text));
  return talk;
}

async function main() {
  const site = await website;
  const api = location.href.split("/widget/")[0] + "/api/public/";
  const visitor = client(api, encodeURIComponent(bot), site, memory(`chatbot:${bot}:${site.origin}`));
  const config = site.config || (await visitor.config().catch(() => null));
  const language = spoken(config?.language);
  const [words, settings] = await Promise.all([texts(language), config?.early && visitor.settings().catch(() => {})]);
  Object.assign(words, settings?.texts);
  chat.hidden = false;
  if (!config) return view(log, words).notice(words.denied);
  paint(config, words, language);
  const opened = site.config && !site.inline;
  if (opened) {
    close.hidden = false;
    close.onclick = leave;
    addEventListener("keydown", (event) => event.key === "Escape" && leave());
  }
  // part of another page: whoever opened that one was not about to write here
  if (parent === window || opened) focus();
  visitor.identify();
  const talk = conversation(visitor, config, words, language);
  talk.resume();
  if (settings?.attachments) import("./attach.js").then((part) => part.attach(talk));
  let { identity } = site;
  serve({
    open: () => site.inline || focus(),
    new: () => talk.restart(),
    send: ({ text }) => text.trim() && talk.send(text.trim().slice(0, LIMIT)),
    identify: () => identity !== (identity = site.identity) && (visitor.identify(), talk.resume()),
  });
}
main();

// The page in the iframe: learns from which website it was opened, then holds one conversation.
import { client, memory } from "./client.js";
import { leave, serve, tell, website } from "./host.js";
import { texts } from "./texts.js";
import { view } from "./view.js";

// characters of a question; the server refuses more
const LIMIT = 4000;
const $ = (id) => document.getElementById(id);
const bot = new URLSearchParams(location.search).get("bot_id");
const [chat, log, live, input, send, close, fresh] = ["chat", "log", "live", "input", "send", "close", "fresh"].map($);

// On a phone the keyboard would cover the welcome: it comes when the visitor touches the field.
const focus = () => (matchMedia("(pointer:coarse)").matches ? chat : input).focus();

function paint({ theme, name = "Chat", language, placeholder, powered_by, icon }, words) {
  const { color, on, mode } = theme || {};
  const { style } = document.documentElement;
  if (color) {
    style.setProperty("--accent", color);
    style.setProperty("--on-accent", on);
  }
  if (/^(light|dark)$/.test(mode)) style.colorScheme = mode;
  document.documentElement.lang = language || "en";
  document.title = chat.ariaLabel = $("name").textContent = name;
  const face = $("face");
  face.textContent = name[0];
  if (icon) {
    const picture = new Image();
    picture.onload = () => face.replaceChildren(picture);
    picture.src = `icon/${encodeURIComponent(bot)}?v=${encodeURIComponent(icon)}`;
  }
  for (const node of [input, log, close, fresh]) node.ariaLabel = words[node.id];
  close.title = words.close;
  fresh.title = words.fresh;
  input.placeholder = placeholder || words.placeholder;
  $("note").textContent = words.note + " · " + (powered_by || "Powered by Footnote");
}

function conversation(visitor, config, words) {
  const show = view(log, live, words);
  // no question is taken: an answer arrives, or what was said before
  let busy = true;
  // AbortController of the answer that arrives now
  let running;
  // questions of the website that wait for their turn
  const asked = [];

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
    // a chat that is closed has no height yet
    if (input.scrollHeight) input.style.height = input.scrollHeight + "px";
  };
  const rest = () => {
    busy = running = null;
    status(words.online);
    update();
    if (asked[0]) begin(asked.shift());
  };

  const finish = (row, id) =>
    row.finish(
      (rating) => visitor.rate(id, rating).catch(() => show.notice(words.failed)),
      "",
      (number) => visitor.source(id, number),
    );
  const said = (text, sources = [], id, proof) => {
    const row = show.answer(config.name);
    row.add(text);
    row.sources(sources, proof);
    id ? finish(row, id) : row.finish();
  };

  function explain({ code = "unavailable", status, retryable, after = 10, message }, again) {
    tell("error", { code });
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
      finish(row, done.message_id);
      live.textContent = row.text;
      tell("answer", { id: done.message_id, answered: done.answered });
    } catch (error) {
      if (signal.aborted) row.finish(null, words.stopped);
      else {
        row.remove();
        explain(error, () => busy || ask(turn));
      }
    }
    if (running === mine) rest();
    next(done);
  }

  /** Under the newest answer: what to ask next, and a way to leave a message. */
  async function next(done) {
    if (!done?.choices?.[0] && !done?.leave_message) return;
    const { offer } = await import("./offer.js").catch(() => ({}));
    const left = (body) => visitor.leave(body).then(() => tell("lead"));
    if (!busy) offer?.(done, { log, live, words, focus, pick, leave: left });
  }

  const begin = (text) => {
    show.user(text);
    // a UUID; crypto.randomUUID needs https
    const id = URL.createObjectURL(new Blob()).slice(-36);
    tell("message", { id });
    ask({ id, text });
  };

  const pick = (text) => {
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
  send.onclick = (event) => {
    if (!running) return;
    event.preventDefault();
    running.abort();
    visitor.settled();
  };
  input.oninput = () => {
    update();
    // ready by the time the question is; a failure shows when it is sent
    visitor.begin().catch(() => {});
  };
  input.onkeydown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
  };
  const welcome = () => {
    log.replaceChildren();
    if (config.welcome_message) said(config.welcome_message);
    show.starters(config.starter_questions, pick);
    rest();
  };
  /** A new conversation, in place of this one. */
  const startNew = () => {
    running?.abort();
    visitor.end();
    welcome();
  };
  fresh.onclick = () => {
    startNew();
    focus();
  };

  /** What was said before, and the answer that a change of page interrupted. */
  const resume = async () => {
    running?.abort();
    welcome();
    const pending = visitor.pending();
    busy = true;
    let last;
    const before = await visitor.history();
    // answered meanwhile: heard again, with what comes next
    if (pending && before.at(-2)?.text === pending.text) before.pop();
    for (last of before) last.role === "assistant" ? said(last.text, last.sources, last.id, last.proof) : show.user(last.text);
    busy = false;
    if (last && visitor.done()?.message_id === last.id) next(visitor.done());
    if (!pending || last?.role === "assistant") return;
    if (!last) show.user(pending.text);
    ask(pending);
  };

  return { resume, startNew, send: (text) => (busy ? asked.push(text) : begin(text)) };
}

async function main() {
  const site = await website;
  const api = location.href.split("/widget/")[0] + "/api/public/";
  const visitor = client(api, encodeURIComponent(bot), site, memory(`chatbot:${bot}:${site.origin}`));
  const config = site.config || (await visitor.config().catch(() => null));
  const words = await texts(config?.language);
  chat.hidden = false;
  if (!config) return view(log, live, words).notice(words.denied);
  paint(config, words);
  if (site.config && !site.inline) {
    close.hidden = false;
    close.onclick = leave;
    addEventListener("keydown", (event) => event.key === "Escape" && leave());
  }
  // part of another page: whoever opened that one was not about to write here
  if (parent === window || (site.config && !site.inline)) focus();
  if (site.identity) visitor.identify();
  const { resume, send, startNew } = conversation(visitor, config, words);
  await resume();
  serve({
    open: () => site.inline || focus(),
    new: startNew,
    send: ({ text }) => text.trim() && send(text.trim().slice(0, LIMIT)),
    identify: () => visitor.identify() && resume(),
  });
}
main();

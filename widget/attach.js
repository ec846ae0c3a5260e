// Files that a visitor adds: chosen, dropped or pasted, uploaded at once, sent with the next message, shown with it and at
// a source. Fetched where the owner allows files, or where a message has one.
import { icon, iconButton, styled } from "./extras.js";
import { make } from "./view.js";

// as the server takes them: megabytes of a file, files of a message and of a conversation
const [MEGABYTES, MOST, ALL] = [5, 5, 10];
const KINDS = ".pdf,.docx,.xlsx,.pptx,.odt,.epub,.rtf,.csv,.json,.txt,.md,.html";
const CLIP = "M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.3 3.3 0 0 1 4.7 4.7L9.5 17a1.7 1.7 0 0 1-2.4-2.4L14.5 7";
const CROSS = "M7 7l10 10M17 7L7 17";
const AGAIN = "M20 5v5h-5M19.5 10A8 8 0 1 0 20 14";

const weight = (bytes, language) => {
  const [unit, size] = bytes < 1e6 ? ["kilobyte", 1e3] : ["megabyte", 1e6];
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: +(size > 1e3) }).format(Math.max(bytes / size, 1));
};

function chip(name, ...more) {
  const title = make("span", "", name);
  Object.assign(title, { dir: "auto", title: name });
  return make("li", "", icon(CLIP), title, ...more);
}

/** What a message has of files: those that went with it above it, and a word at sources that are the visitor's. */
export async function show(node, files, words, language) {
  await styled;
  if (files?.[0]) node.prepend(make("ul", "files", ...files.map(({ name, size }) => chip(name, make("small", "", weight(size, language))))));
  for (const place of node.querySelectorAll(".own small")) place.prepend(words.ownfile + (place.textContent && " · "));
}

/** fetch() does not say how far an upload is. Rejects with the request. */
const request = (item, method, path, body) =>
  new Promise((resolve, reject) => {
    const call = (item.call = new XMLHttpRequest());
    call.open(method, `${location.href.split("/widget/")[0]}/api/public/conversation/${item.talk}/attachments${path}`);
    call.setRequestHeader("Authorization", "Bearer " + item.token);
    call.responseType = "json";
    call.upload.onprogress = ({ loaded, total }) => item.moved?.(loaded / total);
    call.onloadend = () => (call.status && call.status < 300 ? resolve(call.response) : reject(call));
    call.send(body);
  });

/** From now on the visitor can add files. */
export async function attach(talk) {
  const { input, visitor, live, language } = talk;
  const { form } = input;
  const words = await talk.all();
  const tray = make("ul", "files");
  // {name, size, file, node, note, bar, again}, once it is there with its id, its conversation and the token for that; one
  // that another page of this tab chose is without its file
  let items = [];
  // a message that goes when all are there
  let waits;
  // what went with messages, by its id
  const sent = new Map();

  const say = ({ name }, text) => (live.textContent = `${name}: ${text}`);
  const look = (item, note, bad = "") => {
    item.node.className = bad;
    item.note.textContent = note;
    item.bar.hidden = item.id || bad;
    item.again.hidden = item.refused || !bad;
  };
  const settle = () => {
    talk.unsaid = items.some(({ refused }) => !refused) && words.about;
    talk.update();
    try {
      // for the next page of this tab
      sessionStorage[visitor.known().id] = JSON.stringify(items.filter(({ id }) => id), ["id", "name", "size"]);
    } catch {}
    if (!waits || items.some(({ id, refused }) => !id && !refused)) return;
    waits = false;
    form.requestSubmit();
  };

  const fail = (item, note, refused) => {
    item.refused = refused;
    waits = false;
    look(item, note, "bad");
    say(item, note);
    settle();
  };
  const drop = (item) => {
    items = items.filter((one) => one !== item);
    item.node.remove();
    item.call?.abort();
    // nobody waits for it: what is left is swept by the server
    if (item.id) request(item, "DELETE", "/" + item.id).catch(() => {});
    settle();
  };

  async function put(item) {
    const { id, token } = await visitor.begin();
    Object.assign(item, { talk: id, token });
    const body = new FormData();
    body.append("file", item.file);
    return (await request(item, "POST", "", body)).id;
  }

  async function upload(item, anew) {
    item.id = item.refused = undefined;
    item.bar.value = 0;
    look(item, words.sending);
    settle();
    try {
      const id = await put(item);
      // taken away meanwhile, or here twice
      if (!items.includes(item)) return;
      if (items.some((one) => one.id === id)) return drop(item);
      item.id = id;
      look(item, weight(item.size, language));
      say(item, words.added);
      settle();
    } catch (error) {
      const { status, response } = error;
      if (!items.includes(item)) return;
      if (/401|404/.test(status) && !anew) {
        // as for a message: a new conversation, once
        if (item.talk === visitor.known().id) visitor.leave();
        return upload(item, true);
      }
      const code = response?.code;
      const reason = code === "too_many_attachments" ? words.toomany.replace("{n}", ALL) : words[code] || words.unreadable;
      const refusals = { 403: words.denied, 404: words.denied, 413: words.toolarge.replace("{n}", MEGABYTES), 422: reason };
      const after = status === 429 && (error.after || error.getResponseHeader("Retry-After"));
      fail(item, refusals[status] || (after ? words.wait.replace("{n}", after) : words.failed), !!refusals[status]);
    }
  }

  /** Above the field. */
  function enter(item) {
    const { name } = item;
    Object.assign(item, { note: make("small", ""), bar: make("progress", "") });
    const away = iconButton(CROSS, `${words.remove}: ${name}`, () => {
      const next = item.node.nextSibling || item.node.previousSibling;
      waits = false;
      drop(item);
      (next ? next.lastChild : input).focus();
    });
    item.again = iconButton(AGAIN, `${words.retry}: ${name}`, () => {
      away.focus();
      upload(item);
    });
    item.bar.ariaLabel = name;
    item.moved = (part) => {
      item.bar.value = part;
      if (part === 1) item.note.textContent = words.reading;
    };
    item.node = chip(name, item.note, item.bar, item.again, away);
    tray.append(item.node);
    items.push(item);
  }

  function add(files) {
    if (form.inert) return;
    const follow = talk.show.atEnd();
    for (const file of files) {
      const { name, size } = file;
      const item = { file, name, size };
      enter(item);
      if (size > MEGABYTES << 20) fail(item, words.toolarge.replace("{n}", MEGABYTES), true);
      else if (items.filter(({ refused }) => !refused).length > MOST) fail(item, words.toomany.replace("{n}", MOST), true);
      else upload(item);
    }
    tray.scrollTop = tray.scrollHeight;
    if (follow) talk.show.toEnd();
  }

  /** Whether a message has to wait for its files. */
  talk.hold = () => {
    const { id, expires } = visitor.known();
    const gone = (item) => item.id && (item.talk !== id || expires < Date.now());
    for (const item of items) if (!item.again.hidden || gone(item)) item.file ? upload(item) : drop(item);
    return (waits = items.some((item) => !item.id && !item.refused));
  };
  /** Those that go with a message now. */
  talk.take = () => {
    const found = items.filter(({ id, talk: where }) => id && where === visitor.known().id);
    for (const item of items) if (item.refused || found.includes(item)) item.node.remove();
    for (const item of found) sent.set(item.id, item);
    items = items.filter(({ node }) => node.isConnected);
    settle();
    return found[0] && { files: found.map(({ id }) => id), attachments: found.map(({ id, name, size }) => ({ id, name, size })) };
  };

  // where a message went on in a new conversation, because its own is gone, its files have to follow
  const { ask } = visitor;
  visitor.ask = (turn, on) =>
    ask.call(visitor, turn, on).catch(async (error) => {
      const left = turn.files?.map((id) => sent.get(id));
      if (!left?.every((item) => item && item.talk !== visitor.known().id)) throw error;
      turn.files = await Promise.all(left.map(put));
      return ask.call(visitor, turn, on);
    });

  const { restart, resume } = talk;
  talk.restart = (opinion) => {
    items.forEach(drop);
    restart(opinion);
  };
  talk.resume = () => {
    for (const item of items) if (item.talk && item.talk !== visitor.known().id) drop(item);
    return resume();
  };

  const chooser = Object.assign(make("input", ""), { type: "file", multiple: true, accept: KINDS });
  chooser.onchange = () => {
    add(chooser.files);
    chooser.value = "";
  };
  await styled;
  input.before(iconButton(CLIP, words.attach, () => chooser.click()));
  form.prepend(tray);
  try {
    const { id: talk, token } = visitor.known();
    for (const item of JSON.parse(sessionStorage[talk])) {
      enter(Object.assign(item, { talk, token }));
      look(item, weight(item.size, language));
    }
  } catch {}
  settle();

  const { dataset } = form.parentNode;
  for (const name of ["dragover", "dragleave", "drop"])
    addEventListener(name, (event) => {
      const { dataTransfer: data, relatedTarget } = event;
      if (!data.types.includes("Files")) return;
      // else the browser shows the file in place of the chat
      event.preventDefault();
      if (form.inert) data.dropEffect = "none";
      else if (name === "dragover") dataset.drop = words.attach;
      else if (!relatedTarget || name === "drop") delete dataset.drop;
      if (name === "drop") add(data.files);
    });
  addEventListener("paste", (event) => {
    const { files, types } = event.clipboardData;
    // office programs add a picture of the text that is copied
    const found = [...files].filter(({ type }) => !types.includes("text/plain") || !/^image/.test(type));
    if (found[0]) event.preventDefault();
    add(found);
  });
  addEventListener("online", () => {
    for (const item of items) if (!item.again.hidden) upload(item);
  });
}

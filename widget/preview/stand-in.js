// Before the real frame of the dashboard's preview: what the server would say, of the draft. Nothing is asked of the
// server, stored, counted or sent, so that a bot that is not published can be looked at and tried as well.
const { draft } = parent;
const { settings } = draft;
const json = (value, status = 200) => Response.json(value, { status });
const event = (name, data) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const id = () => URL.createObjectURL(new Blob()).slice(-36);
let asked = 0;

/** What is found, in the window's language. */
async function found() {
  const { default: samples } = await import("./samples.js");
  const [quote, title, before] = samples[document.documentElement.lang] || samples.en;
  return { source: { title, page: null, url: null, quote }, before };
}

/** A sample answer, then one of a question without an answer, and so on. */
async function answer() {
  const answered = ++asked % 2 === 1;
  const { source } = await found();
  const text = answered ? `${source.quote} [1]` : draft.fallback;
  const ways = { leave_message: settings.lead.when.includes("no_answer"), handoff: settings.handoff.enabled };
  const parts = text.match(/\S+\s*/g) || [];
  const events = [
    ...parts.map((part) => event("token", { text: part })),
    event("sources", { sources: answered ? [source] : [], proof: [] }),
    event("done", { message_id: id(), answered, ...(answered ? {} : ways) }),
  ];
  const body = new ReadableStream({
    async start(stream) {
      for (const one of events) {
        await new Promise((next) => setTimeout(next, 40));
        stream.enqueue(new TextEncoder().encode(one));
      }
      stream.close();
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}

/** The place, opened. */
async function opened() {
  const { source, before } = await found();
  return json({ number: 1, ...source, link: null, before: `${before} `, after: "" });
}

const begun = () => ({ conversation_id: id(), visitor_token: "preview", expires_in: 3600, visitor_key: "preview", person: "" });
const ROUTES = [
  [/\/bot\/[^/]+\/config$/, () => json(draft.config)],
  [/\/bot\/[^/]+\/frame$/, () => json(settings)],
  [/\/start$/, () => json(begun(), 201)],
  [/\/stop$/, () => new Response(null, { status: 204 })],
  [/\/chat\/[^/]+$/, answer],
  [/\/conversations$/, () => json({ items: [], next_cursor: null })],
  [/\/sources\/\d+$/, opened],
  [/\/handoff$/, () => json({ id: id(), available: false, note: settings.handoff.note }, 201)],
  [/\/capture-lead$/, () => json({ id: id() }, 201)],
  [/\/api\/public\//, () => json({})],
];
const ask = fetch;
window.fetch = async (address, options) => {
  const [, reply] = ROUTES.find(([path]) => path.test(String(address))) || [];
  return reply ? reply() : ask(address, options);
};

// files are sent by a request of the older kind, which tells how far it is; here they go nowhere
window.XMLHttpRequest = function () {
  const call = { upload: {}, open() {}, setRequestHeader() {}, abort: () => (call.onloadend = null) };
  call.send = async (body) => {
    for (const loaded of [0, 0.5, 1]) {
      await new Promise((next) => setTimeout(next, 200));
      call.upload.onprogress({ loaded, total: 1 });
    }
    const file = body?.get("file");
    Object.assign(call, { status: 201, response: file && { id: id(), name: file.name, size: file.size, characters: 1 } });
    call.onloadend?.();
  };
  return call;
};

// each preview is a new visitor
const kept = new Map();
const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
Object.defineProperty(window, "localStorage", { value: storage });
// and hears of no other, such as one who has the shared link open in another tab
addEventListener("storage", (event) => event.stopImmediatePropagation());

// the pictures that were chosen, saved or not
const Picture = Image;
window.Image = function () {
  const picture = new Picture();
  const src = { get: () => picture.getAttribute("src"), set: (address) => picture.setAttribute("src", draft.pictures[address.split("/")[0]]) };
  Object.defineProperty(picture, "src", src);
  return picture;
};

addEventListener("DOMContentLoaded", () => {
  const watch = new MutationObserver(() => {
    if (document.getElementById("chat").hidden) return;
    watch.disconnect();
    parent.drawn();
  });
  watch.observe(document.getElementById("chat"), { attributes: true });
});

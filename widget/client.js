// The public routes of one bot, for one visitor of one website.
import { events } from "./stream.js";

// ms before each new try of a dropped answer
const DELAYS = [400, 1000, 2500, 5000];
// ms without even a heartbeat: the connection is dead
const SILENCE = 45000;

/** What an error carries besides its message: `code`, `status` (HTTP), `retryable`, `after` (seconds to wait). */
const failure = (message, details) => Object.assign(new Error(message), details);

/** One JSON value in localStorage, or only in memory where the browser blocks storage. */
export function memory(key) {
  let value = null;
  try {
    value = JSON.parse(localStorage.getItem(key));
  } catch {}
  return {
    get: () => value,
    set(next) {
      value = next;
      try {
        localStorage.setItem(key, JSON.stringify(next));
      } catch {}
    },
  };
}

const pause = (ms, signal) =>
  new Promise((resolve, reject) => {
    setTimeout(resolve, ms * (0.8 + Math.random() * 0.4));
    signal.addEventListener("abort", () => reject(signal.reason));
  });

/** Whom a signed identity names. It is checked where it counts: on the server. */
function subject(identity) {
  try {
    return JSON.parse(atob(identity.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).sub;
  } catch {}
}

/** `base`: URL of /api/public/; `site`: what host.js knows of the website; `store`: what `memory` gives. */
export function client(base, bot, site, store) {
  let starting, ending;

  async function call(path, body, token, { signal = AbortSignal.timeout(15000), ...headers } = {}) {
    if (body) headers["Content-Type"] = "application/json";
    if (token) headers.Authorization = "Bearer " + token;
    const answer = await fetch(base + path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal });
    const { ok, status } = answer;
    if (ok) return answer;
    const { code, detail } = await answer.json().catch(() => ({}));
    const after = +answer.headers.get("Retry-After") || undefined;
    throw failure(status === 422 || /^identity/.test(code) ? detail : "", { code, status, after, dropped: status >= 500 });
  }

  /** The visitor's conversation; begun at the first need, and never twice at once. */
  async function begin() {
    const known = store.get();
    if (known?.expires > Date.now()) return known;
    await ending;
    const { identity, origin } = site;
    starting ??= call(`conversation/${bot}/start`, { parent_origin: origin, identity: identity || undefined })
      .then((answer) => answer.json())
      .then((made) => store.set({ id: made.conversation_id, token: made.visitor_token, sub: subject(identity), expires: Date.now() + made.expires_in * 1000 - 3e4 }))
      .finally(() => (starting = null));
    await starting;
    return store.get();
  }

  /** What belongs to the visitor's conversation. */
  async function own(path, body) {
    const { id, token } = await begin();
    return call(`conversation/${id}/${path}`, body, token);
  }

  /** One request for an answer: the done event's data once it is whole; throws what is `dropped` when it broke off. */
  async function once(turn, on) {
    const talk = await begin();
    on.signal.throwIfAborted();
    store.set({ ...talk, pending: { id: turn.id, text: turn.text } });
    const quiet = new AbortController();
    let timer;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => quiet.abort(), SILENCE);
    };
    alive();
    try {
      const headers = { Accept: "text/event-stream", signal: AbortSignal.any([on.signal, quiet.signal]) };
      if (turn.last) headers["Last-Event-ID"] = turn.last;
      const { context, page } = site;
      const body = { conversation_id: talk.id, message: turn.text, client_message_id: turn.id, context: context || undefined, page };
      const answer = await call("chat/" + bot, body, talk.token, headers);
      for await (const { event, data, id } of events(answer.body, alive)) {
        // sent again after a reconnect
        if (turn.seen.has(id)) continue;
        if (id) turn.seen.add((turn.last = id));
        if (event === "error") throw failure(data.message, data);
        if (event === "done") return data;
        on[event]?.(data);
      }
    } finally {
      clearTimeout(timer);
    }
    throw failure("", { dropped: true });
  }

  return {
    begin,
    config: async () => (await call(`bot/${bot}/config`)).json(),
    pending: () => store.get()?.pending,

    /** Somebody came or went: true, where what was said before is not theirs or may be elsewhere. */
    identify() {
      const known = store.get();
      const changed = known?.sub !== subject(site.identity);
      if (changed && known) store.set(null);
      return changed;
    },

    /** Earlier messages of the remembered conversation; [] where there is none any more. */
    async history() {
      try {
        // who is known has one on the server, perhaps from another device
        const talk = site.identity ? await begin() : store.get();
        return talk ? (await (await call("conversation/" + talk.id, null, talk.token)).json()).messages : [];
      } catch (error) {
        if ([401, 403, 404].includes(error.status)) store.set(null);
        return [];
      }
    },

    /**
     * Streams the answer to `turn` {id, text} into `on` {token, sources, reset, waiting, signal}; gives what `done` says. A
     * dropped connection is taken up where it broke: the same client_message_id never answers twice. A visitor token that
     * is no longer good means a new conversation, once.
     */
    async ask(turn, on) {
      const restart = () => Object.assign(turn, { last: "", seen: new Set() });
      restart();
      for (let tries = 0, renewed; ; ) {
        try {
          const done = await once(turn, on);
          this.settled(done);
          return done;
        } catch (error) {
          if (on.signal.aborted) throw error;
          // else the network's own error
          const { status, dropped = !status && typeof error.code !== "string" } = error;
          if (dropped) {
            if (tries === DELAYS.length) throw failure("", { code: "offline" });
            on.waiting();
            await pause(DELAYS[tries++], on.signal);
          } else if ((status === 401 || status === 404) && !renewed) {
            renewed = true;
            store.set(null);
            restart();
            on.reset();
          } else throw error;
        }
      }
    },

    /** The last message waits for no answer any more; `done` says what can be done next, also on the next page. */
    settled: (done) => store.get() && store.set({ ...store.get(), pending: undefined, done }),
    done: () => store.get()?.done,

    /** A message to be answered by a person: {name, email, message}. */
    async leave(body) {
      await own("capture-lead", body);
      store.set({ ...store.get(), done: undefined });
    },

    /** Thumbs: rating 1 or -1. */
    rate: (message_id, rating) => own("feedback", { message_id, rating }),

    /** A source of an answer with the text around its quote: {before, quote, after, link}. */
    source: async (message_id, number) => (await own(`messages/${message_id}/sources/${number}`)).json(),

    /** Forgets the conversation here at once, and tells the server. */
    end() {
      const talk = store.get();
      store.set(null);
      if (talk) ending = call(`conversation/${talk.id}/end`, {}, talk.token).catch(() => {});
    },
  };
}

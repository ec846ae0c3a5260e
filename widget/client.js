// The public routes of one bot, for one visitor of one website.
import { events } from "./stream.js";

// ms before each new try of a dropped answer
const DELAYS = [400, 1000, 2500, 5000];
// ms without even a heartbeat, of which there is one in ten seconds: the connection is dead
const SILENCE = 25000;
// times that a connection may die before the answer is asked for in one piece: some proxies hold streams back
const STALLS = 2;

/** What an error carries: `code`, `status` (HTTP), `retryable`, `after` (seconds to wait). */
const failure = (details) => Object.assign(new Error(), details);

/** One JSON value in localStorage, the same in every tab, or only in memory where the browser blocks storage. */
export function memory(key) {
  let value = null;
  const read = (text) => {
    try {
      value = JSON.parse(text ?? localStorage.getItem(key));
    } catch {}
  };
  read();
  addEventListener("storage", (event) => event.key === key && read(event.newValue ?? "null"));
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

/** `base`: URL of /api/public/; `site`: what host.js knows of the website; `store`: what `memory` gives. */
export function client(base, bot, site, store) {
  let starting, settings, fresh;
  const known = () => store.get() || {};
  const keep = (changes) => store.set({ ...known(), ...changes });
  const good = () => known().expires > Date.now();

  async function call(path, body, token, { signal = AbortSignal.timeout(15000), ...headers } = {}) {
    if (body) headers["Content-Type"] = "application/json";
    if (token) headers.Authorization = "Bearer " + token;
    const answer = await fetch(base + path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal });
    const { ok, status } = answer;
    if (ok) return answer;
    const { code } = await answer.json().catch(() => ({}));
    const after = +answer.headers.get("Retry-After") || undefined;
    throw failure({ code, status, after, dropped: status >= 500 });
  }

  /** Calls `go` once no other tab begins a conversation, with what lets the next one do so. */
  async function alone(go) {
    try {
      await navigator.locks.request(bot, () => new Promise(go));
    } catch {
      // neither without https, nor where storage is blocked
      go(() => {});
    }
  }

  async function start() {
    const next = await new Promise(alone);
    try {
      const { key: visitor_key, consent } = known();
      const { identity, origin } = site;
      // else another tab has begun it meanwhile
      if (identity || !good()) await enter(await call(`conversation/${bot}/start`, { parent_origin: origin, visitor_key, consent, identity, fresh }));
    } finally {
      // until what is stored has arrived there
      setTimeout(next, 99);
    }
  }

  /** The visitor's conversation; begun at the first need, and never twice at once. */
  async function begin() {
    if (!good()) await (starting ??= start().finally(() => (starting = null)));
    return known();
  }

  /** From now on it is the conversation of this answer. What is known of the visitor stays. */
  async function enter(answer) {
    const { conversation_id: id, visitor_token: token, expires_in, visitor_key: key, person } = await answer.json();
    const { person: before = "", id: last } = known();
    if (before !== person) store.set(null);
    else if (last !== id) leave();
    fresh = false;
    keep({ id, token, key, person, expires: Date.now() + expires_in * 1000 - 3e4 });
  }

  /** Forgets the conversation, not the visitor. */
  const leave = () => keep({ id: undefined, token: undefined, expires: 0, pending: undefined, done: undefined });

  /** What belongs to the visitor's conversation. */
  async function own(path, body) {
    const { id, token } = await begin();
    return call(`conversation/${id}/${path}`, body, token);
  }

  /** One request for an answer: the done event's data once it is whole; throws what is `dropped` when it broke off. */
  async function once(turn, on, stalls) {
    const talk = await begin();
    on.signal.throwIfAborted();
    keep({ pending: turn });
    const { context, page } = site;
    const { id: client_message_id, text: message, files: attachments } = turn;
    const body = { conversation_id: talk.id, message, client_message_id, attachments, context: context || undefined, page };
    const send = (headers) => call("chat/" + bot, body, talk.token, headers);
    if (stalls >= STALLS) return (await import("./whole.js")).whole(send, on);
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
      for await (const { event, data, id } of events((await send(headers)).body, alive)) {
        // sent again after a reconnect
        if (turn.seen.has(id)) continue;
        if (id) turn.seen.add((turn.last = id));
        if (event === "error") throw failure(data);
        if (event === "done") return data;
        on[event]?.(data);
      }
    } catch (error) {
      throw quiet.signal.aborted ? failure({ dropped: true, stalled: true }) : error;
    } finally {
      clearTimeout(timer);
    }
    throw failure({ dropped: true });
  }

  return {
    begin,
    config: async () => (await call(`bot/${bot}/config`)).json(),

    /** Somebody may have come or gone: the server says with what conversation a known person goes on. */
    identify() {
      if (site.identity) keep({ expires: 0 });
      else if (known().person) store.set(null);
    },

    /** Earlier messages of the remembered conversation; [] where there is none any more. */
    async history() {
      try {
        // who is known has one on the server, perhaps from another device
        const talk = site.identity ? await begin() : known();
        return talk.id ? (await (await call("conversation/" + talk.id, null, talk.token)).json()).messages : [];
      } catch (error) {
        if ([401, 403, 404].includes(error.status)) leave();
        return [];
      }
    },

    /**
     * Streams the answer to `turn` {id, text, attachments?} into `on` {token, sources, reset, waiting, signal}; gives what `done` says. A
     * dropped connection is taken up where it broke: the same client_message_id never answers twice. A visitor token that
     * is no longer good means a new conversation, once.
     */
    async ask(turn, on) {
      const restart = () => Object.assign(turn, { last: "", seen: new Set() });
      restart();
      for (let tries = 0, stalls = 0, renewed; ; ) {
        try {
          const done = await once(turn, on, stalls);
          this.settled(done);
          return done;
        } catch (error) {
          if (on.signal.aborted) throw error;
          // else the network's own error
          stalls += !!error.stalled;
          const { status, dropped = !status && typeof error.code !== "string" } = error;
          if (dropped) {
            if (tries === DELAYS.length) throw failure({ code: "offline" });
            on.waiting();
            await pause(DELAYS[tries++], on.signal);
          } else if ((status === 401 || status === 404) && !renewed) {
            renewed = true;
            leave();
            restart();
            on.reset();
          } else throw error;
        }
      }
    },

    /** The last message waits for no answer any more; `done` says what can be done next, also on the next page. */
    settled: (done) => store.get() && keep({ pending: undefined, done }),

    /** The server writes no more of the answer to that message. */
    stop: async (client_message_id) => {
      const { id: conversation_id, token } = known();
      await call(`chat/${bot}/stop`, { conversation_id, client_message_id }, token);
    },

    /** What only some visitors need: forms, the consent, the owner's words. */
    settings: async () => (settings ??= await (await call(`bot/${bot}/frame`)).json()),

    /** A part of the visitor's conversation, for what is fetched on demand: POST with a body, else GET. */
    own,
    call,
    enter,
    leave,
    known,
    keep,

    /** Leaves the conversation here at once, and tells the server, with what the visitor thinks of it. */
    end(opinion = {}) {
      const talk = known();
      leave();
      fresh = true;
      return talk.id && call(`conversation/${talk.id}/end`, opinion, talk.token).catch(() => {});
    },
  };
}

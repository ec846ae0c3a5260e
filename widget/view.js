// What a conversation looks like: rows of messages, sources, notices. Texts become nodes, never HTML.
import { el, link, render, safeUrl } from "./markdown.js";

export const make = (name, className, ...children) => Object.assign(el(name, ...children), { className });

export const button = (label, className, act) => Object.assign(make("button", className, label), { type: "button", onclick: act });

/** A style sheet for what is fetched on demand; resolves when it is there. `href`: with its ?v=. */
export const sheet = (href) =>
  new Promise((resolve) => {
    document.head.append(Object.assign(el("link"), { rel: "stylesheet", href, onload: resolve, onerror: resolve }));
  });

function card(source, number, words, load) {
  const place = source.page ? `${words.page} ${source.page}` : "";
  const title = make("span", "", source.title || "");
  title.dir = "auto";
  const node = make("details", "source" + (source.attachment ? " own" : ""), make("summary", "", make("b", "", number), title, make("small", "", place)));
  if (source.quote) node.append(make("blockquote", "", source.quote));
  if (safeUrl(source.url)) node.append(link(source.link || source.url, [words.visit]));
  node.ontoggle = async () => {
    if (node.open) (await import("./passage.js")).unfold(node, load() && (() => load()(number)));
  };
  return node;
}

/** `log`: the element that scrolls. */
export function view(log, words) {
  const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  const toEnd = () => (log.scrollTop = log.scrollHeight);

  const row = (kind, ...children) => {
    const node = make("div", "row " + kind, ...children);
    log.append(node);
    toEnd();
    return node;
  };

  return {
    row,
    atEnd,
    toEnd,

    user(text) {
      for (const old of log.querySelectorAll(".notice, .starters")) old.remove();
      const bubble = make("div", "bubble", make("span", "unseen", words.you + ": "), text);
      bubble.dir = "auto";
      return row("user", bubble);
    },

    /** Questions to begin with; the first message takes them away. */
    starters(questions = [], ask) {
      if (questions[0]) row("starters", ...questions.map((text) => button(text, "starter", () => ask(text))));
    },

    /** A row that fills while the answer arrives. */
    answer(name) {
      const body = make("div", "text");
      body.dir = "auto";
      const dots = make("div", "dots", make("i", ""), make("i", ""), make("i", ""));
      const bubble = make("div", "bubble", make("span", "unseen", name + ": "), body, dots);
      const node = row("bot", bubble);
      let text = "";
      let open = true;
      let cards = new Map();
      let proof;
      // the module that marks what no source supports, once it is needed
      let doubt;
      let load;
      let frame;

      const cite = (number) => {
        const found = cards.get(number);
        if (!found) return open ? make("span", "cite", number) : null;
        const mark = button(number, "cite", () => {
          found.open = true;
          found.firstChild.focus();
          found.scrollIntoView({ block: "nearest" });
        });
        mark.ariaLabel = `${words.source} ${number}`;
        return mark;
      };
      const draw = () => {
        frame = 0;
        const follow = atEnd();
        render(body, doubt ? doubt.marked(text, proof) : text, cite, open, cards.size, draw);
        doubt?.wrap(body, words.unsure);
        dots.hidden = !open || text !== "";
        if (follow) toEnd();
      };

      return {
        node,
        /** As a reader hears it. */
        get text() {
          return body.textContent;
        },
        /** As it was written. */
        get source() {
          return text;
        },
        add(more) {
          text += more;
          frame ||= requestAnimationFrame(draw);
        },
        reset() {
          text = "";
          doubt = null;
          proof = [];
          draw();
        },
        sources(list, sentences) {
          proof = sentences;
          if (proof?.some((sentence) => !sentence.supported)) import("./passage.js").then((found) => ((doubt = found), draw()));
          cards = new Map(list.map((source, i, _, n = source.number ?? i + 1) => [n, card(source, n, words, () => load)]));
          const follow = atEnd();
          node.querySelector(".sources")?.remove();
          if (cards.size) node.append(make("div", "sources", make("p", "", words.sources), ...cards.values()));
          draw();
          if (follow) toEnd();
        },
        /** No more text. `note`: a word under it; `passage` (number): fetches a source's passage. */
        finish(note, passage) {
          load = passage;
          cancelAnimationFrame(frame);
          open = false;
          draw();
          if (!text) bubble.remove();
          if (note) node.append(make("small", "", note));
          toEnd();
        },
        remove: () => node.remove(),
      };
    },

    /** A line that says what went wrong, with a button to try again, shown after `wait` seconds. */
    notice(text, retry, wait = 0) {
      const node = row("notice", make("p", "", text));
      node.role = "alert";
      const add = () => {
        node.append(button(words.retry, "retry", () => (node.remove(), retry())));
        toEnd();
      };
      if (retry) wait ? setTimeout(add, wait * 1000) : add();
    },
  };
}

// Markdown of answers, built as DOM nodes only: what a model or a document writes is never read as HTML.
// Links go to http, https and mailto; images become links to themselves, so that an answer loads nothing.

// nesting that is still followed; deeper is plain text
export const DEPTH = 6;
const SPECIAL = /[\\`*_~[!<]|https?:\/\//g;

export const el = (name, ...children) => {
  const node = document.createElement(name);
  node.append(...children);
  return node;
};

/** The address as a safe absolute URL, or "". */
export function safeUrl(text) {
  try {
    const url = new URL(text);
    return /^(https?|mailto):$/.test(url.protocol) && !url.username ? url.href : "";
  } catch {
    return "";
  }
}

export function link(text, children) {
  const href = safeUrl(text);
  if (!href) return el("span", ...children);
  return Object.assign(el("a", ...children), { href, title: href, target: "_blank", rel: "noopener nofollow" });
}

// At `at` of `text`: [nodes, next position], or null. `rest` is the text from there on.
function span(text, at, cite, depth, open) {
  const rest = text.slice(at);
  let found;
  if (rest[0] === "\\") return /[!-/:-@[-`{-~]/.test(rest[1] || "") ? [[rest[1]], at + 2] : null;
  if ((found = /^(`+)([^]*?[^`])\1(?!`)/.exec(rest))) return [[el("code", found[2].trim())], at + found[0].length];
  if ((found = /^(\*\*|__|~~|\*|_)(?=\S)/.exec(rest))) {
    const mark = found[1];
    // snake_case
    if (mark.includes("_") && /\w/.test(text[at - 1] || "")) return null;
    let end = at + mark.length;
    do end = text.indexOf(mark, end + 1);
    while (end > 0 && (/\s/.test(text[end - 1]) || (mark.length === 1 && (text[end + 1] === mark || text[end - 1] === mark))));
    if (end < 0 && !(open && mark === "**")) return null;
    const inner = text.slice(at + mark.length, end < 0 ? undefined : end);
    const name = { "~~": "s", "*": "em", _: "em" }[mark] || "strong";
    return [[el(name, ...inline(inner, cite, depth + 1, open))], end < 0 ? text.length : end + mark.length];
  }
  if ((found = /^!?\[((?:[^[\]\\]|\\.|\[[^[\]]*\]){0,500})\]\(\s*<?([^\s<>()]*(?:\([^\s()]*\)[^\s<>()]*)*)>?(?:\s+["'(][^)]*["')])?\s*\)/.exec(rest)))
    return [[link(found[2], rest[0] === "!" ? [found[1] || found[2]] : inline(found[1], cite, depth + 1))], at + found[0].length];
  // a link still arriving
  if (open && (found = /^!?\[([^[\]]+)\]\([^)]*$/.exec(rest))) return [[found[1]], text.length];
  if ((found = /^\[(\d{1,3})\]/.exec(rest))) {
    const mark = cite(+found[1]);
    return mark && [[mark], at + found[0].length];
  }
  if ((found = /^<((?:https?:\/\/|mailto:)[^\s<>]+)>/.exec(rest))) return [[link(found[1], [found[1]])], at + found[0].length];
  if ((found = /^https?:\/\/[^\s<>"'`*[\]\uE000\uE001]+/.exec(rest))) {
    const address = found[0].replace(/[.,;:!?)]+$/, (end) => (end[0] === ")" && found[0].includes("(") ? ")" : ""));
    return [[link(address, [address])], at + address.length];
  }
  return null;
}

export function inline(text, cite, depth = 0, open = false) {
  const nodes = [];
  let from = 0;
  const special = new RegExp(SPECIAL);
  for (let found; depth < DEPTH && (found = special.exec(text)); ) {
    const made = span(text, found.index, cite, depth, open);
    if (!made) continue;
    nodes.push(text.slice(from, found.index), ...made[0]);
    special.lastIndex = from = made[1];
  }
  nodes.push(text.slice(from));
  return nodes.filter((node) => node !== "");
}

export const FENCE = /^ {0,3}(```+|~~~+)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
export const RULE = /^ {0,3}([-*_])(\s*\1){2,}\s*$/;
export const QUOTE = /^ {0,3}> ?/;
const ITEM = /^(\s*)([-*+•]|(\d{1,9})[.)])\s+(.*)$/;
const DIVIDER = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
export const isTable = (lines, i) => lines[i].includes("|") && /\|/.test(lines[i + 1] || "") && DIVIDER.test(lines[i + 1]);
const isRich = (lines) => [FENCE, RULE, QUOTE].some((mark) => mark.test(lines[0])) || isTable(lines, 0);
// `block` of rich.js, and the promise of it, once an answer has such a part
const rich = {};
const starts = (lines, i) => [FENCE, HEADING, RULE, QUOTE, ITEM].some((mark) => mark.test(lines[i])) || isTable(lines, i);

/** The text cut into blocks, each a string of whole lines. */
export function split(text) {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  const blocks = [];
  for (let i = 0; i < lines.length; ) {
    const from = i;
    const take = (more) => {
      for (i++; i < lines.length && more(i); ) i++;
    };
    const fence = FENCE.exec(lines[i])?.[1];
    if (!lines[i].trim() || HEADING.test(lines[i]) || RULE.test(lines[i])) i++;
    else if (fence) {
      take((n) => !lines[n].trim().startsWith(fence));
      i++;
    } else if (QUOTE.test(lines[i])) take((n) => QUOTE.test(lines[n]));
    else if (isTable(lines, i)) take((n) => lines[n].includes("|"));
    else if (ITEM.test(lines[i])) {
      // An item goes on over indented lines, and over one empty line before more of the list.
      take((n) => ITEM.test(lines[n]) || (lines[n].trim() ? /^\s/.test(lines[n]) || lines[n - 1].trim() : /^\s*\S/.test(lines[n + 1] || "") && (ITEM.test(lines[n + 1]) || /^\s/.test(lines[n + 1]))) && !HEADING.test(lines[n]) && !FENCE.test(lines[n]));
    } else take((n) => lines[n].trim() && !starts(lines, n));
    const block = lines.slice(from, i).join("\n");
    if (block.trim()) blocks.push(block);
  }
  return blocks;
}

function list(lines, cite, depth, open) {
  const [, indent, mark, number] = ITEM.exec(lines[0]);
  const node = el(number ? "ol" : "ul");
  if (number > 1) node.start = +number;
  for (let i = 0; i < lines.length; ) {
    const found = ITEM.exec(lines[i]);
    const inner = [];
    let body = found ? found[4] : lines[i].trim();
    for (i++; i < lines.length; i++) {
      const next = ITEM.exec(lines[i]);
      if (next && next[1].length <= indent.length + 1) break;
      if (next || inner.length) inner.push(lines[i]);
      else if (lines[i].trim()) body += "\n" + lines[i].trim();
    }
    const item = el("li", ...inline(body, cite, 0, open));
    const under = inner.filter((line) => line.trim());
    if (under.length) item.append(depth < DEPTH ? list(under, cite, depth + 1, open) : under.join("\n"));
    node.append(item);
  }
  return node;
}

/** One block as a DOM node. `cite(n)` gives the node of a mark [n], or null; `open`: more text is still to come. */
export function block(source, cite, open = false, depth = 0) {
  const lines = source.split("\n");
  let found;
  if ((found = HEADING.exec(lines[0]))) return el(found[1].length < 3 ? "h3" : "h4", ...inline(found[2], cite, 0, open));
  if (isRich(lines)) return rich.block ? rich.block(lines, cite, open, depth) : el("p", source);
  if (ITEM.test(lines[0])) return list(lines, cite, 0, open);
  return el("p", ...inline(lines.map((line) => line.trim()).join("\n"), cite, 0, open));
}

/**
 * Renders `text` into `parent`, touching only blocks that changed since the last call. `again` does so once more, when
 * what draws tables and the like has arrived.
 */
export function render(parent, text, cite, open, state, again = () => render(parent, text, cite, open, state)) {
  const blocks = split(text);
  const made = (parent.made ??= []);
  blocks.forEach((source, i) => {
    const last = open && i === blocks.length - 1;
    const part = isRich(source.split("\n"));
    if (part) rich.coming ??= import("./rich.js").then((found) => (rich.block = found.block), () => (rich.coming = null));
    if (part && !rich.block) rich.coming.then(() => rich.block && again());
    const key = [source, last, source.includes("[") && state, part && !!rich.block].join("\0");
    if (made[i]?.key === key) return;
    const node = block(source, cite, last);
    if (made[i]) made[i].node.replaceWith(node);
    else parent.append(node);
    made[i] = { key, node };
  });
  for (const { node } of made.splice(blocks.length)) node.remove();
}

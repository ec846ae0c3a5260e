// A source opened at its quote, and sentences that no source supports. Sent in parts.js.
import { styled } from "./extras.js";
import { safeUrl } from "./markdown.js";

/** Fills the card `node` (details) with what `load` gives; without that the quote stays as it is. */
export async function unfold(node, load) {
  const quote = node.querySelector("blockquote");
  node.onkeydown = (event) => {
    if (event.key !== "Escape" || !node.open) return;
    // the chat itself stays open
    event.stopPropagation();
    node.open = false;
    node.firstChild.focus();
  };
  if (!quote || !load || node.ariaBusy) return;
  // once only
  node.ariaBusy = "true";
  let found;
  try {
    found = await (await load()).json();
    // the place in a passage is known only when its height is
    await styled;
  } catch {
    return (node.ariaBusy = null);
  }
  node.ariaBusy = "false";
  const mark = document.createElement("mark");
  mark.textContent = found.quote;
  const [before, after] = [found.before.trimStart(), found.after.trimEnd()];
  quote.replaceChildren(...around(before && "… " + before), mark, ...around(after && after + " …"));
  quote.className = "passage";
  quote.dir = "auto";
  const href = safeUrl(found.link || "");
  const visit = node.querySelector("a");
  if (visit && href) visit.href = href;
  // scrolls by keyboard too
  quote.tabIndex = 0;
  quote.role = "region";
  quote.ariaLabel = found.title;
  quote.scrollTop = mark.offsetTop - 48;
  node.scrollIntoView({ block: "nearest" });
}

/** The text around a quote as nodes; headings of Markdown without their signs. */
const around = (text) =>
  text
    .replace(/\n{3,}/g, "\n\n")
    .split(/(?:^|(?<=… ))#{1,6} +(.+)\n*/m)
    .flatMap((part, i) => (i % 2 ? [Object.assign(document.createElement("b"), { textContent: part }), "\n"] : part));

// around a sentence in the text that is rendered; from the private use area, which no font draws
const [FROM, TO] = ["\uE000", "\uE001"];

/** The text with signs around the sentences that no source supports. A proof counts characters, strings count UTF-16. */
export function marked(text, proof) {
  // what the text itself has of these signs marks nothing
  const signs = [...text].map((sign) => (sign === FROM || sign === TO ? "" : sign));
  for (let { start, end, supported } of proof) {
    if (supported || end > signs.length) continue;
    // a row of a table begins and ends with its own signs
    while (/[|\s]/.test(signs[start]) && start < end - 1) start++;
    while (/[|\s]/.test(signs[end - 1]) && end > start + 1) end--;
    signs[start] = FROM + signs[start];
    signs[end - 1] += TO;
  }
  return signs.join("");
}

/** Turns what stands between the signs into marked spans; `words` say what that means. */
export function wrap(parent, words) {
  const walker = document.createTreeWalker(parent, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  let inside = false;
  for (const node of nodes) {
    const parts = node.data.split(/([\uE000\uE001])/);
    const whole = parts.length === 1;
    if (whole && !inside) continue;
    const made = [];
    for (const part of parts) {
      const ends = part === TO;
      if (ends || part === FROM) inside = !ends;
      if (ends) made.push(said(words));
      if (ends || part === FROM || !part) continue;
      const plain = !inside || !part.trim() || node.parentNode.closest(".cite");
      made.push(plain ? part : doubted(part, words));
    }
    node.replaceWith(...made);
  }
  explain(parent, words);
}

/** Says under the text what the marks mean, to those who cannot point at one. Who hears it has heard it at each. */
function explain(parent, words) {
  if (!parent.querySelector(".unsure") || parent.nextSibling?.className === "legend") return;
  const node = document.createElement("small");
  node.className = "legend";
  node.ariaHidden = true;
  const sign = document.createElement("i");
  node.append(sign, words);
  parent.after(node);
}

function doubted(text, words) {
  const node = document.createElement("span");
  node.className = "unsure";
  node.title = words;
  node.append(text);
  return node;
}

/** For those who hear it. */
function said(words) {
  const node = document.createElement("span");
  node.className = "unseen";
  node.append(` (${words})`);
  return node;
}

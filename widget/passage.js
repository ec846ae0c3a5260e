// A source opened at its quote, and sentences that no source supports. Fetched when there is one or the other.
import { safeUrl } from "./markdown.js";

const style = document.createElement("link");
style.rel = "stylesheet";
style.href = new URL("./passage.css", import.meta.url);
document.head.append(style);
// the place in a passage is known only when its height is
const styled = new Promise((resolve) => (style.onload = style.onerror = resolve));

/** Fills the card `node` (details) with what `load` gives; without that the quote stays as it is. */
export async function unfold(node, load) {
  const quote = node.querySelector("blockquote");
  if (!quote || node.ariaBusy) return;
  // once only
  node.ariaBusy = "true";
  let found;
  try {
    found = await load();
    await styled;
  } catch {
    return (node.ariaBusy = null);
  }
  node.ariaBusy = "false";
  const mark = document.createElement("mark");
  mark.textContent = found.quote;
  quote.replaceChildren(found.before && "…" + found.before, mark, found.after && found.after + "…");
  quote.className = "passage";
  const href = safeUrl(found.link || "");
  const visit = node.querySelector("a");
  if (visit && href) visit.href = href;
  // scrolls by keyboard too
  quote.tabIndex = 0;
  quote.role = "region";
  quote.ariaLabel = found.title;
  quote.scrollTop = mark.offsetTop - 24;
  node.scrollIntoView({ block: "nearest" });
}

// around a sentence in the text that is rendered; from the private use area, which no font draws
const [FROM, TO] = ["\uE000", "\uE001"];

/** The text with signs around the sentences that no source supports. A proof counts characters, strings count UTF-16. */
export function marked(text, proof) {
  const signs = [...text];
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

/** Turns what stands between the signs into marked spans; `words` say what that means; English is here, so that only who needs it fetches it. */
export function wrap(parent, words = "Not found in the sources") {
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

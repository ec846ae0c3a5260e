// Tables, code, quotations and rules of an answer. Fetched once there is one; until then they are plain text.
import { block as plain, DEPTH, el, FENCE, inline, isTable, QUOTE, RULE, split } from "./markdown.js";
import { sheet } from "./view.js";

sheet("./rich.css");

/** As `block` of markdown.js, of one that is not plain. */
export function block(lines, cite, open, depth) {
  const fence = FENCE.exec(lines[0])?.[1];
  if (fence) {
    const closed = lines.length > 1 && lines.at(-1).trim().startsWith(fence);
    const pre = el("pre", el("code", lines.slice(1, closed ? -1 : undefined).join("\n")));
    pre.tabIndex = 0;
    return pre;
  }
  if (RULE.test(lines[0])) return el("hr");
  if (isTable(lines, 0)) return table(lines, cite, open);
  const inner = lines.map((line) => line.replace(QUOTE, "")).join("\n");
  return el("blockquote", ...(depth < DEPTH ? split(inner).map((part) => plain(part, cite, open, depth + 1)) : [inner]));
}

function table(lines, cite, open) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim());
  const row = (name, line) => el("tr", ...cells(line).map((cell) => el(name, ...inline(cell.replace(/\\\|/g, "|"), cite, 0, open))));
  const node = el("table", el("thead", row("th", lines[0])), el("tbody", ...lines.slice(2).map((line) => row("td", line))));
  const frame = el("div", node);
  frame.className = "table";
  // scrolls sideways by keyboard too
  frame.tabIndex = 0;
  return frame;
}

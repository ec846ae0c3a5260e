// What a visitor can do after an answer: questions to pick, and ways to reach a person. Sent in parts.js.
import { icon } from "./extras.js";
import { message, person } from "./forms.js";
import { button, make } from "./view.js";

const LETTER = "M4 6h16v12H4zm0 1 8 6 8-6";
const PERSON = "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM5 20a7 7 0 0 1 14 0";

// the form for a message, the button that opened it, and the first row of its conversation: what was typed stays until then
let kept, opener, first;

/** `done`: what the answer's last event says, {choices, leave_message, handoff}. */
export async function offer({ choices = [], leave_message, handoff }, talk) {
  const { log, live } = talk;
  const words = await talk.all();
  const row = make("div", "row starters", ...choices.map((text) => button(text, "starter", () => talk.pick(text))));
  const quiet = (path, label) => {
    // on a line of its own: it asks nothing
    if (row.lastChild?.className === "starter") row.append(make("span", "break"));
    const node = button("", "quiet");
    node.append(icon(path), label);
    row.append(node);
    return node;
  };
  if (handoff) {
    const open = quiet(PERSON, words.person);
    open.onclick = () => person(talk, open);
  }
  if (leave_message) {
    const open = quiet(LETTER, words.leave);
    open.ariaExpanded = false;
    open.onclick = async () => {
      if (open.ariaExpanded === "true") return hide(log);
      hide(log);
      opener = open;
      const made = kept && first.isConnected ? kept : await build(talk, words);
      // clicked twice
      if (open.ariaExpanded === "true") return;
      kept = made;
      first = log.firstChild;
      row.after(kept);
      open.ariaExpanded = true;
      kept.querySelector("input, textarea").focus();
      kept.scrollIntoView({ block: "nearest" });
    };
  }
  log.append(row);
  log.scrollTop = log.scrollHeight;
  // the answer was announced; this comes after it
  if (choices[0]) live.textContent += " " + choices.join(". ");
}

/** Takes the form away; it is kept with what was typed until it was sent. */
function hide(log) {
  kept?.remove();
  for (const button of log.querySelectorAll(".quiet[aria-expanded]")) button.ariaExpanded = false;
}

async function build(talk, words) {
  const back = () => (opener.isConnected ? opener.focus() : talk.focus());
  const made = await message(talk, words, (said) => {
    hide(talk.log);
    kept = null;
    if (said) for (const button of talk.log.querySelectorAll(".quiet")) button.remove();
    back();
  });
  made.hide = () => {
    hide(talk.log);
    back();
  };
  return made;
}

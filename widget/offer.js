// What a visitor can do next: questions to pick, and a message to a person. Fetched when an answer offers either.
import { icon } from "./view.js";

const MAIL = "M4 6h16v12H4zm0 1 8 6 8-6";
const CHECK = "M5 12.5l4.5 4.5L19 7.5";

const english = {
  leave: "Leave a message",
  name: "Name (optional)",
  email: "E-mail",
  message: "Message (optional)",
  hint: "Without one, we pass on your question.",
  badmail: "Please write an e-mail address such as name@example.com.",
  cancel: "Cancel",
  sending: "Sending…",
  kept: "Thank you. We will reply to {email}.",
};

// <style> fails under the frame's policy
const sheet = new CSSStyleSheet();
sheet.replaceSync(`.quiet, .kept { display: flex; align-items: center; gap: 8px; font-size: 14px; }
.quiet { min-height: 38px; padding: 6px 14px; border: 1px solid var(--muted); border-radius: 18px; }
.quiet:is(:hover, [aria-expanded="true"]) { background: var(--raise); }
.quiet svg { width: 18px; }
.break { flex-basis: 100%; }
.kept { padding: 10px 14px; border: 1px solid var(--line); border-radius: 12px; }
.kept svg { flex: none; color: var(--link); }
.leave { display: grid; gap: 8px; padding: 12px 14px 14px; scroll-margin: 8px; border: 1px solid var(--line); border-radius: 16px; }
.leave label { display: grid; gap: 4px; font-size: 13px; font-weight: 600; }
.leave :is(input, textarea) { width: 100%; min-height: 40px; padding: 7px 10px; border: 1px solid var(--muted); border-radius: 10px; background: var(--back); color: var(--text); font: inherit; font-size: 16px; font-weight: 400; }
.leave textarea { min-height: 62px; resize: vertical; }
.leave :is(input, textarea):focus { outline: 2px solid var(--link); outline-offset: 0; border-color: transparent; }
.leave [aria-invalid="true"], .leave [aria-invalid="true"]:focus { border-color: var(--bad); outline-color: var(--bad); }
.leave .bad { font-size: 13px; color: var(--bad); }
.leave .bad:empty { display: none; }
.leave div { display: flex; flex-wrap: wrap; gap: 8px; }
.leave div button { min-height: 36px; padding: 6px 16px; border-radius: 18px; font-size: 14px; font-weight: 600; }
.leave [type="submit"] { scroll-margin: 16px; background: var(--accent); color: var(--on-accent); }
.leave [type="button"]:hover { background: var(--raise); }
.leave [aria-disabled="true"] { opacity: .6; cursor: default; }`);
document.adoptedStyleSheets.push(sheet);

const make = (name, properties, ...children) => {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
};

// one form at a time, the button that opened it, and the first row of its conversation: what was typed stays until then
let form, opener, first;

/** `done`: what the answer's last event says, {choices, leave_message}; `pick` asks a text, `leave` sends the form. */
export function offer({ choices = [], leave_message }, { log, live, words, focus, pick, leave }) {
  const row = make("div", { className: "row starters" });
  for (const text of choices) row.append(make("button", { type: "button", className: "starter", onclick: () => pick(text) }, text));
  if (leave_message) {
    const open = make("button", { type: "button", className: "quiet", ariaExpanded: false }, icon(MAIL), words.leave || english.leave);
    open.onclick = () => {
      if (open.ariaExpanded === "true") return shut(log);
      shut(log);
      opener = open;
      if (!form || !first.isConnected) form = build({ log, live, words: { ...english, ...words }, focus, leave });
      first = log.firstChild;
      row.after(form);
      open.ariaExpanded = true;
      form.elements.name.focus();
      form.scrollIntoView({ block: "nearest" });
    };
    // on a line of its own: it asks nothing
    if (choices[0]) row.append(make("span", { className: "break" }));
    row.append(open);
  }
  log.append(row);
  log.scrollTop = log.scrollHeight;
  // the answer was announced; this comes after it
  if (choices[0]) live.textContent += " " + choices.join(". ");
}

/** Takes the form away; it is kept with what was typed until it was sent. */
function shut(log) {
  form?.remove();
  for (const button of log.querySelectorAll(".quiet")) button.ariaExpanded = false;
}

function build({ log, live, words, focus, leave }) {
  const fields = {
    name: make("input", { name: "name", autocomplete: "name", maxLength: 120, dir: "auto" }),
    email: make("input", { name: "email", type: "email", autocomplete: "email", maxLength: 254, required: true, dir: "auto" }),
    message: make("textarea", { name: "message", maxLength: 4000, rows: 3, dir: "auto" }),
  };
  const bad = make("p", { className: "bad", id: "leave-bad", role: "alert" });
  const fault = make("p", { className: "bad", role: "alert" });
  const hint = make("small", { id: "leave-hint" }, words.hint);
  fields.message.setAttribute("aria-describedby", hint.id);
  fields.email.setAttribute("aria-describedby", bad.id);
  const send = make("button", { type: "submit" }, words.send);
  const cancel = make("button", { type: "button" }, words.cancel);
  const node = make(
    "form",
    { className: "row leave", noValidate: true, ariaLabel: words.leave },
    make("label", {}, words.name, fields.name),
    make("label", {}, words.email, fields.email),
    bad,
    make("label", {}, words.message, fields.message),
    hint,
    fault,
    make("div", {}, send, cancel),
  );
  let sending = false;

  const close = () => {
    shut(log);
    opener.isConnected ? opener.focus() : focus();
  };
  const refuse = (text, field) => {
    bad.textContent = field ? text : "";
    fault.textContent = field ? "" : text;
    fields.email.ariaInvalid = !!field;
    // the way on stays in sight, above all the field
    if (text) send.scrollIntoView({ block: "nearest" });
    field?.focus();
  };

  cancel.onclick = () => {
    close();
    form = null;
  };
  node.onkeydown = (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    // the chat itself stays open
    event.stopPropagation();
    close();
  };
  node.onsubmit = async (event) => {
    event.preventDefault();
    if (sending) return;
    const given = { name: fields.name.value.trim(), email: fields.email.value.trim() };
    if (!/^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$/.test(given.email)) return refuse(words.badmail, fields.email);
    // a conversation that was begun anew has no question that could stand for the message
    given.message = fields.message.value.trim() || [...log.querySelectorAll(".user .bubble")].pop()?.lastChild.textContent || "";
    sending = true;
    refuse("");
    send.ariaDisabled = true;
    send.textContent = live.textContent = words.sending;
    try {
      await leave(given);
    } catch ({ status, after = 60 }) {
      if (status === 422) return refuse(words.badmail, fields.email);
      return refuse(status === 429 ? words.wait.replace("{n}", after) : status === 403 || status === 404 ? words.denied : words.failed);
    } finally {
      sending = send.ariaDisabled = false;
      send.textContent = words.send;
    }
    const text = words.kept.replace("{email}", given.email);
    node.after(make("div", { className: "row kept" }, icon(CHECK), make("span", {}, text)));
    const last = node.nextSibling;
    shut(log);
    form = null;
    for (const button of log.querySelectorAll(".quiet")) button.remove();
    live.textContent = text;
    focus();
    last.scrollIntoView({ block: "nearest" });
  };
  return node;
}

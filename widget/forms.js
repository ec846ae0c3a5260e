// What a visitor fills in: a message, the wish for a person, why an answer was bad, how the chat was; and the consent.
import { icon, styled } from "./extras.js";
import { tell } from "./host.js";
import { render } from "./markdown.js";
import { button, make } from "./view.js";

const CHECK = "M5 12.5l4.5 4.5L19 7.5";
const MAIL = /^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$/;
const TYPES = { name: ["text", "name", 120], email: ["email", "email", 254], phone: ["tel", "tel", 40], company: ["text", "organization", 120] };

/** The fields of an owner's form, {name: "optional"...}, as `form` takes them. */
const asked = (fields) => Object.entries(fields).filter(([, use]) => use !== "off").map(([name, use]) => ({ name, required: use === "required" }));

let count = 0;

/**
 * A form in the conversation. `fields`: [{name, required, rows?, label?}]; `extra`: a node above them; `send` (values)
 * gives the words of thanks, or throws; `leave` is called when it is left. `cancel`: the word for that.
 */
function form(talk, words, { label, fields, extra, hint, submit = words.send, cancel = words.cancel, send, leave }) {
  const id = `form${++count}-`;
  const inputs = {};
  const labels = fields.map(({ name, required, rows = name === "message" && 3, label: own }) => {
    const field = make(rows ? "textarea" : "input", "");
    const [type, autocomplete, maxLength] = TYPES[name] || [];
    Object.assign(field, { name, required, dir: "auto", maxLength: maxLength || 1000 }, rows ? { rows } : { type, autocomplete });
    field.setAttribute("aria-describedby", id + (rows ? "hint" : "bad"));
    inputs[name] = field;
    return make("label", "", (own || words[name]) + (required ? "" : " " + words.optional), field);
  });
  const bad = make("p", "bad");
  Object.assign(bad, { id: id + "bad", role: "alert" });
  const note = make("small", "", hint || "");
  note.id = id + "hint";
  const go = make("button", "go-on", submit);
  const quit = cancel && button(cancel, "", () => node.close());
  const node = make("form", "row leave", ...(extra ? [extra] : []), ...labels, ...(hint ? [note] : []), bad, make("div", "", go, ...(quit ? [quit] : [])));
  Object.assign(node, { noValidate: true, ariaLabel: label });
  const title = make("b", "", label);
  title.ariaHidden = true;
  node.prepend(title);
  let sending = false;

  const refuse = (text, field) => {
    bad.textContent = text;
    for (const one of Object.values(inputs)) one.ariaInvalid = one === field;
    if (text) go.scrollIntoView({ block: "nearest" });
    field?.focus();
  };
  /** What is wrong with what was filled in, if anything is. */
  const wrong = (given) => {
    for (const { name, required } of fields) {
      if (name === "email" && (given.email || required) && !MAIL.test(given.email)) return [words.badmail, inputs.email];
      if (required && !given[name]) return [words.missing, inputs[name]];
    }
  };

  node.close = (said) => {
    node.remove();
    leave?.(said);
  };
  node.onkeydown = (event) => {
    if (event.key !== "Escape" || event.isComposing || !quit) return;
    // the chat itself stays open
    event.stopPropagation();
    node.hide ? node.hide() : node.close();
  };
  node.onsubmit = async (event) => {
    event.preventDefault();
    if (sending) return;
    const given = Object.fromEntries(Object.entries(inputs).map(([name, field]) => [name, field.value.trim()]));
    const fault = wrong(given);
    if (fault) return refuse(...fault);
    refuse("");
    sending = go.ariaDisabled = true;
    go.textContent = talk.live.textContent = words.sending;
    let text;
    try {
      text = await send(given, node);
    } catch ({ status, after = 60 }) {
      if (status === 422) return refuse(inputs.email ? words.badmail : words.failed, inputs.email);
      return refuse(status === 429 ? words.wait.replace("{n}", after) : status === 403 || status === 404 ? words.denied : words.failed);
    } finally {
      sending = go.ariaDisabled = false;
      go.textContent = submit;
    }
    const last = make("div", "row kept", icon(CHECK), make("span", "", text));
    node.after(last);
    node.close(text);
    talk.live.textContent = text;
    last.scrollIntoView({ block: "nearest" });
  };
  return node;
}

/** Puts a form under `after`, or at the end, and goes into it. */
async function show(talk, node, after) {
  await styled;
  after ? after.after(node) : talk.log.append(node);
  node.querySelector("input, textarea, button").focus();
  node.scrollIntoView({ block: "nearest" });
}

const last = (talk) => [...talk.log.querySelectorAll(".user .bubble")].pop()?.lastChild.textContent || "";

/** What was left tells who somebody is: nobody is asked twice. */
const thank = (words, { email, phone }) => words.kept.replace("{email}", email || phone || "");

/** The form for a message. Its `hide` is the opener's, who keeps it with what was typed. */
export async function message(talk, words, leave) {
  const { lead } = await talk.visitor.settings();
  const send = async (given) => {
    // a conversation that was begun anew has no question that could stand for the message
    given.message ||= last(talk);
    await talk.visitor.own("capture-lead", given);
    tell("lead");
    talk.visitor.keep({ done: undefined, who: given });
    return thank(words, given);
  };
  return form(talk, words, { label: words.leave, fields: asked(lead.fields), hint: words.hint, send, leave });
}

/** Asks for a person; who is known by now only says so. */
export async function person(talk, opener) {
  const words = await talk.all();
  const { lead, handoff } = await talk.visitor.settings();
  const known = talk.visitor.known().who;
  const wanted = known ? { message: lead.fields.message } : lead.fields;
  const send = async (given) => {
    const answer = await (await talk.visitor.own("handoff", { ...known, ...given, message: given.message || last(talk) })).json();
    talk.visitor.keep({ who: known || given, done: undefined });
    return answer.note || handoff.note || words.noone;
  };
  const leave = () => (opener?.isConnected ? opener.focus() : talk.focus());
  talk.log.querySelector(".leave")?.remove();
  await show(talk, form(talk, words, { label: words.person, fields: asked(wanted), send, leave }));
}

/** Why an answer was not helpful. */
export function reason(opener, message_id, talk, words) {
  const send = async ({ why }) => {
    await talk.visitor.own("feedback", { message_id, rating: -1, reason: why.slice(0, 500) });
    return words.thanks;
  };
  const fields = [{ name: "why", rows: 2, label: words.comment }];
  talk.log.querySelector(".leave")?.remove();
  const under = opener.closest(".row");
  return show(talk, form(talk, words, { label: words.why, fields, send, leave: () => opener.focus() }), under);
}

/** Ends the chat, with a word about it. */
export async function farewell(talk, kind) {
  const words = await talk.all();
  const choice = make("fieldset", "stars " + kind);
  choice.append(make("legend", "unseen", words.rate));
  for (const [value, sign] of kind === "stars" ? [1, 2, 3, 4, 5].map((n) => [n, "★"]) : [[5, "👍"], [1, "👎"]]) {
    const radio = Object.assign(make("input", ""), { type: "radio", name: "rating", value });
    radio.ariaLabel = kind === "stars" ? words.star.replace("{n}", value) : value > 1 ? words.helpful : words.unhelpful;
    const face = make("span", "", sign);
    face.ariaHidden = true;
    choice.append(make("label", "", radio, face));
  }
  const send = async ({ comment }, node) => {
    const rating = +node.elements.rating.value || undefined;
    await talk.visitor.own("end", { rating, comment });
    talk.visitor.leave();
    return words.thanks;
  };
  const leave = (said) => {
    if (said) talk.fresh();
    talk.focus();
  };
  talk.log.querySelector(".leave")?.remove();
  const fields = [{ name: "comment", rows: 2 }];
  await show(talk, form(talk, words, { label: words.rate, fields, extra: choice, submit: words.end, send, leave }));
}

/** What comes before the first message: the consent, then who writes. Resolves when nothing is in the way any more. */
export async function before(talk) {
  const settings = await talk.visitor.settings().catch(() => null);
  if (!settings) return;
  const words = await talk.all();
  const { consent, lead } = settings;
  const starters = talk.log.querySelector(".starters");
  const gate = (closed) => {
    talk.input.form.inert = closed;
    if (starters) starters.hidden = closed;
  };
  gate(true);
  if (consent.text && talk.visitor.known().consent !== consent.version) await agree(talk, words, consent);
  if (lead.when.includes("start") && !talk.visitor.known().who) await introduce(talk, words, lead);
  gate(false);
  talk.focus();
}

async function agree(talk, words, { text, version, required }) {
  await styled;
  const said = make("div", "text");
  render(said, text, () => null, false, 0);
  said.dir = "auto";
  const node = make("div", "row leave", said);
  Object.assign(node, { role: "region", ariaLabel: words.consent });
  talk.log.append(node);
  if (!required) return;
  await new Promise((agreed) => {
    const yes = button(words.agree, "go-on", agreed);
    node.append(make("div", "", yes));
    yes.focus();
  });
  talk.visitor.keep({ consent: version });
  node.remove();
}

const introduce = (talk, words, { fields, may_skip }) =>
  new Promise((done) => {
    const send = async (given) => {
      await talk.visitor.own("capture-lead", given);
      tell("lead");
      talk.visitor.keep({ who: given });
      return words.thanks;
    };
    show(talk, form(talk, words, { label: words.start, fields: asked(fields), cancel: may_skip && words.skip, send, leave: done }));
  });

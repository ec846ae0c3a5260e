// What stands under a message once it is whole: thumbs, copy, the time; and the tone of an answer. Fetched after the first.
import { button, make, sheet } from "./view.js";

const THUMB = "M7 11v9H4v-9zm0 0 4-8a2.5 2.5 0 0 1 2.5 2.5V9H19a1.5 1.5 0 0 1 1.5 1.8l-1.3 7.4a2 2 0 0 1-2 1.8H7";
const COPY = "M9 9h11v11H9zM5 15H4V4h11v1";

/** The looks of all parts: what needs them to be there waits for this. */
export const styled = sheet("./parts.css");

export function icon(path) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.append(document.createElementNS(space, "path"));
  svg.firstChild.setAttribute("d", path);
  return svg;
}

export const iconButton = (path, label, act, className = "icon") => {
  const node = button(icon(path), className, act);
  node.ariaLabel = node.title = label;
  return node;
};

/** `message`: {role, id?, text, created_at?, rating?, fresh?, attachments?}; `fresh`: it was just answered. */
export async function dress(node, { role, id, text, created_at, rating, fresh, attachments }, talk) {
  // what stands under messages makes them higher: who read the end still does
  const follow = talk.show.atEnd();
  const words = await talk.all();
  await styled;
  if (attachments?.[0] || node.querySelector(".own")) await (await import("./attach.js")).show(node, attachments, words, talk.language);
  const bar = make("div", "under");
  if (id && role === "assistant") {
    bar.append(...thumbs(id, rating, talk, words));
    bar.append(iconButton(COPY, words.copy, async () => {
      await copy(text);
      talk.live.textContent = words.copied;
    }));
  }
  bar.append(time(created_at ? new Date(created_at) : new Date(), talk.language));
  node.querySelector(".bubble")?.after(bar);
  if (follow) talk.show.toEnd();
  if (fresh && talk.visitor.known().sound) tone();
}

function thumbs(id, rated, talk, words) {
  const both = [1, -1].map((rating) => {
    const act = async () => {
      for (const other of both) other.ariaPressed = other === node;
      try {
        await talk.visitor.own("feedback", { message_id: id, rating });
      } catch {
        return talk.show.notice(words.failed);
      }
      talk.live.textContent = words.thanks;
      if (rating < 0) (await import("./forms.js")).reason(node, id, talk, words);
    };
    const node = iconButton(THUMB, rating > 0 ? words.helpful : words.unhelpful, act, rating < 0 ? "icon down" : "icon");
    node.ariaPressed = rated === rating;
    return node;
  });
  return both;
}

/** Where a website's frame may not use the clipboard, the old way does. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const back = document.activeElement;
    const field = make("textarea", "unseen");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    back?.focus();
  }
}

const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
const shown = new Set();

/** "5 min. ago", and the whole date to those who point at it. */
export function time(date, language) {
  const node = make("time", "");
  node.dateTime = date.toISOString();
  node.title = date.toLocaleString(language, { dateStyle: "full", timeStyle: "short" });
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  const update = () => {
    const seconds = (date - Date.now()) / 1000;
    const [unit, size] = units.find((one) => -seconds >= one[1]) || ["second", Infinity];
    node.textContent = format.format(Math.round(seconds / size) || 0, unit);
  };
  update();
  shown.add([node, update]);
  return node;
}

setInterval(() => {
  for (const one of shown) one[0].isConnected ? one[1]() : shown.delete(one);
}, 30000);

/** Two short notes, softly. */
export function tone() {
  const sound = new AudioContext();
  for (const [i, pitch] of [660, 880].entries()) {
    const [note, volume] = [sound.createOscillator(), sound.createGain()];
    const from = sound.currentTime + i * 0.12;
    note.frequency.value = pitch;
    volume.gain.setValueAtTime(0.06, from);
    volume.gain.exponentialRampToValueAtTime(0.001, from + 0.2);
    note.connect(volume).connect(sound.destination);
    note.start(from);
    note.stop(from + 0.2);
  }
}

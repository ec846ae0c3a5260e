// The header's menu: a new conversation, earlier ones, a person, the end, the tone. Sent in parts.js.
import { styled, time, tone } from "./extras.js";
import { button, make } from "./view.js";

let panel;

/** Opens it under its button, or closes it. */
export async function menu(opener, talk) {
  if (panel) return shut();
  const words = await talk.all();
  const settings = await talk.visitor.settings().catch(() => ({ handoff: {} }));
  await styled;
  // clicked twice
  if (panel) return;
  const act = (what) => () => {
    shut();
    what();
  };
  const item = (label, what) => button(label, "item", act(what));
  const said = talk.log.querySelector(".user");
  const items = [item(words.fresh, () => talk.fresh())];
  if (settings.history) items.push(button(words.earlier, "item", () => earlier(talk, words, back)));
  if (settings.handoff.enabled) items.push(item(words.person, async () => (await import("./forms.js")).person(talk, opener)));
  if (said && /stars|thumbs/.test(settings.rating))
    items.push(item(words.end, async () => (await import("./forms.js")).farewell(talk, settings.rating)));
  if (settings.sound) {
    const sound = button(words.sound, "item", () => {
      const on = !talk.visitor.known().sound;
      talk.visitor.keep({ sound: on });
      sound.ariaPressed = on;
      if (on) tone();
    });
    sound.ariaPressed = !!talk.visitor.known().sound;
    items.push(sound);
  }
  const back = () => {
    panel.className = "";
    panel.replaceChildren(...items);
    items[0].focus();
  };
  const shut = () => {
    panel?.remove();
    panel = null;
    opener.ariaExpanded = false;
    removeEventListener("pointerdown", outside);
    opener.focus();
  };
  const outside = ({ target }) => panel.contains(target) || opener.contains(target) || shut();
  panel = make("div", "");
  Object.assign(panel, { id: "panel", role: "group", ariaLabel: words.menu, shut });
  panel.onkeydown = (event) => {
    if (event.key === "Escape") {
      // the chat itself stays open
      event.stopPropagation();
      shut();
    }
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!move) return;
    event.preventDefault();
    const all = [...panel.querySelectorAll("button")];
    all.at((all.indexOf(document.activeElement) + move) % all.length).focus();
  };
  opener.closest("header").after(panel);
  opener.ariaExpanded = true;
  addEventListener("pointerdown", outside);
  back();
}

// the latest first; a click goes on with one
async function earlier(talk, words, back) {
  const { visitor } = talk;
  const head = make("div", "head", button("‹", "icon", back), make("h2", "", words.earlier));
  head.firstChild.ariaLabel = words.back;
  const list = make("ul", "");
  list.ariaBusy = true;
  panel.className = "list";
  panel.replaceChildren(head, list);
  head.firstChild.focus();
  let found;
  try {
    found = (await (await visitor.call("conversations", null, (await visitor.begin()).token)).json()).items;
  } catch {
    return list.replaceWith(make("p", "", words.failed));
  }
  list.ariaBusy = false;
  if (!found.length) return list.replaceWith(make("p", "", words.none));
  for (const { id, first_question, last_message_at, created_at } of found) {
    const title = make("span", "", first_question);
    title.dir = "auto";
    const open = button(title, "item", async () => {
      try {
        if (id !== visitor.known().id) await visitor.enter(await visitor.call(`conversation/${id}/open`, {}, (await visitor.begin()).token));
      } catch {
        return talk.show.notice(words.failed);
      }
      panel.shut();
      await talk.resume();
      talk.changed();
      talk.focus();
    });
    open.append(time(new Date(last_message_at || created_at), talk.language));
    list.append(make("li", "", open));
  }
}

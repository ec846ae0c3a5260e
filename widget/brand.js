// What an owner gives a chat of its own: a picture, a font, a colour for the visitor's words. Fetched where there is one.
import { sheet } from "./view.js";

const styled = sheet("./brand.css");

/** `font`: one of brand.css's; `user`: a colour, and `on_user` of text on it; `address`: of the picture, which is the
 * logo at the top and the face beside what the bot says. */
export async function brand(chat, { font, user, on_user }, address) {
  if (font) chat.dataset.font = font;
  if (user) {
    chat.dataset.user = "";
    chat.style.setProperty("--user", user);
    chat.style.setProperty("--on-user", on_user);
  }
  await styled;
  if (!address) return;
  const picture = new Image();
  picture.onload = () => {
    chat.style.setProperty("--face", `url("${picture.src}")`);
    chat.dataset.face = "";
  };
  picture.src = address;
}

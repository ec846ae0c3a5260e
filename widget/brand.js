// What an owner gives a chat of its own: pictures, a font, a colour for the visitor's words. Fetched where there is one.
import { sheet } from "./view.js";

const styled = sheet("./brand.css");

/** `font`: one of brand.css's; `user`: a colour, and `on_user` of text on it; addresses of pictures: `logo` at the top,
 * and `face` beside what the bot says. */
export async function brand(chat, { font, user, on_user, logo, face = logo }) {
  if (font) chat.dataset.font = font;
  if (user) {
    chat.dataset.user = "";
    chat.style.setProperty("--user", user);
    chat.style.setProperty("--on-user", on_user);
  }
  await styled;
  const pictures = { logo, face };
  for (const name in pictures) {
    if (!pictures[name]) continue;
    const picture = new Image();
    picture.onload = () => {
      chat.style.setProperty("--" + name, `url("${picture.src}")`);
      chat.dataset[name] = "";
    };
    picture.src = pictures[name];
  }
}

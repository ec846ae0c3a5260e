// What an owner gives a chat of its own: a picture, a font. Fetched where there is one.
import { sheet } from "./view.js";

const styled = sheet("./brand.css");

/** `font`: one of brand.css's; `address`: of the picture. */
export async function brand(chat, font, address) {
  if (font) chat.dataset.font = font;
  await styled;
  if (!address) return;
  const picture = new Image();
  picture.onload = () => chat.querySelector("#face").replaceChildren(picture);
  picture.src = address;
}

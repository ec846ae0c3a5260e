// The words of the frame, each language in files of its own: those that a first answer needs, and those of menus and forms.
const languages = "de fr es it pt nl pl tr ru ar he zh ja";

// with the same ?v= as this file
const file = async (name) => (await import(`./${name}.js${new URL(import.meta.url).search}`)).default;

/** Which of our languages that is ("de-CH": "de"); "auto" is the visitor's own. */
export function spoken(language) {
  const short = (!language || language === "auto" ? navigator.language : language).slice(0, 2).toLowerCase();
  return languages.includes(short) ? short : "en";
}

/** The words in a language that `spoken` gave; English where its file cannot be had. */
export const texts = (short, part = "texts") => file(`${part}-${short}`).catch(() => file(part + "-en"));

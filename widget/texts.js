// The words of the frame that a first answer needs. English is here; other languages, and what only some visitors need,
// are files of the same shape, fetched when they are.
const english = {
  online: "Online",
  writing: "Writing…",
  placeholder: "Ask a question…",
  input: "Your message",
  log: "Conversation",
  send: "Send",
  stop: "Stop",
  close: "Close chat",
  menu: "Menu",
  you: "You",
  sources: "Sources",
  page: "page",
  source: "Show source",
  visit: "Open page",
  unsure: "Not found in the sources",
  retry: "Try again",
  stopped: "Stopped",
  left: " characters left",
  over: " characters too many",
  wait: "Many messages at once. Please try again in {n} s.",
  offline: "The connection was lost. Your message is safe.",
  denied: "This chat is not available on this website.",
  failed: "That did not work. Please try again.",
  waiting: "Reconnecting…",
  note: "AI answers can be wrong",
};
const languages = ["de", "fr", "es", "it", "pt", "nl", "pl", "tr", "ru", "ar", "he", "zh", "ja"];

// with the same ?v= as this file
const file = async (name) => (await import(`./${name}.js${new URL(import.meta.url).search}`)).default;

/** Which of our languages that is ("de-CH": "de"); "auto" is the visitor's own. */
export function spoken(language) {
  const short = (!language || language === "auto" ? navigator.language : language).slice(0, 2).toLowerCase();
  return languages.includes(short) ? short : "en";
}

/** The words in a language that `spoken` gave; English where its file cannot be had. */
export const texts = async (short) => ({ ...english, ...(short !== "en" && (await file("texts-" + short).catch(() => {}))) });

/** Those that menus and forms need. */
export const more = (short) => file("more-" + short).catch(() => file("more-en"));

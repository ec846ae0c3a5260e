// The words of the frame. English is here; other languages are files of the same shape, fetched only when a bot speaks them.
const english = {
  online: "Online",
  writing: "Writing…",
  placeholder: "Ask a question…",
  input: "Your message",
  log: "Conversation",
  send: "Send",
  stop: "Stop",
  close: "Close chat",
  fresh: "New conversation",
  you: "You",
  sources: "Sources",
  page: "page",
  source: "Show source",
  visit: "Open page",
  helpful: "Helpful",
  unhelpful: "Not helpful",
  thanks: "Thank you",
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
const languages = ["de", "es", "fr"];

/** The words in `language` ("de", "de-CH"...); English where there is no file for it. */
export async function texts(language) {
  const short = (language || "").slice(0, 2).toLowerCase();
  if (!languages.includes(short)) return english;
  try {
    return { ...english, ...(await import({ de: "./texts-de.js", es: "./texts-es.js", fr: "./texts-fr.js" }[short])).default };
  } catch {
    return english;
  }
}

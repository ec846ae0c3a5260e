// Knows whether a website's visitor has had its message in this session. The storage is this frame's own: nothing is
// kept on the website.
addEventListener("message", ({ source, origin, data }) => {
  if (source !== parent || data?.type !== "chatbot:first") return;
  const key = `chatbot-once:${location.search}:${origin}`;
  let first = true;
  try {
    first = !sessionStorage.getItem(key);
    sessionStorage.setItem(key, "1");
  } catch {}
  parent.postMessage({ type: "chatbot:first", first }, origin);
});

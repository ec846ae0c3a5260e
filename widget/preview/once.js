// A preview is always the first page of a session.
addEventListener("message", ({ source, origin, data }) => {
  if (source === parent && origin === location.origin && data?.type === "chatbot:first") parent.postMessage({ type: "chatbot:first", first: true }, origin);
});

// The website around the chat: who it is, what it asks of the chat, and what it is told. Origins are exact both ways.
const before = [];
let act = (name, data) => before.push([name, data]);
let site;

/**
 * {origin, config?, inline?, identity?, context?, page?} of the website around us; what may change is set anew. Its
 * origin is what the browser says of the hello, never what a message claims. A preview in the dashboard, a shared link
 * and a plain iframe say no hello.
 */
export const website = new Promise((resolve) => {
  const settle = (found) => resolve((site ??= found));
  const own = { origin: location.origin };
  if (parent === window) return settle(own);
  addEventListener("message", ({ source, origin, data }) => {
    if (source !== parent || typeof data?.type !== "string") return;
    const { type, config, inline, identity, context, page } = data;
    if (type === "chatbot:hello") settle({ origin, config, inline });
    if (origin !== site?.origin || !site.config) return;
    Object.assign(site, { identity, context, page });
    act(type.replace("chatbot:", ""), data);
  });
  // Without the loader no hello comes; then the browser says who is around us, and `frame-ancestors` who may be.
  const around = location.ancestorOrigins?.[0] || new URL(document.referrer || location.href).origin;
  setTimeout(settle, around === own.origin ? 1000 : 2000, { origin: around });
});

const say = (message) => site?.config && parent.postMessage(message, site.origin);

/** An event for the website's own code: never what was said, which is not the website's to read. */
export const tell = (name, detail) => say({ type: "chatbot:event", name, detail });

export const leave = () => say({ type: "chatbot:close" });

/** `calls`: what the website may ask for, by name. What it asked before comes now. */
export function serve(calls) {
  act = (name, data) => Object.hasOwn(calls, name) && calls[name](data);
  for (const [name, data] of before.splice(0)) act(name, data);
}

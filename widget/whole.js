// An answer in one piece, where streams do not come through. Fetched when two have stalled.
// ms until it is given up
const PATIENCE = 120000;

/** `send(headers)` asks; gives what the event `done` would say. */
export async function whole(send, on) {
  const signal = AbortSignal.any([on.signal, AbortSignal.timeout(PATIENCE)]);
  const { answer: text, sources, proof, ...done } = await (await send({ Accept: "application/json", signal })).json();
  on.reset();
  on.token({ text });
  on.sources({ sources, proof });
  return done;
}

// Server-sent events of a fetch body, which EventSource cannot do: it has neither POST nor headers.

/** Yields {event, data, id} of each event; heartbeat comments reach only `alive`. */
export async function* events(body, alive) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      alive();
      // A chunk may end between CR and LF: such a CR waits for what follows.
      const blocks = (rest + value).replace(/\r\n|\r(?!$)/g, "\n").split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const event = read(block);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function read(block) {
  const found = { event: "message", id: "", data: "" };
  const data = [];
  for (const line of block.split("\n")) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) || [];
    if (name === "data") data.push(value);
    else if (name in found) found[name] = value;
  }
  if (!data.length) return null;
  try {
    return { ...found, data: JSON.parse(data.join("\n")) };
  } catch {
    // not ours
    return null;
  }
}

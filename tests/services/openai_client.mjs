// What OpenAI's own Node client makes of a bot. Run by test_completions_node.py with the address, a key and a bot's id.
import OpenAI from "openai";

const [baseURL, apiKey, model, tooled] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "How long does a refund take?" }];
const found = {};

found.models = [];
for await (const one of client.models.list()) found.models.push(one.id);
found.model = (await client.models.retrieve(model)).id;

const whole = await client.chat.completions.create({ model, messages });
found.answer = whole.choices[0].message.content;
found.sources = whole.choices[0].message.sources;
found.usage = whole.usage;
found.requestId = whole._request_id;

found.streamed = "";
const options = { stream: true, stream_options: { include_usage: true } };
for await (const chunk of await client.chat.completions.create({ model, messages, ...options })) {
  found.streamed += chunk.choices[0]?.delta?.content ?? "";
  found.reason = chunk.choices[0]?.finish_reason ?? found.reason;
  found.streamedSources = chunk.sources ?? found.streamedSources;
  found.streamedUsage = chunk.usage ?? found.streamedUsage;
}

const runner = client.chat.completions.runTools({
  model: tooled,
  messages,
  stream: true,
  tools: [
    {
      type: "function",
      function: {
        name: "order_status",
        parse: JSON.parse,
        parameters: { type: "object", properties: { question: { type: "string" } } },
        function: ({ question }) => `asked: ${question}`,
      },
    },
  ],
});
found.tools = await runner.finalContent();

found.errors = {};
for (const [name, request] of Object.entries({
  model: { model: "gpt-4o", messages },
  tools: { model, messages, tools: [{ type: "function", function: { name: "x" } }] },
  choices: { model, messages, n: 2 },
})) {
  const error = await client.chat.completions.create(request).catch((error) => error);
  found.errors[name] = [error.constructor.name, error.status, error.code, error.param];
}
const stranger = client.withOptions({ apiKey: "cb_wrong" });
const refused = await stranger.models.list().catch((error) => error);
found.errors.key = [refused.constructor.name, refused.status, refused.code, refused.param];

console.log(JSON.stringify(found));

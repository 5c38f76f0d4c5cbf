// What an application does with Vercel's AI SDK, once for each client dialect over each upstream dialect.
// Run by conformance/vercel_ai.py in a folder that has the packages: node cases.mjs GATEWAY_URL. Prints JSON lines.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, generateObject, generateText, Output, stepCountIs, streamObject, streamText, tool } from "ai";
import assert from "node:assert/strict";
import { z } from "zod";

globalThis.AI_SDK_LOG_WARNINGS = false;
const url = process.argv[2];
const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey: "any" });
const anthropic = createAnthropic({ baseURL: `${url}/v1`, apiKey: "any" });
const clients = {
  "openai.chat": (name) => openai.chat(name),
  "openai.responses": (name) => openai.responses(name),
  anthropic: (name) => anthropic(name),
};
const upstreams = ["chat", "resp", "anth"];
const GREY =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==";
const person = z.object({ name: z.string(), age: z.number().int(), tags: z.array(z.string()) });
const tools = {
  weather: tool({
    description: "The weather at a place.",
    inputSchema: z.object({ place: z.string() }),
    execute: async ({ place }) => ({ sky: `blue over ${place}` }),
  }),
  clock: tool({
    description: "The time at a place.",
    inputSchema: z.object({ place: z.string() }),
    execute: async () => "noon",
  }),
};
const asking = { tools, stopWhen: stepCountIs(3), prompt: "Ask weather and clock, then tell me." };

const cases = {
  async "generateText"(model) {
    const answer = await generateText({ model: model("m"), system: "Be brief.", prompt: "Hello there" });
    assert.match(answer.text, /heard 2 words: Hello there/);
    assert.equal(answer.finishReason, "stop");
    assert.ok(answer.usage.inputTokens > 0 && answer.usage.outputTokens > 0);
  },
  async "generateText stops at its limit"(model) {
    // Responses takes no limit below 16.
    const answer = await generateText({ model: model("m"), prompt: "again ".repeat(30), maxOutputTokens: 16 });
    assert.equal(answer.finishReason, "length");
  },
  async "generateText with tools in two steps"(model) {
    const answer = await generateText({ model: model("m"), ...asking });
    assert.equal(answer.steps.length, 2);
    assert.deepEqual(answer.steps[0].toolCalls.map((call) => call.toolName).sort(), ["clock", "weather"]);
    assert.match(answer.text, /read 2 tool results.*blue over text.*noon/s);
  },
  async "generateText with a tool that must be called"(model) {
    const required = { tools, toolChoice: { type: "tool", toolName: "clock" }, prompt: "Anything" };
    const answer = await generateText({ model: model("m"), ...required });
    assert.deepEqual(answer.toolCalls.map((call) => [call.toolName, call.input]), [["clock", { place: "text" }]]);
    assert.equal(answer.finishReason, "tool-calls");
  },
  async "generateText with a picture"(model) {
    const content = [{ type: "text", text: "What is this" }, { type: "image", image: GREY, mediaType: "image/png" }];
    const answer = await generateText({ model: model("m"), messages: [{ role: "user", content }] });
    assert.match(answer.text, /heard 3 words/);
  },
  async "streamText"(model) {
    const stream = streamText({ model: model("m"), prompt: "Hello there" });
    const pieces = [];
    for await (const piece of stream.textStream) pieces.push(piece);
    assert.ok(pieces.length > 1, "it came in one piece");
    assert.match(pieces.join(""), /heard 2 words: Hello there/);
    assert.equal(await stream.finishReason, "stop");
    const usage = await stream.usage;
    assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
  },
  async "streamText with tools in two steps"(model) {
    const stream = streamText({ model: model("m"), ...asking });
    const seen = {};
    for await (const part of stream.fullStream) {
      seen[part.type] = (seen[part.type] ?? 0) + 1;
      if (part.type === "error") throw part.error;
    }
    assert.equal(seen["tool-input-start"], 2);
    assert.ok(seen["tool-input-delta"] >= 2);
    assert.equal(seen["tool-call"], 2);
    assert.equal(seen["tool-result"], 2);
    assert.equal(seen["finish-step"], 2);
    assert.match(await stream.text, /read 2 tool results.*blue over text.*noon/s);
  },
  async "generateObject"(model) {
    const { object } = await generateObject({ model: model("m"), schema: person, prompt: "Somebody" });
    assert.deepEqual(Object.keys(object).sort(), ["age", "name", "tags"]);
  },
  async "generateText with an output schema"(model) {
    const answer = await generateText({ model: model("m"), output: Output.object({ schema: person }), prompt: "One" });
    assert.ok(Array.isArray(answer.output.tags));
  },
  async "streamObject"(model) {
    const stream = streamObject({ model: model("m"), schema: person, prompt: "Somebody" });
    let partials = 0;
    for await (const _ of stream.partialObjectStream) partials += 1;
    assert.ok(partials > 0);
    assert.ok(person.safeParse(await stream.object).success);
  },
  async "an unknown model is an APICallError that is not retried"(_, named) {
    const error = await failure(generateText({ model: named("none"), prompt: "Hello" }));
    assert.ok(APICallError.isInstance(error), String(error));
    assert.equal(error.statusCode, 404);
    assert.equal(error.isRetryable, false);
    assert.match(error.message, /no model/i);
  },
  async "a rate limit is an APICallError that may be retried"(model) {
    const error = await failure(generateText({ model: model("m+fault:status_429"), prompt: "Hello", maxRetries: 0 }));
    assert.ok(APICallError.isInstance(error), String(error));
    assert.equal(error.statusCode, 429);
    assert.equal(error.isRetryable, true);
  },
  async "a stream that breaks ends with an error"(model) {
    const stream = streamText({ model: model("m+fault:cut_mid"), prompt: "a b c d e f", onError() {}, maxRetries: 0 });
    let last;
    for await (const part of stream.fullStream) if (part.type === "error") last = part.error;
    assert.ok(last, "no error was told");
  },
  async "a stream can be aborted"(model) {
    const abort = new AbortController();
    const stream = streamText({ model: model("m+fault:slow_stream"), prompt: "a b c d", abortSignal: abort.signal });
    let aborted = false;
    for await (const part of stream.fullStream) {
      if (part.type === "text-delta") abort.abort();
      if (part.type === "abort") aborted = true;
    }
    assert.ok(aborted);
  },
};

const thinking = {
  async "thoughts are streamed and go back signed"(model) {
    const options = { anthropic: { thinking: { type: "enabled", budgetTokens: 1024 } } };
    const stream = streamText({ model: model("m"), ...asking, providerOptions: options, maxOutputTokens: 4000 });
    let thoughts = "";
    for await (const part of stream.fullStream) {
      if (part.type === "reasoning-delta") thoughts += part.text;
      if (part.type === "error") throw part.error;
    }
    assert.match(thoughts, /The question has/);
    assert.equal((await stream.steps).length, 2);
  },
};

async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

for (const [client, model] of Object.entries(clients)) {
  for (const upstream of upstreams) {
    const all = client === "anthropic" && upstream === "anth" ? { ...cases, ...thinking } : cases;
    for (const [name, run] of Object.entries(all)) {
      const outcome = { client, upstream, name, state: "passed", why: "" };
      try {
        await run((id) => model(`${upstream}/${id}`), model);
      } catch (error) {
        outcome.state = "failed";
        outcome.why = `${error?.name}: ${error?.message ?? error}`;
      }
      console.log(JSON.stringify(outcome));
    }
  }
}

// The JavaScript SDK against the server at LUNA_URL, with the key LUNA_KEY where there is one;
// test_javascript_sdk.py has Node run it.

import assert from "node:assert/strict";
import test from "node:test";

import { LunaClient, LunaError } from "../../appliance/sdk/javascript/luna.js";

const url = process.env.LUNA_URL;
const apiKey = process.env.LUNA_KEY;
const luna = new LunaClient(url, { apiKey });

test("a generation", async () => {
  const result = await luna.generate({ prompt: "Hello!", max_tokens: 6 });
  assert.deepEqual([result.tokens, result.finish_reason], [6, "length"]);
  assert.equal(result.usage.total_tokens, result.usage.prompt_tokens + 6);
  assert.ok(result.performance.tokens_per_second > 0);
});

test("a stream is the same text", async () => {
  const asked = { prompt: "Hello!", max_tokens: 12, temperature: 0 };
  const whole = await luna.generate(asked);
  const stream = luna.generateStream(asked);
  let text = "";
  let step;
  while (!(step = await stream.next()).done) text += step.value;
  assert.equal(text, whole.text);
  assert.deepEqual(step.value.usage, whole.usage);
});

test("a wrong value is named", async () => {
  await assert.rejects(luna.generate({ prompt: "Hello!", top_k: 1000 }), (error) => {
    assert.ok(error instanceof LunaError);
    assert.deepEqual([error.code, error.status], ["VALIDATION_ERROR", 400]);
    assert.match(error.message, /top_k/);
    return error.requestId !== "";
  });
});

test("models and state", async () => {
  const { models } = await luna.getModels();
  assert.ok(models.some(({ id }) => id === "tiny"));
  assert.equal((await luna.getModel("tiny")).id, "tiny");
  assert.equal((await luna.loadModel("tiny")).status, "loaded");
  assert.equal((await luna.getStatus()).model.loaded, true);
  assert.ok(Array.isArray((await luna.getLogs({ limit: 5 })).logs));
  assert.ok(Array.isArray((await luna.getProfile()).metrics));
});

test("the document's sample", async () => {
  const { BrowserLLMClient } = await import("../../appliance/sdk/javascript/luna.js");
  const client = new BrowserLLMClient(`${url}/api/v1`, { apiKey });
  const result = await client.generate({ prompt: "What is AI?", max_tokens: 10 });
  assert.equal(typeof result.text, "string");
  let pieces = 0;
  for await (const token of client.generateStream({ prompt: "Write a story", max_tokens: 10 })) {
    assert.equal(typeof token, "string");
    pieces += 1;
  }
  assert.ok(pieces > 0);
});

test("a socket: several generations, metrics, an end", async () => {
  const socket = await luna.connect();
  const figures = socket.subscribe(["metric"]);
  const figure = figures.next();
  const write = async (prompt) => {
    let text = "";
    const stream = socket.generate({ prompt, max_tokens: 8 });
    let step;
    while (!(step = await stream.next()).done) text += step.value;
    assert.equal(step.value.text, text);
    return step.value.tokens;
  };
  assert.deepEqual(await Promise.all(["One", "Two", "Three"].map(write)), [8, 8, 8]);
  assert.equal((await figure).value.type, "metric");
  await figures.return();
  for await (const token of socket.generate({ prompt: "Four", max_tokens: 400 })) {
    assert.equal(typeof token, "string");
    break;
  }
  await assert.rejects(socket.generate({ prompt: "Five", top_k: 1000 }).next(), {
    code: "VALIDATION_ERROR",
  });
  socket.close();
});

test("without a key, where one is needed", { skip: !apiKey }, async () => {
  const stranger = new LunaClient(url);
  await assert.rejects(stranger.generate({ prompt: "Hi" }), { status: 401 });
  await assert.rejects(stranger.connect(), { code: "UNREACHABLE" });
});

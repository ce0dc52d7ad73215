// The module alone, with a made-up `fetch`; test_luna_js.py has Node run it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import test from "node:test";

import { BrowserLLMClient, LunaClient, LunaError, events } from "../../../../appliance/sdk/javascript/luna.js";

const DONE = { text: "Hello", tokens: 2, finish_reason: "stop" };
const encoder = new TextEncoder();

const success = (data, status = 200) => Response.json({ success: true, data }, { status });
const failure = (code, status, headers = {}) =>
  Response.json(
    { success: false, error: { code, message: `It is ${code}.`, details: { param: "top_k" } } },
    { status, headers: { "x-request-id": "req_1", ...headers } },
  );
const event = (type, data) => `data: ${JSON.stringify({ type, data })}\n\n`;

/** A streamed answer in pieces; `gone` tells whether it was let go. */
function streamed(...pieces) {
  const state = { gone: false };
  const body = new ReadableStream({
    pull(controller) {
      if (pieces.length === 0) controller.close();
      else controller.enqueue(pieces.shift());
    },
    cancel() {
      state.gone = true;
    },
  }, { highWaterMark: 0 });
  state.response = new Response(body, { headers: { "content-type": "text/event-stream" } });
  return state;
}

/** Answers in turn, the last one again and again, and keeps what it was asked. */
function fake(...answers) {
  const asked = [];
  const fetch = async (url, options) => {
    asked.push({ url, ...options });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return typeof answer === "function" ? answer(options) : answer.clone();
  };
  return { asked, client: (options) => new LunaClient("luna.local", { fetch, ...options }) };
}

async function collect(stream) {
  const found = [];
  for await (const each of stream) found.push(each);
  return found;
}

const hasCode = (code) => (error) => error instanceof LunaError && error.code === code;

test("a client has the document's name too", () => {
  assert.equal(BrowserLLMClient, LunaClient);
});

test("addresses", () => {
  const api = (...given) => new LunaClient(...given).baseURL;
  assert.equal(api(), "http://localhost:8080/api/v1");
  assert.equal(api("luna.local"), "http://luna.local/api/v1");
  assert.equal(api("http://10.0.0.7:8080/"), "http://10.0.0.7:8080/api/v1");
  assert.equal(api("http://localhost:3000/api/v1"), "http://localhost:3000/api/v1");
  assert.equal(api("https://example.com/box/api/v1/"), "https://example.com/box/api/v1");
  assert.throws(() => api("ftp://x"), TypeError);
});

test("a generation", async () => {
  const { asked, client } = fake(success(DONE));
  assert.deepEqual(await client({ apiKey: "secret" }).generate({ prompt: "Hi", top_k: 4 }), DONE);
  const [{ url, method, headers, body }] = asked;
  assert.deepEqual([url, method], ["http://luna.local/api/v1/generate", "POST"]);
  assert.deepEqual(JSON.parse(body), { prompt: "Hi", top_k: 4 });
  assert.equal(headers.Authorization, "Bearer secret");
});

test("the other routes", async () => {
  const { asked, client } = fake(success({ models: [] }));
  const luna = client();
  assert.deepEqual(await luna.getModels(), { models: [] });
  await luna.getModel("owner/name v1");
  await luna.getStatus();
  await luna.getLogs({ level: "warn", limit: 5 });
  await luna.getProfile({ since: 1.5 });
  assert.deepEqual(
    asked.map(({ method, url }) => `${method} ${url.replace("http://luna.local/api/v1", "")}`),
    [
      "GET /models",
      "GET /models/owner%2Fname%20v1",
      "GET /status",
      "GET /debug/logs?level=warn&limit=5",
      "GET /debug/profile?since=1.5",
    ],
  );
});

test("a load is waited for", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const loading = { model_id: "a", status: "loading" };
  const { asked, client } = fake(success(loading, 202), success({ ...loading, status: "loaded" }));
  const found = client({ timeout: Infinity }).loadModel("a");
  while (asked.length < 2) {
    await new Promise(setImmediate);
    t.mock.timers.tick(1000);
  }
  assert.equal((await found).status, "loaded");
  const waiting = fake(success(loading, 202)).client({ timeout: Infinity });
  assert.equal((await waiting.loadModel("a", { wait: false })).status, "loading");
  await assert.rejects(waiting.loadModel("a", { timeout: 0 }), hasCode("TIMEOUT"));
});

test("errors have the document's codes", async () => {
  const { asked, client } = fake(failure("VALIDATION_ERROR", 400));
  await assert.rejects(client().generate({ prompt: "" }), (error) => {
    assert.ok(error instanceof LunaError && error instanceof Error);
    assert.equal(error.message, "It is VALIDATION_ERROR.");
    const { code, status, requestId, details } = error;
    assert.deepEqual({ code, status, requestId, details }, {
      code: "VALIDATION_ERROR",
      status: 400,
      requestId: "req_1",
      details: { param: "top_k" },
    });
    return true;
  });
  assert.equal(asked.length, 1);
});

/** Runs `work` while the clock jumps from pause to pause; the pauses in seconds. */
async function pauses(t, work) {
  const slept = [];
  t.mock.method(globalThis, "setTimeout", (done, ms) => {
    slept.push(ms / 1000);
    setImmediate(done);
  });
  await work();
  return slept;
}

const unhurried = { timeout: Infinity };

test("a rate limit is waited for", async (t) => {
  const limited = failure("RATE_LIMIT", 429, { "retry-after": "7" });
  const { client } = fake(limited, failure("RATE_LIMIT", 429), success(DONE));
  const slept = await pauses(t, async () => {
    assert.deepEqual(await client(unhurried).generate({ prompt: "Hi" }), DONE);
  });
  assert.deepEqual(slept, [7, 2]);
});

test("a rate limit that lasts is an error", async (t) => {
  const { client } = fake(failure("RATE_LIMIT", 429, { "retry-after": "20" }));
  const slept = await pauses(t, async () => {
    const limited = (error) => hasCode("RATE_LIMIT")(error) && error.retryAfter === 20;
    await assert.rejects(collect(client(unhurried).generateStream({ prompt: "Hi" })), limited);
  });
  assert.deepEqual(slept, [20, 20, 20]);
});

test("an hour is not waited for", async (t) => {
  const { client } = fake(failure("RATE_LIMIT", 429, { "retry-after": "3600" }));
  const slept = await pauses(t, () =>
    assert.rejects(client(unhurried).getModels(), hasCode("RATE_LIMIT")),
  );
  assert.deepEqual(slept, []);
});

test("a pause can be ended", async () => {
  const { client } = fake(failure("RATE_LIMIT", 429, { "retry-after": "30" }));
  const ending = new AbortController();
  const asked = client().generate({ prompt: "Hi" }, { signal: ending.signal });
  setImmediate(() => ending.abort());
  await assert.rejects(asked, { name: "AbortError" });
});

for (const [name, answer] of Object.entries({
  page: () => new Response("<html>"),
  list: () => Response.json([1]),
  half: () => Response.json({ success: true }),
  gateway: () => new Response("<html>", { status: 502 }),
  short: () => Response.json({ error: "short" }, { status: 404 }),
})) {
  test(`what is no Luna is told: ${name}`, async () => {
    const { client } = fake(answer);
    await assert.rejects(client().getStatus(), hasCode("BAD_ANSWER"));
  });
}

test("nobody answers", async () => {
  const { client } = fake(new TypeError("fetch failed"));
  await assert.rejects(client().getStatus(), hasCode("UNREACHABLE"));
});

test("a stream that is cut anywhere reads the same", async () => {
  const tokens = ["", "Gr\u00fc\u00df", "e ", "\u{1f319}", "\u2028x\u0085", "\\n\"", "\ufeff"];
  const whole = encoder.encode(
    ": queued\n\n" + tokens.map((token) => event("token", { token })).join("") +
    event("metric", {}) + event("done", { completion: DONE }),
  );
  for (let size = 1; size < 9; size += 1) {
    const pieces = [];
    for (let at = 0; at < whole.length; at += size) pieces.push(whole.slice(at, at + size));
    const { client } = fake(() => streamed(...pieces).response);
    const stream = client().generateStream({ prompt: "Hi" });
    const read = [];
    let step;
    while (!(step = await stream.next()).done) read.push(step.value);
    assert.deepEqual(read, tokens);
    assert.deepEqual(step.value, DONE);
  }
});

test("line ends of every kind", async () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    for (const cut of [1, 2, 3, 100]) {
      const bytes = encoder.encode(`data: a${end}data:b${end}${end}:x${end}data: c${end}${end}\n`);
      async function* pieces() {
        for (let at = 0; at < bytes.length; at += cut) yield bytes.slice(at, at + cut);
      }
      assert.deepEqual(await collect(events(pieces())), ["a\nb", "c"]);
    }
  }
});

test("an end without done is no end", async () => {
  const { client } = fake(() => streamed(encoder.encode(event("token", { token: "x" }))).response);
  const stream = client().generateStream({ prompt: "Hi" });
  assert.equal((await stream.next()).value, "x");
  await assert.rejects(stream.next(), hasCode("CONNECTION_LOST"));
});

test("a body that breaks off", async () => {
  const body = new ReadableStream({ pull: (controller) => controller.error(new TypeError("terminated")) });
  const headers = { "content-type": "text/event-stream" };
  const { client } = fake(() => new Response(body, { headers }));
  await assert.rejects(client().generateStream({ prompt: "Hi" }).next(), hasCode("CONNECTION_LOST"));
});

test("a connection that breaks off", async () => {
  const server = createServer((request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(event("token", { token: "x" }), () => response.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const stream = new LunaClient(`127.0.0.1:${server.address().port}`).generateStream({ prompt: "Hi" });
  assert.equal((await stream.next()).value, "x");
  await assert.rejects(stream.next(), hasCode("CONNECTION_LOST"));
  server.close();
});

test("what the Luna says of a failure", async () => {
  const told = event("error", { error: "The engine died.", code: "MODEL_LOAD_FAILED" });
  const { client } = fake(() => streamed(encoder.encode(told)).response);
  await assert.rejects(collect(client().generateStream({ prompt: "Hi" })), {
    code: "MODEL_LOAD_FAILED",
    message: "The engine died.",
  });
  const plain = fake(() => streamed(encoder.encode(event("error", { error: "No." }))).response);
  await assert.rejects(
    collect(plain.client().generateStream({ prompt: "Hi" })),
    hasCode("INFERENCE_ERROR"),
  );
});

for (const data of ["{", "7", "[]", "null", '{"type":"token"}', '{"type":"done","data":{}}']) {
  test(`what no Luna sends: ${data}`, async () => {
    const { client } = fake(() => streamed(encoder.encode(`data: ${data}\n\n`)).response);
    await assert.rejects(collect(client().generateStream({ prompt: "Hi" })), hasCode("BAD_ANSWER"));
  });
}

test("a loop that is left lets go of the answer", async () => {
  const state = streamed(...Array.from({ length: 9 }, () => encoder.encode(event("token", { token: "x" }))));
  const { client } = fake(() => state.response);
  for await (const token of client().generateStream({ prompt: "Hi" })) {
    assert.equal(token, "x");
    break;
  }
  assert.ok(state.gone);
});

test("a signal ends a stream", async () => {
  const ending = new AbortController();
  const never = ({ signal }) => new Response(
    new ReadableStream({ start: (controller) => signal.addEventListener("abort", () => controller.error(signal.reason)) }),
    { headers: { "content-type": "text/event-stream" } },
  );
  const { client } = fake(never);
  const next = client().generateStream({ prompt: "Hi" }, { signal: ending.signal }).next();
  setImmediate(() => ending.abort(new Error("enough")));
  await assert.rejects(next, { message: "enough" });
});

test("silence ends a request", async () => {
  const never = ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const { client } = fake(never);
  await assert.rejects(client({ timeout: 5 }).getStatus(), hasCode("TIMEOUT"));
});

/** A WebSocket whose other end is the test. */
class FakeSocket extends EventTarget {
  static last;
  sent = [];
  readyState = 0;

  constructor(url, protocols) {
    super();
    this.url = url;
    this.protocols = protocols;
    FakeSocket.last = this;
    setImmediate(() => {
      this.readyState = 1;
      this.dispatchEvent(new Event("open"));
    });
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  tell(message) {
    this.dispatchEvent(Object.assign(new Event("message"), { data: JSON.stringify(message) }));
  }

  close() {
    this.readyState = 3;
    this.dispatchEvent(new Event("close"));
  }
}

class DeadSocket extends FakeSocket {
  constructor(url) {
    super(url);
    this.dispatchEvent = () => true;
    setImmediate(() => super.dispatchEvent(new Event("close")));
  }
}

const connected = async () => {
  const luna = await new LunaClient("https://luna.local", { WebSocket: FakeSocket }).connect();
  return { luna, socket: FakeSocket.last };
};

test("two generations at once over a socket", async () => {
  const { luna, socket } = await connected();
  assert.equal(socket.url, "wss://luna.local/api/v1/ws");
  const [one, two] = [luna.generate({ prompt: "1" }), luna.generate({ prompt: "2" })];
  const first = [one.next(), two.next()];
  const [a, b] = socket.sent;
  assert.deepEqual([a.type, a.payload], ["generate", { prompt: "1" }]);
  assert.notEqual(a.id, b.id);
  socket.tell({ type: "token", id: b.id, data: { token: "B" } });
  socket.tell({ type: "token", id: "nobody", data: { token: "?" } });
  socket.tell({ type: "token", id: a.id, data: { token: "A" } });
  socket.tell({ type: "done", id: a.id, data: { ...DONE, completion: DONE } });
  socket.tell({ type: "done", id: b.id, data: DONE });
  assert.deepEqual((await Promise.all(first)).map(({ value }) => value), ["A", "B"]);
  assert.deepEqual(await one.next(), { done: true, value: DONE });
  assert.deepEqual(await two.next(), { done: true, value: DONE });
  assert.equal(socket.sent.length, 2);
});

test("a key is shown to a socket", async () => {
  await new LunaClient("luna.local", { WebSocket: FakeSocket, apiKey: "secret" }).connect();
  assert.deepEqual(FakeSocket.last.protocols, ["luna", "luna-key.secret"]);
  await connected();
  assert.deepEqual(FakeSocket.last.protocols, ["luna"]);
});

test("who leaves a generation aborts it", async () => {
  const { luna, socket } = await connected();
  const stream = luna.generate({ prompt: "1" });
  const next = stream.next();
  const { id } = socket.sent[0];
  socket.tell({ type: "token", id, data: { token: "A" } });
  await next;
  await stream.return();
  assert.deepEqual(socket.sent[1], { type: "abort", id });

  const ending = new AbortController();
  const waiting = luna.generate({ prompt: "2" }, { signal: ending.signal }).next();
  ending.abort(new Error("enough"));
  await assert.rejects(waiting, { message: "enough" });
  assert.deepEqual(socket.sent[3], { type: "abort", id: socket.sent[2].id });
});

test("a generation that fails over a socket", async () => {
  const { luna, socket } = await connected();
  const waiting = luna.generate({ prompt: "1" }).next();
  socket.tell({ type: "error", id: socket.sent[0].id, data: { error: "No.", code: "RATE_LIMIT" } });
  await assert.rejects(waiting, hasCode("RATE_LIMIT"));
  assert.equal(socket.sent.length, 1);
});

test("metrics", async () => {
  const { luna, socket } = await connected();
  const events = luna.subscribe(["metric"]);
  const next = events.next();
  const { id, payload } = socket.sent[0];
  assert.deepEqual(payload, { events: ["metric"] });
  socket.tell({ type: "metric", id, data: { name: "x", value: 7 } });
  assert.deepEqual((await next).value, { type: "metric", data: { name: "x", value: 7 } });
  await events.return();
  assert.deepEqual(socket.sent[1], { type: "unsubscribe", id, payload });
});

test("a socket that is lost", async () => {
  const { luna, socket } = await connected();
  const waiting = luna.generate({ prompt: "1" }).next();
  socket.close();
  await assert.rejects(waiting, hasCode("CONNECTION_LOST"));
  await assert.rejects(luna.generate({ prompt: "2" }).next(), hasCode("CONNECTION_LOST"));
  const dead = new LunaClient("luna.local", { WebSocket: DeadSocket });
  await assert.rejects(dead.connect(), hasCode("UNREACHABLE"));
});

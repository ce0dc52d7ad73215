/**
 * Talks to a Luna, the language-model appliance on your network: `new LunaClient()`.
 *
 * One module without dependencies, for browsers and Node 20 or newer; luna.d.ts has its types. A
 * page that takes it from a device (`import … from "http://luna-ab12.local/sdk/luna.js"`) talks to
 * that device, unless it names another.
 *
 * Licence: Apache-2.0
 */

const API = "/api/v1";
const POLL_MS = 1000;
const ENDS = ["close", "error"]; // Node 20 tells of a refused handshake by an error alone
const HOME = /^https?:/.test(import.meta.url)
  ? new URL(API, import.meta.url).href
  : `http://localhost:8080${API}`;

/**
 * Anything that went wrong with a Luna. `code` is one of the API's (`VALIDATION_ERROR` …), or
 * `UNREACHABLE`, `TIMEOUT`, `CONNECTION_LOST`, `BAD_ANSWER`.
 */
export class LunaError extends Error {
  constructor(code, message, { status = 0, requestId = "", details, retryAfter, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "LunaError";
    this.code = code;
    this.status = status;
    this.requestId = requestId;
    this.details = details;
    this.retryAfter = retryAfter;
  }
}

/** One method for each route of the Browser LLM API. */
export class LunaClient {
  #fetch;
  #WebSocket;
  #apiKey;
  #headers;
  #timeout;
  #retries;
  #patience;

  constructor(baseURL = HOME, options = {}) {
    const { apiKey, timeout = 600_000, retries = 3, patience = 60_000 } = options;
    this.baseURL = apiAddress(baseURL);
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.#WebSocket = options.WebSocket ?? globalThis.WebSocket;
    this.#apiKey = apiKey;
    this.#headers = apiKey ? { Authorization: `Bearer ${apiKey}` } : {};
    this.#timeout = timeout;
    this.#retries = retries;
    this.#patience = patience;
  }

  async generate(params, { signal } = {}) {
    return this.#ask("POST", "/generate", { body: params, signal });
  }

  async *generateStream(params, { signal } = {}) {
    const body = { ...params, stream: true };
    const watch = new Watch(signal, this.#timeout);
    try {
      const response = await this.#send("POST", "/generate", body, watch);
      if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
        await response.body?.cancel();
        throw this.#foreign(response);
      }
      for await (const event of events(pieces(response, watch))) {
        const { type, data } = chunk(event);
        if (type === "token") yield String(data.token ?? "");
        else if (type === "done") return data.completion;
        else if (type === "error") throw failure(data);
      }
    } finally {
      watch.end();
    }
    throw new LunaError("CONNECTION_LOST", "The answer ended before it was whole; ask again.");
  }

  async getModels({ signal } = {}) {
    return this.#ask("GET", "/models", { signal });
  }

  async getModel(modelId, { signal } = {}) {
    return this.#ask("GET", `/models/${encodeURIComponent(modelId)}`, { signal });
  }

  async loadModel(modelId, { wait = true, timeout = 300_000, signal } = {}) {
    const path = `/models/${encodeURIComponent(modelId)}/load`;
    for (let waited = 0; ; waited += POLL_MS) {
      const found = await this.#ask("POST", path, { signal });
      if (!wait || found.status !== "loading") return found;
      if (waited >= timeout) {
        throw new LunaError("TIMEOUT", `The model ${modelId} is still being loaded.`);
      }
      await sleep(POLL_MS, signal);
    }
  }

  async getStatus({ signal } = {}) {
    return this.#ask("GET", "/status", { signal });
  }

  async getLogs({ level, since, limit, signal } = {}) {
    return this.#ask("GET", "/debug/logs", { query: { level, since, limit }, signal });
  }

  async getProfile({ since, metric, signal } = {}) {
    return this.#ask("GET", "/debug/profile", { query: { since, metric }, signal });
  }

  /** A WebSocket, for several generations at once, metrics and log lines. */
  async connect({ signal } = {}) {
    if (!this.#WebSocket) {
      throw new TypeError("There is no WebSocket here; hand one in: new LunaClient(url, { WebSocket }).");
    }
    const url = `${this.baseURL.replace(/^http/, "ws")}/ws`;
    // No browser sends headers of a page's own with a handshake: the key is a subprotocol.
    const protocols = this.#apiKey ? ["luna", `luna-key.${this.#apiKey}`] : ["luna"];
    return LunaSocket.open(() => new this.#WebSocket(url, protocols), url, signal);
  }

  /** The `data` of an answer's envelope. */
  async #ask(method, path, { body, query, signal }) {
    const watch = new Watch(signal, this.#timeout);
    try {
      const response = await this.#send(method, path + queryOf(query), body, watch);
      const envelope = object(await this.#text(response, watch));
      if (envelope.success === true && "data" in envelope) return envelope.data;
      throw this.#refusal(response, envelope);
    } finally {
      watch.end();
    }
  }

  /** A good answer, after as many attempts as it takes and is allowed. */
  async #send(method, path, body, watch) {
    const headers = { ...this.#headers };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const payload = body === undefined ? undefined : JSON.stringify(body);
    for (let attempt = 0, waited = 0; ; attempt += 1) {
      const sent = this.#fetch(this.baseURL + path, {
        method,
        headers,
        body: payload,
        signal: watch.signal,
      });
      const response = await watch.until(sent, "UNREACHABLE", `No Luna answers at ${this.baseURL}.`);
      if (response.ok) return response;
      const error = this.#refusal(response, object(await this.#text(response, watch)));
      const pause = error.retryAfter === undefined ? 1000 * 2 ** attempt : 1000 * error.retryAfter;
      if (!mayPass(error) || attempt >= this.#retries || waited + pause > this.#patience) throw error;
      await sleep(pause, watch.signal);
      waited += pause;
    }
  }

  async #text(response, watch) {
    return watch.until(response.text(), "CONNECTION_LOST", "The answer broke off; ask again.");
  }

  #refusal(response, envelope) {
    const said = envelope.error;
    if (typeof said?.message !== "string") return this.#foreign(response);
    const told = response.headers.get("retry-after") ?? "";
    return new LunaError(String(said.code || "INTERNAL_ERROR"), said.message, {
      status: response.status,
      requestId: response.headers.get("x-request-id") ?? "",
      details: said.details,
      retryAfter: /^\d+$/.test(told) ? Number(told) : undefined,
    });
  }

  #foreign(response) {
    const message = `What answers at ${this.baseURL} is no Luna (status ${response.status}); check the address.`;
    return new LunaError("BAD_ANSWER", message, { status: response.status });
  }
}

/** The name that the document of the Browser LLM API gives it. */
export { LunaClient as BrowserLLMClient };

/** Several conversations with a Luna over one WebSocket; `LunaClient.connect` opens it. */
export class LunaSocket {
  #socket;
  #boxes = new Map(); // id → what came for it and was not fetched yet
  #last = 0;

  static open(make, url, signal) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const socket = make();
      const abort = () => {
        socket.close();
        reject(signal.reason);
      };
      const failed = () => {
        signal?.removeEventListener("abort", abort);
        reject(new LunaError("UNREACHABLE", `No Luna answers at ${url}, or not to you.`));
      };
      signal?.addEventListener("abort", abort, { once: true });
      for (const end of ENDS) socket.addEventListener(end, failed);
      socket.addEventListener("open", () => {
        signal?.removeEventListener("abort", abort);
        resolve(new LunaSocket(socket));
      });
    });
  }

  constructor(socket) {
    this.#socket = socket;
    socket.addEventListener("message", (event) => this.#receive(event.data));
    for (const end of ENDS) socket.addEventListener(end, () => this.#lost());
  }

  /** The pieces of a text; leaving the loop stops the generation on the device. */
  async *generate(params, { signal } = {}) {
    const { id, box } = this.#begin("generate", params);
    const abort = () => box.fail(signal.reason);
    signal?.addEventListener("abort", abort, { once: true });
    let running = true;
    try {
      signal?.throwIfAborted();
      for await (const { type, data } of box) {
        if (type === "token") yield String(data.token ?? "");
        else if (type === "done") {
          running = false;
          return data.completion ?? data;
        } else if (type === "error") {
          running = false;
          throw failure(data);
        }
      }
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#boxes.delete(id);
      if (running) this.#send({ type: "abort", id });
    }
  }

  /** Metrics and log lines as they come, `{ type, data }`; leaving the loop ends it. */
  async *subscribe(kinds = ["metric", "log"]) {
    const { id, box } = this.#begin("subscribe", { events: kinds });
    try {
      for await (const { type, data } of box) {
        if (type === "error") throw failure(data);
        yield { type, data };
      }
    } finally {
      this.#boxes.delete(id);
      this.#send({ type: "unsubscribe", id, payload: { events: kinds } });
    }
  }

  close() {
    this.#socket.close();
  }

  #begin(type, payload) {
    const id = `${type}-${(this.#last += 1)}`;
    const box = new Box();
    this.#boxes.set(id, box);
    if (!this.#send({ type, id, payload })) this.#lost();
    return { id, box };
  }

  #send(message) {
    const open = this.#socket.readyState === 1;
    if (open) this.#socket.send(JSON.stringify(message));
    return open;
  }

  #receive(text) {
    const message = object(text);
    if (typeof message.data === "object") this.#boxes.get(message.id)?.put(message);
  }

  #lost() {
    const error = new LunaError("CONNECTION_LOST", "The connection to the Luna ended; connect again.");
    for (const box of this.#boxes.values()) box.fail(error);
  }
}

/** Messages that wait until somebody fetches them. */
class Box {
  #kept = [];
  #error;
  #wake = () => {};

  put(message) {
    this.#kept.push(message);
    this.#wake();
  }

  fail(error) {
    this.#error ??= error;
    this.#wake();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      while (this.#kept.length > 0) yield this.#kept.shift();
      if (this.#error) throw this.#error;
      await new Promise((resolve) => (this.#wake = resolve));
    }
  }
}

/** The end of a request before its time: the caller's signal, or silence for too long. */
class Watch {
  #controller = new AbortController();
  #outer;
  #abort = () => this.#controller.abort(this.#outer.reason);
  #limit;

  constructor(outer, limit) {
    this.#outer = outer;
    this.#limit = limit;
    outer?.addEventListener("abort", this.#abort, { once: true });
    if (outer?.aborted) this.#abort();
  }

  get signal() {
    return this.#controller.signal;
  }

  /** What a promise gives; only while it is waited for does silence count. */
  async until(promise, code, message) {
    const silent = () => this.#controller.abort(new LunaError("TIMEOUT", "The Luna was silent for too long."));
    const timer = Number.isFinite(this.#limit) ? setTimeout(silent, this.#limit) : undefined;
    try {
      return await promise;
    } catch (cause) {
      throw this.signal.aborted ? this.signal.reason : new LunaError(code, message, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  end() {
    this.#outer?.removeEventListener("abort", this.#abort);
  }
}

/** The bytes of an answer as they come; the connection is let go when they are not wanted. */
async function* pieces(response, watch) {
  const reader = response.body.getReader();
  try {
    for (;;) {
      const read = reader.read();
      const { done, value } = await watch.until(read, "CONNECTION_LOST", "The answer broke off; ask again.");
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/**
 * The data of server-sent events (WHATWG HTML, section 9.2). Characters and lines may be cut
 * anywhere: what is not whole waits for the rest.
 */
export async function* events(chunks) {
  const decoder = new TextDecoder();
  let rest = "";
  let data = [];
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    const held = rest.endsWith("\r") ? "\r" : ""; // perhaps half of a CRLF
    const lines = rest.slice(0, rest.length - held.length).split(/\r\n|\n|\r/);
    rest = lines.pop() + held;
    for (const line of lines) {
      if (line === "" && data.length > 0) {
        yield data.join("\n");
        data = [];
      } else if (line === "data" || line.startsWith("data:")) {
        data.push(line.slice(5).replace(/^ /, ""));
      }
    }
  }
}

function chunk(event) {
  const { type, data } = object(event);
  if (typeof data !== "object" || data === null || (type === "done" && !data.completion)) {
    throw new LunaError("BAD_ANSWER", "The stream has an event that no Luna sends; check the address.");
  }
  return { type, data };
}

/** The document's error is a sentence; a code beside it is the device's. */
function failure(data) {
  const said = data?.error;
  const message = String(said?.message ?? said ?? data?.message ?? "The generation failed.");
  return new LunaError(said?.code ?? data?.code ?? "INFERENCE_ERROR", message);
}

/** Whether it is worth to ask again: the Luna says so. */
function mayPass(error) {
  const limited = error.status === 429 || error.code === "RATE_LIMIT";
  return limited || (error.status === 503 && error.retryAfter !== undefined);
}

function object(text) {
  try {
    const found = JSON.parse(text);
    return typeof found === "object" && found !== null ? found : {};
  } catch {
    return {};
  }
}

function queryOf(fields = {}) {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return given.length > 0 ? `?${new URLSearchParams(given.map(([k, v]) => [k, String(v)]))}` : "";
}

function apiAddress(address) {
  const url = new URL(String(address).includes("://") ? address : `http://${address}`);
  if (!/^https?:$/.test(url.protocol)) throw new TypeError(`'${address}' is no server's address.`);
  return url.origin + (url.pathname.replace(/\/+$/, "") || API);
}

function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}

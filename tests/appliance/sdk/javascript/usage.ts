// An app in TypeScript; test_luna_js.py has the compiler read it, with and without its mistakes.

import {
  BrowserLLMClient,
  LunaClient,
  LunaError,
  LunaSocket,
  type GenerateResponse,
  type StatusResponse,
} from "../../../../appliance/sdk/javascript/luna.js";

const luna: BrowserLLMClient = new LunaClient("http://luna.local", { apiKey: "x", retries: 0 });

export async function whole(signal: AbortSignal): Promise<string> {
  const { text, performance }: GenerateResponse = await luna.generate(
    { prompt: "Hi", stop: ["."], json_schema: { type: "object" } },
    { signal },
  );
  return `${text} ${performance.tokens_per_second.toFixed(1)}`;
}

export async function pieces(): Promise<string | undefined> {
  try {
    for await (const token of luna.generateStream({ prompt: "Hi" })) return token.trim();
  } catch (error) {
    if (error instanceof LunaError && error.code === "RATE_LIMIT") return String(error.retryAfter);
    throw error;
  }
  return undefined;
}

export async function state(): Promise<StatusResponse["status"]> {
  const { models } = await luna.getModels();
  await luna.loadModel(models[0].id, { wait: false });
  const { logs } = await luna.getLogs({ level: "warn", limit: 5 });
  return logs.length > 0 ? "error" : (await luna.getStatus()).status;
}

export async function socket(): Promise<number> {
  const connected: LunaSocket = await luna.connect();
  const step = await connected.generate({ prompt: "Hi" }).next();
  connected.close();
  return step.done ? step.value.tokens : step.value.length;
}

// @ts-expect-error A prompt is needed.
void luna.generate({ max_tokens: 5 });
// @ts-expect-error Tokens are text.
for await (const token of luna.generateStream({ prompt: "Hi" })) token.data;
// @ts-expect-error There is no such level.
void luna.getLogs({ level: "loud" });
// @ts-expect-error A socket is opened by a client.
new LunaSocket();

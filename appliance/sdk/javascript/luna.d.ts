/** Types of luna.js. Times are in milliseconds. */

export interface GenerateRequest {
  prompt: string;
  /** 1 to 4096. */
  max_tokens?: number;
  /** 0 to 2. */
  temperature?: number;
  /** 0 to 1. */
  top_p?: number;
  /** 1 to 100. */
  top_k?: number;
  /** 0 to 2. */
  frequency_penalty?: number;
  /** 0 to 2. */
  presence_penalty?: number;
  stop?: string[];
  json_mode?: boolean;
  json_schema?: object;
  /** Without it the model answers that was loaded last by this API, or the device's default. */
  model?: string;
}

export interface GenerateResponse {
  text: string;
  tokens: number;
  finish_reason: "stop" | "length" | "error";
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
  performance: { tokens_per_second: number; latency_ms: number; total_time_ms: number };
}

export interface Model {
  id: string;
  name: string;
  size: string;
  vram_required: string;
  downloaded: boolean;
  speed_tier: "fast" | "medium" | "slow";
  quality_tier: "excellent" | "good" | "basic";
  capabilities: string[];
}

export interface ModelsResponse {
  models: Model[];
}

export interface ModelDetailsResponse extends Model {
  description: string;
  download_progress?: number;
  parameters: { total: string; quantization: string };
  performance: { avg_tokens_per_second: number; avg_latency_ms: number };
}

export interface LoadModelResponse {
  model_id: string;
  status: "loaded" | "loading" | "error";
  progress?: number;
  estimated_time_ms?: number;
}

export interface StatusResponse {
  status: "ready" | "loading" | "error" | "idle";
  model: { id: string; loaded: boolean } | null;
  system: {
    webgpu_available: boolean;
    ram_gb: number;
    gpu_vram_gb: number;
    storage_quota_gb: number;
    storage_used_gb: number;
  };
  performance: {
    avg_tokens_per_second: number;
    avg_latency_ms: number;
    requests_total: number;
    requests_success: number;
    requests_error: number;
  };
  health: { webgpu_context_losses: number; memory_errors: number; stability_score: number };
}

export interface LogsResponse {
  logs: Array<{
    level: string;
    service: string;
    message: string;
    data?: unknown;
    timestamp: number;
    stack?: string;
  }>;
}

export interface ProfileResponse {
  metrics: Array<{
    name: string;
    values: Array<{ value: number; timestamp: number; tags?: Record<string, string> }>;
    aggregations: { avg: number; min: number; max: number; p50: number; p95: number; p99: number };
  }>;
}

export type ErrorCode =
  | "MODEL_NOT_LOADED"
  | "MODEL_LOAD_FAILED"
  | "VALIDATION_ERROR"
  | "INFERENCE_ERROR"
  | "WEBGPU_ERROR"
  | "STORAGE_ERROR"
  | "RATE_LIMIT"
  | "INTERNAL_ERROR"
  // Told by this module:
  | "UNREACHABLE"
  | "TIMEOUT"
  | "CONNECTION_LOST"
  | "BAD_ANSWER"
  | (string & {});

/** Anything that went wrong with a Luna; what an AbortSignal ends rejects with its reason. */
export class LunaError extends Error {
  constructor(
    code: ErrorCode,
    message: string,
    more?: {
      status?: number;
      requestId?: string;
      details?: unknown;
      retryAfter?: number;
      cause?: unknown;
    },
  );
  readonly code: ErrorCode;
  /** The HTTP status, 0 where there was no answer. */
  readonly status: number;
  /** Finds the request in the device's log. */
  readonly requestId: string;
  readonly details?: unknown;
  /** Seconds, where the Luna said so. */
  readonly retryAfter?: number;
}

export interface ClientOptions {
  apiKey?: string;
  /** The longest silence: a whole answer is silent until its last token. Default: 600 000. */
  timeout?: number;
  /** How often a Luna that has too much to do is asked again. Default: 3. */
  retries?: number;
  /** How long the pauses between may be, together. Default: 60 000. */
  patience?: number;
  fetch?: typeof fetch;
  /** A class like the browser's; Node has its own from version 22 on. */
  WebSocket?: new (url: string, protocols: string[]) => WebSocket;
}

export interface CallOptions {
  signal?: AbortSignal;
}

export class LunaClient {
  /**
   * `baseURL` is an address with or without the path of the API. Without one it is the device that
   * this module came from, or http://localhost:8080.
   */
  constructor(baseURL?: string, options?: ClientOptions);
  readonly baseURL: string;
  generate(params: GenerateRequest, options?: CallOptions): Promise<GenerateResponse>;
  /**
   * The pieces of a text as they are written. The generator returns the whole; leaving the loop
   * stops the generation on the device.
   */
  generateStream(
    params: GenerateRequest,
    options?: CallOptions,
  ): AsyncGenerator<string, GenerateResponse, void>;
  getModels(options?: CallOptions): Promise<ModelsResponse>;
  getModel(modelId: string, options?: CallOptions): Promise<ModelDetailsResponse>;
  /** Resolves when the model is loaded, or with `wait: false` at once. */
  loadModel(
    modelId: string,
    options?: CallOptions & { wait?: boolean; timeout?: number },
  ): Promise<LoadModelResponse>;
  getStatus(options?: CallOptions): Promise<StatusResponse>;
  getLogs(
    options?: CallOptions & {
      level?: "debug" | "info" | "warn" | "error";
      since?: number;
      limit?: number;
    },
  ): Promise<LogsResponse>;
  getProfile(
    options?: CallOptions & { since?: number; metric?: string },
  ): Promise<ProfileResponse>;
  /** Opens a WebSocket. */
  connect(options?: CallOptions): Promise<LunaSocket>;
}

export { LunaClient as BrowserLLMClient };

export type SocketEvent = { type: "metric" | "log"; data: any };

/** Several generations at once over one WebSocket; `LunaClient.connect` opens it. */
export class LunaSocket {
  private constructor();
  generate(
    params: GenerateRequest,
    options?: CallOptions,
  ): AsyncGenerator<string, GenerateResponse, void>;
  /** What happens on the device, until the loop is left. */
  subscribe(kinds?: Array<"metric" | "log">): AsyncGenerator<SocketEvent, void, void>;
  close(): void;
}

/** The data of server-sent events, from bytes that are cut anywhere. */
export function events(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void>;

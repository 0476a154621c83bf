// What the probe Worker can be asked to do, as JSON, and what it answers. It does one operation a request, and judges
// nothing: the probes do.

export type Texts = Readonly<Record<string, string>>;

/** A `fetch` of the Worker. `cf` may be wrong on purpose. It follows no redirect. */
export type FetchOperation = {
  readonly type: "fetch";
  readonly url: string;
  readonly method?: "GET" | "HEAD";
  readonly headers?: Texts;
  readonly cache?: "no-store";
  readonly cf?: Readonly<Record<string, unknown>>;
};

/** What the cached entrypoint answers when it runs: a fixed answer, or what a `fetch` of its own brings. */
export type CachedAnswer = {
  readonly status?: number;
  readonly headers?: Texts;
  readonly body?: string;
  readonly fetch?: FetchOperation;
  readonly throws?: true;
  /** It first reads from the bucket so many times, and so takes a while. */
  readonly bucketReads?: number;
};

/** A call of the cached entrypoint by `ctx.exports`. What it is to answer goes in a header, outside of the key (W3). */
export type CachedOperation = {
  readonly type: "cached";
  readonly host?: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Texts;
  readonly cacheKey?: string;
  readonly answer: CachedAnswer;
};

/** A purge by the cached entrypoint. The answer is JSON: null where the runtime has no such method. */
type PurgeOperation = {
  readonly type: "purge" | "invalidate";
  readonly options: CachePurgeOptions;
};

/** A step of a chain of the Images binding: a transformation, or an object that is drawn. */
type ImagesStep =
  | { readonly transform: ImageTransform }
  | { readonly draw: string; readonly options?: ImageDrawOptions };

/** A chain of the Images binding over an object of the bucket, or its `info` where there is no output. */
export type ImagesOperation = {
  readonly type: "images";
  readonly key: string;
  /** Zeros follow the object until there are so many bytes. */
  readonly size?: number;
  readonly steps?: readonly ImagesStep[];
  readonly output?: ImageOutputOptions;
  /** How often the chain is ended: once, or twice, which is an error (B2). */
  readonly outputs?: 2;
};

/** A method of the R2 bucket. The answer is JSON; the body of an object is in base64. */
export type R2Operation = { readonly type: "r2" } & (
  | { readonly method: "get"; readonly key: string; readonly options?: R2GetOptions }
  | { readonly method: "delete"; readonly key: string | string[] }
  | { readonly method: "list"; readonly options: R2ListOptions }
  | {
      readonly method: "put";
      readonly key: string;
      readonly body: string;
      /** Sends the body as a stream: of known length, where the runtime has such a stream, or of unknown length (T2). */
      readonly stream?: "known" | "unknown";
      readonly options?: R2PutOptions;
    }
);

/** Operations at the same time, in one run of the gateway. The answer is JSON: a list of replies. */
export type TogetherOperation = {
  readonly type: "together";
  readonly operations: readonly (CachedOperation | R2Operation)[];
};

export type Operation =
  | FetchOperation
  | CachedOperation
  | PurgeOperation
  | ImagesOperation
  | R2Operation
  | TogetherOperation;

export type Reply = {
  /** 0: it threw. */
  readonly status: number;
  readonly headers: Texts;
  readonly size: number;
  readonly sha256: string;
  /** The beginning of the body, in base64: at most MAX_BODY bytes. */
  readonly body: string;
  /** `8x6`, if the body is an image. Computed in Node.js. */
  readonly sides?: string;
  readonly error?: { readonly message: string; readonly code?: number };
};

/** In bytes. */
const MAX_BODY = 256 * 1024;

export const TOKEN_HEADER = "x-probe-token";
/** The header with what the cached entrypoint is to answer: a `CachedAnswer`. */
export const ANSWER_HEADER = "x-probe-answer";
/** The header of an answer of the cached entrypoint: a random id of the run that made it. */
export const RUN_HEADER = "x-probe-run";
/** The User-Agent that a probe sends, to see whether it reaches an origin (E4). */
export const USER_AGENT = "vitrine-probe";

/** What `/origin/<id>.jpg` answers: an object of the bucket, `origin/<id>`, that only a probe can write. */
export type Origin = {
  readonly status?: number;
  readonly headers?: Texts;
  readonly key?: string;
};

/** What `/origin/<id>.jpg` records of one request: the object `requests/<id>/<random>`. */
export type OriginRequest = {
  readonly method: string;
  readonly names: readonly string[];
  readonly accept: string | null;
  readonly via: string | null;
  readonly encoding: string | null;
  readonly isOurAgent: boolean;
};

export async function readReply(response: Response): Promise<Reply> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    size: bytes.length,
    sha256: [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    body: toBase64(bytes.subarray(0, MAX_BODY)),
  };
}

/** A request without an answer of what it was sent to. Nobody knows whether it was carried out: nothing follows from it. */
export class LostRequest extends Error {}

export function throwLost(error: unknown): never {
  throw new LostRequest(`a request was lost: ${error}`);
}

/** Asks a probe Worker for an operation. @param send sends the POST to it. @throws {LostRequest} */
export async function askWorker(
  operation: Operation,
  token: string,
  send: (init: { method: string; headers: Texts; body: string }) => Promise<Response>,
): Promise<Reply> {
  const headers = { [TOKEN_HEADER]: token };
  const init = { method: "POST", headers, body: JSON.stringify(operation) };
  const answer = await send(init).catch(throwLost);
  if (answer.status !== 200) throwLost(`the Worker answered ${answer.status}`);
  return answer.json<Reply>().catch(throwLost);
}

export function failedReply(error: unknown): Reply {
  const message = error instanceof Error ? error.message : `${error}`;
  const code: unknown = Object(error).code;
  const thrown = { message, ...(typeof code === "number" && { code }) };
  return { status: 0, headers: {}, size: 0, sha256: "", body: "", error: thrown };
}

export const toBase64 = (bytes: Uint8Array) =>
  btoa([...bytes].map((byte) => String.fromCharCode(byte)).join(""));

export const fromBase64 = (text: string) =>
  Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

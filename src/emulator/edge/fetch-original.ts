// The edge's request to the origin: which of the Worker's headers it sends, and what each answer of
// the origin means. The origin's error bodies are never read.

import { isRecord } from "../check.ts";
import type { Network } from "../fetch.ts";
import { type Fault, isEdgeFault } from "./faults.ts";
import type { Switches } from "./switches.ts";

/** The only headers of the Worker that reach an origin, and only with `origin-auth` (E1, E2). */
export const SHARED_HEADERS: readonly string[] = [
  "authorization",
  "cookie",
  "x-amz-content-sha256",
  "x-amz-date",
  "x-ms-date",
  "x-ms-version",
  "x-sa-date",
  "cf-access-client-id",
  "cf-access-client-secret",
];

/** The visitor's headers of which it is open whether they reach an origin (E4). */
const CONDITIONS = ["range", "if-none-match", "user-agent"];

/** The headers of the edge itself (E3). */
const EDGE_HEADERS = {
  via: "1.1 image-resizing-proxy",
  accept: "image/jpeg, image/png, image/gif;q=0.1, image/*;q=0.1",
  "accept-encoding": "gzip",
};

/** The real limit is not documented (E7). */
const MAX_REDIRECTS = 5;

export type OriginRequest = {
  readonly fetch: Network;
  readonly method: string;
  readonly headers: Headers;
  /** Whether the origin gets the Worker's credentials (E1, E2). */
  readonly originAuth: boolean;
  readonly switches: Switches;
};

export type FetchedObject = { readonly headers: Headers; readonly bytes: Uint8Array };

const TOO_LARGE: Fault = { code: 9402, status: 413 };
const TIMED_OUT: Fault = { code: 9504, status: 524 };

/** Fetches an original and follows redirects (E7), or returns why it did not arrive. */
export async function fetchOriginal(
  url: string,
  request: OriginRequest,
): Promise<FetchedObject | Fault> {
  const { switches } = request;
  const signal = AbortSignal.timeout(switches.originTimeout);
  const headers = headersToOrigin(request);

  // It is open whether a HEAD reaches the origin (E4).
  const method = switches.conditions === "passed-on" ? request.method : "GET";

  let source = url;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    let response: Response;
    try {
      response = await request.fetch(source, { method, headers, redirect: "manual", signal });
    } catch (error) {
      return signal.aborted ? TIMED_OUT : connectionFault(error);
    }

    if (response.status === 200) return receive(response, switches, signal);
    if (!isRedirect(response)) return statusFault(response);

    const next = redirectTarget(response, source);
    if (next === undefined) return { code: 9420, status: 400 };

    if (!switches.authAfterRedirect) {
      for (const name of SHARED_HEADERS) headers.delete(name);
    }
    source = next;
  }

  return { code: 9421, status: 400 };
}

/** The headers of the request to the origin (E1–E4). */
function headersToOrigin({ headers, originAuth, switches }: OriginRequest): Headers {
  const passed: string[] = [];
  if (originAuth) passed.push(...SHARED_HEADERS);
  if (switches.conditions === "passed-on") passed.push(...CONDITIONS);

  const sent = new Headers(EDGE_HEADERS);
  for (const name of passed) {
    const value = headers.get(name);
    if (value !== null) sent.set(name, value);
  }
  return sent;
}

function connectionFault(error: unknown): Fault {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && isRecord(cause) ? cause["code"] : undefined;

  switch (code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return { code: 9407, status: 523 };
    case "ECONNREFUSED":
      return { code: 9510, status: 523 };
    default:
      return { code: 9505, status: 502 };
  }
}

function isRedirect({ status }: Response): boolean {
  return status >= 300 && status < 400 && status !== 304;
}

/** The URL to which a redirect leads, if the edge can fetch it. */
function redirectTarget({ headers }: Response, source: string): string | undefined {
  const location = headers.get("location");
  if (location === null) return undefined;

  const target = URL.parse(location, source);
  return target?.protocol === "https:" ? target.href : undefined;
}

/** What an error of the origin means. Its body is lost, and S3's code with it. */
function statusFault({ status, body }: Response): Fault {
  cancelBody(body);
  if (status === 404) return { code: 9404, status: 404 };
  if (status === 400) return { code: 9519, status: 502 };
  if (status >= 500) return { code: 9509, status: 502 };

  const denied = { code: 9408, status };
  if (isEdgeFault(denied)) return denied;
  return { code: 9518, status: 502 }; // for example 206 or 304
}

/** Ends a body. Whoever cloned the answer may read on, so the edge does not wait for the end. */
function cancelBody(body: Response["body"]): void {
  body?.cancel().catch(() => {});
}

/** Reads a whole body, up to the limit of L1. */
async function receive(
  { headers, body }: Response,
  { limits }: Switches,
  signal: AbortSignal,
): Promise<FetchedObject | Fault> {
  if (Number(headers.get("content-length")) > limits.bytes) {
    cancelBody(body);
    return TOO_LARGE;
  }

  const chunks: Uint8Array[] = [];
  let size = 0;
  const sink = new WritableStream<Uint8Array>({
    write(chunk) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > limits.bytes) throw new Error("too large");
    },
  });

  try {
    await body?.pipeTo(sink, { signal });
  } catch {
    if (size > limits.bytes) return TOO_LARGE;
    if (signal.aborted) return TIMED_OUT;
    return { code: 9402, status: 502 }; // it broke off
  }
  return { headers, bytes: new Uint8Array(Buffer.concat(chunks)) };
}

// HTTP on both sides of the cache: the request that it forwards to the entrypoint, how it reads the response, and the
// response that it writes itself, with conditions, ranges and HEAD (W9, W11). No clock: `now` is passed in.

import { contentRange, isSatisfiable, type Range, readRange } from "../byte-range.ts";
import {
  ageOf,
  bodyOf,
  createStored,
  decideStorage,
  freshen,
  type StoredResponse,
} from "./stored-response.ts";

/** The header `cf-cache-status` (W11). */
type CacheStatus = "HIT" | "MISS" | "EXPIRED" | "STALE" | "UPDATING" | "REVALIDATED" | "BYPASS";

/** What a tier returns: a stored response, or a response for the first request alone. */
export type TierResult =
  | { readonly status: CacheStatus; readonly stored: StoredResponse; readonly response?: never }
  | { readonly status: CacheStatus; readonly response: Response; readonly stored?: never };

/** Headers that the cache evaluates itself: the entrypoint gives a whole response. */
const CONDITIONAL_HEADERS = [
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "if-range",
  "range",
];

/**
 * Returns the request to the entrypoint: a GET also for a HEAD.
 * @param old the stored response, if the cache revalidates it (W18)
 */
export function forwardedRequest(request: Request, old: StoredResponse | undefined): Request {
  const headers = new Headers(request.headers);
  for (const name of CONDITIONAL_HEADERS) headers.delete(name);

  const etag = old?.headers.get("etag");
  if (etag) headers.set("if-none-match", etag);

  const lastModified = old?.headers.get("last-modified");
  if (lastModified) headers.set("if-modified-since", lastModified);

  return new Request(request.url, { headers });
}

/** Describes a 304 that answers no condition of the cache, or returns undefined (W18). */
export function find304Mistake(
  { url, headers: sent }: Request,
  { status, headers }: Response,
): string | undefined {
  if (status !== 304) return undefined;

  const condition = sent.get("if-none-match");
  if (condition === null) {
    if (sent.has("if-modified-since")) return undefined;
    return `${url}: a 304, and the request had no condition`;
  }

  const etag = headers.get("etag");
  if (matchesEtag(condition, etag)) return undefined;
  return `${url}: a 304 with the etag ${etag}, and if-none-match was ${condition}`;
}

/**
 * Reads a response of the entrypoint. The response is stored only after its whole body came. Production sends
 * the body on meanwhile; here the visitor waits for it.
 */
export async function readResponse(
  response: Response,
  { request, name }: { readonly request: Request; readonly name: string },
  old: StoredResponse | undefined,
  now: () => number,
): Promise<TierResult> {
  const isRevalidated = response.status === 304 && old !== undefined;
  const complete = isRevalidated ? freshen(old, response) : response;

  const decision = decideStorage(complete, request, now());
  if (decision.kind === "not-stored") return { status: decision.status, response: complete };

  const bytes = await readBody(complete.clone());
  // The body breaks off, or is not as long as it says.
  if (bytes === undefined) return { status: "MISS", response: complete };

  const source = { name, path: new URL(request.url).pathname };
  const stored = createStored(complete, bytes, decision.policy, now(), source);
  if (isRevalidated) return { status: "REVALIDATED", stored };
  return { status: old === undefined ? "MISS" : "EXPIRED", stored };
}

/** Reads a body, or returns undefined if it does not arrive whole. */
async function readBody(response: Response): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const body = await response.arrayBuffer().catch(() => undefined);
  if (body === undefined) return undefined;

  const length = response.headers.get("content-length");
  if (length !== null && length !== `${body.byteLength}`) return undefined;
  return new Uint8Array(body);
}

/** Responses with these statuses have an age. */
const SERVED_FROM_CACHE: readonly CacheStatus[] = ["HIT", "STALE", "UPDATING", "REVALIDATED"];

/** Headers for the cache alone: it removes them from its response (W7, W10). */
const STRIPPED = ["cache-tag", "cloudflare-cdn-cache-control"];

/** Writes the response to the visitor, with its own copy of the bytes. */
export function writeResponse(result: TierResult, request: Request, now: number): Response {
  const { status, stored } = result;
  const response = stored === undefined ? result.response : answerFromStored(stored, request);

  const headers = new Headers(response.headers);
  for (const name of STRIPPED) headers.delete(name);
  headers.set("cf-cache-status", status);
  if (stored !== undefined && SERVED_FROM_CACHE.includes(status)) {
    headers.set("age", `${Math.floor(ageOf(stored, now))}`);
  }

  const body = request.method === "HEAD" ? null : response.body;
  return new Response(body, { status: response.status, headers });
}

/** The whole response, the requested range, or a 304 or 416. */
function answerFromStored(stored: StoredResponse, request: Request): Response {
  const { status, headers, bytes } = stored;
  const partHeaders = new Headers(headers);
  partHeaders.delete("content-length");

  if (status === 200 && isUnchanged(headers, request.headers)) {
    return new Response(null, { status: 304, headers: partHeaders });
  }

  const range = requestedRange(stored, request);
  if (range === undefined) return new Response(bodyOf(stored), { status, headers });

  partHeaders.set("content-range", contentRange(range, bytes.length));
  if (!isSatisfiable(range, bytes.length)) {
    return new Response(null, { status: 416, headers: partHeaders });
  }

  const part = bytes.slice(range.first, range.last + 1);
  partHeaders.set("content-length", `${part.length}`);
  return new Response(part, { status: 206, headers: partHeaders });
}

/** Returns whether the visitor has this response, by the conditions of the request (RFC 9110, 13.1). */
function isUnchanged(stored: Headers, requested: Headers): boolean {
  const ifNoneMatch = requested.get("if-none-match");
  if (ifNoneMatch !== null) return matchesEtag(ifNoneMatch, stored.get("etag"));

  // A missing or malformed date is NaN, and no comparison with it is true.
  const modified = Date.parse(stored.get("last-modified") ?? "");
  const ifModifiedSince = Date.parse(requested.get("if-modified-since") ?? "");
  return modified <= ifModifiedSince;
}

/** Compares weakly: `W/` does not count (RFC 9110, 8.8.3.2). */
function matchesEtag(condition: string, etag: string | null): boolean {
  if (condition === "*") return true;

  const opaque = etag?.replace(/^W\//, "");
  const listed: readonly string[] = condition.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return listed.some((listedTag) => listedTag.replace(/^W\//, "") === opaque);
}

/** The single range that is requested. Undefined: the whole response. */
function requestedRange(stored: StoredResponse, request: Request): Range | undefined {
  const { status, bytes, headers } = stored;
  if (status !== 200) return undefined;

  // With If-Range, a range of another version would not fit to what the visitor has (RFC 9110, 13.1.5).
  const ifRange = request.headers.get("if-range");
  if (ifRange !== null) {
    const validators = [headers.get("etag"), headers.get("last-modified")];
    if (ifRange.startsWith("W/") || !validators.includes(ifRange)) return undefined;
  }

  return readRange(request.headers.get("range"), bytes.length);
}

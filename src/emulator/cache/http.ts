// HTTP on both sides of the cache: the request that it forwards to the entrypoint, how it reads the response, and the
// response that it writes itself, with conditions, ranges and HEAD (W9, W11). No clock: `now` is passed in.

import { contentRange, isSatisfiable, type Range, readRange } from "../byte-range.ts";
import { ageOf, bodyOf, freshen, policyOf, type StoredResponse, store } from "./stored-response.ts";

/** The header `cf-cache-status` (W11). */
type CacheStatus = "HIT" | "MISS" | "EXPIRED" | "STALE" | "UPDATING" | "REVALIDATED" | "BYPASS";

/** What a tier returns: a stored response, or a response for the first request alone. */
export type TierResult =
  | { readonly status: CacheStatus; readonly stored: StoredResponse; readonly response?: never }
  | { readonly status: CacheStatus; readonly response: Response; readonly stored?: never };

/** Headers that the cache evaluates itself: the entrypoint gives a whole response. */
const CONDITIONAL_HEADERS =
  "if-match if-none-match if-modified-since if-unmodified-since if-range range".split(" ");

/**
 * Returns the request to the entrypoint: a GET also for a HEAD.
 * @param old the stored response, if the cache revalidates it (W18)
 */
export function forwardedRequest(request: Request, old: StoredResponse | undefined): Request {
  const headers = new Headers(request.headers);
  for (const name of CONDITIONAL_HEADERS) headers.delete(name);
  const etag = old?.headers.get("etag");
  const lastModified = old?.headers.get("last-modified");
  if (etag) headers.set("if-none-match", etag);
  if (lastModified) headers.set("if-modified-since", lastModified);
  return new Request(request.url, { headers });
}

/** Describes a 304 that answers no condition of the cache, or undefined (W18). */
export function find304Mistake(forwarded: Request, { status, headers }: Response) {
  if (status !== 304) return undefined;
  const condition = forwarded.headers.get("if-none-match");
  const etag = headers.get("etag");
  if (condition === null && forwarded.headers.has("if-modified-since")) return undefined;
  if (condition === null) return `${forwarded.url}: a 304, and the request had no condition`;
  if (matchesEtag(condition, etag)) return undefined;
  return `${forwarded.url}: a 304 with the etag ${etag}, and if-none-match was ${condition}`;
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
  const policy = policyOf(complete, request, now());
  if (typeof policy === "string") return { status: policy, response: complete };
  const body = await complete
    .clone()
    .arrayBuffer()
    .catch(() => undefined);
  const length = complete.headers.get("content-length");
  if (body === undefined || (length !== null && length !== `${body.byteLength}`)) {
    return { status: "MISS", response: complete }; // it breaks off, or is not as long as it says
  }
  const source = { name, path: new URL(request.url).pathname };
  const stored = store(complete, new Uint8Array(body), policy, now(), source);
  const status = old === undefined ? "MISS" : "EXPIRED";
  return { status: isRevalidated ? "REVALIDATED" : status, stored };
}

/** Responses with these statuses have an age. */
const SERVED_FROM_CACHE: readonly CacheStatus[] = ["HIT", "STALE", "UPDATING", "REVALIDATED"];

/** Headers for the cache alone: it removes them from its response (W7, W10). */
const STRIPPED = ["cache-tag", "cloudflare-cdn-cache-control"];

/** Writes the response to the visitor, with its own copy of the bytes. */
export function writeResponse(result: TierResult, request: Request, now: number): Response {
  const { status, stored } = result;
  const response = stored === undefined ? result.response : fromStored(stored, request);
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
function fromStored(stored: StoredResponse, request: Request): Response {
  const { status, headers, bytes } = stored;
  const range = rangeOf(stored, request);
  const copy = new Headers(headers);
  copy.delete("content-length");
  if (status === 200 && isUnchanged(headers, request.headers)) {
    return new Response(null, { status: 304, headers: copy });
  }
  if (range === undefined) return new Response(bodyOf(stored), { status, headers });
  copy.set("content-range", contentRange(range, bytes.length));
  if (!isSatisfiable(range, bytes.length))
    return new Response(null, { status: 416, headers: copy });
  const part = bytes.slice(range.first, range.last + 1);
  copy.set("content-length", `${part.length}`);
  return new Response(part, { status: 206, headers: copy });
}

/** Returns whether the visitor has this response, by the conditions of the request (RFC 9110, 13.1). */
function isUnchanged(stored: Headers, requested: Headers): boolean {
  const etag = stored.get("etag");
  const ifNoneMatch = requested.get("if-none-match");
  if (ifNoneMatch !== null) return matchesEtag(ifNoneMatch, etag);
  const changed = Date.parse(stored.get("last-modified") ?? "");
  return changed <= Date.parse(requested.get("if-modified-since") ?? "");
}

/** Compares weakly (RFC 9110, 8.8.3.2). */
function matchesEtag(condition: string, etag: string | null): boolean {
  const opaque = (tag: string | null) => tag?.replace(/^W\//, "");
  const listed: readonly string[] = condition.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return condition === "*" || listed.some((tag) => opaque(tag) === opaque(etag));
}

/** The single range that is requested. Undefined: the whole response. */
function rangeOf({ status, bytes, headers }: StoredResponse, request: Request): Range | undefined {
  const ifRange = request.headers.get("if-range");
  const isSameVersion =
    ifRange === null || [headers.get("etag"), headers.get("last-modified")].includes(ifRange);
  if (status !== 200 || !isSameVersion || ifRange?.startsWith("W/")) return undefined;
  return readRange(request.headers.get("range"), bytes.length);
}

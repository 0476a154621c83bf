// What the cache asks the entrypoint, what it keeps of the response, and what it answers: conditions, ranges and HEAD
// out of what is kept (W9, W11). No clock: `now` is passed in.

import { contentRange, isThere, type Range, readRange } from "../byte-range.ts";
import { ageOf, bodyOf, judge, type Kept, keep, renew } from "./stored-response.ts";

/** W11. */
type CacheStatus = "HIT" | "MISS" | "EXPIRED" | "STALE" | "UPDATING" | "REVALIDATED" | "BYPASS";

/** What a tier answers: something to keep, or a response for the first request alone. */
export type Answer =
  | { readonly status: CacheStatus; readonly kept: Kept }
  | { readonly status: CacheStatus; readonly response: Response };

/** Headers that the cache answers itself: the entrypoint gives a whole response. */
const OF_THE_CACHE =
  "if-match if-none-match if-modified-since if-unmodified-since if-range range".split(" ");

/**
 * What the cache asks the entrypoint: a GET also for a HEAD.
 * @param old what is kept, where the cache asks whether it is still the same (W18)
 */
export function requestOf(request: Request, old: Kept | undefined): Request {
  const headers = new Headers(request.headers);
  for (const name of OF_THE_CACHE) headers.delete(name);
  const etag = old?.headers.get("etag");
  const changed = old?.headers.get("last-modified");
  if (etag) headers.set("if-none-match", etag);
  if (changed) headers.set("if-modified-since", changed);
  return new Request(request.url, { headers });
}

/** Returns what is wrong with a 304, for which the cache must have asked (W18). */
export function wrong304(asked: Request, { status, headers }: Response): string | undefined {
  if (status !== 304) return undefined;
  const condition = asked.headers.get("if-none-match");
  const etag = headers.get("etag");
  if (condition === null && asked.headers.has("if-modified-since")) return undefined;
  if (condition === null) return `${asked.url}: a 304, and the request had no condition`;
  if (condition === "*" || (etag !== null && hasEtag(condition, etag))) return undefined;
  return `${asked.url}: a 304 with the etag ${etag}, and if-none-match was ${condition}`;
}

/**
 * Turns a response into an answer. It is kept only once its body came whole. Production sends the
 * body on meanwhile; here the visitor waits for it.
 */
export async function answerFrom(
  response: Response,
  { request, name }: { readonly request: Request; readonly name: string },
  old: Kept | undefined,
  now: () => number,
): Promise<Answer> {
  const isSame = response.status === 304 && old !== undefined;
  const whole = isSame ? renew(old, response) : response;
  const policy = judge(whole, request, now());
  if (typeof policy === "string") return { status: policy, response: whole };
  const body = await whole
    .clone()
    .arrayBuffer()
    .catch(() => undefined);
  const length = whole.headers.get("content-length");
  if (body === undefined || (length !== null && length !== `${body.byteLength}`)) {
    return { status: "MISS", response: whole }; // it breaks off, or is not as long as it says
  }
  const of = { name, path: new URL(request.url).pathname };
  const kept = keep(whole, new Uint8Array(body), policy, now(), of);
  const status = old === undefined ? "MISS" : "EXPIRED";
  return { status: isSame ? "REVALIDATED" : status, kept };
}

/** These tell for how long the response was there. */
const FROM_CACHE: readonly CacheStatus[] = ["HIT", "STALE", "UPDATING", "REVALIDATED"];

/** For the cache alone: they do not leave it (W7, W10). */
const STRIPPED = ["cache-tag", "cloudflare-cdn-cache-control"];

/** A new response with its own copy of the bytes. */
export function answerOf(answer: Answer, request: Request, now: number): Response {
  const response = "kept" in answer ? fromKept(answer.kept, request) : answer.response;
  const headers = new Headers(response.headers);
  for (const name of STRIPPED) headers.delete(name);
  headers.set("cf-cache-status", answer.status);
  if ("kept" in answer && FROM_CACHE.includes(answer.status)) {
    headers.set("age", `${Math.floor(ageOf(answer.kept, now))}`);
  }
  const body = request.method === "HEAD" ? null : response.body;
  return new Response(body, { status: response.status, headers });
}

/** The whole, the part that the request asks for, or the 304 or 416 in its place. */
function fromKept(kept: Kept, request: Request): Response {
  const { status, headers, bytes } = kept;
  const range = rangeIn(kept, request);
  const partial = new Headers(headers);
  partial.delete("content-length");
  if (status === 200 && isUnchanged(headers, request.headers)) {
    return new Response(null, { status: 304, headers: partial });
  }
  if (range === undefined) return new Response(bodyOf(kept), { status, headers });
  partial.set("content-range", contentRange(range, bytes.length));
  if (!isThere(range, bytes.length)) return new Response(null, { status: 416, headers: partial });
  const part = bytes.slice(range.first, range.last + 1);
  partial.set("content-length", `${part.length}`);
  return new Response(part, { status: 206, headers: partial });
}

/** Whether a condition of the request says that the visitor has this response (RFC 9110, 13.1). */
function isUnchanged(kept: Headers, asked: Headers): boolean {
  const etag = kept.get("etag");
  const known = asked.get("if-none-match");
  if (known !== null) return known.trim() === "*" || (etag !== null && hasEtag(known, etag));
  const changed = Date.parse(kept.get("last-modified") ?? "");
  return changed <= Date.parse(asked.get("if-modified-since") ?? "");
}

/** Compares weakly (RFC 9110, 8.8.3.2). */
function hasEtag(list: string, etag: string): boolean {
  const opaque = (text: string) => text.trim().replace(/^W\//, "");
  return (list.match(/(?:W\/)?"[^"]*"/g) ?? []).some((one) => opaque(one) === opaque(etag));
}

/** The one range that a request asks for. Undefined: the whole. */
function rangeIn({ status, bytes, headers }: Kept, request: Request): Range | undefined {
  const same = request.headers.get("if-range");
  const isSame =
    same === null || [headers.get("etag"), headers.get("last-modified")].includes(same);
  if (status !== 200 || !isSame || same?.startsWith("W/")) return undefined;
  return readRange(request.headers.get("range"), bytes.length);
}

// What leaves the cache: conditions, ranges and HEAD are answered out of what is kept (W9, W11). No clock: `now` is
// passed in.

import { contentRange, isThere, type Range, readRange } from "../body.ts";
import { ageOf, bodyOf, type Kept } from "./kept.ts";

/** W11. */
type CacheStatus = "HIT" | "MISS" | "EXPIRED" | "STALE" | "UPDATING" | "REVALIDATED" | "BYPASS";

/** What a tier answers: something to keep, or a response for the first request alone. */
export type Answer =
  | { readonly status: CacheStatus; readonly kept: Kept }
  | { readonly status: CacheStatus; readonly response: Response };

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

function fromKept(kept: Kept, request: Request): Response {
  const { status, headers } = kept;
  if (status === 200 && isUnchanged(headers, request.headers)) {
    return new Response(null, { status: 304, headers: without(headers, "content-length") });
  }
  const range = status === 200 ? rangeIn(kept, request) : undefined;
  return range === undefined
    ? new Response(bodyOf(kept), { status, headers })
    : partOf(kept, range);
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
export function hasEtag(list: string, etag: string): boolean {
  const opaque = (text: string) => text.trim().replace(/^W\//, "");
  return (list.match(/(?:W\/)?"[^"]*"/g) ?? []).some((one) => opaque(one) === opaque(etag));
}

/** The one range that a request asks for. Undefined: the whole. */
function rangeIn({ bytes, headers }: Kept, request: Request): Range | undefined {
  const same = request.headers.get("if-range");
  const isSame =
    same === null || [headers.get("etag"), headers.get("last-modified")].includes(same);
  if (!isSame || same?.startsWith("W/")) return undefined;
  return readRange(request.headers.get("range"), bytes.length);
}

/** The 206 for a range, or the 416 for one that holds no byte. */
function partOf({ bytes, headers }: Kept, range: Range): Response {
  const partial = without(headers, "content-length");
  partial.set("content-range", contentRange(range, bytes.length));
  if (!isThere(range, bytes.length)) return new Response(null, { status: 416, headers: partial });
  const part = bytes.slice(range.first, range.last + 1);
  partial.set("content-length", `${part.length}`);
  return new Response(part, { status: 206, headers: partial });
}

function without(headers: Headers, name: string): Headers {
  const left = new Headers(headers);
  left.delete(name);
  return left;
}

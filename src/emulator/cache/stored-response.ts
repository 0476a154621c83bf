// A stored response (RFC 9111): its bytes, its age and how long it is fresh. No clock: `now` is passed in.

import { DECIDING, type Policy, readPolicy } from "./cache-control.ts";

/** The largest response that is stored (W16). */
const MAX_BYTES = 512 * 1024 ** 2;

export type StoredResponse = {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly policy: Policy;
  readonly tags: ReadonlySet<string>;
  /** When it was generated, by its own headers: ms since 1970. */
  readonly generatedAt: number;
  /** What a purge names besides tags (W10): the entrypoint's name in `ctx.exports`, and the path. */
  readonly source: { readonly name: string; readonly path: string };
};

/** Whether a response is stored, and for how long; if not, its cache status. */
type StorageDecision =
  | { readonly kind: "stored"; readonly policy: Policy }
  | { readonly kind: "not-stored"; readonly status: "BYPASS" | "MISS" };

const BYPASS: StorageDecision = { kind: "not-stored", status: "BYPASS" };
const MISS: StorageDecision = { kind: "not-stored", status: "MISS" };

/** Decides whether a response is stored (W7, W9, W16). */
export function decideStorage(
  { status, headers }: Response,
  request: Request,
  now: number,
): StorageDecision {
  const policy = readPolicy(status, headers, now);

  // What is for one visitor alone bypasses the cache.
  const isPrivate = request.headers.has("authorization") && policy?.isForAll !== true;
  if (isPrivate || readVary(headers).includes("*")) return BYPASS;
  if (headers.has("set-cookie") || policy?.bypasses) return BYPASS;

  if (policy === undefined || isNeverStored(status)) return MISS;

  const length = Number(headers.get("content-length") ?? 0);
  return length > MAX_BYTES ? MISS : { kind: "stored", policy };
}

/** Returns whether no response of a status is ever stored: a part, no content of its own, or an error of Cloudflare (W9). */
function isNeverStored(status: number): boolean {
  return status === 206 || status === 304 || (status >= 520 && status <= 526);
}

export function createStored(
  { status, headers }: Response,
  bytes: Uint8Array<ArrayBuffer>,
  policy: Policy,
  now: number,
  source: StoredResponse["source"],
): StoredResponse {
  const tags = readTags(headers.get("cache-tag"));
  const generatedAt = now - initialAge(headers, now);

  return { status, headers: new Headers(headers), bytes, policy, tags, generatedAt, source };
}

const MAX_TAG_LENGTH = 1024;

/** Printable ASCII without a space. A comma separates tags. */
const TAG = /^[!-+\--~]+$/;

/** Reads a `cache-tag` header. What is no tag is dropped in silence. The case of letters does not count. */
function readTags(header: string | null): ReadonlySet<string> {
  const tags = new Set<string>();

  for (const text of (header ?? "").split(",")) {
    const tag = text.trim();
    if (tag.length <= MAX_TAG_LENGTH && TAG.test(tag)) tags.add(tag.toLowerCase());
  }

  return tags;
}

/** The names of the request headers by which a response varies; `*`: by more than headers (W14). */
export function readVary(headers: Headers): readonly string[] {
  // The cache ignores `vary` of what image transformations produced (C5).
  if (headers.has("cf-resized")) return [];

  return headers.get("vary")?.match(/[^\s,]+/g) ?? [];
}

/** The age of a response when it came, in ms. It is the larger one of what Age and Date say (RFC 9111, 4.2.3). */
function initialAge(headers: Headers, now: number): number {
  // Of several ages, the first counts (RFC 9111, 5.1).
  const ageHeader = Number.parseInt(headers.get("age") ?? "0", 10) * 1000;
  const age = Number.isNaN(ageHeader) ? 0 : ageHeader;

  const date = Date.parse(headers.get("date") ?? "");
  const sinceDate = Number.isNaN(date) ? 0 : now - date;
  return Math.max(0, age, sinceDate);
}

/** The age in seconds. If the clock was set back, 0. */
export function ageOf({ generatedAt }: StoredResponse, now: number): number {
  return Math.max(0, now - generatedAt) / 1000;
}

/** How a stored response may be used now (W8). */
export function freshnessOf(stored: StoredResponse, now: number) {
  const { fresh, whileRevalidate, ifError } = stored.policy;
  const age = ageOf(stored, now);

  return {
    isFresh: age < fresh,
    mayRevalidate: age < fresh + whileRevalidate,
    mayReplaceError: age < fresh + ifError,
  };
}

/** The headers of a 304 that describe its own body (RFC 9111, 3.2). */
const NOT_RENEWED = ["content-encoding", "content-length", "content-md5", "content-range"];

/** Headers of the stored response that are gone if the 304 does not have them. */
const RENEWED_WHOLE = ["age", "date", "expires", "cache-tag", ...DECIDING];

/** Returns the stored response with the headers of a 304: only these headers set its lifetime and its tags (W18). */
export function freshen(old: StoredResponse, { headers }: Response): Response {
  const merged = new Headers(old.headers);
  for (const name of RENEWED_WHOLE) merged.delete(name);

  for (const [name, value] of headers) {
    if (!NOT_RENEWED.includes(name)) merged.set(name, value);
  }

  return new Response(bodyOf(old), { status: old.status, headers: merged });
}

/** A copy of the bytes, or null for a status that has no content. */
export function bodyOf({ status, bytes }: StoredResponse): Uint8Array<ArrayBuffer> | null {
  return [204, 205, 304].includes(status) ? null : bytes;
}

// A stored response (RFC 9111): its bytes, its age and how long it is fresh. No clock: `now` is passed in.

import { DECIDING, type Policy, readPolicy } from "./cache-control.ts";

/** W16. The largest response that is stored. */
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

/** Returns the policy of a response, or its cache status if it must not be stored (W7, W9, W16). */
export function policyOf(
  { status, headers }: Response,
  request: Request,
  now: number,
): Policy | "BYPASS" | "MISS" {
  const policy = readPolicy(status, headers, now);
  const isPrivate = request.headers.has("authorization") && policy?.isForAll !== true;
  const isForOne = isPrivate || readVary(headers).includes("*");
  if (headers.has("set-cookie") || policy?.bypasses || isForOne) return "BYPASS";
  const isTooLarge = Number(headers.get("content-length") ?? 0) > MAX_BYTES;
  const isNeverStored = [206, 304].includes(status) || (status >= 520 && status <= 526); // W9
  return policy === undefined || isNeverStored || isTooLarge ? "MISS" : policy;
}

export function store(
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

/** Printable ASCII without a space. A comma ends a tag. */
const TAG = /^[!-+\--~]+$/;

/** Reads a `cache-tag` header. What is no tag is dropped in silence. The case of letters does not count. */
function readTags(header: string | null): ReadonlySet<string> {
  const all = (header ?? "").split(",").map((tag) => tag.trim());
  const tags = all.filter((text) => text.length <= MAX_TAG_LENGTH && TAG.test(text));
  return new Set(tags.map((tag) => tag.toLowerCase()));
}

/** The names of the request headers by which a response varies; `*`: by more than headers (W14). */
export function readVary(headers: Headers): readonly string[] {
  if (headers.has("cf-resized")) return [];
  return headers.get("vary")?.match(/[^\s,]+/g) ?? [];
}

/** The age of a response when it came, in ms. Of several ages, the first counts (RFC 9111, 4.2.3, 5.1). */
function initialAge(headers: Headers, now: number): number {
  const ageHeader = Number.parseInt(headers.get("age") ?? "0", 10) * 1000;
  const date = Date.parse(headers.get("date") ?? "");
  return Math.max(0, ageHeader || 0, now - date || 0);
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

/** Returns the stored response with the headers of a 304: only these headers set its lifetime and its tags (W18). */
export function freshen(old: StoredResponse, { headers }: Response): Response {
  const merged = new Headers(old.headers);
  for (const name of ["age", "date", "expires", "cache-tag", ...DECIDING]) merged.delete(name);
  for (const [name, value] of headers) {
    if (!NOT_RENEWED.includes(name)) merged.set(name, value);
  }
  return new Response(bodyOf(old), { status: old.status, headers: merged });
}

/** A copy of the bytes, or null for a status that has no content. */
export function bodyOf({ status, bytes }: StoredResponse): Uint8Array<ArrayBuffer> | null {
  return [204, 205, 304].includes(status) ? null : bytes;
}

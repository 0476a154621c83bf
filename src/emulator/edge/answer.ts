// The answer to a request that succeeded. Its headers say what the edge did.

import type { FetchInit } from "../fetch.ts";
import { isRestrictive } from "./lifetime.ts";
import type { Made } from "./make.ts";
import type { Switches } from "./switches.ts";

/** What the cache holds of a success: what was made, and the headers of the origin's answer. */
export type Kept = Made & { readonly origin: Headers };

/**
 * Writes the answer.
 * @param key the cache key; equal keys have equal entity tags (R4)
 * @param outcome what `cf-resized` says (R1)
 */
export async function successAnswer(
  { type, bytes, warnings, marked, origin }: Kept,
  key: string,
  init: FetchInit,
  outcome: string,
  switches: Switches,
): Promise<Response> {
  const headers = new Headers({ "content-type": type, "content-length": `${bytes.length}` });
  if (marked) headers.set("cf-resized", outcome);
  const etag = origin.get("etag")?.replace(/^(?:W\/)?"|"$/g, "");
  const { namesOriginal } = switches;
  if (etag !== undefined && namesOriginal) headers.set("etag", `"cf${await digest(key)}:${etag}"`); // R4
  for (const [name, value] of origin) {
    const passed = name === "cache-control" || (name === "last-modified" && namesOriginal); // R7
    const leaked = switches.originHeaders === "leaked" && /^(?:x-amz-|server$)/.test(name); // R7
    if (passed || leaked) headers.set(name, value);
  }
  const restrictive = isRestrictive(origin.get("cache-control"));
  const told = restrictive ? [...warnings, "cache-control is too restrictive"] : warnings;
  for (const warning of told) headers.append("warning", `cf-images 299 "${warning}"`); // R6

  const condition = new Headers(init.headers).get("if-none-match");
  const held = condition !== null && condition === headers.get("etag");
  if (held) return new Response(null, { status: 304, headers }); // R10
  return new Response(init.method === "HEAD" ? null : bytes.slice(), { headers });
}

/** Returns 42 characters. Equal texts give equal digests. */
async function digest(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...new Uint8Array(hash)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .slice(0, 42);
}

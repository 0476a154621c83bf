// The answer to a request that succeeded. Its headers say what the edge did.

import { createHash } from "node:crypto";
import type { FetchInit } from "../fetch.ts";
import type { Output } from "./make.ts";
import type { Switches } from "./switches.ts";

/** What the cache holds of a success: what was made, and the headers of the origin's answer. */
export type CachedOutput = Output & { readonly origin: Headers };

/**
 * Writes the answer.
 * @param key the cache key; equal keys have equal entity tags (R4)
 * @param outcome what `cf-resized` says (R1)
 */
export function successAnswer(
  { type, bytes, warnings, isMarked, origin }: CachedOutput,
  key: string,
  init: FetchInit,
  outcome: string,
  { namesOriginal, originHeaders }: Switches,
): Response {
  const headers = new Headers({ "content-type": type, "content-length": `${bytes.length}` });
  if (isMarked) headers.set("cf-resized", outcome);
  const etag = origin.get("etag")?.replace(/^(?:W\/)?"|"$/g, "");
  if (etag !== undefined && namesOriginal) {
    const digest = createHash("sha256").update(key).digest("base64url").slice(0, 42);
    headers.set("etag", `"cf${digest}:${etag}"`); // R4
  }
  for (const [name, value] of origin) {
    const isPassed = name === "cache-control" || (name === "last-modified" && namesOriginal); // R7
    const isLeaked = originHeaders === "leaked" && /^(?:x-amz-|server$)/.test(name); // R7
    if (isPassed || isLeaked) headers.set(name, value);
  }
  const cacheControl = origin.get("cache-control") ?? "";
  const isRestrictive = /\b(?:no-store|no-cache|private|max-age=0)\b/i.test(cacheControl); // C1
  const all = isRestrictive ? [...warnings, "cache-control is too restrictive"] : warnings;
  for (const warning of all) headers.append("warning", `cf-images 299 "${warning}"`); // R6

  const condition = new Headers(init.headers).get("if-none-match");
  const isCurrent = condition !== null && condition === headers.get("etag");
  if (isCurrent) return new Response(null, { status: 304, headers }); // R10
  return new Response(init.method === "HEAD" ? null : bytes.slice(), { headers });
}

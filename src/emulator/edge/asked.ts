// What the edge reads of one call of `fetch`.

import type { FetchInit } from "../fetch.ts";
import type { EdgeInit } from "./settings.ts";

/** The values of `cf` are unknown: a Worker may pass any. */
export type Asked = FetchInit & {
  readonly cf?: { readonly image?: unknown; readonly cacheTtlByStatus?: unknown };
};

/** What a request has and what `init` has; the latter counts. */
export function askedOf(input: string | Request, init: EdgeInit): Asked {
  if (typeof input === "string") return init;
  const { method, headers, signal } = input;
  const cf: unknown = Object(input).cf; // Node.js drops it; the Workers runtime does not
  return { method, headers, signal, ...(typeof cf === "object" && cf !== null && { cf }), ...init };
}

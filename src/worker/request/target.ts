// Splits and decodes the URL of a request. Pure.

import { decodePath } from "../../url/grammar.ts";
import type { Refusal } from "../base/refusal.ts";

/** A URL after its host. */
export type Target = { readonly pathname: string; readonly search: string };

/**
 * Splits a URL that has a host, without a change of its text. `new URL` would remove segments such as
 * `..`, which are to be refused, and is slower than all other steps of reading a URL.
 */
export function readTarget(url: string): Target {
  const [, pathname = "", search = ""] = /^\w+:\/\/[^/?#]*([^?#]*)([^#]*)/.exec(url) ?? [];
  return { pathname, search };
}

/** Decodes a path. One that is not strictly encoded can be read in several ways: it is refused. */
export function readPathname(pathname: string): string | Refusal {
  const reason = "the path is not percent-encoded UTF-8";
  return decodePath(pathname) ?? { event: "impossible-key", reason };
}

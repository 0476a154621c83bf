// What a URL asks for, without its host.

import { decodePath } from "../../url/grammar.ts";
import type { Refusal } from "../base/refusal.ts";

/** What of a URL stands behind its host. */
export type Target = { readonly pathname: string; readonly search: string };

/**
 * Takes a request's URL apart, which has a host. Its text is not changed: `new URL` would take segments
 * such as `..` out, which no key has, and costs more than all the rest of reading it.
 */
export function readTarget(url: string): Target {
  const [, pathname = "", search = ""] = /^\w+:\/\/[^/?#]*([^?#]*)([^#]*)/.exec(url) ?? [];
  return { pathname, search };
}

/** The path of a request's URL, decoded. One that is not strictly encoded has no one reading: it is refused. */
export function readPathname(pathname: string): string | Refusal {
  const reason = "the path is not percent-encoded UTF-8";
  return decodePath(pathname) ?? { event: "impossible-key", reason };
}

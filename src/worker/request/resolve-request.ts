// What a URL asks for: the route, the variant and the object. Pure: no I/O, no clock. The Worker and the
// operator's commands all read URLs by `resolveRequest`.

import { decodePath } from "../../url/encoding.ts";
import { keyFault } from "../../url/key.ts";
import { findRoute } from "../config/compile-route.ts";
import type { Config } from "../config/config.ts";
import type { Variant } from "../config/preset.ts";
import type { BoundRoute } from "../config/routes.ts";
import { isRefusal, type Refusal } from "../http/refusal.ts";

/** A URL after its host. */
export type RequestTarget = { readonly pathname: string; readonly search: string };

/**
 * Splits a URL that has a host, without a change of its text. `new URL` would remove segments such as
 * `..`, which are to be refused, and is slower than all other steps of reading a URL.
 */
export function parseRequestTarget(url: string): RequestTarget {
  const [, pathname = "", search = ""] = /:\/\/[^/?#]*([^?#]*)([^#]*)/.exec(url) ?? [];
  return { pathname, search };
}

/** What a path names. */
type ResolvedPath = {
  readonly route: BoundRoute;
  /** The variant as the path names it: `card@2x`. */
  readonly variantName: string;
  /** The object's key below the bucket's prefix. */
  readonly relativeKey: string;
  /** The object's key in the bucket. */
  readonly key: string;
};

export type ResolvedRequest = ResolvedPath & { readonly variant: Variant };

/** Why a URL asks for nothing that can be shown, and what it names all the same. */
export type UnresolvedRequest =
  | { readonly refusal: Refusal; readonly route?: undefined; readonly variant?: undefined }
  | (ResolvedPath & { readonly refusal: Refusal; readonly variant?: Variant });

/**
 * Reads the path of a public URL: route, then variant, then key.
 * @param pathname as it was sent, percent-encoded
 */
export function resolveRequest(
  { routes, variants }: Pick<Config, "routes" | "variants">,
  pathname: string,
): ResolvedRequest | UnresolvedRequest {
  const path = decodePathname(pathname);
  if (isRefusal(path)) return { refusal: path };
  const match = findRoute(routes, path);
  if (isRefusal(match)) return { refusal: match };

  const { route, variant: variantName, key: relativeKey } = match;
  const names = { route, variantName, relativeKey, key: route.bucket.prefix + relativeKey };
  const variant = variants.get(variantName);
  if (variant === undefined || route.presets?.has(variant.preset) === false) {
    return { ...names, refusal: { event: "no-such-variant", variant: variantName } };
  }
  const reason = keyFault(names.key);
  if (reason === undefined) return { ...names, variant };
  return { ...names, variant, refusal: { event: "impossible-key", reason } };
}

/** Decodes a path. One that is not strictly encoded can be read in several ways: it is refused. */
export function decodePathname(pathname: string): string | Refusal {
  const reason = "the path is not percent-encoded UTF-8";
  return decodePath(pathname) ?? { event: "impossible-key", reason };
}

/**
 * Takes `?facts` off a URL of a route with `facts`; off a signed URL, also `&facts` behind the query that
 * signs. Any other query asks for the picture.
 * @returns whether it asks for facts, and the URL of the picture: a signature covers this URL
 */
export function splitFacts(
  { facts, signing }: Pick<BoundRoute, "facts" | "signing">,
  requestTarget: RequestTarget,
): { readonly facts: boolean; readonly requestTarget: RequestTarget } {
  if (!facts) return { facts, requestTarget };
  const { pathname, search } = requestTarget;
  const match = (signing ? /^(?:(\?.+)&|\?)facts$/s : /^\?facts$/).exec(search);
  if (!match) return { facts: false, requestTarget };
  return { facts: true, requestTarget: { pathname, search: match[1] ?? "" } };
}

/**
 * The objects that a path may show, one in each bucket of its route, in the order in which they are tried.
 * A bucket whose prefix makes the key too long cannot have the object, and is left out. The keys have the prefixes.
 * @param more what each object has besides
 */
export function objectsOf<More extends object>(
  { route: { bucket, buckets }, relativeKey, key }: Omit<ResolvedPath, "variantName">,
  more: More,
) {
  const [, ...later] = buckets;
  const candidates = later.map((one) => ({ ...more, bucket: one, key: one.prefix + relativeKey }));
  const possible = candidates.filter((candidate) => keyFault(candidate.key) === undefined);
  return [{ ...more, bucket, key }, ...possible] as const;
}

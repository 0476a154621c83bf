// What a URL asks for: the route, the variant and the object. Pure: no I/O, no clock. The Worker and the
// operator's commands all read URLs by `resolveRequest`.

import { decodePath } from "../../url/encoding.ts";
import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../config/bucket.ts";
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

/** What a URL asks for. */
export type ResolvedRequest = ResolvedPath & {
  readonly kind: "resolved";
  readonly variant: Variant;
};

/** Why a URL asks for nothing that can be shown, and what it names all the same: for the log, and for the operator. */
export type UnresolvedRequest = { readonly kind: "unresolved"; readonly refusal: Refusal } & (
  | { readonly route?: undefined; readonly variant?: undefined }
  | (ResolvedPath & { readonly variant?: Variant })
);

/**
 * Reads the path of a public URL: route, then variant, then key.
 * @param pathname as it was sent, percent-encoded
 */
export function resolveRequest(
  { routes, variants }: Pick<Config, "routes" | "variants">,
  pathname: string,
): ResolvedRequest | UnresolvedRequest {
  const path = decodePathname(pathname);
  if (isRefusal(path)) return { kind: "unresolved", refusal: path };

  const match = findRoute(routes, path);
  if (isRefusal(match)) return { kind: "unresolved", refusal: match };
  const { route, variant: variantName, key: relativeKey } = match;
  const names = { route, variantName, relativeKey, key: route.bucket.prefix + relativeKey };

  const variant = variants.get(variantName);
  if (variant === undefined || route.presets?.has(variant.preset) === false) {
    const refusal: Refusal = { event: "no-such-variant", variant: variantName };
    return { kind: "unresolved", ...names, refusal };
  }

  const reason = keyFault(names.key);
  if (reason !== undefined) {
    return { kind: "unresolved", ...names, variant, refusal: { event: "impossible-key", reason } };
  }
  return { kind: "resolved", ...names, variant };
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

/** An object: its bucket, and its key with the bucket's prefix. */
export type ObjectLocation = { readonly bucket: Bucket; readonly key: string };

/**
 * The objects that a path may show, one in each bucket of its route, in the order in which they are tried.
 * A bucket whose prefix makes the key too long cannot have the object, and is left out.
 */
export function objectsOf({
  route,
  relativeKey,
  key,
}: Pick<ResolvedPath, "route" | "relativeKey" | "key">): readonly [
  ObjectLocation,
  ...ObjectLocation[],
] {
  const [, ...laterBuckets] = route.buckets;
  const later = laterBuckets.map((bucket) => ({ bucket, key: bucket.prefix + relativeKey }));
  const possible = later.filter((object) => keyFault(object.key) === undefined);
  return [{ bucket: route.bucket, key }, ...possible];
}

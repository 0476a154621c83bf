// What a URL asks for: the route, the variant and the object. A variant is a preset such as `card`, or with a descriptor
// `card@2x`. The Worker and the operator's commands all read URLs by `resolveRequest`. Pure: no I/O, no clock.

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

// `https://images.example/images/card/fig.jpg?v=1#top`: the path is `/images/card/fig.jpg`, the search is `?v=1`.
const URL_WITH_HOST = /:\/\/[^/?#]*(?<pathname>[^?#]*)(?<search>[^#]*)/;

/**
 * Splits a URL that has a host, without a change of its text. `new URL` would remove segments such as
 * `..`, which are to be refused, and is slower than all other steps of reading a URL.
 */
export function parseRequestTarget(url: string): RequestTarget {
  const groups = URL_WITH_HOST.exec(url)?.groups;
  const pathname = groups?.["pathname"] ?? "";
  const search = groups?.["search"] ?? "";
  return { pathname, search };
}

/** What a path names: its route, and the variant and the key in it. */
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
  const key = route.bucket.prefix + relativeKey;
  const resolvedPath = { route, variantName, relativeKey, key };

  const variant = variants.get(variantName);
  // A route without `presets` shows all of them.
  if (variant === undefined || route.presets?.has(variant.preset) === false) {
    const refusal: Refusal = { event: "no-such-variant", variant: variantName };
    return { kind: "unresolved", ...resolvedPath, refusal };
  }

  const reason = keyFault(key);
  if (reason !== undefined) {
    const refusal: Refusal = { event: "impossible-key", reason };
    return { kind: "unresolved", ...resolvedPath, variant, refusal };
  }

  return { kind: "resolved", ...resolvedPath, variant };
}

/** Decodes a path. One that is not strictly encoded could be read in several ways, and is refused. */
export function decodePathname(pathname: string): string | Refusal {
  const reason = "the path is not percent-encoded UTF-8";
  return decodePath(pathname) ?? { event: "impossible-key", reason };
}

/** A URL that may ask for facts: the sizes of a picture as JSON. */
type FactsRequest = {
  /** Whether it asks for facts. */
  readonly facts: boolean;
  /** The URL of the picture, without what asks for facts. A signature covers this URL. */
  readonly requestTarget: RequestTarget;
};

/**
 * Takes `?facts` off a URL of a route with `facts`; off a signed URL, also `&facts` behind the query that
 * signs: `?exp=1764417600&kid=k1&sig=Zm9v&facts`. Any other query asks for the picture.
 */
export function splitFacts(
  { facts, signing }: Pick<BoundRoute, "facts" | "signing">,
  requestTarget: RequestTarget,
): FactsRequest {
  if (!facts) return { facts: false, requestTarget };

  const { pathname, search } = requestTarget;
  if (search === "?facts") return { facts: true, requestTarget: { pathname, search: "" } };

  const isBehindQuery = search.length > "?&facts".length && search.endsWith("&facts");
  if (signing === undefined || !isBehindQuery) return { facts: false, requestTarget };

  const signedQuery = search.slice(0, -"&facts".length);
  return { facts: true, requestTarget: { pathname, search: signedQuery } };
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

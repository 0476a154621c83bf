// What a URL asks for: a route of the configuration, a variant and an object. A variant is a preset such as `card`, or
// with a descriptor `card@2x`. The Worker and the operator's commands all read URLs by `resolveRequest`. Pure.

import { decodePath } from "../../url/encoding.ts";
import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../config/bucket.ts";
import { findRoute } from "../config/compile-route.ts";
import type { Config } from "../config/config.ts";
import type { Variant } from "../config/preset.ts";
import type { BoundRoute } from "../config/routes.ts";
import { isRefusal, type Refusal } from "../http/refusal.ts";

/** The part of a URL after its host: `/images/card/fig.jpg` and `?v=1`. */
export type RequestTarget = { readonly pathname: string; readonly search: string };

/**
 * After `://` and the host, the first group is the path, and the second the query: `/a/b` and `?v=1` of
 * `https://images.example/a/b?v=1#top`. It runs for every request. With names for its groups, it takes a third longer.
 */
const PATH_AND_QUERY = /:\/\/[^/?#]*([^?#]*)([^#]*)/;

/**
 * Splits a URL that has a host, without a change of its text. `new URL` would remove segments such as `..`, which must
 * be refused, and it would be slower than all other steps of reading a URL.
 */
export function parseRequestTarget(url: string): RequestTarget {
  const match = PATH_AND_QUERY.exec(url) ?? [];
  const [, pathname = "", search = ""] = match;
  return { pathname, search };
}

/** What a path names. */
type ResolvedPath = {
  readonly route: BoundRoute;
  /** The variant as the path names it: `card@2x`. */
  readonly variantName: string;
  /** The object's key without the prefix of its bucket: `fig.jpg`. */
  readonly relativeKey: string;
  /** The object's key in the first bucket of the route, with the prefix of this bucket: `photos/fig.jpg`. */
  readonly key: string;
};

/** What a URL asks for. */
export type ResolvedRequest = ResolvedPath & {
  readonly kind: "resolved";
  readonly variant: Variant;
};

/** No route takes the path. */
type WithoutRoute = { readonly route?: undefined; readonly variant?: undefined };

/** The route has no such variant. */
type WithoutVariant = ResolvedPath & { readonly variant?: undefined };

/** No object can have the key. */
type WithImpossibleKey = ResolvedPath & { readonly variant: Variant };

/** Why nothing can be shown for a URL. The fields that could be read are there for the log and for the operator. */
export type UnresolvedRequest = { readonly kind: "unresolved"; readonly refusal: Refusal } & (
  | WithoutRoute
  | WithoutVariant
  | WithImpossibleKey
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

  // A route without `presets` shows all presets.
  const variant = variants.get(variantName);
  const isShown = variant && (!route.presets || route.presets.has(variant.preset));
  if (!isShown) {
    const refusal: Refusal = { event: "no-such-variant", variant: variantName };
    return { kind: "unresolved", ...resolvedPath, refusal };
  }

  const reason = keyFault(key);
  if (reason) {
    const refusal: Refusal = { event: "impossible-key", reason };
    return { kind: "unresolved", ...resolvedPath, variant, refusal };
  }

  return { kind: "resolved", ...resolvedPath, variant };
}

/** Decodes a path. A path that is not strictly encoded could be read in several ways, so it is refused. */
export function decodePathname(pathname: string): string | Refusal {
  const reason = "the path is not percent-encoded UTF-8";
  return decodePath(pathname) ?? { event: "impossible-key", reason };
}

type FactsRequest = {
  /** Whether the URL asks for facts, which are the sizes of a picture as JSON, and not for the picture. */
  readonly facts: boolean;
  /** The URL of the picture. A signature covers this URL, also where facts are asked for. */
  readonly requestTarget: RequestTarget;
};

/**
 * Takes `?facts` off a URL, and off a signed URL also `&facts`: `?exp=1764417600&kid=k1&sig=Zm9v&facts`. Any other
 * query asks for the picture, and so does every URL of a route without `facts`.
 */
export function splitFacts(
  { facts: showsFacts, signing }: Pick<BoundRoute, "facts" | "signing">,
  requestTarget: RequestTarget,
): FactsRequest {
  const { pathname, search } = requestTarget;

  // The query `?&facts` has nothing before its `&facts`.
  const followsQuery = search.endsWith("&facts") && search !== "?&facts";
  const followsSignature = signing !== undefined && followsQuery;
  const asksForFacts = search === "?facts" || followsSignature;
  if (!showsFacts || !asksForFacts) return { facts: false, requestTarget };

  // `?facts` and `&facts` have the same length.
  const pictureSearch = search.slice(0, -"?facts".length);
  return { facts: true, requestTarget: { pathname, search: pictureSearch } };
}

export type ObjectLocation = {
  readonly bucket: Bucket;
  /** The object's key with the bucket's prefix. */
  readonly key: string;
};

/** Returns the objects that a path may show, one in each bucket of its route, in the order in which they are tried. */
export function objectsOf(
  resolvedPath: Pick<ResolvedPath, "route" | "relativeKey" | "key">,
): readonly [ObjectLocation, ...ObjectLocation[]] {
  const { route, relativeKey, key } = resolvedPath;

  const later: ObjectLocation[] = [];
  const laterBuckets = route.buckets.slice(1);
  for (const bucket of laterBuckets) {
    // The prefix of this bucket may make the key too long. Then the bucket cannot have the object.
    const laterKey = bucket.prefix + relativeKey;
    const isPossible = keyFault(laterKey) === undefined;
    if (isPossible) later.push({ bucket, key: laterKey });
  }

  return [{ bucket: route.bucket, key }, ...later];
}

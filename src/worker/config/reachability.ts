// Checks that nobody gets an object of a token route without a token: by a route that needs neither a token nor a
// signature, as one of its objects or as its fallback. What decides is which keys both routes can show in one real
// bucket. Other presets, or another route before it on the same paths, protect nothing: the object is still shown. It is
// not known whether an alias of a bucket, such as that of an access point of AWS, names the same bucket. No I/O.

import type { Bucket } from "./bucket.ts";
import type { Variant } from "./preset.ts";
import type { BoundRoute } from "./routes.ts";
import type { ReportMistake } from "./schema.ts";
import { findSharedKey, type KeyForm, keyForm } from "./shared-key.ts";

/** The objects that a route shows. */
export type ShownObjects = {
  /** For each bucket of the route. */
  readonly objects: readonly ShownKeys[];
  /** One key. Undefined: the route has no fallback. */
  readonly fallback: ShownKeys | undefined;
};

/** Keys in one bucket. */
type ShownKeys = { readonly bucket: Bucket; readonly keys: KeyForm };

/** How a route shows an object of another route. */
export type Exposure = {
  readonly isFallback: boolean;
  /** The object's key, with its prefix. Undefined: both patterns have to be taken for patterns that share one. */
  readonly key: string | undefined;
  /** The bucket of the route whose object is shown. */
  readonly bucket: Bucket;
  /** The bucket of the route that shows it. It may be the same bucket under another name. */
  readonly otherBucket: Bucket;
  /** Whether both are certainly one bucket. */
  readonly isCertain: boolean;
};

/** Returns whether anybody may have what a route shows, if they know its URLs. */
export function isOpen({ signing, tokenRules }: BoundRoute): boolean {
  return signing === undefined && tokenRules === undefined;
}

/**
 * Reports the token routes of which an open route shows an object.
 * @param routes all routes, by their index in `ROUTES`
 * @param variants what the `:preset` of a key stands for
 */
export function checkTokenRoutes(
  routes: readonly BoundRoute[],
  variants: ReadonlyMap<string, Variant>,
  report: ReportMistake,
): void {
  const hasTokenRoute = routes.some(({ tokenRules }) => tokenRules !== undefined);
  if (!hasTokenRoute) return;

  const objectsOfRoutes = routes.map((route) => shownBy(route, variants));
  for (const [tokenIndex, tokenRoute] of routes.entries()) {
    const tokenObjects = objectsOfRoutes[tokenIndex];
    if (tokenRoute.tokenRules === undefined || !tokenObjects) continue;

    for (const [openIndex, openRoute] of routes.entries()) {
      const openObjects = objectsOfRoutes[openIndex];
      if (!isOpen(openRoute) || !openObjects) continue;

      const routeText = `ROUTES[${openIndex}] (${openRoute.path}), which needs no token`;
      for (const exposure of exposuresOf(tokenObjects, openObjects)) {
        report(`ROUTES[${tokenIndex}].token`, mistakeOf(exposure, routeText));
      }
    }
  }
}

/** Returns what a route shows. */
export function shownBy(
  { buckets, mapping, presets, fallback }: BoundRoute,
  variants: ReadonlyMap<string, Variant>,
): ShownObjects {
  const variantNames: string[] = [];
  for (const [name, { preset }] of variants) {
    if (!presets || presets.has(preset)) variantNames.push(name);
  }

  const objects: ShownKeys[] = [];
  for (const bucket of buckets) {
    objects.push({ bucket, keys: keyForm(bucket.prefix, mapping.key.parts, variantNames) });
  }

  if (!fallback) return { objects, fallback: undefined };
  const { bucket, key } = fallback;
  return { objects, fallback: { bucket, keys: keyForm(key, [], []) } };
}

/** Returns how a route shows an object of another one: at most once as its own object, and once as its fallback. */
export function exposuresOf(protectedObjects: ShownObjects, other: ShownObjects): Exposure[] {
  const ownExposures: Exposure[] = [];
  const fallbackExposures: Exposure[] = [];

  for (const objects of protectedObjects.objects) {
    for (const otherObjects of other.objects) {
      const exposure = exposureOf(objects, otherObjects, false);
      if (exposure) ownExposures.push(exposure);
    }

    const exposure = other.fallback && exposureOf(objects, other.fallback, true);
    if (exposure) fallbackExposures.push(exposure);
  }

  const first = [firstCertain(ownExposures), firstCertain(fallbackExposures)];
  return first.filter((exposure) => exposure !== undefined);
}

function firstCertain(exposures: readonly Exposure[]): Exposure | undefined {
  return exposures.find(({ isCertain }) => isCertain) ?? exposures[0];
}

function exposureOf(
  objects: ShownKeys,
  otherObjects: ShownKeys,
  isFallback: boolean,
): Exposure | undefined {
  const { bucket } = objects;
  const { bucket: otherBucket } = otherObjects;
  const identity = compareBuckets(bucket, otherBucket);
  if (identity === "different") return undefined;

  const sharedKey = findSharedKey(objects.keys, otherObjects.keys);
  if (sharedKey.kind === "none") return undefined;

  const key = sharedKey.kind === "key" ? sharedKey.key : undefined;
  return { isFallback, key, bucket, otherBucket, isCertain: identity === "same" };
}

/**
 * Compares what two buckets of the configuration are at the provider. Endpoints and regions do not tell: a bucket may be
 * reached by several of them, and one of R2 by S3's API, too.
 */
export function compareBuckets(bucket: Bucket, other: Bucket): "same" | "different" | "unknown" {
  const hasSameBinding = bucket.r2 !== undefined && Object.is(bucket.r2, other.r2);
  if (hasSameBinding) return "same";

  // The Worker knows the bucket of a binding only by its settings.
  if (!bucket.isNameKnown || !other.isNameKnown) return "unknown";
  return bucket.bucket === other.bucket ? "same" : "different";
}

/** @param routeText the route that shows the object: `ROUTES[0] (/images/:preset/*), which needs no token` */
function mistakeOf(exposure: Exposure, routeText: string): string {
  const { isFallback, key, bucket, otherBucket, isCertain } = exposure;

  if (!isCertain) {
    const unnamed = [bucket, otherBucket].filter(({ isNameKnown }) => !isNameKnown);
    const tables = unnamed.map(({ name }) => `BUCKETS.${name}`).join(" and ");
    const object = key === undefined ? "its objects" : `an object such as ${key}`;
    const reason = `BUCKETS.${bucket.name} and BUCKETS.${otherBucket.name} may be one bucket`;
    return `${reason}, of which ${routeText}, shows ${object}: write bucket = "…", the bucket_name of its binding, into ${tables}`;
  }

  const isSameTable = bucket.name === otherBucket.name;
  const names = `BUCKETS.${bucket.name} and BUCKETS.${otherBucket.name} are one bucket`;
  const bucketText = isSameTable ? "" : ` (${names})`;
  if (isFallback) {
    return `${key} is the fallback of ${routeText}${bucketText}: use a fallback that no route with a token leads to`;
  }

  const remedy =
    "let both lead to prefixes or buckets of their own, or give that route a token, too";
  if (key === undefined) {
    return `its objects may also be shown by ${routeText}${bucketText}. That cannot be told, as a name stands twice in object: ${remedy}`;
  }
  return `an object such as ${key} is also shown by ${routeText}${bucketText}: ${remedy}`;
}

// Checks that nobody gets an object of a token route without a token. A route that needs neither a token nor a signature could
// show it in three ways:
// - as one of its own objects,
// - as its fallback, which it shows in place of a missing picture,
// - as an overlay, which a preset draws on its pictures.
// What decides is which keys both routes can show in one real bucket. It is no protection if the open route has other presets,
// or if another route takes the same paths before it. No I/O.

import { VARIANT } from "../../url/grammar.ts";
import type { Bucket } from "./bucket.ts";
import type { Variant } from "./preset.ts";
import type { BoundRoute } from "./routes.ts";
import { findOverlaps } from "./same-bucket.ts";
import type { ReportMistake } from "./schema.ts";
import { findSharedKey, inFolder, type KeyForm, keyForm } from "./shared-key.ts";

/** How a route shows an object: as one of its own, in place of a missing one, or drawn on others by a preset. */
type ShownAs = "object" | "fallback" | "overlay";

/** The objects that a route shows, by the way in which it shows them. A fallback or an overlay is exactly one key. */
export type ShownObjects = Readonly<Record<ShownAs, readonly ShownKeys[]>>;

/** The keys in one bucket, as a pattern that can be compared. */
type ShownKeys = { readonly bucket: Bucket; readonly keys: KeyForm };

/** How a route shows an object of another route. */
export type Exposure = {
  readonly shownAs: ShownAs;
  /** An object's key in the real bucket. Undefined: it is not known whether the patterns share a key, so assume that they do. */
  readonly key: string | undefined;
  /** The bucket of the route whose object is shown. */
  readonly bucket: Bucket;
  /** The bucket of the route that shows it. It may be the same bucket under another name. */
  readonly otherBucket: Bucket;
  /** Whether both are certainly one bucket. If not, they may be one. */
  readonly isCertain: boolean;
};

/** Returns whether anybody may have what a route shows, if they know its URLs. */
export function isOpen({ signing, tokenRules }: BoundRoute): boolean {
  return signing === undefined && tokenRules === undefined;
}

/**
 * At most so many mistakes are reported. A pair of routes can take a tenth of a second, if a name stands twice in `object`. A
 * Worker has to start soon, also one that only says what is wrong.
 */
const MAX_MISTAKES = 10;

/**
 * Reports each token route that has an object which an open route shows.
 * @param routes all routes
 * @param variants what the `:preset` of a key stands for
 */
export function checkTokenRoutes(
  routes: readonly BoundRoute[],
  variants: ReadonlyMap<string, Variant>,
  report: ReportMistake,
): void {
  const hasTokenRoute = routes.some(({ tokenRules }) => tokenRules !== undefined);
  if (!hasTokenRoute) return;

  const shownRoutes = routes.map((route) => ({ route, objects: shownBy(route, variants) }));
  let mistakeCount = 0;
  for (const { route: tokenRoute, objects: tokenObjects } of shownRoutes) {
    if (tokenRoute.tokenRules === undefined) continue;

    for (const { route: openRoute, objects: openObjects } of shownRoutes) {
      if (!isOpen(openRoute)) continue;

      const routeText = `${openRoute.option} (${openRoute.path}), which needs no token`;
      for (const exposure of exposuresOf(tokenObjects, openObjects)) {
        report(`${tokenRoute.option}.token`, mistakeOf(exposure, routeText));
        mistakeCount += 1;
        if (mistakeCount === MAX_MISTAKES) return;
      }
    }
  }
}

const NO_TEXTS: ReadonlyMap<string, readonly string[]> = new Map();

/**
 * Returns what a route shows.
 * @param textsOfNames the texts that a name in the path, such as `user` of `/users/:user/*`, may have. A name without an entry
 *   may have any text
 */
export function shownBy(
  { buckets, mapping, presets, fallback }: BoundRoute,
  variants: ReadonlyMap<string, Variant>,
  textsOfNames = NO_TEXTS,
): ShownObjects {
  const variantNames: string[] = [];
  const drawnKeys = new Set<string>();
  for (const [name, { preset, image }] of variants) {
    if (presets && !presets.has(preset)) continue;

    variantNames.push(name);
    for (const { key } of image.draw ?? []) {
      if (key !== undefined) drawnKeys.add(key);
    }
  }

  const choices = new Map([...textsOfNames, [VARIANT, variantNames]]);
  const keysIn = (bucket: Bucket): ShownKeys => {
    return { bucket, keys: keyForm(bucket.prefix, mapping.key.parts, choices) };
  };
  const oneKey = (bucket: Bucket, key: string): ShownKeys => {
    return { bucket, keys: keyForm(key, [], NO_TEXTS) };
  };

  // An overlay comes from the bucket of the picture on which it is drawn: one of the route's, or that of its fallback.
  const overlays: ShownKeys[] = [];
  const pictureBuckets = fallback ? [...buckets, fallback.bucket] : buckets;
  for (const bucket of new Set(pictureBuckets)) {
    for (const key of drawnKeys) overlays.push(oneKey(bucket, bucket.prefix + key));
  }

  return {
    object: buckets.map(keysIn),
    fallback: fallback ? [oneKey(fallback.bucket, fallback.key)] : [],
    overlay: overlays,
  };
}

const WAYS = ["object", "fallback", "overlay"] as const satisfies readonly ShownAs[];

/** Returns how a route shows an object of another one: at most one exposure for each way, a certain one if there is one. */
export function exposuresOf(protectedObjects: ShownObjects, other: ShownObjects): Exposure[] {
  const firstExposures: Exposure[] = [];
  for (const shownAs of WAYS) {
    const exposures: Exposure[] = [];
    for (const objects of protectedObjects.object) {
      for (const otherObjects of other[shownAs]) {
        exposures.push(...exposuresAs(shownAs, objects, otherObjects));
      }
    }

    const first = exposures.find(({ isCertain }) => isCertain) ?? exposures[0];
    if (first) firstExposures.push(first);
  }
  return firstExposures;
}

/** Compares the keys for each possible overlap of their buckets. */
function exposuresAs(shownAs: ShownAs, objects: ShownKeys, otherObjects: ShownKeys): Exposure[] {
  const { bucket } = objects;
  const { bucket: otherBucket } = otherObjects;
  const exposures: Exposure[] = [];

  // The folders say where each bucket lies in the real one.
  for (const { folder, otherFolder, isCertain } of findOverlaps(bucket, otherBucket)) {
    const keys = inFolder(folder, objects.keys);
    const otherKeys = inFolder(otherFolder, otherObjects.keys);
    const sharedKey = findSharedKey(keys, otherKeys);
    if (sharedKey.kind === "none") continue;

    const key = sharedKey.kind === "key" ? sharedKey.key : undefined;
    exposures.push({ shownAs, key, bucket, otherBucket, isCertain });
  }
  return exposures;
}

/** @param routeText the route that shows the object: `ROUTES[0] (/images/:preset/*), which needs no token` */
function mistakeOf(exposure: Exposure, routeText: string): string {
  const { shownAs, key, bucket, otherBucket, isCertain } = exposure;
  if (!isCertain) return doubtOf(exposure, routeText);

  // Two tables [vars.BUCKETS] may be one real bucket. Then the message says how that is known, if their names differ.
  const isSameTable = bucket.name === otherBucket.name;
  const names = `BUCKETS.${bucket.name} and BUCKETS.${otherBucket.name} are one bucket`;
  const isSameName = bucket.bucket === otherBucket.bucket || bucket.r2 !== undefined;
  const reason = isSameName ? "" : ", as endpoint says";
  const bucketText = isSameTable ? "" : ` (${names}${reason})`;

  switch (shownAs) {
    case "fallback":
      return `${key} is the fallback of ${routeText}${bucketText}: use a fallback that no route with a token leads to`;
    case "overlay":
      return `${key} is drawn by a preset on the pictures of ${routeText}${bucketText}: draw an object that no route with a token leads to, or leave the preset out of that route`;
    case "object":
      break; // its two messages follow
  }

  const remedy =
    "let both lead to prefixes or buckets of their own, or give that route a token, too";
  if (key === undefined) {
    return `its objects may also be shown by ${routeText}${bucketText}. That cannot be told, as a name stands twice in object: ${remedy}`;
  }
  return `an object such as ${key} is also shown by ${routeText}${bucketText}: ${remedy}`;
}

/** The mistake where two buckets may be one. */
function doubtOf({ key, bucket, otherBucket }: Exposure, routeText: string): string {
  const object = key === undefined ? "its objects" : `an object such as ${key}`;
  const reason = `BUCKETS.${bucket.name} and BUCKETS.${otherBucket.name} may be one bucket`;
  const fault = `${reason}, of which ${routeText}, shows ${object}`;

  const unnamed = [bucket, otherBucket].filter(({ isNameKnown }) => !isNameKnown);
  if (unnamed.length > 0) {
    const tables = unnamed.map(({ name }) => `BUCKETS.${name}`).join(" and ");
    return `${fault}: write bucket = "…", the bucket_name of its binding, into ${tables}`;
  }
  return `${fault}: write endpoint without the bucket, the bucket's own name into bucket, and a folder into prefix`;
}

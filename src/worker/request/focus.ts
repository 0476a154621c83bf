// The focal point of a picture, which its object has as metadata: `focus: 0.62,0.3`. A preset with gravity "object"
// crops around this point. A malformed focal point counts as none: the picture then shows its centre, and the log says
// so.

import type { Bucket } from "../config/bucket.ts";
import type { Variant } from "../config/preset.ts";
import { logNotice } from "../log/log.ts";
import { countForLog, type LogCount } from "../util/time.ts";
import type { Focus } from "./transform-request.ts";

/** The metadata of an object in S3 or R2. */
type ObjectMetadata = { readonly metadata: ReadonlyMap<string, string> };

/** The options of an image as a preset has them. */
type PresetImage = Variant["image"];

/** The gravities of a preset that an engine knows, too: a side, a point or a method, but not "object". */
type EngineGravity = Exclude<PresetImage["gravity"], "object" | undefined>;

/** The options of an image as an engine takes them, which is the edge or the Images binding. */
export type EngineImage = Omit<PresetImage, "gravity"> & { readonly gravity?: EngineGravity };

/** Returns the focal point of an object, if the variant uses it and the object has one. */
export function focusOf(
  variant: Pick<Variant, "image">,
  object: ObjectMetadata,
): Focus | undefined {
  if (variant.image.gravity !== "object") return undefined;
  return readFocus(object);
}

/** Reads the focal point of an object. @returns undefined if it has none, or a malformed one */
export function readFocus({ metadata }: ObjectMetadata): Focus | undefined {
  const text = metadata.get("focus");
  if (!text) return undefined;
  return parseFocus(text);
}

/** A plain decimal from 0 to 1, perhaps between spaces: `0`, ` 0.62` and `1.0`, but not `.5`, `1.5` or `5e-1`. */
const FRACTION = /^ *(?:0(?:\.\d{1,20})?|1(?:\.0{1,20})?) *$/;

/** Parses a focal point, such as `0.62,0.3`, and rounds it to 0.01. @returns undefined for any other spelling */
export function parseFocus(text: string): Focus | undefined {
  // S3 joins several headers of one name by commas. Two focal points are four numbers, and count as none.
  const [x = "", y = "", ...others] = text.split(",");
  const isPoint = FRACTION.test(x) && FRACTION.test(y) && others.length === 0;
  if (!isPoint) return undefined;

  return { x: roundToHundredth(x), y: roundToHundredth(y) };
}

function roundToHundredth(fraction: string): number {
  return Math.round(Number(fraction) * 100) / 100;
}

/** Returns the options for an engine, with a focal point, or the centre, in place of gravity "object". */
export function withFocus(image: PresetImage, focus: Focus | undefined): EngineImage {
  const { gravity, ...withoutGravity } = image;
  if (!gravity) return withoutGravity;

  const center = focus ?? "center";
  const engineGravity = gravity === "object" ? center : gravity;

  // Behind `...image`, an option keeps its place. In another order, the edge might bill the same options again (L2).
  return { ...image, gravity: engineGravity };
}

/** A rendition is the image that visitors get: a variant of an object. */
type ShownRendition = {
  readonly bucket: Bucket;
  /** The object's key. */
  readonly key: string;
  readonly variant: Variant;
};

// What was logged of a bucket. There are two counts, so that a missing focal point does not hide a malformed one.
const missingCounts = new WeakMap<Bucket, LogCount>();
const malformedCounts = new WeakMap<Bucket, LogCount>();

/** How much of a malformed focal point is logged: characters. Metadata may be anything, of up to 2 kB. */
const MAX_EXCERPT_LENGTH = 40;

/** The log leaves these out, because they could be a part of a key or of a token. */
const LONG_WORDS = /[\w+/]{12,}/g;

/**
 * Logs that a picture shows its centre, if its preset uses a focal point and its object has no valid one: once a minute
 * for each bucket and reason.
 */
export function reportFocus(rendition: ShownRendition, object: ObjectMetadata): void {
  const { bucket, key, variant } = rendition;
  if (variant.image.gravity !== "object") return;
  if (readFocus(object)) return;

  const value = object.metadata.get("focus");
  const counts = value === undefined ? missingCounts : malformedCounts;

  // `times`: how often this happened since it was last logged. `logCount`: what to remember for the next time.
  const { times, shouldLog, logCount } = countForLog(counts.get(bucket), Date.now());
  counts.set(bucket, logCount);
  if (!shouldLog) return;

  const excerpt = value?.slice(0, MAX_EXCERPT_LENGTH).replace(LONG_WORDS, "…");
  logNotice({ event: "no-focus", bucket: bucket.name, key, value: excerpt, times });
}

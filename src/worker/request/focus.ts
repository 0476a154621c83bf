// The focal point of a picture, which its object has as metadata: `focus: 0.62,0.3`. A preset with gravity "object"
// crops around it. A malformed focal point counts as none: the picture then shows its centre, and the log says so.
// Reading comes first and is pure; logging follows.

import type { Bucket } from "../config/bucket.ts";
import type { Variant } from "../config/preset.ts";
import { logNotice } from "../log/log.ts";
import { countForLog, type LogCount } from "../util/time.ts";
import type { Focus } from "./transform-request.ts";

/** The metadata of an object in S3 or R2. */
type ObjectMetadata = { readonly metadata: ReadonlyMap<string, string> };

type ImageOptions = Variant["image"];

/** A gravity that engines know. "object" is Vitrine's own. */
type EngineGravity = Exclude<ImageOptions["gravity"], "object" | undefined>;

/** The options of an image as engines know them. */
export type EngineImage = Omit<ImageOptions, "gravity"> & { readonly gravity?: EngineGravity };

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
  if (text === undefined) return undefined;
  return parseFocus(text);
}

/** A plain decimal from 0 to 1: `0`, `0.62` and `1.0`. */
const FRACTION = String.raw`0(?:\.\d{1,20})?|1(?:\.0{1,20})?`;

// One point: `0.62,0.3` and ` 0.62 , 0.3 `. S3 joins several headers of one name by commas, so two points do not match.
const FOCUS = new RegExp(`^ *(?<x>${FRACTION}) *, *(?<y>${FRACTION}) *$`);

/** Parses a focal point, and rounds it to 0.01. @returns undefined if the text has another spelling */
export function parseFocus(text: string): Focus | undefined {
  const groups = FOCUS.exec(text)?.groups;
  if (groups === undefined) return undefined;

  const x = Number(groups["x"]);
  const y = Number(groups["y"]);
  return { x: roundToHundredth(x), y: roundToHundredth(y) };
}

function roundToHundredth(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Returns the options for an engine, with a focal point, or the centre, in place of gravity "object". */
export function withFocus(image: ImageOptions, focus: Focus | undefined): EngineImage {
  const { gravity, ...withoutGravity } = image;
  if (gravity === undefined) return withoutGravity;

  // The spread keeps gravity where it is, in the order of the preset's schema. Nobody knows whether the edge bills
  // another order as another transformation (L2).
  if (gravity !== "object") return { ...image, gravity };
  return { ...image, gravity: focus ?? "center" };
}

// From here on: the log.

/** The rendition that shows its centre. */
type UnfocusedRendition = {
  readonly bucket: Bucket;
  /** The object's key. */
  readonly key: string;
  readonly variant: Variant;
};

/** What was logged of a bucket: a missing focal point does not hide a malformed one. */
const missingCounts = new WeakMap<Bucket, LogCount>();
const malformedCounts = new WeakMap<Bucket, LogCount>();

/** How much of a malformed focal point is logged: characters. Metadata may be anything, of up to 2 kB. */
const MAX_EXCERPT_LENGTH = 40;

/** A text that looks like a part of a credential. */
const LONG_WORDS = /[\w+/]{12,}/g;

/**
 * Logs that a picture shows its centre, if its preset uses a focal point and its object has no valid one: once a minute
 * for each bucket and reason.
 */
export function reportFocus(rendition: UnfocusedRendition, object: ObjectMetadata): void {
  const { bucket, key, variant } = rendition;
  if (variant.image.gravity !== "object") return;
  if (readFocus(object) !== undefined) return;

  const value = object.metadata.get("focus");
  const counts = value === undefined ? missingCounts : malformedCounts;
  const { times, shouldLog, logCount } = countForLog(counts.get(bucket), Date.now());
  counts.set(bucket, logCount);
  if (!shouldLog) return;

  const excerpt = value?.slice(0, MAX_EXCERPT_LENGTH).replace(LONG_WORDS, "…");
  logNotice({ event: "no-focus", bucket: bucket.name, key, value: excerpt, times });
}

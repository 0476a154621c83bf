// The focal point of a picture, which its object has as metadata: `focus: 0.62,0.3`. A preset with gravity "object" crops
// around it. A malformed focal point counts as none: the picture then shows its centre.

import type { Bucket } from "../config/bucket.ts";
import type { Variant } from "../config/preset.ts";
import { logNotice } from "../log/log.ts";
import { countForLog, type LogCount } from "../util/time.ts";
import type { Focus } from "./transform-request.ts";

/** The metadata of an object in S3 or R2. */
type ObjectMetadata = { readonly metadata: ReadonlyMap<string, string> };

type ImageOptions = Variant["image"];
type Gravity = Exclude<ImageOptions["gravity"], "object" | undefined>;
/** The options of an image as engines know them. */
export type EngineImage = Omit<ImageOptions, "gravity"> & { readonly gravity?: Gravity };

/** Two plain decimals. S3 joins several headers of one name by commas: two focal points are none. */
const FOCUS = /^ *(0(?:\.\d{1,20})?|1(?:\.0{1,20})?) *, *(0(?:\.\d{1,20})?|1(?:\.0{1,20})?) *$/;

/** Reads the focal point of an object. @returns undefined if it has none in the one spelling */
export function readFocus({ metadata }: ObjectMetadata): Focus | undefined {
  return parseFocus(metadata.get("focus") ?? "");
}

/** Parses a focal point such as `0.62,0.3`, rounded to 0.01. @returns undefined for any other spelling */
export function parseFocus(text: string): Focus | undefined {
  const [, x, y] = FOCUS.exec(text) ?? [];
  if (x === undefined || y === undefined) return undefined;
  return { x: Math.round(Number(x) * 100) / 100, y: Math.round(Number(y) * 100) / 100 };
}

/** The focal point of an object, where the variant uses it. */
export function focusOf(
  { image }: Pick<Variant, "image">,
  object: ObjectMetadata,
): Focus | undefined {
  return image.gravity === "object" ? readFocus(object) : undefined;
}

/** Puts a focal point, or the centre, in place of "object". The order of the options stays. */
export function withFocus(image: ImageOptions, focus: Focus | undefined): EngineImage {
  const { gravity, ...withoutGravity } = image;
  if (gravity === undefined) return withoutGravity;
  return { ...image, gravity: gravity === "object" ? (focus ?? "center") : gravity };
}

const reported = {
  missing: new WeakMap<Bucket, LogCount>(),
  malformed: new WeakMap<Bucket, LogCount>(),
};

/** Logs that a picture shows its centre, as its object has no valid focal point: once a minute, bucket and reason. */
export function reportFocus(
  { bucket, key, variant }: { bucket: Bucket; key: string; variant: Variant },
  object: ObjectMetadata,
): void {
  if (variant.image.gravity !== "object" || readFocus(object)) return;
  const value = object.metadata.get("focus");
  const last = value === undefined ? reported.missing : reported.malformed;
  const { times, shouldLog, logCount } = countForLog(last.get(bucket), Date.now());
  last.set(bucket, logCount);
  if (!shouldLog) return;
  const excerpt = value?.slice(0, 40).replace(/[\w+/]{12,}/g, "…"); // the value may be anything, of 2 kB
  logNotice({ event: "no-focus", bucket: bucket.name, key, value: excerpt, times });
}

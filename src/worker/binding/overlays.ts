// The objects that a variant draws on a picture: their validators, and their bytes.

import type { Bucket } from "../config/bucket.ts";
import type { Variant } from "../config/preset.ts";
import { canRetry, isRefusal, type Refusal } from "../http/refusal.ts";
import type { RequestScope } from "../http/send.ts";
import { type OpenedObject, openObject } from "../origin/open-object.ts";
import { memoize } from "../util/memoize.ts";
import { isWithin, pauseBefore } from "../util/time.ts";
import { overlayOptions } from "./options.ts";

/** An overlay, ready to be drawn. */
export type OpenedOverlay = ReturnType<typeof overlayOptions> & { readonly object: OpenedObject };

/** For how long the validator of an overlay is not requested again: ms. */
const REMEMBERED_MS = 60_000;

/** The last validators of the overlays of a bucket, by their keys. A configuration has few. */
const validatorsOf = memoize((_bucket: Bucket) => {
  return new Map<string, { readonly validator: string; readonly at: number }>();
});

/**
 * Requests from S3 what names the bytes of the overlays of a variant: their ETags, for example.
 * @returns a refusal if S3 does not give one of the overlays: a picture without its watermark is not shown
 */
export async function fetchOverlayValidators(
  bucket: Bucket,
  { image: { draw = [] } }: Variant,
  scope: RequestScope,
): Promise<readonly string[] | Refusal> {
  const keys = draw.flatMap(({ key }) => key ?? []);
  const validators = await Promise.all(keys.map((key) => fetchValidator(bucket, key, scope)));
  const refusal = validators.find((result) => isRefusal(result));
  return refusal ?? validators.filter((result) => typeof result === "string");
}

async function fetchValidator(
  bucket: Bucket,
  key: string,
  scope: RequestScope,
): Promise<string | Refusal> {
  const last = validatorsOf(bucket).get(key);
  if (last && isWithin(REMEMBERED_MS, last.at, Date.now())) return last.validator;
  const open = () => openObject(bucket, bucket.prefix + key, { ...scope, part: "head" });
  let object = await open();
  if (canRetry(object) && (await pauseBefore(scope.deadline))) object = await open(); // A9
  return isRefusal(object) ? blameOverlay(object, key) : remember(bucket, key, object);
}

function remember(bucket: Bucket, key: string, { validator = "" }: OpenedObject): string {
  validatorsOf(bucket).set(key, { validator, at: Date.now() });
  return validator;
}

/** Opens the overlays of a variant, whole. */
export async function openOverlays(
  bucket: Bucket,
  { image: { draw = [] } }: Variant,
  scope: RequestScope,
): Promise<readonly OpenedOverlay[] | Refusal> {
  const opening = draw.map(async (overlay): Promise<OpenedOverlay | Refusal> => {
    const { key } = overlay;
    if (key === undefined) return { event: "edge-refused", reason: "the binding draws no URL" };
    const object = await openObject(bucket, bucket.prefix + key, { ...scope, part: "whole" });
    if (isRefusal(object)) return blameOverlay(object, key);
    const refusal = checkReadable(object);
    if (refusal) {
      object.body.cancel();
      return blameOverlay(refusal, key);
    }
    remember(bucket, key, object);
    return { ...overlayOptions(overlay), object };
  });
  const opened = await Promise.all(opening);
  const overlays = opened.flatMap((result) => (isRefusal(result) ? [] : [result]));
  const firstRefusal = opened.find((result) => isRefusal(result));
  if (firstRefusal) for (const { object } of overlays) object.body.cancel();
  return firstRefusal ?? overlays;
}

/**
 * A refusal of the overlay itself must not count as a refusal of the object. A refused slot, a timeout and the like
 * stay as they are.
 */
function blameOverlay(refusal: Refusal, key: string): Refusal {
  const { event } = refusal;
  const isOfOverlay = /^object-|^(?:origin-denied|source-unreadable)$/.test(event);
  return isOfOverlay ? { event: "origin-failed", reason: `the overlay ${key}: ${event}` } : refusal;
}

/** The longest object that the binding takes (B1): bytes. */
const MAX_BYTES = 20_000_000;

/** @returns why the binding cannot read an object or an overlay. The edge may be able to read it */
export function checkReadable({ type, length }: OpenedObject): Refusal | undefined {
  if (type === "unknown" || type === "none") {
    return unreadable("its first bytes are of no image that the Images binding reads");
  }
  if (length === undefined) return unreadable("S3 does not say how long it is");
  if (length <= MAX_BYTES) return undefined;
  return unreadable(`it has ${length} bytes, and 20,000,000 are the most`);
}

function unreadable(reason: string): Refusal {
  return { event: "source-unreadable", reason, certain: true };
}

// The overlays that a variant draws on a picture, such as a watermark: objects of the same bucket. Their validators
// (what names their bytes: an ETag, for example) are a part of the picture's identity. If S3 does not give one of them,
// there is no picture: it is never shown without its watermark.

import type { Bucket } from "../config/bucket.ts";
import type { Variant } from "../config/preset.ts";
import { canRetry, isRefusal, type Refusal } from "../http/refusal.ts";
import type { RequestScope } from "../http/send.ts";
import { openObject } from "../origin/open-object.ts";
import type { OpenedObject } from "../origin/opened-object.ts";
import { memoize } from "../util/memoize.ts";
import { isWithin, pauseBefore } from "../util/time.ts";
import { checkReadable, MAX_BINDING_BYTES } from "./check-readable.ts";
import { type Overlay, overlayOptions } from "./options.ts";

/** An overlay, ready to be drawn: how it is shaped, where it is drawn, and its bytes. */
export type OpenedOverlay = {
  readonly shape: ImageTransform;
  readonly draw: ImageDrawOptions;
  readonly object: OpenedObject;
};

/** What names the bytes of an object; undefined if S3 gives nothing that names them. */
export type Validator = OpenedObject["validator"];

/**
 * Fetches the validators of the overlays of a variant: S3 is asked for their first bytes. Overlays by URL have none.
 * @returns the first refusal if S3 does not give one of the overlays
 */
export async function fetchOverlayValidators(
  bucket: Bucket,
  variant: Variant,
  scope: RequestScope,
): Promise<readonly Validator[] | Refusal> {
  const fetching: Promise<Validator | Refusal>[] = [];
  for (const { key } of variant.image.draw ?? []) {
    if (key !== undefined) fetching.push(fetchValidator(bucket, key, scope));
  }
  const results = await Promise.all(fetching);

  const validators: Validator[] = [];
  for (const result of results) {
    if (isRefusal(result)) return result;
    validators.push(result);
  }
  return validators;
}

/** For how long the validator of an overlay is not requested again: ms. */
const REMEMBERED_MS = 60_000;

/** The last validator of an overlay, its length, and when S3 named them: ms since 1970. */
type RememberedValidator = {
  readonly validator: Validator;
  readonly length: number | undefined;
  readonly atMs: number;
};

/**
 * Returns the map in which this isolate remembers the overlays of a bucket, by their keys. A bucket always gets the
 * same map, until the configuration is read anew. A configuration has few overlays.
 */
const rememberedValidators = memoize((_bucket: Bucket) => new Map<string, RememberedValidator>());

async function fetchValidator(
  bucket: Bucket,
  key: string,
  scope: RequestScope,
): Promise<Validator | Refusal> {
  const last = rememberedValidators(bucket).get(key);
  if (last && isWithin(REMEMBERED_MS, last.atMs, Date.now())) return last.validator;

  // "head": S3 is asked for the first bytes alone, and `openObject` cancels the body itself.
  const open = () => openObject(bucket, bucket.prefix + key, { ...scope, part: "head" });
  let object = await open();

  // S3 may be busy for a moment (A9).
  if (canRetry(object)) {
    const hasTime = await pauseBefore(scope.deadline);
    if (hasTime) object = await open();
  }
  if (isRefusal(object)) return blameOverlay(object, key);

  remember(bucket, key, object);
  return object.validator;
}

function remember(bucket: Bucket, key: string, { validator, length }: OpenedObject): void {
  rememberedValidators(bucket).set(key, { validator, length, atMs: Date.now() });
}

/** Returns how many bytes the overlays of a variant have together. One whose length is not known counts as the longest. */
export function overlayBytes(bucket: Bucket, variant: Variant): number {
  const remembered = rememberedValidators(bucket);

  let sum = 0;
  for (const { key } of variant.image.draw ?? []) {
    if (key === undefined) continue;

    const length = remembered.get(key)?.length;
    sum += length ?? MAX_BINDING_BYTES;
  }
  return sum;
}

/**
 * Opens the overlays of a variant, whole. The caller reads or cancels their bodies.
 * @returns the first refusal if one of the overlays cannot be drawn
 */
export async function openOverlays(
  bucket: Bucket,
  variant: Variant,
  scope: RequestScope,
): Promise<readonly OpenedOverlay[] | Refusal> {
  const draw = variant.image.draw ?? [];
  const opening = draw.map((overlay) => openOverlay(bucket, overlay, scope));
  const results = await Promise.all(opening);

  const overlays: OpenedOverlay[] = [];
  let firstRefusal: Refusal | undefined;
  for (const result of results) {
    if (isRefusal(result)) firstRefusal ??= result;
    else overlays.push(result);
  }
  if (!firstRefusal) return overlays;

  // Nobody will read the overlays that S3 has given.
  for (const { object } of overlays) object.body.cancel();
  return firstRefusal;
}

async function openOverlay(
  bucket: Bucket,
  overlay: Overlay,
  scope: RequestScope,
): Promise<OpenedOverlay | Refusal> {
  const { key } = overlay;

  // The binding cannot draw an overlay that the preset has by URL (B7 in docs/rules.md).
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
}

/** Refusals that may be about the overlay alone. All others, such as "slots-refused", are about its whole bucket. */
const EVENTS_OF_OBJECT: ReadonlySet<string> = new Set([
  "object-missing",
  "object-denied",
  "origin-denied", // for example, S3 redirects the request
  "source-unreadable",
]);

/**
 * Turns a refusal that may be about an overlay alone into "origin-failed". Otherwise a missing overlay would be answered
 * like a picture that is missing.
 */
function blameOverlay(refusal: Refusal, key: string): Refusal {
  if (!EVENTS_OF_OBJECT.has(refusal.event)) return refusal;
  return { event: "origin-failed", reason: `the overlay ${key}: ${refusal.event}` };
}

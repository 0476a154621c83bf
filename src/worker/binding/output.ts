// Reads the whole picture that the Images binding renders, and decides whether it may be shown. It is not known
// whether the binding can give an original back, as the edge does where that is smaller (B6), or what it keeps of the
// metadata (B9). So a picture passes only in the requested format, without metadata, and if it cannot be the original
// itself.

import { meaningOf } from "../edge/codes.ts";
import { isRefusal, type Refusal, type UpstreamRefusal } from "../http/refusal.ts";
import type { OpenedObject } from "../origin/opened-object.ts";
import { sniff } from "../origin/sniff.ts";
import { readBytes } from "../util/bytes.ts";
import { hasProperty } from "../util/json.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";
import { stripMetadata } from "./strip-metadata.ts";

/** A whole picture, without metadata. */
export type WholePicture = { readonly type: string; readonly bytes: Uint8Array<ArrayBuffer> };

/** The objects that a rendering reads: the picture's own one, and its overlays. */
export type Originals = readonly [OpenedObject, ...OpenedObject[]];

/** What the binding yields. */
export type Rendering = {
  readonly result: ImageTransformationResult;
  /** How the binding describes the original; undefined unless facts are asked for. */
  readonly info: ImageInfoResponse | undefined;
};

/**
 * Waits for the whole picture. Then it cancels what is left of the originals, whether there is a picture or not.
 * @param format the content type that was requested
 * @param originals if one of them fails, its failure is the reason
 * @param deadline ms since 1970
 */
export async function readOutput(
  rendering: Promise<Rendering>,
  format: string,
  originals: Originals,
  deadline: number,
): Promise<WholePicture | Refusal> {
  // Where an object breaks off, the binding may render what has come, or wait for the rest. So the first failure of an
  // object ends the rendering.
  const failures = originals.map((original) => original.body.failure);
  const firstResult = Promise.race([readPicture(rendering, deadline), ...failures]);

  try {
    const result = await withTimeout(deadline - Date.now(), firstResult);
    if (result === TIMED_OUT) {
      return { event: "timed-out", reason: "no picture of the Images binding in time" };
    }
    if (result === "too-long") {
      return { event: "edge-failed", reason: "the picture has over 25 MB" };
    }
    if (isRefusal(result)) return result;
    return guardOutput(result, format, originals[0]);
  } catch (error) {
    return failureOf(error, originals);
  } finally {
    for (const { body } of originals) body.cancel();
  }
}

/** The longest picture that is read, in bytes: more than a page can use, and little enough for the memory. */
const MAX_OUTPUT_BYTES = 25_000_000;

async function readPicture(rendering: Promise<Rendering>, deadline: number) {
  const { result } = await rendering;
  return readBytes(result.image(), MAX_OUTPUT_BYTES, deadline);
}

/** Lets a picture pass, without its metadata, or refuses it. The event of a refusal decides which request follows. */
function guardOutput(
  bytes: Uint8Array<ArrayBuffer>,
  format: string,
  original: OpenedObject,
): WholePicture | Refusal {
  // After "too-large-for-avif", another format is requested: this helps also if an AVIF has metadata.
  const event = format === "image/avif" ? "too-large-for-avif" : "wrong-type";
  const type = sniff(bytes);
  if (type !== format) return { event, type };

  // Bytes of the type and the length of the original may be the original's. After this event, another format is
  // requested, which proves the contrary.
  if (type === original.type && bytes.length === original.length) {
    return { event: "original-is-smaller", type, reason: "it may be the original itself" };
  }

  const stripped = stripMetadata(type, bytes);
  if (stripped) return { type, bytes: stripped };
  return { event, type, reason: "it is broken, or its metadata cannot be removed" };
}

/**
 * The edge gives these codes two meanings, by the status. The binding gives no status (B3), but has one meaning alone:
 * the original is too long (9402), or cannot be processed (9516).
 */
const STATUSES: Readonly<Record<string, number>> = { "9402": 413, "9516": 422 };

/** Returns what an error of the binding means. */
function failureOf(error: unknown, originals: Originals): UpstreamRefusal {
  const code = readCode(error);
  if (code === undefined) {
    return { event: "edge-failed", reason: `the Images binding failed: ${error}`.slice(0, 200) };
  }

  const failure = { ...meaningOf(code, STATUSES[code]), edgeCode: code };
  if (failure.event !== "source-unreadable") return failure;

  // It is not certain that the binding cannot read the object itself: it may mean an overlay. And 9516 may mean that it
  // has failed to write the picture.
  const hasOverlays = originals.length > 1;
  return { ...failure, certain: !hasOverlays && code !== "9516" };
}

/** Reads the code of an error of the binding, such as 9412 (B3). */
function readCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !hasProperty(error, "code")) return undefined;

  const code = `${error.code}`;
  return /^\d{4}$/.test(code) ? code : undefined;
}

// Reads the whole picture that the Images binding renders, and decides whether it may be shown. It is not known
// whether the binding can give an original back, as the edge does where that is smaller (B6), or what it keeps of the
// metadata (B9). So a picture passes only in the requested format, without metadata, and if it cannot be the original
// itself.

import { meaningOf } from "../edge/codes.ts";
import { isRefusal, type Refusal, type UpstreamRefusal } from "../http/refusal.ts";
import type { OpenedObject } from "../origin/open-object.ts";
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
  // The binding may go on where an object broke off, or wait for the rest of it. So a failure of an object ends all.
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

/** More than any picture of 12,000 px a side that a page can use. It must fit into the memory: bytes. */
const MAX_OUTPUT_BYTES = 25_000_000;

async function readPicture(rendering: Promise<Rendering>, deadline: number) {
  const { result } = await rendering;
  return readBytes(result.image(), MAX_OUTPUT_BYTES, deadline);
}

/** Lets a picture pass, without its metadata, or refuses it with the event that says which request may follow. */
function guardOutput(
  bytes: Uint8Array<ArrayBuffer>,
  format: string,
  original: OpenedObject,
): WholePicture | Refusal {
  const type = sniff(bytes);
  // After this event, another format than AVIF is requested: the picture may be too large for AVIF, or have metadata.
  const event = format === "image/avif" ? "too-large-for-avif" : "wrong-type";
  if (type !== format) return { event, type };

  // With the type and the length of the original, the bytes may be the original's. Another format proves the contrary.
  if (type === original.type && bytes.length === original.length) {
    return { event: "original-is-smaller", type, reason: "it may be the original itself" };
  }

  const stripped = stripMetadata(type, bytes);
  if (!stripped) {
    return { event, type, reason: "it is broken, or its metadata cannot be removed" };
  }
  return { type, bytes: stripped };
}

/** Statuses of the codes that have two meanings. The binding gives no status (B3), and means this one. */
const STATUSES: Readonly<Record<string, number>> = { "9402": 413, "9516": 422 };

/** Returns what an error of the binding means. Its text is for the log alone. */
function failureOf(error: unknown, originals: Originals): UpstreamRefusal {
  const code = readCode(error);
  if (code === undefined) {
    return { event: "edge-failed", reason: `the Images binding failed: ${error}`.slice(0, 200) };
  }

  const { event, reason, isTransient = false } = meaningOf(code, STATUSES[code]);
  const failure = { event, reason, edgeCode: code, isTransient };
  if (event !== "source-unreadable") return failure;

  // With overlays, the binding does not say which image it means. With 9516 it may have failed to read, or to write.
  const hasOverlays = originals.length > 1;
  return { ...failure, certain: !hasOverlays && code !== "9516" };
}

/** Reads the code of an error of the binding, such as 9412 (B3). */
function readCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !hasProperty(error, "code")) return undefined;

  const code = `${error.code}`;
  return /^\d{4}$/.test(code) ? code : undefined;
}

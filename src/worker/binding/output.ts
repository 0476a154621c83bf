// Reads the whole picture that the Images binding renders, and decides whether it may be shown. It is not known
// whether the binding can give an original back, as the edge does where that is smaller (B6 in docs/rules.md), or what
// it keeps of the metadata (B9). So a picture passes only in the requested format, without metadata, and if it cannot
// be the original itself.

import { meaningOf } from "../edge/codes.ts";
import { isRefusal, type Refusal, type UpstreamRefusal } from "../http/refusal.ts";
import type { OpenedObject } from "../origin/opened-object.ts";
import { sniff } from "../origin/sniff.ts";
import { type Room, readInRoom } from "../util/bytes.ts";
import { hasProperty } from "../util/json.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";
import { stripMetadata } from "./strip-metadata.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A whole picture, without metadata. */
export type WholePicture = { readonly type: string; readonly bytes: Bytes };

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
 * @param room what was reserved for the originals. When the picture comes, the same reservation holds its bytes
 */
export async function readOutput(
  rendering: Promise<Rendering>,
  format: string,
  originals: Originals,
  deadline: number,
  room: Room,
): Promise<WholePicture | Refusal> {
  // Where an object breaks off, the binding may render what has come, or wait for the rest. So the first failure of an
  // object ends the rendering. The promise of an object that does not fail never settles.
  const failures = originals.map((original) => original.body.failure);
  const firstResult = Promise.race([readPicture(rendering, deadline, room), ...failures]);

  try {
    // This timeout is also for the rendering, before there are bytes to read.
    const result = await withTimeout(deadline - Date.now(), firstResult);
    if (result === TIMED_OUT) {
      return { event: "timed-out", reason: "no picture of the Images binding in time" };
    }
    if (result === "too-long") {
      return { event: "edge-failed", reason: "the picture has over 25 MB" };
    }
    if (result === "no-room") {
      return { event: "too-busy", reason: "the memory has no room for the picture" };
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

/** Waits for the picture, and reads it. What is left of it at the deadline is cancelled. */
async function readPicture(
  rendering: Promise<Rendering>,
  deadline: number,
  room: Room,
): Promise<Bytes | "too-long" | "no-room" | typeof TIMED_OUT> {
  const { result } = await rendering;
  return readInRoom(result.image(), MAX_OUTPUT_BYTES, deadline, room);
}

/**
 * Lets a picture pass, without its metadata, or refuses it. The event of a refusal is chosen for the request that
 * follows it (edge/ladder.ts).
 */
function guardOutput(bytes: Bytes, format: string, original: OpenedObject): WholePicture | Refusal {
  // After "too-large-for-avif", another format than AVIF is requested. This helps also against the other faults of an
  // AVIF: it has metadata, for example.
  const event = format === "image/avif" ? "too-large-for-avif" : "wrong-type";
  const type = sniff(bytes);
  if (type !== format) return { event, type };

  // Bytes of the type and the length of the original may be the original's. After this event, another format is
  // requested: a picture in that format cannot be the original.
  if (type === original.type && bytes.length === original.length) {
    return { event: "original-is-smaller", type, reason: "it may be the original itself" };
  }

  const stripped = stripMetadata(type, bytes);
  if (stripped) return { type, bytes: stripped };
  return { event, type, reason: "it is broken, or its metadata cannot be removed" };
}

/**
 * With these two codes, the edge means different things, which its HTTP status tells apart. The binding gives no status
 * (B3), so the status is set here for what the binding can mean: the original is too long (9402: 413), or its format is not
 * supported (9420: 415).
 */
const STATUSES: Readonly<Record<string, number>> = { "9402": 413, "9420": 415 };

/** Turns an error of the binding into a refusal. */
function failureOf(error: unknown, originals: Originals): UpstreamRefusal {
  const code = readCode(error);
  if (code === undefined) {
    return { event: "edge-failed", reason: `the Images binding failed: ${error}`.slice(0, 200) };
  }

  const failure = { ...meaningOf(code, STATUSES[code]), edgeCode: code };
  switch (failure.event) {
    case "source-unreadable": {
      // It is certain that the object itself cannot be read, unless the error may be about an overlay.
      const hasOverlays = originals.length > 1;
      return { ...failure, certain: !hasOverlays };
    }

    // The binding cannot know what S3 says: it gets bytes of the Worker.
    case "object-missing":
    case "origin-denied":
      return { ...failure, event: "edge-failed" };

    default:
      return failure;
  }
}

/** Reads the code of an error of the binding, such as 9412 (B3). */
function readCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !hasProperty(error, "code")) return undefined;

  const code = `${error.code}`;
  return /^\d{4}$/.test(code) ? code : undefined;
}

// Reads a whole picture that the Images binding renders, and lets it pass only if the binding transformed it.

import { failureFor } from "../edge/codes.ts";
import { isRefusal, type Refusal, type UpstreamRefusal } from "../http/refusal.ts";
import type { OpenedObject } from "../origin/open-object.ts";
import { sniff } from "../origin/sniff.ts";
import { readBytes } from "../util/bytes.ts";
import { withTimeout } from "../util/time.ts";
import { stripMetadata } from "./strip-metadata.ts";

/** A whole picture. */
export type WholePicture = { readonly type: string; readonly bytes: Uint8Array<ArrayBuffer> };

/** More than any picture of 12,000 px a side that a page can use. It must fit into the memory: bytes. */
const MAX_OUTPUT_BYTES = 25_000_000;

/** The status that codes.ts needs for a code of two meanings: the binding gives no status (B3), and means this one. */
const STATUSES: Readonly<Record<string, number>> = { "9402": 413, "9516": 422 };

/**
 * Waits for the whole picture.
 * @param rendering the answer of the binding
 * @param originals the objects that it reads. If one of them fails, its failure is the reason
 * @param deadline ms since 1970
 */
export async function readOutput(
  rendering: Promise<ImageTransformationResult>,
  { format }: Pick<ImageOutputOptions, "format">,
  originals: readonly [OpenedObject, ...OpenedObject[]],
  deadline: number,
): Promise<WholePicture | Refusal> {
  const read = async () => readBytes((await rendering).image(), MAX_OUTPUT_BYTES, deadline);
  // The binding may go on where an object broke off, or wait for the rest of it.
  const first = Promise.race([read(), ...originals.map(({ body }) => body.failure)]);
  try {
    const result = await withTimeout(deadline - Date.now(), first);
    if (result instanceof Uint8Array) return guardOutput(result, format, originals[0]);
    if (isRefusal(result)) return result;
    if (result === "too-long")
      return { event: "edge-failed", reason: "the picture has over 25 MB" };
    return { event: "timed-out", reason: "no picture of the Images binding in time" };
  } catch (error) {
    return failureOf(error, originals);
  } finally {
    for (const { body } of originals) body.cancel();
  }
}

/**
 * Passes a picture of the requested format, without its metadata, unless it can be the original
 * itself. An AVIF with metadata is requested in another format.
 */
function guardOutput(
  bytes: Uint8Array<ArrayBuffer>,
  format: string,
  original: OpenedObject,
): WholePicture | Refusal {
  const type = sniff(bytes);
  const event = format === "image/avif" ? "too-large-for-avif" : "wrong-type";
  if (type !== format) return { event, type };
  if (type === original.type && bytes.length === original.length) {
    return { event: "original-is-smaller", type, reason: "it may be the original itself" };
  }
  const plain = stripMetadata(type, bytes);
  if (plain) return { type, bytes: plain };
  return { event, type, reason: "it is broken, or its metadata cannot be removed" };
}

/** What an error of the binding means. Its text is for the log alone. */
function failureOf(error: unknown, originals: readonly OpenedObject[]): UpstreamRefusal {
  const code = error instanceof Error && "code" in error ? `${error.code}` : "";
  if (!/^\d{4}$/.test(code)) {
    return { event: "edge-failed", reason: `the Images binding failed: ${error}`.slice(0, 200) };
  }
  const { status: _status, ...failure } = failureFor(STATUSES[code] ?? 0, code, "");
  // The binding does not say which image it means. With 9516 it may have failed to read, or to write.
  const certain = code !== "9516" && originals.length === 1;
  return failure.event === "source-unreadable" ? { ...failure, certain } : failure;
}

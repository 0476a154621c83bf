// Opens an object of R2 by its binding. There are no keys and no signatures: the account that owns the Worker owns the
// bucket. It only reads: it writes and lists nothing.

import type { R2Source } from "../config/bindings.ts";
import type { Refusal } from "../http/refusal.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";
import {
  type ObjectRequest,
  type OpenedObject,
  PARTS,
  readObject,
  S3_TIMEOUT_MS,
} from "./opened-object.ts";

export async function openR2(
  r2: R2Source,
  key: string,
  request: ObjectRequest,
): Promise<OpenedObject | Refusal> {
  const { part } = request;

  // The visitor may wait for less than one request may take.
  const deadline = Math.min(request.deadline, Date.now() + S3_TIMEOUT_MS);

  try {
    const pending = part === "whole" ? r2.get(key) : r2.get(key, { range: PARTS[part] });
    const object = await withTimeout(deadline - Date.now(), pending);
    if (object === TIMED_OUT) {
      // Nobody waits for a late answer: its body is cancelled, and its error is dropped.
      pending.then((late) => late?.body.cancel()).catch(() => {});
      return { event: "timed-out", reason: "no answer of R2 in time" };
    }

    // R2 itself says that there is no such object, not a proxy in front of it.
    if (!object) return { event: "object-missing", certain: true };

    return await readR2(object, object.body, { part, deadline });
  } catch (error) {
    // R2 throws where the first bytes of an empty object are requested. The error has other words at Cloudflare than in a
    // local run, so R2 is asked whether the object is empty. If that fails, too, only the first error is reported.
    const headOrFailure = r2.head(key).catch(() => undefined);
    const object = await withTimeout(deadline - Date.now(), headOrFailure);
    if (object !== TIMED_OUT && object?.size === 0) {
      return readR2(object, null, { part, deadline });
    }

    // The bucket itself is gone, and all of its objects with it: that is no outage.
    const reason = `R2 failed: ${error}`;
    if (NO_BUCKET.test(reason)) return { event: "origin-denied", s3Code: "NoSuchBucket", reason };

    return { event: "origin-failed", reason, isTransient: true };
  }
}

/** In the text of R2's error: its code for a bucket that does not exist. */
const NO_BUCKET = /\b10006\b/;

/** @param stream null: the object is empty */
function readR2(
  object: R2Object,
  stream: ReadableStream<Uint8Array> | null,
  request: ObjectRequest,
): Promise<OpenedObject | Refusal> {
  const { etag, size, uploaded, customMetadata, httpMetadata } = object;

  const fields = {
    etag,
    length: size,
    lastModified: uploaded.toUTCString(),
    metadata: new Map(Object.entries(customMetadata ?? {})),
    credential: undefined,
  };

  const { part } = request;
  const length = part === "whole" ? size : Math.min(size - PARTS[part].offset, PARTS[part].length);
  const isEncoded = httpMetadata?.contentEncoding !== undefined;
  return readObject(fields, { stream, length, isEncoded }, request);
}

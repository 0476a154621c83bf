// Opens an object of R2 by its binding. There are no keys and no signatures: the account that owns the Worker owns the
// bucket. It only reads: it writes and lists nothing.

import type { R2Source } from "../config/bindings.ts";
import { isRefusal, type Refusal } from "../http/refusal.ts";
import { cancelBody } from "../http/send.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";
import { HEAD_BYTES, readBody } from "./object-body.ts";
import {
  describeObject,
  type ObjectRequest,
  type OpenedObject,
  S3_TIMEOUT_MS,
} from "./opened-object.ts";

export async function openR2(
  r2: R2Source,
  key: string,
  request: ObjectRequest,
): Promise<OpenedObject | Refusal> {
  const { part } = request;
  const deadline = Math.min(request.deadline, Date.now() + S3_TIMEOUT_MS);

  try {
    const range = { offset: 0, length: HEAD_BYTES };
    const pending = part === "head" ? r2.get(key, { range }) : r2.get(key);
    const object = await withTimeout(deadline - Date.now(), pending);
    if (object === TIMED_OUT) {
      cancelLateBody(pending);
      return { event: "timed-out", reason: "no answer of R2 in time" };
    }

    // R2 itself says that there is no such object, not a proxy in front of it.
    if (!object) return { event: "object-missing", certain: true };

    return await readObject(object, object.body, part, deadline);
  } catch (error) {
    // A range of an empty object throws, in other words at Cloudflare than in a local run. R2 is therefore asked
    // whether the object is empty.
    const object = await withTimeout(deadline - Date.now(), r2.head(key)).catch(() => undefined);
    if (object !== TIMED_OUT && object?.size === 0) {
      return readObject(object, new Blob().stream(), part, deadline);
    }

    return { event: "origin-failed", reason: `R2 failed: ${error}`, isTransient: true };
  }
}

/** Cancels the body of an object that comes after its time: nobody reads it. */
function cancelLateBody(pending: Promise<R2ObjectBody | null>): void {
  pending
    .then((object) => {
      if (object) cancelBody(object.body);
    })
    .catch(() => {}); // R2 failed after its time: the visitor has an answer already
}

async function readObject(
  object: R2Object,
  stream: ReadableStream<Uint8Array>,
  part: ObjectRequest["part"],
  deadline: number,
): Promise<OpenedObject | Refusal> {
  const { etag, size, uploaded, customMetadata, httpMetadata } = object;

  const length = part === "head" ? Math.min(size, HEAD_BYTES) : size;
  const body = await readBody(stream, length, deadline);
  if (isRefusal(body)) return body;
  if (part === "head") body.cancel();

  const fields = {
    etag,
    length: size,
    lastModified: uploaded.toUTCString(),
    metadata: new Map(Object.entries(customMetadata ?? {})),
    credential: undefined,
  };
  const isEncoded = httpMetadata?.contentEncoding !== undefined;
  return describeObject(fields, body, isEncoded);
}

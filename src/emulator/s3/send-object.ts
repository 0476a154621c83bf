// S3's answer with an object: whole, a range of it, or 304, as the request's headers ask.

import { createHash } from "node:crypto";
import { unlessAborted } from "../edge/unless-aborted.ts";
import { contentRange, isThere, readRange } from "../range.ts";
import { REQUEST_IDS, type Refused } from "./refuse.ts";

/**
 * An object of a bucket.
 * @example
 * s3.objects.set("fig.jpg", { body: readFileSync("fig.jpg"), type: "image/jpeg" });
 */
export type Stored = {
  readonly body: Uint8Array;
  /** Its content-type. */
  readonly type: string;
  /** Without quotes. Left out: the MD5 of the body. Null: the object has none. */
  readonly etag?: string | null;
  readonly cacheControl?: string;
};

/** What happens after half of the body: the connection breaks, or no more data comes. */
export type Interruption = "cut-short" | "stall-midway";

const LAST_MODIFIED = "Tue, 24 Nov 2026 09:00:00 GMT";

export function sendObject(
  request: Request,
  object: Stored,
  interruption: Interruption | undefined,
): Response | Refused {
  const { body, type, cacheControl } = object;
  const etag = etagOf(object);
  const headers = {
    "content-type": type,
    "content-length": `${body.length}`,
    "accept-ranges": "bytes",
    "last-modified": LAST_MODIFIED,
    server: "AmazonS3",
    "x-amz-server-side-encryption": "AES256",
    ...REQUEST_IDS,
    ...(etag === null ? {} : { etag: `"${etag}"` }),
    ...(cacheControl === undefined ? {} : { "cache-control": cacheControl }),
  };
  if (etag !== null && request.headers.get("if-none-match")?.includes(`"${etag}"`)) {
    return new Response(null, { status: 304, headers });
  }
  if (request.method === "HEAD") return new Response(null, { headers });
  const range = readRange(request.headers.get("range"), body.length);
  if (range !== undefined) {
    const told = { "content-range": contentRange(range, body.length) };
    if (!isThere(range, body.length)) {
      return { status: 416, code: "InvalidRange", headers: told };
    }
    const part = body.slice(range.first, range.last + 1);
    const length = { "content-length": `${part.length}` };
    return new Response(part, { status: 206, headers: { ...headers, ...told, ...length } });
  }
  const content =
    interruption === undefined ? body.slice() : firstHalf(body, interruption, request.signal);
  return new Response(content, { headers });
}

/** Null: the object has none. */
export function etagOf({ etag, body }: Stored): string | null {
  return etag === undefined ? createHash("md5").update(body).digest("hex") : etag;
}

function firstHalf(
  body: Uint8Array,
  interruption: Interruption,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  let sent = false;
  return new ReadableStream({
    async pull(stream) {
      if (!sent) stream.enqueue(body.slice(0, body.length / 2));
      sent = true;
      if (interruption === "stall-midway")
        await unlessAborted(new Promise<never>(() => {}), signal);
      await new Promise((later) => setTimeout(later, 20)); // until the half has arrived
      stream.error(new TypeError("terminated"));
    },
  });
}

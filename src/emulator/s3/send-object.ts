// S3's answer with an object: whole, a range of it, or 304, as the request's headers ask.

import { createHash } from "node:crypto";
import { contentRange, isThere, readRange } from "../body.ts";
import { unlessAborted } from "../edge/unless-aborted.ts";
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
  /** Its content-encoding. */
  readonly encoding?: string;
  /** What `x-amz-meta-…` headers say, by their names without that. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Left out: when the emulator was written. */
  readonly lastModified?: Date;
};

/** What happens after half of the object: the connection breaks, or no more data comes. */
export type Interruption = "cut-short" | "stall-midway";

const LAST_MODIFIED = new Date("2026-11-24T09:00:00Z");

/** @param ignoresRange whether the server sends the whole object all the same (A14) */
export function sendObject(
  request: Request,
  object: Stored,
  interruption: Interruption | undefined,
  ignoresRange: boolean,
): Response | Refused {
  const { body, type, cacheControl, encoding, metadata = {}, lastModified } = object;
  const etag = etagOf(object);
  const named = {
    "last-modified": (lastModified ?? LAST_MODIFIED).toUTCString(),
    server: "AmazonS3",
    ...REQUEST_IDS,
    ...(etag === null ? {} : { etag: `"${etag}"` }),
  };
  if (etag !== null && request.headers.get("if-none-match")?.includes(`"${etag}"`)) {
    return new Response(null, { status: 304, headers: named }); // A14: it has no metadata
  }
  const own = Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
  const headers = {
    ...named,
    "content-type": type,
    "content-length": `${body.length}`,
    "accept-ranges": "bytes",
    "x-amz-server-side-encryption": "AES256",
    ...(cacheControl === undefined ? {} : { "cache-control": cacheControl }),
    ...(encoding === undefined ? {} : { "content-encoding": encoding }),
    ...Object.fromEntries(own),
  };
  if (request.method === "HEAD") return new Response(null, { headers });
  const asked = ignoresRange ? null : request.headers.get("range");
  const range = readRange(asked, body.length);
  if (range !== undefined) {
    const told = { "content-range": contentRange(range, body.length) };
    if (!isThere(range, body.length)) {
      return { status: 416, code: "InvalidRange", headers: told };
    }
    const part = body.slice(range.first, range.last + 1);
    const length = { "content-length": `${part.length}` };
    const isBroken = range.last >= body.length / 2;
    const content = sent(part, isBroken ? interruption : undefined, request.signal);
    return new Response(content, { status: 206, headers: { ...headers, ...told, ...length } });
  }
  return new Response(sent(body, interruption, request.signal), { headers });
}

function sent(body: Uint8Array, interruption: Interruption | undefined, signal: AbortSignal) {
  return interruption === undefined ? body.slice() : firstHalf(body, interruption, signal);
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
  let isSent = false;
  return new ReadableStream({
    async pull(stream) {
      if (!isSent) stream.enqueue(body.slice(0, body.length / 2));
      isSent = true;
      if (interruption === "stall-midway")
        await unlessAborted(new Promise<never>(() => {}), signal);
      await new Promise((later) => setTimeout(later, 20)); // until the half has arrived
      stream.error(new TypeError("terminated"));
    },
  });
}

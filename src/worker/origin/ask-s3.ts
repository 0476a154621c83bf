// Sends one signed GET to S3 with one credential, and reads the answer: the object, or why there is none. It never sends a
// HEAD: the answer to a HEAD has no body, and S3's own code of an error stands in the body (A14). It follows no redirect. It
// neither chooses the credential nor remembers how S3 replied: open-object.ts does both. Codes such as (A14) are rules of
// docs/rules.md.

import type { Bucket } from "../config/bucket.ts";
import {
  isRefusal,
  isUpstreamFailure,
  refusalAfter,
  type UpstreamRefusal,
} from "../http/refusal.ts";
import { parseS3Reply } from "../http/s3-reply.ts";
import { cancelBody, type Reply, send } from "../http/send.ts";
import {
  type Credential,
  HEAD_BYTES,
  type ObjectPart,
  type ObjectRequest,
  type OpenedObject,
  PARTS,
  readObject,
  S3_TIMEOUT_MS,
} from "./opened-object.ts";
import { sign } from "./sigv4.ts";
import { refusalOf, type Verdict, verdictOf } from "./verdict.ts";

/** What came of asking S3 with one credential. */
export type S3Result =
  | { readonly kind: "opened"; readonly object: OpenedObject }
  /** S3 did not give the object. The verdict says what that means for the credential: it may be dead, or S3 may be busy. */
  | { readonly kind: "refused"; readonly refusal: UpstreamRefusal; readonly verdict: Verdict };

/**
 * Asks S3 for an object, or for a part of it.
 * @param url the origin URL of the object: exactly this text is signed and sent (A2)
 */
export async function askS3(
  bucket: Bucket,
  url: string,
  credential: Credential,
  request: ObjectRequest,
): Promise<S3Result> {
  const { region } = bucket;
  const { part } = request;
  const now = Date.now();
  const deadline = Math.min(request.deadline, now + S3_TIMEOUT_MS);

  // Send the request.
  const signedHeaders = await sign(url, region, credential.credentials, now);
  const init = {
    headers: {
      ...signedHeaders,
      "accept-encoding": "identity", // an encoding would hide how long the object is
      ...(part !== "whole" && { range: rangeOf(part) }),
    },
    cache: "no-store", // otherwise Cloudflare's cache may answer in place of S3 (A16)
  } as const;
  const reply = await send(url, init, deadline);
  if (isUpstreamFailure(reply)) return fail(refusalAfter(reply, "origin-failed"));

  // The status and the lengths together show whether these are the bytes that S3 was asked for.
  const lengths = readLengths(reply, part);
  if (!lengths) return refuse(reply, region, now);

  // The server may have encoded the object although it was asked not to. Then the lengths say nothing about the object itself.
  const { headers } = reply;
  const isEncoded = headers.has("content-encoding");
  const { sent, whole } = isEncoded ? UNKNOWN_LENGTHS : lengths;

  // No bytes are read after a 416, whose body is an error: `send` has left it out. None are read of a part of an encoded
  // object, which cannot be decoded.
  let stream = reply.body;
  if (isEncoded && part !== "whole") {
    cancelBody(stream);
    stream = null;
  }

  // `W/` at the beginning and the quotes do not count (A17): W/"abc" is abc.
  const etag = headers.get("etag")?.replace(/^W\/|"/g, "");
  const fields = {
    etag: etag || undefined, // an empty one names nothing
    length: whole,
    lastModified: headers.get("last-modified") ?? undefined,
    metadata: readMetadata(headers),
    credential,
  };
  const content = { stream, length: sent, isEncoded };
  const object = await readObject(fields, content, { part, deadline });
  return isRefusal(object) ? fail(object) : { kind: "opened", object };
}

/** Returns the header `range` for a part. Both ends count. */
function rangeOf(part: keyof typeof PARTS): string {
  const { offset, length } = PARTS[part];
  return `bytes=${offset}-${offset + length - 1}`;
}

/** Lengths in bytes; undefined: unknown. */
type Lengths = {
  /** The length of the body that S3 sends. */
  readonly sent?: number | undefined;
  /** The length of the whole object. */
  readonly whole?: number | undefined;
};

const UNKNOWN_LENGTHS: Lengths = {};

/** @returns undefined if S3 refuses the object, or sends other bytes than it was asked for */
function readLengths({ status, headers }: Reply, part: ObjectPart): Lengths | undefined {
  const sent = parseLength(headers.get("content-length"));
  const range = headers.get("content-range") ?? "";

  // "header": the bytes behind those of "head", which hold the rest of a picture's header. They are of use only if S3 says that
  // it sends exactly them.
  if (part === "header") {
    const isHeader = status === 206 && range.startsWith(`bytes ${PARTS.header.offset}-`);
    return isHeader ? { sent, whole: parseLength(range) } : undefined;
  }

  // The whole object. A server may send it although a part was asked for.
  if (status === 200) return { sent, whole: sent };

  // "head": the first bytes, such as "bytes 0-1023/80000". Without content-range, they are assumed to be the first ones.
  if (status === 206 && part === "head") {
    const hasRange = range.startsWith("bytes ");
    if (hasRange && !range.startsWith("bytes 0-")) return undefined;

    const whole = parseLength(range);
    if (sent === undefined && whole !== undefined) {
      // The first bytes are as many as were asked for, or all bytes of a shorter object.
      return { sent: Math.min(whole, HEAD_BYTES), whole };
    }
    return { sent, whole };
  }

  // An empty object has no first byte. S3 answers 416 with "bytes */0", or without this header. (Its content-length is that of
  // the error.) After "bytes */80000", the object is not empty, so the answer is wrong.
  const namesLength = /[1-9]/.test(range);
  if (status === 416 && !namesLength) return { sent: 0, whole: 0 };

  return undefined;
}

/**
 * Reads the length in a content-length, such as "1024", or in a content-range, behind its slash: "bytes 0-1023/80000".
 * @returns undefined without the header, and where it has another form, such as "bytes 0-1023/*"
 */
function parseLength(header: string | null): number | undefined {
  if (!header) return undefined;

  const length = header.replace(/^bytes \d+-\d+\//, "");
  return /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

const METADATA_PREFIX = "x-amz-meta-";

function readMetadata(headers: Headers): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  for (const [name, value] of headers) {
    if (name.startsWith(METADATA_PREFIX)) metadata.set(name.slice(METADATA_PREFIX.length), value);
  }
  return metadata;
}

/**
 * Says what an answer means that is not the object.
 * @param now when S3 was asked: ms since 1970
 */
function refuse(reply: Reply, region: string, now: number): S3Result {
  const { status, text } = reply;

  // A success, with other bytes than S3 was asked for. It has no code of S3, and nobody will read its body.
  if (status < 300) {
    cancelBody(reply.body);
    return fail({ event: "origin-failed", status, reason: "S3 sends no such part" });
  }

  const s3Reply = parseS3Reply(reply, text, now);
  const verdict = verdictOf(s3Reply, region);
  return { kind: "refused", refusal: refusalOf(status, s3Reply, verdict), verdict };
}

/** There is no usable answer: S3 did not answer, broke off, or sent other bytes. That says nothing about the credential. */
function fail(refusal: UpstreamRefusal): S3Result {
  return { kind: "refused", refusal, verdict: { result: "unknown" } };
}

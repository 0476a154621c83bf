// Sends one signed GET to S3 with one credential, and reads the answer: the object, or why there is none. It never
// sends a HEAD, whose refusal would lack S3's own code (A14), and follows no redirect. It neither chooses the
// credential nor remembers how S3 replied: open-object.ts does both. Codes such as (A14) are rules of docs/rules.md.

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
  /** S3 did not give the object. The verdict says what that means for the credential. */
  | { readonly kind: "refused"; readonly refusal: UpstreamRefusal; readonly verdict: Verdict };

/** @param url the origin URL of an object: exactly this text is signed and sent (A2) */
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

  // Judge the status, and read the lengths.
  const lengths = readLengths(reply, part);
  if (!lengths) return refuse(reply, region, now);

  // The server may have encoded the object all the same. Then the lengths say nothing about the object's own bytes.
  const { headers } = reply;
  const isEncoded = headers.has("content-encoding");
  const { sent, whole } = isEncoded ? UNKNOWN_LENGTHS : lengths;

  // The first part of an encoded object cannot be decoded, so it counts as no bytes.
  let stream = reply.body; // null after a 416: its body is an error, which is not passed on
  if (isEncoded && part !== "whole") {
    cancelBody(stream);
    stream = null;
  }

  // Read the object.
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

  // The bytes behind the head are of use only if S3 says that it sends them.
  if (part === "header") {
    const isHeader = status === 206 && range.startsWith(`bytes ${PARTS.header.offset}-`);
    return isHeader ? { sent, whole: parseLength(range) } : undefined;
  }

  // The whole object. A server may send it although a part was asked for.
  if (status === 200) return { sent, whole: sent };

  // A part of the object, such as "bytes 0-1023/80000". Without content-range, S3 is believed to send the first part.
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

  // An empty object has no first byte: S3 answers 416 with "bytes */0", or without this header. With another length,
  // such as "bytes */80000", the object is not empty, and the answer is wrong. content-length is that of the error.
  const hasLength = /[1-9]/.test(range);
  if (status === 416 && !hasLength) return { sent: 0, whole: 0 };

  return undefined;
}

/**
 * The length in a content-length such as "1024", or behind the slash of a content-range: "bytes 0-1023/80000".
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

/** @param now when S3 was asked: ms since 1970 */
function refuse(reply: Reply, region: string, now: number): S3Result {
  const { status, text } = reply;

  // The answer is no error, so it has no code of S3, and has a body that nobody will read.
  if (status < 300) {
    cancelBody(reply.body);
    return fail({ event: "origin-failed", status, reason: "S3 sends no such part" });
  }

  const s3Reply = parseS3Reply(reply, text, now);
  const verdict = verdictOf(s3Reply, region);
  return { kind: "refused", refusal: refusalOf(status, s3Reply, verdict), verdict };
}

/** S3 did not answer, broke off, or sent other bytes than it was asked for: that says nothing about the credential. */
function fail(refusal: UpstreamRefusal): S3Result {
  return { kind: "refused", refusal, verdict: { result: "unknown" } };
}

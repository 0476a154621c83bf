// Sends one signed GET to S3 with one credential, and reads the answer: the object, or why there is none. It never
// sends a HEAD, whose refusal would lack S3's own code (A14), and follows no redirect. It neither chooses the
// credential nor remembers how S3 replied: open-object.ts does both.

import type { Bucket } from "../config/bucket.ts";
import { isRefusal, isUpstreamFailure, refusalAfter } from "../http/refusal.ts";
import { parseS3Reply } from "../http/s3-reply.ts";
import { cancelBody, type Reply, send } from "../http/send.ts";
import { HEAD_BYTES, readBody } from "./object-body.ts";
import {
  type Credential,
  describeObject,
  type ObjectRequest,
  type OpenedObject,
  S3_TIMEOUT_MS,
} from "./opened-object.ts";
import { sign } from "./sigv4.ts";
import { refusalOf, type S3Refusal } from "./verdict.ts";

/** What came of asking S3 with one credential. */
export type S3Result = { readonly kind: "opened"; readonly object: OpenedObject } | S3Refusal;

/** The first bytes: both ends count. */
const FIRST_BYTES = `bytes=0-${HEAD_BYTES - 1}`;

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
      ...(part === "head" && { range: FIRST_BYTES }),
    },
    cache: "no-store", // otherwise Cloudflare's cache may answer in place of S3 (A16)
  } as const;
  const reply = await send(url, init, deadline);
  if (isUpstreamFailure(reply)) {
    return { kind: "failed", refusal: refusalAfter(reply, "origin-failed") };
  }

  // Judge the status.
  const content = contentOf(reply, part);
  if (content === undefined) return refuse(reply, region, now);

  // Read the lengths. The server may have encoded the object all the same: then they say nothing about its own bytes.
  const { headers } = reply;
  const isEncoded = headers.has("content-encoding");
  const lengths = isEncoded ? UNKNOWN_LENGTHS : readLengths(headers, content);

  // Read the body. The first part of an encoded object cannot be decoded, so it counts as no bytes.
  const isUndecodable = isEncoded && part === "head";
  const hasBytes = content !== "empty" && !isUndecodable;
  const body = await readBody(streamOf(reply, hasBytes), lengths.sent, deadline);
  if (isRefusal(body)) return { kind: "failed", refusal: body };
  if (part === "head") body.cancel(); // a server that ignores the range sends more

  // Describe the object.
  const fields = {
    etag: readEtag(headers),
    length: lengths.whole,
    lastModified: headers.get("last-modified") ?? undefined,
    metadata: readMetadata(headers),
    credential,
  };

  // Without bytes and without a length, the object may be empty, or the server may have left its bytes out.
  const isUnseen = lengths.whole === undefined && body.head.length === 0;
  return { kind: "opened", object: describeObject(fields, body, isEncoded || isUnseen) };
}

/** What the body of S3's answer is: all bytes of the object, its first bytes, or the error of an empty object. */
type Content = "whole" | "part" | "empty";

/** @returns undefined if S3 refuses the object, or sends other bytes than it was asked for */
function contentOf({ status, headers }: Reply, part: ObjectRequest["part"]): Content | undefined {
  const range = headers.get("content-range") ?? "";

  // A server may ignore the range, and send the whole object.
  if (status === 200) return "whole";

  // A range that begins later, as in "bytes 1024-2047/80000", is another part than the first one.
  if (status === 206 && part === "head") {
    const isLaterPart = range.startsWith("bytes ") && !range.startsWith("bytes 0-");
    return isLaterPart ? undefined : "part";
  }

  // An empty object has no first byte: S3 answers 416 with "bytes */0", or without this header. With a length such as
  // "bytes */80000" the object is not empty, and the answer is wrong.
  if (status === 416 && !/[1-9]/.test(range)) return "empty";

  return undefined;
}

/** @param now when S3 was asked: ms since 1970 */
function refuse(reply: Reply, region: string, now: number): S3Refusal {
  const { status, text } = reply;
  cancelBody(reply.body);

  // Below 300 there is no error, and so no code of S3.
  if (status < 300) {
    const refusal = { event: "origin-failed", status, reason: "S3 sends no such part" } as const;
    return { kind: "failed", refusal };
  }

  return refusalOf(parseS3Reply(reply, text, now), region);
}

/** Lengths in bytes; undefined: unknown. */
type Lengths = {
  /** The length of the body that S3 sends. */
  readonly sent: number | undefined;
  /** The length of the whole object. */
  readonly whole: number | undefined;
};

const UNKNOWN_LENGTHS: Lengths = { sent: undefined, whole: undefined };

function readLengths(headers: Headers, content: Content): Lengths {
  // The content-length of a 416 is that of the error.
  if (content === "empty") return { sent: 0, whole: 0 };

  const sent = parseLength(headers.get("content-length"));
  if (content === "whole") return { sent, whole: sent };

  const whole = parseLength(headers.get("content-range"));
  if (sent !== undefined || whole === undefined) return { sent, whole };

  // Without content-length: the first bytes are as many as were asked for, or all bytes of a shorter object.
  return { sent: Math.min(whole, HEAD_BYTES), whole };
}

/** A content-length such as "1024", or a content-range such as "bytes 0-1023/80000": the last number. */
const LENGTH = /^(?:bytes \d+-\d+\/)?\d{1,15}$/;

/** @returns undefined without the header, and where it has another form, such as "bytes 0-1023/*" */
function parseLength(header: string | null): number | undefined {
  if (header === null || !LENGTH.test(header)) return undefined;
  return Number(header.slice(header.lastIndexOf("/") + 1));
}

/** @param hasBytes whether the body has bytes of the object that can be read */
function streamOf({ body }: Reply, hasBytes: boolean): ReadableStream<Uint8Array> {
  if (hasBytes && body) return body;

  cancelBody(body);
  return new Blob().stream();
}

/** The ETag without `W/` and quotes, which do not count (A17). */
function readEtag(headers: Headers): string | undefined {
  const etag = headers.get("etag")?.replace(/^W\/|"/g, "");
  return etag || undefined; // an empty one names nothing
}

const METADATA_PREFIX = "x-amz-meta-";

function readMetadata(headers: Headers): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  for (const [name, value] of headers) {
    if (name.startsWith(METADATA_PREFIX)) metadata.set(name.slice(METADATA_PREFIX.length), value);
  }
  return metadata;
}

// Reads the body of an upload to its end, and verifies it: its length, its hash, the signature of each chunk, and each
// checksum in a header or trailer. Nothing is put before all of this is right.

import { createHmac, hash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { MAX_ORIGINAL_BYTES } from "../../cli/http/ask-s3.ts";
import { deriveKey } from "../../emulator/s3/signature.ts";
import { checksumNameOf, checksumOf } from "./checksums.ts";
import { isUploadRefusal, refuseUpload, type UploadRefusal } from "./refusal.ts";
import type { VerifiedUpload } from "./verify-request.ts";

export type Payload = { readonly kind: "payload"; readonly body: Buffer };

/** S3 takes smaller chunks only at the end: bytes. */
const MIN_CHUNK_BYTES = 8192;
/** The line of a chunk, its signature and its line ends: at most so many bytes in 8,192. And the trailers. */
const MAX_ENCODED_BYTES = MAX_ORIGINAL_BYTES * 1.03;
const MAX_TRAILER_BYTES = 4096;

const TOO_LARGE = refuseUpload("EntityTooLarge", "The object is larger than 100 MB");

/** The list of 10,000 parts, each with checksums. To read a longer one would hold up the local run. */
const MAX_LIST_BYTES = 4_000_000;
const LIST_TOO_LARGE = refuseUpload("EntityTooLarge", "The list of parts is longer than 4 MB");

/** Returns why no byte of the body needs to be read. */
export function findLengthFault(
  { headers }: IncomingMessage,
  { operation, payloadHash }: VerifiedUpload,
): UploadRefusal | undefined {
  const hasNoBody = operation.kind === "begin" || operation.kind === "abort";
  if (hasNoBody && headers["content-length"] === undefined) return undefined;

  const isChunked = payloadHash.startsWith("STREAMING-");
  const declared = isChunked ? headers["x-amz-decoded-content-length"] : headers["content-length"];
  if (declared === undefined) {
    const name = isChunked ? "x-amz-decoded-content-length" : "content-length";
    return refuseUpload("MissingContentLength", `The header ${name} is missing`);
  }
  if (!/^\d{1,15}$/.test(`${declared}`)) {
    return refuseUpload("InvalidArgument", "The declared length is no number");
  }

  if (operation.kind === "complete" && Number(declared) > MAX_LIST_BYTES) return LIST_TOO_LARGE;

  const encoded = Number(headers["content-length"] ?? 0);
  const isTooLarge = Number(declared) > MAX_ORIGINAL_BYTES || encoded > MAX_ENCODED_BYTES;
  return isTooLarge ? TOO_LARGE : undefined;
}

/** @returns a refusal if the body is not what was signed and declared. @throws if the client goes away */
export async function readPayload(
  request: IncomingMessage,
  upload: VerifiedUpload,
  secret: string,
): Promise<Payload | UploadRefusal> {
  const sent = await readBody(request);
  if (isUploadRefusal(sent)) return sent;

  const { payloadHash, operation } = upload;
  const decoded = payloadHash.startsWith("STREAMING-")
    ? decodeChunks(request, sent.body, upload, secret)
    : { ...sent, trailers: new Map<string, string>() };
  if (isUploadRefusal(decoded)) return decoded;

  const { body, trailers } = decoded;
  const isHashed = /^[0-9a-f]{64}$/.test(payloadHash);
  if (isHashed && hash("sha256", body) !== payloadHash) {
    const message = "x-amz-content-sha256 is not the hash of the body";
    return refuseUpload("XAmzContentSHA256Mismatch", message);
  }

  // The checksum in the headers of the last step is that of the object.
  const checksums = new Map(trailers);
  if (operation.kind !== "complete") {
    for (const [name, value] of checksumHeaders(request)) checksums.set(name, value);
  }
  return (
    findDigestFault(body, checksums, request.headers["content-md5"]) ?? { kind: "payload", body }
  );
}

/** Headers with the checksum of a body, or of the whole object. */
export function checksumHeaders({ headers }: IncomingMessage): ReadonlyMap<string, string> {
  const checksums = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    if (checksumNameOf(name) !== undefined) checksums.set(name, `${value}`);
  }
  return checksums;
}

async function readBody(request: IncomingMessage): Promise<Payload | UploadRefusal> {
  const parts: Buffer[] = [];
  let length = 0;

  for await (const part of request) {
    const bytes = Buffer.from(part);
    length += bytes.length;
    if (length > MAX_ENCODED_BYTES) return TOO_LARGE;
    parts.push(bytes);
  }
  return { kind: "payload", body: Buffer.concat(parts) };
}

/** @param checksums the values by their headers */
export function findDigestFault(
  body: Buffer,
  checksums: ReadonlyMap<string, string>,
  contentMd5: unknown,
): UploadRefusal | undefined {
  for (const [header, value] of checksums) {
    const name = checksumNameOf(header);
    if (name === undefined) return refuseUpload("InvalidRequest", `${header} is no checksum of S3`);

    const actual = checksumOf(name, body);
    if (value.length !== actual.length) {
      return refuseUpload("InvalidRequest", `Value for ${header} header is invalid.`);
    }
    if (value !== actual) {
      const upper = name.toUpperCase();
      const message = `The ${upper} you specified did not match the calculated checksum.`;
      return refuseUpload("BadDigest", message);
    }
  }

  if (contentMd5 === undefined) return undefined;
  if (!/^[A-Za-z0-9+/]{22}==$/.test(`${contentMd5}`)) {
    return refuseUpload("InvalidDigest", "The Content-MD5 you specified is not valid.");
  }
  if (hash("md5", body, "base64") === contentMd5) return undefined;
  return refuseUpload(
    "BadDigest",
    "The Content-MD5 you specified did not match what was received.",
  );
}

type Decoded = Payload & { readonly trailers: ReadonlyMap<string, string> };

const CHUNK_LINE = /^(?<size>[0-9a-f]{1,8})(?:;chunk-signature=(?<signature>[0-9a-f]{64}))?$/i;
const INCOMPLETE = refuseUpload(
  "IncompleteBody",
  "The body ends within a chunk, or has wrong sizes",
);

/** Takes the `aws-chunked` encoding off, and verifies the signature of each chunk where there is one. */
function decodeChunks(
  { headers }: IncomingMessage,
  encoded: Buffer,
  upload: VerifiedUpload,
  secret: string,
): Decoded | UploadRefusal {
  const { payloadHash } = upload;
  const isSigned = payloadHash.startsWith("STREAMING-AWS4-");
  const signer = createChunkSigner(upload, secret);
  const parts: Buffer[] = [];
  let position = 0;
  let lastSize: number | undefined;

  while (true) {
    const line = readLine(encoded, position, 100);
    const { size: sizeText, signature } = CHUNK_LINE.exec(line ?? "")?.groups ?? {};
    if (line === undefined || sizeText === undefined) return INCOMPLETE;
    if (isSigned !== (signature !== undefined)) {
      return refuseUpload(
        "InvalidRequest",
        "A chunk has no signature, or one that it must not have",
      );
    }

    position += line.length + 2;
    const size = Number.parseInt(sizeText, 16);
    const chunk = encoded.subarray(position, position + size);
    if (chunk.length < size) return INCOMPLETE;
    if (signature !== undefined && !signer.isSignedNext(chunk, signature)) {
      return refuseUpload("SignatureDoesNotMatch", "The signature of a chunk does not match");
    }
    if (size === 0) break;

    const isAfterSmall = lastSize !== undefined && lastSize < MIN_CHUNK_BYTES;
    if (isAfterSmall) {
      const message = "Only the last chunk is allowed to have a size less than 8192 bytes";
      return refuseUpload("InvalidChunkSizeError", message);
    }

    parts.push(chunk);
    lastSize = size;
    position += size;
    if (encoded.toString("latin1", position, position + 2) !== "\r\n") return INCOMPLETE;
    position += 2;
  }

  const body = Buffer.concat(parts);
  if (body.length !== Number(headers["x-amz-decoded-content-length"])) return INCOMPLETE;

  const text = encoded.toString("latin1", position, position + MAX_TRAILER_BYTES + 1);
  const trailers = readTrailers(text, `${headers["x-amz-trailer"] ?? ""}`, payloadHash, signer);
  if (isUploadRefusal(trailers)) return trailers;
  return { kind: "payload", body, trailers };
}

/** @returns undefined: no line ends within so many bytes */
function readLine(bytes: Buffer, start: number, maxLength: number): string | undefined {
  const text = bytes.toString("latin1", start, start + maxLength);
  const length = text.indexOf("\r\n");
  return length === -1 ? undefined : text.slice(0, length);
}

/**
 * Reads what stands behind the last chunk.
 * @param declared the header x-amz-trailer: the name of the one trailer
 */
function readTrailers(
  text: string,
  declared: string,
  payloadHash: string,
  signer: ChunkSigner,
): ReadonlyMap<string, string> | UploadRefusal {
  const malformed = refuseUpload(
    "MalformedTrailerError",
    "The trailers are not those that x-amz-trailer names",
  );
  if (text.length > MAX_TRAILER_BYTES) return malformed;

  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  const trailers = new Map<string, string>();
  for (const line of lines) {
    const separator = line.indexOf(":");
    const name = line.slice(0, separator).toLowerCase();
    if (separator === -1 || trailers.has(name)) return malformed;
    trailers.set(name, line.slice(separator + 1).trim());
  }

  const trailerSignature = trailers.get("x-amz-trailer-signature");
  trailers.delete("x-amz-trailer-signature");

  if (!payloadHash.endsWith("-TRAILER")) {
    return lines.length === 0 && declared === "" ? trailers : malformed;
  }
  const checksum = trailers.get(declared.toLowerCase());
  if (trailers.size !== 1 || checksum === undefined) return malformed;

  const isSigned = payloadHash.startsWith("STREAMING-AWS4-");
  if (isSigned !== (trailerSignature !== undefined)) return malformed;

  const canonical = `${declared.toLowerCase()}:${checksum}\n`;
  if (trailerSignature === undefined || signer.isTrailerSigned(canonical, trailerSignature)) {
    return trailers;
  }
  return refuseUpload("SignatureDoesNotMatch", "The signature of the trailer does not match");
}

const EMPTY_HASH = hash("sha256", "");

type ChunkSigner = ReturnType<typeof createChunkSigner>;

/** Each signature covers the one before it; the first covers that of the headers. */
function createChunkSigner({ signature, date, scope }: VerifiedUpload, secret: string) {
  const key = deriveKey(scope, secret);
  let previous = signature;

  const matches = (type: string, hashes: readonly string[], actual: string): boolean => {
    const text = [`AWS4-HMAC-SHA256-${type}`, date, scope.join("/"), previous, ...hashes];
    const expected = createHmac("sha256", key).update(text.join("\n")).digest("hex");
    previous = expected;

    const actualBytes = Buffer.from(actual);
    return actualBytes.length === 64 && timingSafeEqual(Buffer.from(expected), actualBytes);
  };

  return {
    isSignedNext(chunk: Buffer, actual: string): boolean {
      return matches("PAYLOAD", [EMPTY_HASH, hash("sha256", chunk)], actual);
    },
    isTrailerSigned(canonical: string, actual: string): boolean {
      return matches("TRAILER", [hash("sha256", canonical)], actual);
    },
  };
}

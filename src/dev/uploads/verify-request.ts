// Decides whether an upload may be put, by all that comes before its body: the method, the key, the headers, and the
// signature, which S3 verifies by Signature Version 4. What is not understood here is refused, never ignored: S3 has
// many headers and parameters that turn a PUT into something else.

import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { encodeOnce, signRequest } from "../../emulator/s3/signature.ts";
import { decodePath } from "../../url/encoding.ts";
import { keyFault, MAX_KEY_BYTES } from "../../url/key.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import { checksumNameOf } from "./checksums.ts";
import { isUploadRefusal, refuseUpload, type UploadRefusal } from "./refusal.ts";

/** The region of the local buckets. A signature for another one is refused. */
export const UPLOAD_REGION = "auto";

/** PutObject, or a step of an upload in parts. */
type UploadOperation =
  | { readonly kind: "put" | "begin" }
  | { readonly kind: "part"; readonly uploadId: string; readonly partNumber: number }
  | { readonly kind: "complete" | "abort"; readonly uploadId: string };

export type VerifiedUpload = {
  readonly kind: "verified";
  readonly operation: UploadOperation;
  readonly bucket: string;
  readonly key: string;
  /** The payload's SHA-256 in hexadecimal, or the word that stands for how it is sent. */
  readonly payloadHash: string;
  /** Signs the chunks of the payload, each after the one before it. */
  readonly signature: string;
  readonly date: string;
  readonly scope: readonly string[];
  /** Metadata of a presigned URL: `x-amz-meta-…`. */
  readonly queryMetadata: Readonly<Record<string, string>>;
};

type SignatureClaim = {
  readonly kind: "claim";
  readonly isPresigned: boolean;
  readonly keyId: string;
  readonly day: string;
  readonly region: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly date: string;
  readonly validMs: number;
  readonly payloadHash: string;
};

/** By how much clocks may differ, and for how long a signature in headers is valid. */
const MAX_SKEW_MS = 15 * 60 * 1000;
const MAX_PRESIGNED_S = 7 * 24 * 3600;
const MAX_METADATA_BYTES = 2048;
const METADATA_TOO_LARGE = refuseUpload("MetadataTooLarge", "The metadata are larger than 2 KB");

/** No header can have a line feed or a zero byte. */
const CONTROL = /\p{Cc}/u;

const PAYLOAD_HASH =
  /^(?:[0-9a-f]{64}|UNSIGNED-PAYLOAD|STREAMING-UNSIGNED-PAYLOAD-TRAILER|STREAMING-AWS4-HMAC-SHA256-PAYLOAD(?:-TRAILER)?)$/;

/** Headers of S3 that a PUT may have. Those with values change nothing in the local bucket only at these values. */
const ALLOWED_HEADERS: Readonly<Record<string, RegExp>> = {
  "x-amz-acl": /^private$/,
  "x-amz-checksum-algorithm": /^/,
  "x-amz-checksum-type": /^/,
  "x-amz-content-sha256": /^/,
  "x-amz-date": /^/,
  "x-amz-decoded-content-length": /^/,
  "x-amz-sdk-checksum-algorithm": /^/,
  "x-amz-server-side-encryption": /^AES256$/,
  "x-amz-storage-class": /^STANDARD$/,
  "x-amz-trailer": /^/,
  "x-amz-user-agent": /^/,
};

/** Parameters of an upload. Each other one, such as `acl` or `tagging`, is another operation. */
const ALLOWED_PARAMETERS =
  /^(?:X-Amz-(?:Algorithm|Content-Sha256|Credential|Date|Expires|SignedHeaders|Signature)|x-id|uploads|uploadId|partNumber|x-amz-sdk-checksum-algorithm|x-amz-(?:checksum|meta)-[a-z0-9-]+)$/;

const SINGLE_HEADERS =
  /^(?:authorization|host|origin|content-(?:encoding|length|md5|type)|cache-control|if-(?:none-)?match|transfer-encoding|x-amz-.*)$/;

/** @param now ms since 1970 */
export function verifyUpload(
  request: IncomingMessage,
  keys: Credentials,
  now: number,
): VerifiedUpload | UploadRefusal {
  const [rawPath = "", rawQuery = ""] = splitTarget(request.url ?? "");
  const query = new URLSearchParams(rawQuery);
  const operation = operationOf(request.method, query);
  if (operation === undefined) {
    return refuseUpload("AccessDenied", "This key may only put objects");
  }

  const headerFault = findHeaderFault(request);
  if (headerFault !== undefined) return headerFault;

  const queryFault = findQueryFault(query);
  if (queryFault !== undefined) return queryFault;

  const target = parsePath(rawPath);
  if (isUploadRefusal(target)) return target;

  const claim = query.has("X-Amz-Algorithm") ? readQuery(query, request) : readHeaders(request);
  if (isUploadRefusal(claim)) return claim;

  const claimFault = findClaimFault(claim, request, keys, now);
  if (claimFault !== undefined) return claimFault;

  const scope = { region: claim.region, service: "s3", date: claim.date };
  const covered = {
    method: request.method ?? "",
    path: encodeOnce(rawPath),
    query: [...query],
    headers: claim.signedHeaders.map((name) => [name, headerValue(request, name)] as const),
    payloadHash: claim.payloadHash,
  };
  const { signature } = signRequest(covered, scope, keys.secretAccessKey);
  if (!isSameSignature(signature, claim.signature)) {
    const message =
      "The signature does not match. Check the secret access key, and that nothing changes the path, the query or a signed header after it was signed";
    return refuseUpload("SignatureDoesNotMatch", message);
  }

  const { payloadHash, date } = claim;
  const scopeParts = [claim.day, claim.region, "s3", "aws4_request"];
  const queryMetadata = claim.isPresigned ? metadataOf(query) : {};
  return {
    ...target,
    kind: "verified",
    operation,
    payloadHash,
    signature,
    date,
    scope: scopeParts,
    queryMetadata,
  };
}

function splitTarget(url: string): readonly string[] {
  const start = url.indexOf("?");
  return start === -1 ? [url] : [url.slice(0, start), url.slice(start + 1)];
}

/** @returns undefined: it is no upload */
function operationOf(method = "", query: URLSearchParams): UploadOperation | undefined {
  const uploadId = query.get("uploadId");
  const partNumber = query.get("partNumber");
  const isBegin = query.has("uploads");

  if (uploadId === null) {
    if (method === "PUT" && partNumber === null && !isBegin) return { kind: "put" };
    if (method === "POST" && partNumber === null && isBegin) return { kind: "begin" };
    return undefined;
  }

  if (isBegin) return undefined;
  if (method === "PUT" && partNumber !== null && /^\d{1,5}$/.test(partNumber)) {
    return { kind: "part", uploadId, partNumber: Number(partNumber) };
  }
  if (partNumber !== null) return undefined;
  if (method === "POST") return { kind: "complete", uploadId };
  return method === "DELETE" ? { kind: "abort", uploadId } : undefined;
}

function findHeaderFault({ headersDistinct }: IncomingMessage): UploadRefusal | undefined {
  let metadataBytes = 0;

  for (const [name, values = []] of Object.entries(headersDistinct)) {
    const [value = ""] = values;
    if (values.length > 1 && SINGLE_HEADERS.test(name)) {
      return refuseUpload("InvalidRequest", `The header ${name} is there twice`);
    }
    if (!name.startsWith("x-amz-")) continue;

    if (name.startsWith("x-amz-meta-")) {
      metadataBytes += name.length - "x-amz-meta-".length + value.length;
      continue;
    }
    if (checksumNameOf(name) !== undefined) continue;

    const allowed = ALLOWED_HEADERS[name];
    if (allowed === undefined || !allowed.test(value)) {
      return refuseUpload("NotImplemented", `The local bucket does not take ${name}: ${value}`);
    }
  }

  if (metadataBytes <= MAX_METADATA_BYTES) return undefined;
  return METADATA_TOO_LARGE;
}

function findQueryFault(query: URLSearchParams): UploadRefusal | undefined {
  let metadataBytes = 0;

  for (const [name, value] of query) {
    if (!ALLOWED_PARAMETERS.test(name)) {
      return refuseUpload("NotImplemented", `The local bucket does not take the parameter ${name}`);
    }
    if (query.getAll(name).length > 1) {
      return refuseUpload("AuthorizationQueryParametersError", `${name} is there twice`);
    }
    if (!name.startsWith("x-amz-meta-")) continue;

    metadataBytes += name.length - "x-amz-meta-".length + Buffer.byteLength(value);
    if (CONTROL.test(value)) {
      return refuseUpload("InvalidArgument", `${name} has a control character`);
    }
  }

  if (metadataBytes <= MAX_METADATA_BYTES) return undefined;
  return METADATA_TOO_LARGE;
}

type ObjectTarget = { readonly bucket: string; readonly key: string };

const PATH = /^\/(?<bucket>[^/]+)\/(?<key>.+)$/s;

function parsePath(rawPath: string): ObjectTarget | UploadRefusal {
  const path = decodePath(rawPath);
  if (path === undefined) {
    return refuseUpload("InvalidURI", "The path is not percent-encoded UTF-8");
  }

  const { bucket, key } = PATH.exec(path)?.groups ?? {};
  if (bucket === undefined || key === undefined) {
    const message = "The path must be /BUCKET/KEY. An SDK needs its setting for path-style URLs";
    return refuseUpload("InvalidRequest", message);
  }

  if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
    return refuseUpload("KeyTooLongError", "The key is longer than 1,024 bytes");
  }
  const fault = keyFault(key);
  if (fault !== undefined) return refuseUpload("InvalidArgument", `The key has ${fault}`);
  return { bucket, key };
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=(?<keyId>[^/,\s]+)\/(?<day>\d{8})\/(?<region>[^/,\s]+)\/s3\/aws4_request, ?SignedHeaders=(?<signed>[^,\s]+), ?Signature=(?<signature>[0-9a-f]{64})$/;

function readHeaders({ headers }: IncomingMessage): SignatureClaim | UploadRefusal {
  const { authorization } = headers;
  if (authorization === undefined) return refuseUpload("AccessDenied", "The request is not signed");

  const match = AUTHORIZATION.exec(authorization);
  const { keyId, day, region, signed, signature } = match?.groups ?? {};
  if (!keyId || !day || !region || !signed || !signature) {
    const message = "The header Authorization is no AWS4-HMAC-SHA256 signature for s3";
    return refuseUpload("AuthorizationHeaderMalformed", message);
  }

  const date = `${headers["x-amz-date"] ?? ""}`;
  const payloadHash = `${headers["x-amz-content-sha256"] ?? ""}`;
  if (!PAYLOAD_HASH.test(payloadHash)) {
    const message = "x-amz-content-sha256 must be a SHA-256 in hexadecimal, or one of S3's words";
    return refuseUpload("InvalidRequest", message);
  }

  const signedHeaders = signed.split(";");
  return {
    kind: "claim",
    isPresigned: false,
    keyId,
    day,
    region,
    signedHeaders,
    signature,
    date,
    validMs: MAX_SKEW_MS,
    payloadHash,
  };
}

const CREDENTIAL = /^(?<keyId>[^/]+)\/(?<day>\d{8})\/(?<region>[^/]+)\/s3\/aws4_request$/;
const SIGNATURE = /^[0-9a-f]{64}$/;

function readQuery(
  query: URLSearchParams,
  { headers }: IncomingMessage,
): SignatureClaim | UploadRefusal {
  if (headers.authorization !== undefined) {
    const message = "Only one signature is allowed: in the query, or in the header Authorization";
    return refuseUpload("InvalidArgument", message);
  }

  const match = CREDENTIAL.exec(query.get("X-Amz-Credential") ?? "");
  const { keyId, day, region } = match?.groups ?? {};
  const signature = query.get("X-Amz-Signature") ?? "";
  const signedHeaders = (query.get("X-Amz-SignedHeaders") ?? "").split(";");
  const date = query.get("X-Amz-Date") ?? "";

  const expires = query.get("X-Amz-Expires") ?? "";
  const isTimed = /^[1-9]\d{0,5}$/.test(expires) && Number(expires) <= MAX_PRESIGNED_S;
  const isOfAlgorithm = query.get("X-Amz-Algorithm") === "AWS4-HMAC-SHA256";
  if (!isOfAlgorithm || !keyId || !day || !region || !SIGNATURE.test(signature) || !isTimed) {
    const message = "A parameter X-Amz-… is missing or wrong. X-Amz-Expires is at most 604800 s";
    return refuseUpload("AuthorizationQueryParametersError", message);
  }

  // A hash of the body, or chunks, would be in the signature of the headers.
  const payloadHash = "UNSIGNED-PAYLOAD";
  const inQuery = query.get("X-Amz-Content-Sha256") ?? payloadHash;
  const inHeader = headers["x-amz-content-sha256"] ?? payloadHash;
  if (inQuery !== payloadHash || inHeader !== payloadHash) {
    const message = "X-Amz-Content-Sha256 of a presigned URL must be UNSIGNED-PAYLOAD";
    return refuseUpload("AuthorizationQueryParametersError", message);
  }

  const validMs = Number(expires) * 1000;
  return {
    kind: "claim",
    isPresigned: true,
    keyId,
    day,
    region,
    signedHeaders,
    signature,
    date,
    validMs,
    payloadHash,
  };
}

/** Returns what is wrong with all but the signature itself. */
function findClaimFault(
  claim: SignatureClaim,
  request: IncomingMessage,
  keys: Credentials,
  now: number,
): UploadRefusal | undefined {
  const { isPresigned, keyId, day, region, signedHeaders, date, validMs } = claim;

  const signedAt = parseDate(date);
  if (signedAt === undefined || !date.startsWith(day)) {
    return refuseUpload("AccessDenied", "The date of the signature is missing or wrong");
  }

  const age = now - signedAt;
  const isTooEarly = age < -MAX_SKEW_MS;
  if (isPresigned && isTooEarly) return refuseUpload("AccessDenied", "Request is not valid yet");
  if (isPresigned && age >= validMs) return refuseUpload("AccessDenied", "Request has expired");
  if (isTooEarly || age >= validMs) {
    const message = "The clocks differ by more than 15 minutes, or the signature is older";
    return refuseUpload("RequestTimeTooSkewed", message);
  }

  if (keyId !== keys.accessKeyId) {
    return refuseUpload(
      "InvalidAccessKeyId",
      "This is not the access key id that --uploads prints",
    );
  }
  if (region !== UPLOAD_REGION) {
    const message = `The region '${region}' is wrong; expecting '${UPLOAD_REGION}'`;
    return refuseUpload("AuthorizationHeaderMalformed", message);
  }

  if (!signedHeaders.includes("host")) {
    return refuseUpload("AccessDenied", "The header host is not signed");
  }
  for (const name of Object.keys(request.headersDistinct)) {
    if (name.startsWith("x-amz-") && !signedHeaders.includes(name)) {
      return refuseUpload("AccessDenied", `The header ${name} is not signed`);
    }
  }
  return undefined;
}

const DATE = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** @returns ms since 1970 of `20130524T000000Z`; undefined: it is no date */
function parseDate(stamp: string): number | undefined {
  if (!DATE.test(stamp)) return undefined;
  const time = Date.parse(stamp.replace(DATE, "$1-$2-$3T$4:$5:$6Z"));
  return Number.isNaN(time) ? undefined : time;
}

/** A signed header that did not arrive counts as empty, and the signature fails. */
function headerValue({ headersDistinct }: IncomingMessage, name: string): string {
  const text = headersDistinct[name]?.join(",") ?? "";
  // Node.js reads headers as Latin-1, and signers sign UTF-8.
  return Buffer.from(text, "latin1").toString("utf8");
}

function isSameSignature(expected: string, actual: string): boolean {
  return timingSafeEqual(Buffer.from(expected), Buffer.from(actual));
}

/** SDKs move the metadata of a presigned upload into its query. As in headers, each character is a byte of their UTF-8. */
function metadataOf(query: URLSearchParams): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [name, value] of query) {
    if (name.startsWith("x-amz-meta-")) metadata[name] = Buffer.from(value).toString("latin1");
  }
  return metadata;
}

// Checks a request as S3 does: is it signed, in time, and with a known key? S3 signs the request that arrived, by
// Signature Version 4, and compares. It shares no code with the library that the Worker signs with. No I/O. No clock:
// `now` is passed in.

import { createHash, createHmac } from "node:crypto";
import { isS3ErrorReply, type S3ErrorReply } from "./faults.ts";

/**
 * Session credentials.
 * @example
 * const session: Session = { secretAccessKey: "a-secret", sessionToken: "a-token", expires: 0 };
 */
export type Session = {
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** ms since 1970. */
  readonly expires: number;
  /** Whether the role's policy denies what it allowed when the session began (K9). */
  readonly revoked?: boolean;
};

export type Credentials = {
  /** Secrets by key id. */
  readonly keys: ReadonlyMap<string, string>;
  /** By key id: every request must carry the token (A11). */
  readonly sessions?: ReadonlyMap<string, Session>;
};

/** What S3 knows when a request arrives. */
type Registry = Credentials & {
  readonly region: string;
  /** ms since 1970, by the clock of S3. */
  readonly now: number;
  /** `r2` signs the path as it was sent, and has other codes for no key and an unknown one (A2, A7). */
  readonly dialect: "aws" | "r2";
};

/** By how much a clock may differ, and for how long a signature in headers is valid (A7, A8). */
const MAX_SKEW_MS = 15 * 60 * 1000;

/** For how long a presigned URL may be valid. */
const MAX_PRESIGNED_S = 7 * 24 * 3600;

/** The SHA-256 of an empty body. */
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const UNSIGNED = "UNSIGNED-PAYLOAD";
const ALGORITHM = "AWS4-HMAC-SHA256";
const TOKEN = "X-Amz-Security-Token";
const EXPIRED: S3ErrorReply = { code: "AccessDenied", detail: { Message: "Request has expired" } };

/** What a request says of its signature. */
type Claim = {
  readonly id: string;
  readonly day: string;
  readonly region: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `20130524T000000Z` */
  readonly date: string;
  /** For how long the request is valid after its date, in ms. */
  readonly validMs: number;
  readonly payloadHash: string;
};

/** Returns what is wrong with the signature of a request, or undefined (A1–A8). The order of the checks is S3's. */
export function findSignatureFault(request: Request, s3: Registry): S3ErrorReply | undefined {
  const url = new URL(request.url);
  const isPresigned = url.searchParams.has("X-Amz-Algorithm");
  const claim = isPresigned ? readQuery(url.searchParams) : readHeaders(request.headers, s3);
  if (isS3ErrorReply(claim)) return claim;

  if (!claim.date.startsWith(claim.day)) return malformed("Invalid credential date");
  if (!isInTime(claim, s3.now)) return isPresigned ? EXPIRED : { code: "RequestTimeTooSkewed" };

  const session = s3.sessions?.get(claim.id);
  const secret = session?.secretAccessKey ?? s3.keys.get(claim.id);
  if (secret === undefined) {
    return { code: s3.dialect === "r2" ? "Unauthorized" : "InvalidAccessKeyId" };
  }

  if (claim.region !== s3.region) {
    // The reply names the right region (A5).
    const message = `the region '${claim.region}' is wrong; expecting '${s3.region}'`;
    return malformed(message, { Region: s3.region });
  }

  const unsignedHeader = findUnsignedHeader(request.headers, claim);
  if (unsignedHeader !== undefined) {
    return { code: "AccessDenied", detail: { HeadersNotSigned: unsignedHeader } };
  }

  const token = request.headers.get(TOKEN) ?? url.searchParams.get(TOKEN);
  const tokenFault = findTokenFault(token, session, s3.now);
  if (tokenFault !== undefined) return tokenFault;

  const covered = coveredBy(claim, request, url, s3.dialect);
  const scope = { region: s3.region, service: "s3", date: claim.date };
  const { signature, canonicalRequest } = signRequest(covered, scope, secret);
  if (signature !== claim.signature) {
    const detail = { AWSAccessKeyId: claim.id, CanonicalRequest: canonicalRequest };
    return { code: "SignatureDoesNotMatch", detail };
  }

  // The role's sessions were revoked: the signature is right, and the policy denies all (K9).
  return session?.revoked ? { code: "AccessDenied" } : undefined;
}

function malformed(Message: string, detail: Record<string, string> = {}): S3ErrorReply {
  return { code: "AuthorizationHeaderMalformed", detail: { Message, ...detail } };
}

/** Returns whether a request is neither too old nor from the future. A date that cannot be read is not in time. */
function isInTime({ date, validMs }: Claim, now: number): boolean {
  const age = now - parseDate(date);
  return age > -MAX_SKEW_MS && age < validMs;
}

/** S3 refuses headers of its own that the signature does not cover. */
function findUnsignedHeader(headers: Headers, { signedHeaders }: Claim): string | undefined {
  for (const name of headers.keys()) {
    if (name.startsWith("x-amz-") && !signedHeaders.includes(name)) return name;
  }
  return undefined;
}

/** A session needs its token, and a lasting key has none (A7, A11). */
function findTokenFault(
  token: string | null,
  session: Session | undefined,
  now: number,
): S3ErrorReply | undefined {
  if (session === undefined) return token === null ? undefined : { code: "InvalidToken" };

  if (token === null) return { code: "InvalidAccessKeyId" };
  if (token !== session.sessionToken) return { code: "InvalidToken" };
  return session.expires <= now ? { code: "ExpiredToken" } : undefined;
}

/** The part of a request that its signature covers, as it arrived. */
function coveredBy(
  { signedHeaders, payloadHash }: Claim,
  request: Request,
  url: URL,
  dialect: Registry["dialect"],
): Covered {
  const headers: [string, string][] = [];
  for (const name of signedHeaders) {
    // A signed header that did not arrive counts as empty, and the signature fails (E1, E3).
    const value = name === "host" ? url.host : request.headers.get(name);
    headers.push([name, value ?? ""]);
  }

  return {
    method: request.method,
    path: dialect === "r2" ? url.pathname : encodeOnce(url.pathname),
    query: [...url.searchParams],
    headers,
    payloadHash,
  };
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=(?<id>[^/,\s]+)\/(?<day>\d{8})\/(?<region>[^/,]+)\/s3\/aws4_request, ?SignedHeaders=(?<signed>[^,\s]+), ?Signature=(?<signature>[0-9a-f]{64})$/;

/** Authentication by headers, as the Worker uses it (A1). */
function readHeaders(headers: Headers, { dialect }: Registry): Claim | S3ErrorReply {
  const authorization = headers.get("authorization");
  if (!authorization) return { code: dialect === "r2" ? "InvalidArgument" : "AccessDenied" };

  const match = AUTHORIZATION.exec(authorization);
  const { id, day, region, signed, signature } = match?.groups ?? {};
  if (!id || !day || !region || !signed || !signature) {
    const isOfAlgorithm = authorization.startsWith(`${ALGORITHM} `);
    if (isOfAlgorithm) return malformed("The authorization header is malformed");
    return { code: "InvalidArgument" };
  }

  const signedHeaders = signed.split(";");
  const date = headers.get("x-amz-date");
  if (date === null || !signedHeaders.includes("host")) return { code: "AccessDenied" };

  const payloadHash = headers.get("x-amz-content-sha256");
  if (payloadHash === null) return { code: "InvalidRequest" };
  if (payloadHash !== UNSIGNED && payloadHash !== EMPTY) {
    return { code: "XAmzContentSHA256Mismatch" };
  }

  return { id, day, region, signedHeaders, signature, date, validMs: MAX_SKEW_MS, payloadHash };
}

/** Authentication by a presigned URL. */
function readQuery(query: URLSearchParams): Claim | S3ErrorReply {
  const credential = query.get("X-Amz-Credential") ?? "";
  const [id, day, region, service] = credential.split("/");
  const signedHeaders = (query.get("X-Amz-SignedHeaders") ?? "").split(";");
  const signature = query.get("X-Amz-Signature");
  const date = query.get("X-Amz-Date");

  const expires = Number(query.get("X-Amz-Expires")); // 0 if it is missing
  const isTimed = expires > 0 && expires <= MAX_PRESIGNED_S;
  if (!id || !day || !region || service !== "s3" || !signature || !date || !isTimed) {
    return { code: "AuthorizationQueryParametersError" };
  }

  const validMs = expires * 1000;
  return { id, day, region, signedHeaders, signature, date, validMs, payloadHash: UNSIGNED };
}

/** The UTF-8 bytes of the key, percent-encoded once; `/` stays (A2). */
export function encodeOnce(path: string): string {
  return decodeURIComponent(path).split("/").map(encode).join("/");
}

/** Parses `20130524T000000Z`. */
function parseDate(stamp: string): number {
  const isoDate = stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
  return Date.parse(isoDate);
}

/** The part of a request that its signature covers. */
type Covered = {
  readonly method: string;
  /** As it is signed: S3 encodes a key once and does not normalise it (A2). */
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  /** Only the signed headers, with names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly payloadHash: string;
};

/** Where and when a signature is valid. `date` is the value of `x-amz-date`. */
type Scope = Readonly<Record<"region" | "service" | "date", string>>;

/** Signs a request. Returns the signature, and the two texts behind it, as AWS publishes them (A12). */
export function signRequest(covered: Covered, { region, service, date }: Scope, secret: string) {
  const scope = [date.slice(0, 8), region, service, "aws4_request"];
  const canonicalRequest = canonical(covered);
  const digest = createHash("sha256").update(canonicalRequest).digest("hex");
  const stringToSign = [ALGORITHM, date, scope.join("/"), digest].join("\n");

  const signature = hmac(deriveKey(scope, secret), stringToSign).digest("hex");
  return { canonicalRequest, stringToSign, signature };
}

/** Derives the key that signs in a scope: its day, region, service and `aws4_request`. */
export function deriveKey(scope: readonly string[], secret: string): string | Uint8Array {
  let key: string | Uint8Array = `AWS4${secret}`;
  for (const part of scope) key = hmac(key, part).digest();
  return key;
}

function hmac(key: string | Uint8Array, text: string) {
  return createHmac("sha256", key).update(text);
}

/** The canonical request: the text whose hash is signed. */
function canonical({ method, path, query, headers, payloadHash }: Covered): string {
  const sortedHeaders = [...headers].sort(([name], [other]) => (name < other ? -1 : 1));
  const names = sortedHeaders.map(([name]) => name);
  const lines = sortedHeaders.map(([name, value]) => {
    const trimmed = value.trim().replace(/\s+/g, " ");
    return `${name}:${trimmed}`;
  });

  const parts = [method, path, canonicalQuery(query), ...lines, "", names.join(";"), payloadHash];
  return parts.join("\n");
}

/** The parameters without the signature, in the order of their encoded names, and of the values of a name. */
function canonicalQuery(query: Covered["query"]): string {
  const parameters: [string, string][] = [];
  for (const [name, value] of query) {
    if (name !== "X-Amz-Signature") parameters.push([encode(name), encode(value)]);
  }

  parameters.sort(([name, value], [otherName, otherValue]) => {
    if (name !== otherName) return name < otherName ? -1 : 1;
    return value < otherValue ? -1 : 1;
  });
  return parameters.map(([name, value]) => `${name}=${value}`).join("&");
}

/** Percent-encodes all bytes but letters, digits, `-`, `.`, `_` and `~`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, encodeCharacter);
}

function encodeCharacter(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

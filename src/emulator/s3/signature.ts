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

/** What S3 knows when a request arrives. */
type Registry = {
  /** Secrets by key id. */
  readonly keys: ReadonlyMap<string, string>;
  /** By key id: every request must carry the token (A11). */
  readonly sessions?: ReadonlyMap<string, Session>;
  readonly region: string;
  /** ms since 1970, by the clock of S3. */
  readonly now: number;
  /** `r2` signs the path as it was sent, and has other codes for no key and an unknown one (A2, A7). */
  readonly dialect: "aws" | "r2";
};

const MAX_SKEW_MS = 15 * 60 * 1000; // A7, A8
const MAX_PRESIGNED_S = 7 * 24 * 3600;
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const UNSIGNED = "UNSIGNED-PAYLOAD";
const ALGORITHM = "AWS4-HMAC-SHA256";
const TOKEN = "X-Amz-Security-Token";
const EXPIRED: S3ErrorReply = { code: "AccessDenied", detail: { Message: "Request has expired" } };

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,]+)\/s3\/aws4_request, ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/;

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
  const age = s3.now - parseDate(claim.date);
  if (!claim.date.startsWith(claim.day)) return malformed("Invalid credential date");
  if (!(age > -MAX_SKEW_MS && age < claim.validMs)) {
    return isPresigned ? EXPIRED : { code: "RequestTimeTooSkewed" };
  }
  const session = s3.sessions?.get(claim.id);
  const secret = session?.secretAccessKey ?? s3.keys.get(claim.id);
  if (secret === undefined) {
    return { code: s3.dialect === "r2" ? "Unauthorized" : "InvalidAccessKeyId" };
  }
  if (claim.region !== s3.region) {
    const message = `the region '${claim.region}' is wrong; expecting '${s3.region}'`;
    return malformed(message, { Region: s3.region }); // A5
  }
  for (const name of request.headers.keys()) {
    if (name.startsWith("x-amz-") && !claim.signedHeaders.includes(name)) {
      return { code: "AccessDenied", detail: { HeadersNotSigned: name } };
    }
  }
  const token = request.headers.get(TOKEN) ?? url.searchParams.get(TOKEN);
  if (session !== undefined && token === null) return { code: "InvalidAccessKeyId" }; // A11
  if (token !== (session?.sessionToken ?? null)) return { code: "InvalidToken" };
  if (session !== undefined && session.expires <= s3.now) return { code: "ExpiredToken" }; // A7
  const path = s3.dialect === "r2" ? url.pathname : encodeOnce(url.pathname);
  // A signed header that did not arrive counts as empty, and the signature fails (E1, E3).
  const headers = claim.signedHeaders.map((name): [string, string] => [
    name,
    name === "host" ? url.host : (request.headers.get(name) ?? ""),
  ]);
  const { method } = request;
  const { payloadHash, date } = claim;
  const covered = { method, path, query: [...url.searchParams], headers, payloadHash };
  const proof = signRequest(covered, { region: s3.region, service: "s3", date }, secret);
  if (proof.signature === claim.signature) {
    return session?.revoked ? { code: "AccessDenied" } : undefined; // K9
  }
  const detail = { AWSAccessKeyId: claim.id, CanonicalRequest: proof.canonicalRequest };
  return { code: "SignatureDoesNotMatch", detail };
}

function malformed(Message: string, detail: Record<string, string> = {}): S3ErrorReply {
  return { code: "AuthorizationHeaderMalformed", detail: { Message, ...detail } };
}

/** Authentication by headers, as the Worker uses it (A1). */
function readHeaders(headers: Headers, { dialect }: Registry): Claim | S3ErrorReply {
  const authorization = headers.get("authorization");
  if (!authorization) return { code: dialect === "r2" ? "InvalidArgument" : "AccessDenied" };
  const [, id, day, region, signed, signature] = AUTHORIZATION.exec(authorization) ?? [];
  if (!id || !day || !region || !signed || !signature) {
    return authorization.startsWith(`${ALGORITHM} `)
      ? malformed("The authorization header is malformed")
      : { code: "InvalidArgument" };
  }
  const signedHeaders = signed.split(";");
  const date = headers.get("x-amz-date");
  if (date === null || !signedHeaders.includes("host")) return { code: "AccessDenied" };
  const payloadHash = headers.get("x-amz-content-sha256");
  if (payloadHash === null) return { code: "InvalidRequest" };
  if (payloadHash !== UNSIGNED && payloadHash !== EMPTY)
    return { code: "XAmzContentSHA256Mismatch" };
  return { id, day, region, signedHeaders, signature, date, validMs: MAX_SKEW_MS, payloadHash };
}

/** Authentication by a presigned URL. */
function readQuery(query: URLSearchParams): Claim | S3ErrorReply {
  const [id, day, region, service] = (query.get("X-Amz-Credential") ?? "").split("/");
  const signature = query.get("X-Amz-Signature");
  const date = query.get("X-Amz-Date");
  const expires = Number(query.get("X-Amz-Expires") ?? Number.NaN);
  const isTimed = expires > 0 && expires <= MAX_PRESIGNED_S;
  if (!id || !day || !region || service !== "s3" || !signature || !date || !isTimed) {
    return { code: "AuthorizationQueryParametersError" };
  }
  const signedHeaders = (query.get("X-Amz-SignedHeaders") ?? "").split(";");
  const key = { id, day, region, signedHeaders, signature };
  return { ...key, date, validMs: expires * 1000, payloadHash: UNSIGNED };
}

/** The UTF-8 bytes of the key, percent-encoded once; `/` stays (A2). */
export function encodeOnce(path: string): string {
  return decodeURIComponent(path).split("/").map(encode).join("/");
}

function parseDate(stamp: string): number {
  return Date.parse(
    stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"),
  );
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
  const parts = [date.slice(0, 8), region, service, "aws4_request"];
  const canonicalRequest = canonical(covered);
  const digest = createHash("sha256").update(canonicalRequest).digest("hex");
  const stringToSign = [ALGORITHM, date, parts.join("/"), digest].join("\n");
  const key = parts.reduce<string | Buffer>(
    (last, part) => hmac(last, part).digest(),
    `AWS4${secret}`,
  );
  return { canonicalRequest, stringToSign, signature: hmac(key, stringToSign).digest("hex") };
}

function hmac(key: string | Buffer, text: string) {
  return createHmac("sha256", key).update(text);
}

function canonical({ method, path, query, headers, payloadHash }: Covered): string {
  const sorted = [...headers].sort(([name], [other]) => (name < other ? -1 : 1));
  const lines = sorted.map(([name, value]) => `${name}:${value.trim().replace(/\s+/g, " ")}`);
  const names = sorted.map(([name]) => name).join(";");
  // In the order of the encoded names, and of the values of a name; without the signature.
  const parameters = query
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]): [string, string] => [encode(name), encode(value)])
    .sort(([name, a], [other, b]) => (name < other || (name === other && a < b) ? -1 : 1));
  const text = parameters.map(([name, value]) => `${name}=${value}`).join("&");
  return [method, path, text, ...lines, "", names, payloadHash].join("\n");
}

/** Percent-encodes all bytes but letters, digits, `-`, `.`, `_` and `~`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

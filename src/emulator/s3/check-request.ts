// S3's check of a request: is it signed, in time, and with a known key? The order of the checks is
// that of S3. No clock: `now` is passed in.

import type { Session, Sessions } from "../sessions.ts";
import type { Refused } from "./refuse.ts";
import { type Covered, encode, prove, type Scope } from "./sigv4.ts";

/** What S3 knows when a request arrives. */
type Registry = {
  /** Secrets by access key id. */
  readonly keys: ReadonlyMap<string, string>;
  /** Sessions by access key id: the token that every request must carry (A11), and its end. */
  readonly sessions?: Sessions;
  readonly region: string;
  /** ms since 1970, by the clock of S3. */
  readonly now: number;
  /** `r2` signs the path exactly as it was sent, and answers an unknown key id with 401 (A7). */
  readonly dialect: "aws" | "r2";
};

const MOST_SKEW_MS = 15 * 60 * 1000; // A7, A8
const LONGEST_PRESIGNED_S = 7 * 24 * 3600;
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const TOKEN = "X-Amz-Security-Token";
const UNSIGNED = "UNSIGNED-PAYLOAD";

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,]+)\/s3\/aws4_request, ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/;

type Claim = {
  readonly id: string;
  readonly day: string;
  readonly region: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly date: string;
  /** How long the request is valid after its date, in ms, and the answer after that. */
  readonly lasts: number;
  readonly late: Refused;
  readonly payloadHash: string;
};

/** Returns what is wrong with the signature of a request, or undefined (A1–A8). */
export function findFault(request: Request, s3: Registry): Refused | undefined {
  const url = new URL(request.url);
  const claim = url.searchParams.has("X-Amz-Algorithm")
    ? presigned(url.searchParams)
    : inHeaders(request.headers);
  if ("code" in claim) return claim;

  const age = s3.now - stampToTime(claim.date);
  if (!claim.date.startsWith(claim.day)) return malformed("Invalid credential date");
  if (!(age > -MOST_SKEW_MS && age < claim.lasts)) return claim.late;
  const session = s3.sessions?.get(claim.id);
  const secretAccessKey = session?.secretAccessKey ?? s3.keys.get(claim.id);
  if (secretAccessKey === undefined) {
    return s3.dialect === "r2"
      ? { status: 401, code: "Unauthorized" }
      : { status: 403, code: "InvalidAccessKeyId" };
  }
  if (claim.region !== s3.region) {
    return malformed(`the region '${claim.region}' is wrong; expecting '${s3.region}'`, {
      Region: s3.region, // A5
    });
  }
  // The signature must cover every x-amz- header.
  for (const name of request.headers.keys()) {
    if (name.startsWith("x-amz-") && !claim.signedHeaders.includes(name)) {
      return { status: 403, code: "AccessDenied", detail: { HeadersNotSigned: name } };
    }
  }
  const token = request.headers.get(TOKEN) ?? url.searchParams.get(TOKEN);
  const over = sessionFault(token, session, s3.now);
  if (over !== undefined) return over;
  const covered = coveredBy(request, url, claim, s3.dialect);
  if (covered === undefined) return { status: 400, code: "InvalidURI" };
  const scope: Scope = { region: s3.region, service: "s3", date: claim.date };
  const proof = prove(covered, scope, { secretAccessKey });
  if (proof.signature === claim.signature) {
    return session?.revoked === true ? { status: 403, code: "AccessDenied" } : undefined; // K9
  }
  return {
    status: 403,
    code: "SignatureDoesNotMatch",
    detail: { AWSAccessKeyId: claim.id, CanonicalRequest: proof.canonicalRequest },
  };
}

/** Without its token, S3 does not know the key id of a session (A11). A lasting key has none. */
function sessionFault(
  token: string | null,
  session: Session | undefined,
  now: number,
): Refused | undefined {
  const isKnown = (session?.sessionToken ?? null) === token;
  if (session !== undefined && token === null) return { status: 403, code: "InvalidAccessKeyId" };
  if (!isKnown) return { status: 400, code: "InvalidToken" };
  if (session !== undefined && session.expires <= now) return { status: 400, code: "ExpiredToken" }; // A7
  return undefined;
}

function malformed(Message: string, detail: Record<string, string> = {}): Refused {
  return { status: 400, code: "AuthorizationHeaderMalformed", detail: { Message, ...detail } };
}

/** Authentication by headers, as the Worker uses it (A1). */
function inHeaders(headers: Headers): Claim | Refused {
  const authorization = headers.get("authorization");
  if (authorization === null) return { status: 403, code: "AccessDenied" };
  const [, id, day, region, signed, signature] = AUTHORIZATION.exec(authorization) ?? [];
  if (!id || !day || !region || !signed || !signature) {
    return authorization.startsWith("AWS4-HMAC-SHA256 ")
      ? malformed("The authorization header is malformed")
      : { status: 400, code: "InvalidArgument" };
  }
  const signedHeaders = signed.split(";");
  const date = headers.get("x-amz-date");
  if (date === null || !signedHeaders.includes("host"))
    return { status: 403, code: "AccessDenied" };
  const payloadHash = headers.get("x-amz-content-sha256");
  if (payloadHash === null) return { status: 400, code: "InvalidRequest" };
  if (payloadHash !== UNSIGNED && payloadHash !== EMPTY) {
    return { status: 400, code: "XAmzContentSHA256Mismatch" };
  }
  const late = { status: 403, code: "RequestTimeTooSkewed" };
  return {
    id,
    day,
    region,
    signedHeaders,
    signature,
    date,
    lasts: MOST_SKEW_MS,
    late,
    payloadHash,
  };
}

/** Authentication by a presigned URL. */
function presigned(query: URLSearchParams): Claim | Refused {
  const scope = (query.get("X-Amz-Credential") ?? "").split("/");
  const [id, day, region, service] = scope;
  const signature = query.get("X-Amz-Signature");
  const date = query.get("X-Amz-Date");
  const expires = Number(query.get("X-Amz-Expires") ?? Number.NaN);
  if (!id || !day || !region || service !== "s3" || signature === null || date === null) {
    return { status: 400, code: "AuthorizationQueryParametersError" };
  }
  if (!(expires > 0 && expires <= LONGEST_PRESIGNED_S)) {
    return { status: 400, code: "AuthorizationQueryParametersError" };
  }
  const signedHeaders = (query.get("X-Amz-SignedHeaders") ?? "").split(";");
  const late = { status: 403, code: "AccessDenied", detail: { Message: "Request has expired" } };
  const claim = { id, day, region, signedHeaders, signature, date, late, payloadHash: UNSIGNED };
  return { ...claim, lasts: expires * 1000 };
}

/** What the signature covers, from the request that arrived. Undefined: the path is malformed. */
function coveredBy(
  request: Request,
  url: URL,
  claim: Claim,
  dialect: Registry["dialect"],
): Covered | undefined {
  const path = dialect === "r2" ? url.pathname : encodedOnce(url.pathname);
  if (path === undefined) return undefined;
  const query = Object.fromEntries(
    [...url.searchParams.keys()].map((name) => [name, url.searchParams.getAll(name)]),
  );
  // A signed header that did not arrive counts as empty, and the signature fails (E1, E3).
  const headers = claim.signedHeaders.map((name): [string, string] => [
    name,
    name === "host" ? url.host : (request.headers.get(name) ?? ""),
  ]);
  return {
    method: request.method,
    path,
    query,
    headers: Object.fromEntries(headers),
    payloadHash: claim.payloadHash,
  };
}

/** The UTF-8 bytes of the key, percent-encoded once; `/` stays (A2). */
export function encodedOnce(path: string): string | undefined {
  try {
    return decodeURIComponent(path).split("/").map(encode).join("/");
  } catch {
    return undefined;
  }
}

function stampToTime(stamp: string): number {
  const iso = stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
  return Date.parse(iso);
}

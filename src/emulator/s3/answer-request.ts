// Answers a request as S3 does, step by step: the network, the region, the signature, the method, the bucket, the
// policy, the object. The first step that refuses the request decides.

import { connectionError, type S3ErrorReply } from "./faults.ts";
import { sendList, sendObject } from "./objects.ts";
import { clockOf, type S3State } from "./settings.ts";
import { type Credentials, findSignatureFault, type Session } from "./signature.ts";

/** The region of the bucket with the faults `elsewhere-…`. */
const ELSEWHERE = "eu-central-1";

/** The longest key (A10). */
const MAX_KEY_BYTES = 1024;

const DENIED: S3ErrorReply = { code: "AccessDenied" };

/** Faults by which the bucket is in another region. */
const REDIRECTS = ["elsewhere-400", "elsewhere-301", "elsewhere-307"] as const;

/** Faults that are S3's own codes. */
const FAILURES = ["InternalError", "SlowDown", "ServiceUnavailable"] as const;

type S3Request = {
  readonly http: Request;
  readonly url: URL;
  readonly region: string;
  readonly bucket: string;
  readonly key: string;
  /** Whether the bucket stands in the host name. */
  readonly isInHost: boolean;
  readonly isList: boolean;
};

/**
 * @param urlPattern matches the URLs of this S3; its groups are the bucket in the host, and the region
 * @throws {TypeError} if no answer comes, as the global `fetch` does
 */
export async function answerRequest(
  http: Request,
  urlPattern: RegExp,
  s3: S3State,
): Promise<Response | S3ErrorReply> {
  const { faults, settings } = s3;
  const request = readRequest(http, urlPattern, settings.region);
  if (request === undefined) return { code: "InvalidURI" };

  throwIfUnreachable(request, s3);
  if (faults.has("stall")) return new Promise<never>(() => {});

  const isElsewhere = REDIRECTS.some((fault) => faults.has(fault));
  const home = isElsewhere ? ELSEWHERE : settings.region;
  if (request.region !== home && !faults.has("elsewhere-400")) {
    return redirect(home, request, faults);
  }

  const refusal =
    findSignatureRefusal(request, home, s3) ??
    findMethodRefusal(request, s3) ??
    findQueryRefusal(request, s3) ??
    findAccessRefusal(request, s3);
  if (refusal !== undefined) return refusal;

  return answerAllowed(request, s3);
}

/** Returns undefined if the path is malformed: it is not UTF-8, or `%` stands for nothing (A2). */
function readRequest(
  http: Request,
  urlPattern: RegExp,
  defaultRegion: string,
): S3Request | undefined {
  const url = new URL(http.url);
  const path = decode(url.pathname.slice(1));
  if (path === undefined) return undefined;

  const [, bucketInHost, region = defaultRegion] = urlPattern.exec(http.url) ?? [];
  const [firstSegment = "", ...segments] = path.split("/");
  const isInHost = bucketInHost !== undefined;
  const bucket = isInHost ? bucketInHost : firstSegment;
  const key = isInHost ? path : segments.join("/");

  const isList = url.searchParams.get("list-type") === "2" && key === "";
  return { http, url, region, bucket, key, isInHost, isList };
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** @throws {TypeError} if the network does not lead to S3 */
function throwIfUnreachable({ http, url, bucket, isInHost }: S3Request, { faults }: S3State): void {
  if (faults.has("reset")) throw connectionError("ECONNRESET", http.url);

  // No certificate covers a host whose bucket has a dot in its name (A4).
  if (isInHost && bucket.includes(".") && url.protocol === "https:") {
    throw connectionError("ERR_TLS_CERT_ALTNAME_INVALID", http.url);
  }
}

/** Says where the bucket is (A5). */
function redirect(
  home: string,
  { url, region }: S3Request,
  faults: S3State["faults"],
): S3ErrorReply {
  const location = url.href.replace(region, home);
  const detail = { Endpoint: new URL(location).host };
  const headers = { "x-amz-bucket-region": home };

  // Only the temporary redirect has a Location.
  if (faults.has("elsewhere-307")) {
    return { code: "TemporaryRedirect", detail, headers: { ...headers, location } };
  }
  return { code: "PermanentRedirect", detail, headers };
}

/** Refuses a request without a valid signature, unless the policy allows everybody (A1, A13). */
function findSignatureRefusal(
  request: S3Request,
  home: string,
  s3: S3State,
): S3ErrorReply | undefined {
  const { settings } = s3;
  if (isUnsigned(request) && request.bucket !== settings.bucket) return { code: "NoSuchBucket" };
  if (isPublic(request, s3)) return undefined;

  const { keys, sessions } = activeCredentials(s3);
  return findSignatureFault(request.http, {
    keys,
    sessions,
    region: home,
    now: clockOf(s3),
    dialect: settings.dialect ?? "aws",
  });
}

/** The keys and the sessions that open the bucket, as the faults change them (A7). */
function activeCredentials({ keys, settings, faults }: S3State): Required<Credentials> {
  if (faults.has("revoked-key")) return { keys: new Map(), sessions: new Map() };

  // A secret of S3 with a suffix is another secret than that of the Worker.
  const suffix = faults.has("other-secret") ? "2" : "";
  const activeKeys = new Map<string, string>();
  for (const [id, secret] of keys) activeKeys.set(id, secret + suffix);

  const sessions = new Map<string, Session>();
  for (const [id, session] of settings.sessions ?? []) {
    sessions.set(id, {
      ...session,
      secretAccessKey: session.secretAccessKey + suffix,
      expires: faults.has("expired-token") ? 0 : session.expires,
    });
  }
  return { keys: activeKeys, sessions };
}

function isUnsigned({ http, url }: S3Request): boolean {
  return !http.headers.has("authorization") && !url.searchParams.has("X-Amz-Algorithm");
}

/** Returns whether everybody may do this without a signature. */
function isPublic(request: S3Request, { settings, grants }: S3State): boolean {
  const grant = request.isList ? "all-list" : "all-read";
  return isUnsigned(request) && request.bucket === settings.bucket && grants.has(grant);
}

function findMethodRefusal(
  { http, url }: S3Request,
  { grants }: S3State,
): S3ErrorReply | undefined {
  const { method } = http;
  if (method === "GET" || method === "HEAD") return undefined;

  if (method === "PUT" && url.searchParams.has("uploadId")) {
    // S3 does not say whether the upload exists to those who may not write.
    return grants.has("write") ? { code: "NoSuchUpload" } : DENIED;
  }
  return { code: "MethodNotAllowed" };
}

/** A query such as `?x-vitrine=…` means nothing to S3. Other servers may refuse it (A15). */
function findQueryRefusal(
  { url, isList }: S3Request,
  { faults }: S3State,
): S3ErrorReply | undefined {
  if (isList || !faults.has("refuses-query")) return undefined;

  const parameter = [...url.searchParams.keys()].find((name) => !name.startsWith("X-Amz-"));
  if (parameter === undefined) return undefined;
  return { code: "InvalidArgument", detail: { ArgumentName: parameter } };
}

/** Refuses what S3 or the policy of the key does not allow. */
function findAccessRefusal(request: S3Request, s3: S3State): S3ErrorReply | undefined {
  const { settings, faults } = s3;
  const code = FAILURES.find((fault) => faults.has(fault));
  if (code !== undefined) return { code };

  if (request.bucket !== settings.bucket) return { code: "NoSuchBucket" };

  if (request.isList) {
    const isDenied = faults.has("no-list-bucket") && !isPublic(request, s3);
    return isDenied ? DENIED : undefined;
  }

  if (Buffer.byteLength(request.key) > MAX_KEY_BYTES) return { code: "KeyTooLongError" };

  const readablePrefix = settings.readable ?? "";
  return request.key.startsWith(readablePrefix) ? undefined : DENIED;
}

/** Answers with a list, or with an object. */
function answerAllowed(request: S3Request, s3: S3State): Response | S3ErrorReply {
  const { http, url, key, isList } = request;
  const { faults, objects } = s3;
  if (isList) return sendList(objects, url.searchParams);

  const object = objects.get(key);
  if (object === undefined) {
    // Only who may list learns that an object is missing (A6).
    if (faults.has("no-list-bucket")) return DENIED;
    return { code: "NoSuchKey", detail: { Key: key } };
  }

  if (faults.has("archived")) return { code: "InvalidObjectState" };
  return sendObject(http, object, faults);
}

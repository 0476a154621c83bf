// Answers a request as S3 does, step by step: the network, the region, the signature, the method, the bucket, the
// policy, the object. The first step that refuses the request decides.

import { connectionError, type S3ErrorReply } from "./faults.ts";
import { sendList, sendObject } from "./objects.ts";
import { clockOf, type S3State } from "./settings.ts";
import { findSignatureFault, type Session } from "./signature.ts";

/** The region of the bucket with the faults `elsewhere-…`. */
const ELSEWHERE = "eu-central-1";
const MAX_KEY_BYTES = 1024; // A10
const DENIED: S3ErrorReply = { code: "AccessDenied" };
const REDIRECTS = ["elsewhere-400", "elsewhere-301", "elsewhere-307"] as const;
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
  const { faults, settings, objects } = s3;
  const request = readRequest(http, urlPattern, settings.region);
  if (request === undefined) return { code: "InvalidURI" };
  const { url, bucket, key } = request;
  if (faults.has("reset")) throw connectionError("ECONNRESET", http.url);
  // A4: no certificate covers a host whose bucket has a dot in its name.
  const isUncertified = request.isInHost && bucket.includes(".") && url.protocol === "https:";
  if (isUncertified) throw connectionError("ERR_TLS_CERT_ALTNAME_INVALID", http.url);
  if (faults.has("stall")) return new Promise<never>(() => {});
  const isElsewhere = REDIRECTS.some((fault) => faults.has(fault));
  const home = isElsewhere ? ELSEWHERE : settings.region;
  if (request.region !== home && !faults.has("elsewhere-400")) {
    return redirect(home, request, faults);
  }
  const refusal =
    findLoginFault(request, home, s3) ??
    findMethodFault(request, s3) ??
    findQueryFault(request, s3) ??
    findAccessFault(request, s3);
  if (refusal !== undefined) return refusal;
  if (request.isList) return sendList(objects, url.searchParams);
  const object = objects.get(key);
  if (object !== undefined && faults.has("archived")) return { code: "InvalidObjectState" };
  if (object !== undefined) return sendObject(http, object, faults);
  return faults.has("no-list-bucket") ? DENIED : { code: "NoSuchKey", detail: { Key: key } };
}

/** Returns undefined if the path is malformed: it is not UTF-8, or `%` stands for nothing (A2). */
function readRequest(http: Request, urls: RegExp, defaultRegion: string): S3Request | undefined {
  const url = new URL(http.url);
  const [, host, region = defaultRegion] = urls.exec(http.url) ?? [];
  const path = decode(url.pathname.slice(1));
  if (path === undefined) return undefined;
  const [inPath = "", ...segments] = path.split("/");
  const [bucket, key] = host === undefined ? [inPath, segments.join("/")] : [host, path];
  const isList = url.searchParams.get("list-type") === "2" && key === "";
  return { http, url, region, bucket, key, isInHost: host !== undefined, isList };
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** Says where the bucket is. Only the temporary redirect has a Location (A5). */
function redirect(
  home: string,
  { url, region }: S3Request,
  faults: S3State["faults"],
): S3ErrorReply {
  const location = url.href.replace(region, home);
  const detail = { Endpoint: new URL(location).host };
  const headers = { "x-amz-bucket-region": home };
  return faults.has("elsewhere-307")
    ? { code: "TemporaryRedirect", detail, headers: { ...headers, location } }
    : { code: "PermanentRedirect", detail, headers };
}

/** Refuses a request without a valid signature, unless the policy allows everybody (A1, A13). */
function findLoginFault(request: S3Request, home: string, s3: S3State): S3ErrorReply | undefined {
  const { settings, faults } = s3;
  if (isUnsigned(request) && request.bucket !== settings.bucket) return { code: "NoSuchBucket" };
  if (isPublic(request, s3)) return undefined;
  const activeKeys = faults.has("revoked-key") ? [] : [...s3.keys];
  const changed = faults.has("other-secret") ? "2" : "";
  return findSignatureFault(request.http, {
    keys: new Map(activeKeys.map(([id, secret]) => [id, secret + changed])),
    sessions: faults.has("revoked-key") ? new Map() : sessionsOf(s3, changed),
    region: home,
    now: clockOf(s3),
    dialect: settings.dialect ?? "aws",
  });
}

/** The sessions that open the bucket. With `expired-token` all are over. */
function sessionsOf({ settings, faults }: S3State, changed: string): Map<string, Session> {
  const over = faults.has("expired-token") ? { expires: 0 } : {};
  const sessions = [...(settings.sessions ?? [])];
  return new Map(
    sessions.map(([id, session]) => [
      id,
      { ...session, secretAccessKey: session.secretAccessKey + changed, ...over },
    ]),
  );
}

function isUnsigned({ http, url }: S3Request): boolean {
  return !http.headers.has("authorization") && !url.searchParams.has("X-Amz-Algorithm");
}

/** Returns whether everybody may do this without a signature. */
function isPublic(request: S3Request, { settings, grants }: S3State): boolean {
  const grant = request.isList ? "all-list" : "all-read";
  return isUnsigned(request) && request.bucket === settings.bucket && grants.has(grant);
}

function findMethodFault({ http, url }: S3Request, { grants }: S3State): S3ErrorReply | undefined {
  const { method } = http;
  if (method === "PUT" && url.searchParams.has("uploadId")) {
    // S3 does not say whether the upload exists to those who may not write.
    return grants.has("write") ? { code: "NoSuchUpload" } : DENIED;
  }
  return method === "GET" || method === "HEAD" ? undefined : { code: "MethodNotAllowed" };
}

/** A15: a query such as `?x-vitrine=…` means nothing to S3. Other servers may refuse it. */
function findQueryFault({ url, isList }: S3Request, { faults }: S3State): S3ErrorReply | undefined {
  const parameter = [...url.searchParams.keys()].find((name) => !name.startsWith("X-Amz-"));
  if (isList || parameter === undefined || !faults.has("refuses-query")) return undefined;
  return { code: "InvalidArgument", detail: { ArgumentName: parameter } };
}

/** A failure, the bucket, the right to list it, the length of the key, and the prefix that may be read. */
function findAccessFault(request: S3Request, s3: S3State): S3ErrorReply | undefined {
  const { settings, faults } = s3;
  const code = FAILURES.find((fault) => faults.has(fault));
  if (code !== undefined) return { code };
  if (request.bucket !== settings.bucket) return { code: "NoSuchBucket" };
  if (request.isList)
    return faults.has("no-list-bucket") && !isPublic(request, s3) ? DENIED : undefined;
  if (Buffer.byteLength(request.key) > MAX_KEY_BYTES) return { code: "KeyTooLongError" };
  return request.key.startsWith(settings.readable ?? "") ? undefined : DENIED;
}

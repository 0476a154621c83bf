// How S3 answers a request, step by step: the network, the region, the signature, the method, the
// bucket, the policy, the object. The first step that objects decides.

import type { S3Refusal } from "./faults.ts";
import { listObjects, sendObject } from "./objects.ts";
import { clockOf, type S3State } from "./settings.ts";
import { findSignatureFault, type Session } from "./signature.ts";

/** Where the bucket is with the faults `elsewhere-…`. */
const ELSEWHERE = "eu-central-1";
const MAX_KEY_BYTES = 1024; // A10
const DENIED: S3Refusal = { code: "AccessDenied" };
const FAILURES = ["InternalError", "SlowDown", "ServiceUnavailable"] as const;

/** What a request asks for. */
type Target = {
  readonly request: Request;
  readonly url: URL;
  readonly region: string;
  readonly bucket: string;
  readonly key: string;
  /** Whether the bucket stands in the host name. */
  readonly isInHost: boolean;
  readonly isList: boolean;
};

/** Why no answer comes: the code of the error that `fetch` fails with. */
export type Broken = { readonly broken: "ECONNRESET" | "ERR_TLS_CERT_ALTNAME_INVALID" };

/** @param place matches the URLs of this S3; its groups are the bucket in the host, and the region */
export async function answerRequest(
  request: Request,
  place: RegExp,
  s3: S3State,
): Promise<Response | S3Refusal | Broken> {
  const { faults, settings, objects } = s3;
  const target = readTarget(request, place, settings.region);
  if (target === undefined) return { code: "InvalidURI" };
  const { url, bucket, key } = target;
  if (faults.has("reset")) return { broken: "ECONNRESET" };
  // A4: no certificate covers a host whose bucket has a dot in its name.
  const isUncertified = target.isInHost && bucket.includes(".") && url.protocol === "https:";
  if (isUncertified) return { broken: "ERR_TLS_CERT_ALTNAME_INVALID" };
  if (faults.has("stall")) return new Promise<never>(() => {});
  const isElsewhere = [...faults].some((fault) => fault.startsWith("elsewhere-"));
  const home = isElsewhere ? ELSEWHERE : settings.region;
  if (target.region !== home && !faults.has("elsewhere-400")) return redirect(home, target, faults);
  const refusal =
    findStrangerFault(target, home, s3) ??
    findMethodFault(target, s3) ??
    findQueryFault(target, s3) ??
    findAccessFault(target, s3);
  if (refusal !== undefined) return refusal;
  if (target.isList) return listObjects(objects, url.searchParams);
  const object = objects.get(key);
  if (object !== undefined && faults.has("archived")) return { code: "InvalidObjectState" };
  if (object !== undefined) return sendObject(request, object, faults);
  return faults.has("no-list-bucket") ? DENIED : { code: "NoSuchKey", detail: { Key: key } };
}

/** Returns undefined if the path is malformed: it is not UTF-8, or `%` stands for nothing (A2). */
function readTarget(request: Request, place: RegExp, ownRegion: string): Target | undefined {
  const url = new URL(request.url);
  const [, host, region = ownRegion] = place.exec(request.url) ?? [];
  const path = decode(url.pathname.slice(1));
  if (path === undefined) return undefined;
  const [inPath = "", ...rest] = path.split("/");
  const [bucket, key] = host === undefined ? [inPath, rest.join("/")] : [host, path];
  const isList = url.searchParams.get("list-type") === "2" && key === "";
  return { request, url, region, bucket, key, isInHost: host !== undefined, isList };
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** Says where the bucket is. Only the temporary redirect has a Location (A5). */
function redirect(home: string, { url, region }: Target, faults: S3State["faults"]): S3Refusal {
  const location = url.href.replace(region, home);
  const detail = { Endpoint: new URL(location).host };
  const headers = { "x-amz-bucket-region": home };
  return faults.has("elsewhere-307")
    ? { code: "TemporaryRedirect", detail, headers: { ...headers, location } }
    : { code: "PermanentRedirect", detail, headers };
}

/** Refuses a request without a valid signature, unless the policy allows everybody (A1, A13). */
function findStrangerFault(target: Target, home: string, s3: S3State): S3Refusal | undefined {
  const { settings, faults } = s3;
  if (isUnsigned(target) && target.bucket !== settings.bucket) return { code: "NoSuchBucket" };
  if (isOpen(target, s3)) return undefined;
  const known = faults.has("revoked-key") ? [] : [...s3.keys];
  const changed = faults.has("other-secret") ? "2" : "";
  return findSignatureFault(target.request, {
    keys: new Map(known.map(([id, secret]) => [id, secret + changed])),
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

function isUnsigned({ request, url }: Target): boolean {
  return !request.headers.has("authorization") && !url.searchParams.has("X-Amz-Algorithm");
}

/** Returns whether everybody may do this without a signature. */
function isOpen(target: Target, { settings, grants }: S3State): boolean {
  const grant = target.isList ? "all-list" : "all-read";
  return isUnsigned(target) && target.bucket === settings.bucket && grants.has(grant);
}

function findMethodFault({ request, url }: Target, { grants }: S3State): S3Refusal | undefined {
  const { method } = request;
  if (method === "PUT" && url.searchParams.has("uploadId")) {
    // S3 does not say whether the upload exists to those who may not write.
    return grants.has("write") ? { code: "NoSuchUpload" } : DENIED;
  }
  return method === "GET" || method === "HEAD" ? undefined : { code: "MethodNotAllowed" };
}

/** A15: a query such as `?x-vitrine=…` means nothing to S3. Other servers may refuse it. */
function findQueryFault({ url, isList }: Target, { faults }: S3State): S3Refusal | undefined {
  const unknown = [...url.searchParams.keys()].find((name) => !name.startsWith("X-Amz-"));
  if (isList || unknown === undefined || !faults.has("refuses-query")) return undefined;
  return { code: "InvalidArgument", detail: { ArgumentName: unknown } };
}

/** A failure, the bucket, the right to list it, the length of the key, and the prefix that may be read. */
function findAccessFault(target: Target, s3: S3State): S3Refusal | undefined {
  const { settings, faults } = s3;
  const code = FAILURES.find((fault) => faults.has(fault));
  if (code !== undefined) return { code };
  if (target.bucket !== settings.bucket) return { code: "NoSuchBucket" };
  if (target.isList)
    return faults.has("no-list-bucket") && !isOpen(target, s3) ? DENIED : undefined;
  if (Buffer.byteLength(target.key) > MAX_KEY_BYTES) return { code: "KeyTooLongError" };
  return target.key.startsWith(settings.readable ?? "") ? undefined : DENIED;
}

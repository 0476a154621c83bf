// How S3 answers a request, step by step: the network, the region, the signature, the method, the
// bucket, the policy, the object. The first step that objects decides.

import type { Session, Sessions } from "../sessions.ts";
import { findFault } from "./check-request.ts";
import { listObjects } from "./list-objects.ts";
import type { Refused } from "./refuse.ts";
import { type Interruption, sendObject } from "./send-object.ts";
import { clockOf, type S3State } from "./state.ts";

/** Where the bucket is with the faults `elsewhere-…`. */
const ELSEWHERE = "eu-central-1";
const LONGEST_KEY = 1024; // A10
const DENIED: Refused = { status: 403, code: "AccessDenied" };
const BUSY = ["SlowDown", "ServiceUnavailable"] as const;
const INTERRUPTIONS: readonly Interruption[] = ["cut-short", "stall-midway"];

/** What a request asks for. */
type Asked = {
  readonly request: Request;
  readonly url: URL;
  readonly region: string;
  readonly bucket: string;
  readonly key: string;
  /** Whether the bucket stands in the host name. */
  readonly inHost: boolean;
  readonly lists: boolean;
};

/** Why no answer comes: the code of the error that `fetch` fails with. */
export type Broken = { readonly broken: "ECONNRESET" | "ERR_TLS_CERT_ALTNAME_INVALID" };

/** @param place matches the URLs of this S3; its groups are the bucket in the host, and the region */
export async function answerRequest(
  request: Request,
  place: RegExp,
  s3: S3State,
): Promise<Response | Refused | Broken> {
  const asked = read(request, place, s3.settings.region);
  if (s3.faults.has("reset")) return { broken: "ECONNRESET" };
  if (isUncertified(asked)) return { broken: "ERR_TLS_CERT_ALTNAME_INVALID" };
  if (s3.faults.has("stall")) return new Promise<never>(() => {});
  const home = homeOf(s3);
  if (asked.region !== home && !s3.faults.has("elsewhere-400")) return sendTo(home, asked, s3);
  const refused =
    strangerFault(asked, home, s3) ??
    methodFault(asked, s3) ??
    queryFault(asked, s3) ??
    serviceFault(s3) ??
    accessFault(asked, s3);
  if (refused !== undefined) return refused;
  return asked.lists ? listObjects(s3.objects, asked.url.searchParams) : answerObject(asked, s3);
}

function read(request: Request, place: RegExp, ownRegion: string): Asked {
  const url = new URL(request.url);
  const [, host, region = ownRegion] = place.exec(request.url) ?? [];
  const path = decoded(url.pathname).slice(1);
  const [bucket, key] = host === undefined ? split(path) : [host, path];
  const lists = url.searchParams.get("list-type") === "2" && key === "";
  return { request, url, region, bucket, key, inHost: host !== undefined, lists };
}

/** A path that is malformed stays as it is: the check of the signature refuses it. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function split(path: string): [bucket: string, key: string] {
  const at = path.indexOf("/");
  return at < 0 ? [path, ""] : [path.slice(0, at), path.slice(at + 1)];
}

/** Returns whether TLS fails: no certificate covers a host whose bucket has a dot in its name (A4). */
function isUncertified({ inHost, bucket, url }: Asked): boolean {
  return inHost && bucket.includes(".") && url.protocol === "https:";
}

/** The region where the bucket really is. */
function homeOf({ faults, settings }: S3State): string {
  return [...faults].some((fault) => fault.startsWith("elsewhere-")) ? ELSEWHERE : settings.region;
}

/** Says where the bucket is. Only the temporary redirect has a Location (A5). */
function sendTo(home: string, { url, region }: Asked, { faults }: S3State): Refused {
  const right = url.href.replace(region, home);
  const detail = { Endpoint: new URL(right).host };
  const headers = { "x-amz-bucket-region": home };
  return faults.has("elsewhere-307")
    ? {
        ...{ status: 307, code: "TemporaryRedirect", detail },
        headers: { ...headers, location: right },
      }
    : { status: 301, code: "PermanentRedirect", detail, headers };
}

/** Refuses a request without a valid signature, unless the policy allows everybody (A1, A13). */
function strangerFault(asked: Asked, home: string, s3: S3State): Refused | undefined {
  const { settings, faults } = s3;
  if (isUnsigned(asked) && asked.bucket !== settings.bucket) {
    return { status: 404, code: "NoSuchBucket" };
  }
  if (isOpen(asked, s3)) return undefined;
  const known = faults.has("revoked-key") ? [] : [...s3.keys];
  const changed = faults.has("other-secret") ? "2" : "";
  return findFault(asked.request, {
    keys: new Map(known.map(([id, secret]) => [id, secret + changed])),
    sessions: faults.has("revoked-key") ? new Map() : sessionsOf(s3, changed),
    region: home,
    now: clockOf(s3),
    dialect: settings.dialect ?? "aws",
  });
}

/** The sessions that STS gave, and the one of the settings. With `expired-token` all are over. */
function sessionsOf({ settings, faults, keys }: S3State, changed: string): Sessions {
  const { accessKeyId, sessionToken } = settings.credentials;
  const secret = keys.get(accessKeyId);
  const own: [string, Session][] =
    sessionToken === undefined || secret === undefined
      ? []
      : [[accessKeyId, { secretAccessKey: secret, sessionToken, expires: Infinity }]];
  const expires = faults.has("expired-token") ? { expires: 0 } : {};
  return new Map(
    [...(settings.sessions ?? []), ...own].map(([id, session]) => {
      const secretAccessKey = session.secretAccessKey + changed;
      return [id, { ...session, secretAccessKey, ...expires }];
    }),
  );
}

function isUnsigned({ request, url }: Asked): boolean {
  return !request.headers.has("authorization") && !url.searchParams.has("X-Amz-Algorithm");
}

/** Returns whether everybody may do this without a signature. */
function isOpen(asked: Asked, { settings, grants }: S3State): boolean {
  const grant = asked.lists ? "all-list" : "all-read";
  return isUnsigned(asked) && asked.bucket === settings.bucket && grants.has(grant);
}

function methodFault({ request, url }: Asked, { grants }: S3State): Refused | undefined {
  const { method } = request;
  if (method === "PUT" && url.searchParams.has("uploadId")) {
    // S3 does not say whether the upload exists to those who may not write.
    return grants.has("write") ? { status: 404, code: "NoSuchUpload" } : DENIED;
  }
  return method === "GET" || method === "HEAD"
    ? undefined
    : { status: 405, code: "MethodNotAllowed" };
}

/** A15: a query such as `?x-vitrine=…` means nothing to S3. Other servers may refuse it. */
function queryFault({ url, lists }: Asked, { faults }: S3State): Refused | undefined {
  const unknown = [...url.searchParams.keys()].find((name) => !name.startsWith("X-Amz-"));
  if (lists || unknown === undefined || !faults.has("refuses-query")) return undefined;
  return { status: 400, code: "InvalidArgument", detail: { ArgumentName: unknown } };
}

function serviceFault({ faults }: S3State): Refused | undefined {
  if (faults.has("InternalError")) return { status: 500, code: "InternalError" };
  const busy = BUSY.find((fault) => faults.has(fault));
  return busy && { status: 503, code: busy };
}

/** The bucket, the right to list it, the length of the key, and the prefix that may be read. */
function accessFault(asked: Asked, s3: S3State): Refused | undefined {
  const { settings, faults } = s3;
  if (asked.bucket !== settings.bucket) return { status: 404, code: "NoSuchBucket" };
  if (asked.lists) {
    return faults.has("no-list-bucket") && !isOpen(asked, s3) ? DENIED : undefined;
  }
  if (Buffer.byteLength(asked.key) > LONGEST_KEY) return { status: 400, code: "KeyTooLongError" };
  return asked.key.startsWith(settings.readable ?? "") ? undefined : DENIED;
}

function answerObject({ request, key }: Asked, { objects, faults }: S3State): Response | Refused {
  const stored = objects.get(key);
  if (stored === undefined) {
    const missing = { status: 404, code: "NoSuchKey", detail: { Key: key } };
    return faults.has("no-list-bucket") ? DENIED : missing;
  }
  if (faults.has("archived")) return { status: 403, code: "InvalidObjectState" };
  return sendObject(
    request,
    stored,
    INTERRUPTIONS.find((fault) => faults.has(fault)),
    faults.has("ignores-range"),
  );
}

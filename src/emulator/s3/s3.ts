// A private S3 bucket, as unforgiving as the real one, for msw. What it does wrong is a switch.

import { createHash } from "node:crypto";
import { type HttpHandler, HttpResponse, type HttpResponseResolver, http } from "msw";
import { findFault, type Refused } from "./s3-auth.ts";

/** What S3 can be made to do wrong. */
export type S3Fault =
  /** The key may not list: a missing object is 403 AccessDenied (A6). */
  | "no-list-bucket"
  /** The access key id is unknown (A7). */
  | "revoked-key"
  /** The secret is another one than it was (A7). */
  | "other-secret"
  /** The session, if there is one, is over (A7). */
  | "expired-token"
  /** S3's clock is 20 minutes ahead (A7). */
  | "clock-skew"
  /** The bucket lives in eu-central-1, and S3 says so in one of three ways (A5). */
  | "elsewhere-400"
  | "elsewhere-301"
  | "elsewhere-307"
  /** Busy, or broken inside (A9). */
  | "SlowDown"
  | "ServiceUnavailable"
  | "InternalError"
  /** The object lies in an archive (A9). */
  | "archived"
  /** The connection breaks off: before the answer, or within the object. */
  | "reset"
  | "cut-short"
  /** Nothing comes: no answer, or no more of the object. */
  | "stall"
  | "stall-midway";

/** What more a policy can allow than reading with the key: no fault of S3's, but of who wrote it (A13). */
export type S3Grant =
  /** Everybody may read the objects: the bucket is public. */
  | "all-read"
  /** Everybody may list them. */
  | "all-list"
  /** The key may write. */
  | "write";

export type Stored = {
  readonly body: Uint8Array;
  readonly type: string;
  /** Without its quotes: the MD5 of the body unless told otherwise; null: there is none. */
  readonly etag?: string | null;
  readonly cacheControl?: string;
};

export type S3Settings = {
  /** `https://s3.REGION.amazonaws.com` or an S3 that looks like it. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  readonly dialect?: "aws" | "r2";
  /** What the policy of the key lets it read: objects whose keys begin so (A13). All, if left out. */
  readonly readable?: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

export type S3 = {
  readonly objects: Map<string, Stored>;
  /** The keys that open the bucket: secrets by access key id. May be changed at any time. */
  readonly keys: Map<string, string>;
  readonly faults: Set<S3Fault>;
  readonly grants: Set<S3Grant>;
  /** All that arrived, as it arrived: after the edge dropped what it drops. */
  readonly requests: Request[];
  readonly handlers: readonly HttpHandler[];
};

const HOME = "eu-central-1";
const LONGEST_KEY = 1024; // A10
const WHEN = "Tue, 24 Nov 2026 09:00:00 GMT";
const IDS = {
  "x-amz-request-id": "4442587FB7D0A2F9",
  "x-amz-id-2": "vlR7PnpV2Ce81l0PRw6jlUpck7Jo",
};

/** A bucket of its own, path-style and virtual-hosted (A4), in every region of its S3 (A5). */
export function createS3(settings: S3Settings): S3 {
  const objects = new Map<string, Stored>();
  const { accessKeyId, secretAccessKey } = settings.credentials;
  const keys = new Map([[accessKeyId, secretAccessKey]]);
  const faults = new Set<S3Fault>();
  const grants = new Set<S3Grant>();
  const requests: Request[] = [];
  const { host, protocol } = new URL(settings.endpoint);
  const anywhere = host.split(settings.region).map(RegExp.escape).join("([a-z0-9-]+)");
  const place = new RegExp(`^${protocol}//(?:(.+)\\.)?${anywhere}/`);

  const clock = () => settings.now() + (faults.has("clock-skew") ? 20 * 60_000 : 0);

  const answer = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const [, sub, region = settings.region] = place.exec(request.url) ?? [];
    if (faults.has("reset")) return HttpResponse.error();
    if (faults.has("stall")) return new Promise<never>(() => {});

    // No certificate covers a bucket with a dot in its name as a part of the host (A4).
    if (sub?.includes(".") && url.protocol === "https:") return HttpResponse.error();

    const elsewhere = [...faults].find((fault) => fault.startsWith("elsewhere-"));
    const home = elsewhere === undefined ? settings.region : HOME;
    if (region !== home && elsewhere !== "elsewhere-400") {
      return sendTo(url.href.replace(region, home), request, elsewhere === "elsewhere-307", home);
    }
    const { sessionToken: token } = settings.credentials;
    const changed = faults.has("other-secret") ? "2" : "";
    const known = faults.has("revoked-key") ? [] : [...keys];
    const path = decodeURIComponent(url.pathname).slice(1);
    const [bucket, key] = sub === undefined ? split(path) : [sub, path];
    const lists = url.searchParams.get("list-type") === "2" && key === "";
    const stranger =
      !request.headers.has("authorization") && !url.searchParams.has("X-Amz-Algorithm");
    if (stranger && bucket !== settings.bucket) {
      return refuse(request, { status: 404, code: "NoSuchBucket" });
    }
    const open =
      stranger && bucket === settings.bucket && grants.has(lists ? "all-list" : "all-read");
    const fault = open
      ? undefined
      : await findFault(request, {
          keys: new Map(known.map(([id, secret]) => [id, secret + changed])),
          region: home,
          now: clock(),
          dialect: settings.dialect ?? "aws",
          session:
            token === undefined ? undefined : { token, expired: faults.has("expired-token") },
        });
    if (fault !== undefined) return refuse(request, fault);
    if (request.method === "PUT" && url.searchParams.has("uploadId")) {
      // Who may not write is not told whether there is such an upload.
      return grants.has("write")
        ? refuse(request, { status: 404, code: "NoSuchUpload" })
        : refuse(request, { status: 403, code: "AccessDenied" });
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refuse(request, { status: 405, code: "MethodNotAllowed" });
    }
    if (faults.has("InternalError")) return refuse(request, { status: 500, code: "InternalError" });
    for (const busy of ["SlowDown", "ServiceUnavailable"] as const) {
      if (faults.has(busy)) return refuse(request, { status: 503, code: busy });
    }
    if (bucket !== settings.bucket) return refuse(request, { status: 404, code: "NoSuchBucket" });
    if (lists) {
      return faults.has("no-list-bucket") && !open
        ? refuse(request, { status: 403, code: "AccessDenied" })
        : list(objects, url.searchParams);
    }
    if (new TextEncoder().encode(key).length > LONGEST_KEY) {
      return refuse(request, { status: 400, code: "KeyTooLongError" });
    }
    if (!key.startsWith(settings.readable ?? "")) {
      return refuse(request, { status: 403, code: "AccessDenied" });
    }
    const stored = objects.get(key);
    if (stored === undefined) {
      return faults.has("no-list-bucket")
        ? refuse(request, { status: 403, code: "AccessDenied" })
        : refuse(request, { status: 404, code: "NoSuchKey", detail: { Key: key } });
    }
    if (faults.has("archived")) return refuse(request, { status: 403, code: "InvalidObjectState" });
    return send(request, stored, faults);
  };

  const dated: HttpResponseResolver = async ({ request: { url, method, headers } }) => {
    const request = new Request(url, { method, headers });
    requests.push(request);
    const response = await answer(request);
    if (response.type !== "error") response.headers.set("date", new Date(clock()).toUTCString());
    return response;
  };
  return { objects, keys, faults, grants, requests, handlers: [http.all(place, dated)] };
}

function split(path: string): [bucket: string, key: string] {
  const at = path.indexOf("/");
  return at < 0 ? [path, ""] : [path.slice(0, at), path.slice(at + 1)];
}

const MOST_LISTED = 1000;

/** ListObjectsV2: keys in the order of their bytes, and what they have in common up to a delimiter. */
function list(objects: ReadonlyMap<string, Stored>, asked: URLSearchParams): Response {
  const prefix = asked.get("prefix") ?? "";
  const delimiter = asked.get("delimiter") ?? "";
  const most = Math.min(MOST_LISTED, Number(asked.get("max-keys") ?? MOST_LISTED));
  const found = [...objects.keys()].filter((key) => key.startsWith(prefix));
  const entries = found.map((key) => {
    const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    return end < 0 ? { key } : { common: key.slice(0, end + delimiter.length) };
  });
  const texts = [...new Set(entries.map(({ key, common }) => common ?? key ?? ""))].sort((a, b) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  const from = Number(asked.get("continuation-token") ?? 0);
  const page = texts.slice(from, from + most);
  const rest = from + page.length < texts.length;
  const told = page.map((text) =>
    objects.has(text)
      ? `<Contents><Key>${escapeXml(text)}</Key><Size>${objects.get(text)?.body.length}</Size></Contents>`
      : `<CommonPrefixes><Prefix>${escapeXml(text)}</Prefix></CommonPrefixes>`,
  );
  const next = rest ? `<NextContinuationToken>${from + page.length}</NextContinuationToken>` : "";
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><KeyCount>${page.length}</KeyCount><IsTruncated>${rest}</IsTruncated>${next}${told.join("")}</ListBucketResult>`;
  return new HttpResponse(xml, { headers: { "content-type": "application/xml", ...IDS } });
}

/** Tells where a bucket is: with a Location if it is for this time only (A5). */
function sendTo(right: string, request: Request, once: boolean, region: string): Response {
  const detail = { Endpoint: new URL(right).host };
  const headers = { "x-amz-bucket-region": region };
  return once
    ? refuse(
        request,
        { status: 307, code: "TemporaryRedirect", detail },
        { ...headers, location: right },
      )
    : refuse(request, { status: 301, code: "PermanentRedirect", detail }, headers);
}

/** An error as S3 writes it. */
export function refuse(
  request: Pick<Request, "method">,
  { status, code, detail = {} }: Refused,
  headers: Record<string, string> = {},
): Response {
  const parts = Object.entries({
    Code: code,
    Message: code,
    ...detail,
    RequestId: "4442587FB7D0A2F9",
  });
  const text = parts.map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`).join("");
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${text}</Error>`;
  return new HttpResponse(request.method === "HEAD" ? null : xml, {
    status,
    headers: { "content-type": "application/xml", server: "AmazonS3", ...IDS, ...headers },
  });
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The object itself, whole, in part or not at all, as the request's headers ask. */
function send(request: Request, stored: Stored, faults: ReadonlySet<S3Fault>): Response {
  const { body, type, cacheControl } = stored;
  const md5 = () => createHash("md5").update(body).digest("hex");
  const etag = stored.etag === undefined ? md5() : stored.etag;
  const headers = {
    "content-type": type,
    "content-length": `${body.length}`,
    "accept-ranges": "bytes",
    "last-modified": WHEN,
    server: "AmazonS3",
    "x-amz-server-side-encryption": "AES256",
    ...IDS,
    ...(etag === null ? {} : { etag: `"${etag}"` }),
    ...(cacheControl === undefined ? {} : { "cache-control": cacheControl }),
  };
  if (etag !== null && request.headers.get("if-none-match")?.includes(`"${etag}"`)) {
    return new HttpResponse(null, { status: 304, headers });
  }
  if (request.method === "HEAD") return new HttpResponse(null, { headers });
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "") ?? [];
  if (from !== undefined && to !== undefined) {
    const part = body.slice(Number(from), Number(to) + 1);
    const length = { "content-length": `${part.length}` };
    return new HttpResponse(part, { status: 206, headers: { ...headers, ...length } });
  }
  if (!faults.has("cut-short") && !faults.has("stall-midway")) {
    return new HttpResponse(body.slice(), { headers });
  }
  let pulled = false;
  const stream = new ReadableStream({
    async pull(half) {
      if (!pulled) half.enqueue(body.slice(0, body.length / 2));
      pulled = true;
      if (faults.has("stall-midway")) await new Promise<never>(() => {});
      await new Promise((later) => setTimeout(later, 20)); // the half of it arrives
      half.error(new TypeError("terminated"));
    },
  });
  return new HttpResponse(stream, { headers });
}

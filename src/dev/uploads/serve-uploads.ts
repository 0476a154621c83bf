// The upload endpoint of `vitrine dev --uploads`: an S3 that only takes objects, whole or in parts, on a port and by a key of its own.
// It never reads an object, lists none, and answers only by the names of this machine. A page of another site gets
// nothing, not even with a signature.

import { hash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type CommandFault, isFault } from "../../cli/command.ts";
import { actualBucketName } from "../../cli/config/local-run.ts";
import { html } from "../../cli/files/html.ts";
import { listenLocally } from "../../emulator/local-server.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { sign } from "../../worker/origin/sigv4.ts";
import { hasProperty, tableOf } from "../../worker/util/json.ts";
import type { ObjectChange } from "../local-bucket.ts";
import type { LocalProject } from "../local-project.ts";
import { uploadPortFault } from "../port.ts";
import { createPartStore, type PartStore } from "./parts.ts";
import { checksumHeaders, findDigestFault, findLengthFault, readPayload } from "./read-payload.ts";
import {
  errorXml,
  isUploadRefusal,
  refuseUpload,
  statusOf,
  type UploadRefusal,
} from "./refusal.ts";
import { UPLOAD_REGION, type VerifiedUpload, verifyUpload } from "./verify-request.ts";

type UploadProject = Pick<LocalProject, "buckets" | "localVars" | "r2Buckets">;

export type UploadOptions = {
  readonly port: number;
  /** The URL of the local S3. */
  readonly endpoint: string;
  /** The key of the local S3. */
  readonly s3Keys: Credentials;
  /** The key that may only put. */
  readonly uploadKeys: Credentials;
  /** The project that the Worker runs with. */
  readonly current: () => UploadProject;
  readonly onChange: (bucketName: string, change: ObjectChange) => void;
  /** Reports an internal error. */
  readonly reportError: (reason: unknown) => void;
};

/** Each is in memory, with 100 MB at most. An SDK tries again after SlowDown. */
const MAX_BODIES = 4;
/** Nobody holds an upload open for longer: ms. */
const UPLOAD_TIMEOUT_MS = 60_000;
const S3_TIMEOUT_MS = 30_000;

/** Headers that S3 keeps with an object. */
const OBJECT_HEADERS = [
  "content-type",
  "cache-control",
  "content-disposition",
  "content-language",
  "expires",
];

const XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/";

const LOCAL_HOST = /^(?:localhost|127\.0\.0\.1)(?::\d+)?$/;
const LOCAL_ORIGIN = /^https?:\/\/(?:(?:[a-z0-9-]+\.)*localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;

export type StartedUploads = {
  readonly url: string;
  /** What to print. */
  readonly text: string;
  readonly close: () => Promise<void>;
};

/** Starts the endpoint on 127.0.0.1. @returns a fault if the port cannot be used */
export async function startUploads(options: UploadOptions): Promise<StartedUploads | CommandFault> {
  const server = createServer({ requestTimeout: UPLOAD_TIMEOUT_MS });
  const receive = createReceiver(options);
  server.on("request", receive);
  // The client waits with its body until the signature is right.
  server.on("checkContinue", receive);

  const listening = await listenForUploads(server, options.port);
  if (isFault(listening)) return listening;

  const { url, close } = listening;
  const text = uploadsText(url, options.current(), options.uploadKeys);
  return { url, text, close };
}

async function listenForUploads(server: Server, port: number) {
  try {
    return await listenLocally(server, port);
  } catch (error) {
    const isOfSystem = hasProperty(error, "code");
    if (!isOfSystem) throw error;
    return uploadPortFault(port, `${error.code}`);
  }
}

function createReceiver(options: UploadOptions) {
  const { uploadKeys: keys } = options;
  const parts = createPartStore(Date.now);
  let bodies = 0;

  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const guarded = guard(request);
    if (guarded !== undefined) return answerRefusal(response, guarded);

    allowOrigin(request, response);
    if (request.method === "OPTIONS") return answerPreflight(request, response);

    const upload = verifyUpload(request, keys, Date.now());
    if (isUploadRefusal(upload)) return answerRefusal(response, upload);

    const lengthFault = findLengthFault(request, upload);
    if (lengthFault !== undefined) return answerRefusal(response, lengthFault);

    const target = findBuckets(options.current(), upload);
    if (target === undefined) {
      return answerRefusal(response, refuseBucket(options.current(), upload.bucket));
    }
    if (bodies >= MAX_BODIES) {
      return answerRefusal(response, refuseUpload("SlowDown", "Please reduce your request rate"));
    }

    bodies += 1;
    try {
      if (request.headers.expect !== undefined) response.writeContinue();
      const payload = await readPayload(request, upload, keys.secretAccessKey);
      if (isUploadRefusal(payload)) return answerRefusal(response, payload);

      const result = await carryOut(options, parts, target, upload, request, payload.body);
      if (isUploadRefusal(result)) return answerRefusal(response, result);
      answerDone(response, result);
    } finally {
      bodies -= 1;
    }
  };

  return (request: IncomingMessage, response: ServerResponse): void => {
    receive(request, response).catch((error: unknown) => {
      // A client that goes away in the middle of its body is no fault of this run.
      if (request.complete) options.reportError(error);
      response.destroy();
    });
  };
}

/** A page of another site may have its name lead to this machine, or use a presigned URL that it was given. */
function guard({ headers }: IncomingMessage): UploadRefusal | undefined {
  if (!LOCAL_HOST.test(headers.host ?? "")) {
    const message =
      "The host must be localhost or 127.0.0.1. An SDK needs its setting for path-style URLs, such as forcePathStyle: true";
    return refuseUpload("AccessDenied", message);
  }

  const { origin } = headers;
  if (origin === undefined || LOCAL_ORIGIN.test(origin)) return undefined;
  return refuseUpload("AccessForbidden", "Only pages of localhost may upload from a browser");
}

function allowOrigin({ headers }: IncomingMessage, response: ServerResponse): void {
  response.setHeader("vary", "Origin, Access-Control-Request-Headers");
  if (headers.origin === undefined) return;
  response.setHeader("access-control-allow-origin", headers.origin);
  response.setHeader("access-control-expose-headers", "ETag, x-amz-request-id");
}

function answerPreflight(request: IncomingMessage, response: ServerResponse): void {
  const { origin } = request.headers;
  const method = request.headers["access-control-request-method"];
  const names = request.headers["access-control-request-headers"] ?? "";

  const isAllowed = origin !== undefined && method === "PUT" && /^[\w\-, ]*$/.test(names);
  if (!isAllowed) {
    const message = "CORSResponse: only PUT is allowed";
    answerRefusal(response, refuseUpload("AccessForbidden", message));
    return;
  }

  response.setHeader("access-control-allow-methods", "PUT");
  response.setHeader("access-control-max-age", "600");
  if (names !== "") response.setHeader("access-control-allow-headers", names);
  response.writeHead(200, { "content-length": 0 }).end();
}

function answerRefusal(response: ServerResponse, refusal: UploadRefusal): void {
  const { req: request } = response;
  // A client that is still sending would not read the answer. One that waits must send no body any more.
  if (request.headers.expect === undefined) request.resume();
  else response.setHeader("connection", "close");

  const requestId = randomUUID();
  const xml = errorXml(refusal, requestId);
  response.writeHead(statusOf(refusal), {
    "content-type": "application/xml",
    "content-length": Buffer.byteLength(xml),
    "x-amz-request-id": requestId,
  });
  response.end(request.method === "HEAD" ? undefined : xml);
}

type UploadTarget = {
  readonly localBucket: string;
  /** The names in wrangler.toml of those buckets whose prefix the key has. */
  readonly names: readonly string[];
};

function findBuckets(
  project: UploadProject,
  { bucket, key }: VerifiedUpload,
): UploadTarget | undefined {
  let localBucket: string | undefined;
  const names: string[] = [];

  for (const { name, actualName } of bucketNames(project)) {
    const local = project.buckets[name];
    if (local === undefined || actualName !== bucket) continue;

    localBucket = local.bucket;
    const { prefix = "" } = local;
    if (key.startsWith(prefix)) names.push(name);
  }
  return localBucket === undefined ? undefined : { localBucket, names };
}

/** The buckets by their names in wrangler.toml, and at their providers. */
function bucketNames({ buckets, localVars, r2Buckets }: UploadProject) {
  const configured = tableOf(localVars["BUCKETS"]);
  return Object.keys(buckets).map((name) => {
    return { name, actualName: actualBucketName(tableOf(configured[name]), r2Buckets) };
  });
}

/** The names that buckets have at their providers, as text. */
function actualNamesText(project: UploadProject): string {
  const names = new Set(bucketNames(project).map(({ actualName }) => actualName));
  return [...names].join(", ");
}

function refuseBucket(project: UploadProject, bucket: string): UploadRefusal {
  const message = `There is no local bucket "${bucket}". This project has: ${actualNamesText(project)}`;
  return refuseUpload("NoSuchBucket", message);
}

/** What an operation answers with. */
type Done = { readonly kind: "done"; readonly etag?: string; readonly xml?: string };

async function carryOut(
  options: UploadOptions,
  parts: PartStore,
  target: UploadTarget,
  upload: VerifiedUpload,
  request: IncomingMessage,
  body: Buffer,
): Promise<Done | UploadRefusal> {
  const { bucket, key, operation } = upload;
  const headers = { ...objectHeaders(request), ...upload.queryMetadata };

  switch (operation.kind) {
    case "put":
      return putObject(options, target, key, headers, body);

    case "begin": {
      const uploadId = parts.begin(bucket, key, headers);
      if (typeof uploadId !== "string") return uploadId;
      const result = html`<InitiateMultipartUploadResult xmlns="${XMLNS}"><Bucket>${bucket}</Bucket><Key>${key}</Key><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`;
      return { kind: "done", xml: result.text };
    }

    case "part": {
      const { uploadId, partNumber } = operation;
      const fault = parts.add({ bucket, key, uploadId }, partNumber, body);
      return fault ?? { kind: "done", etag: hash("md5", body) };
    }

    case "complete": {
      const partTarget = { bucket, key, uploadId: operation.uploadId };
      const object = parts.join(partTarget, body.toString("utf8"));
      if (isUploadRefusal(object)) return object;

      const digestFault = findDigestFault(object.body, checksumHeaders(request), undefined);
      if (digestFault !== undefined) return digestFault;

      const conditions = conditionsOf(request);
      const whole = { ...object.headers, ...conditions };
      const put = await putObject(options, target, key, whole, object.body);
      if (isUploadRefusal(put)) return put;

      parts.remove(partTarget);
      const result = html`<CompleteMultipartUploadResult xmlns="${XMLNS}"><Bucket>${bucket}</Bucket><Key>${key}</Key><ETag>"${put.etag}"</ETag></CompleteMultipartUploadResult>`;
      return { kind: "done", xml: result.text };
    }

    case "abort": {
      const isRemoved = parts.remove({ bucket, key, uploadId: operation.uploadId });
      if (isRemoved) return { kind: "done" };
      return refuseUpload("NoSuchUpload", "There is no such upload, or it has ended");
    }
  }
}

function answerDone(response: ServerResponse, { etag, xml }: Done): void {
  const isAborted = response.req.method === "DELETE";
  const text = xml === undefined ? "" : `<?xml version="1.0" encoding="UTF-8"?>\n${xml}`;
  response.writeHead(isAborted ? 204 : 200, {
    "x-amz-request-id": randomUUID(),
    ...(etag !== undefined && { etag: `"${etag}"` }),
    ...(xml !== undefined && { "content-type": "application/xml" }),
    ...(!isAborted && { "content-length": Buffer.byteLength(text) }),
  });
  response.end(text);
}

/** Puts a whole object, and reports it as an event. */
async function putObject(
  { endpoint, s3Keys, onChange }: UploadOptions,
  { localBucket, names }: UploadTarget,
  key: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Promise<(Done & { readonly etag: string }) | UploadRefusal> {
  const url = originUrl(`${endpoint}/${localBucket}/`, key);
  const signed = await sign(url, "auto", s3Keys, Date.now(), "PUT");

  const answer = await fetch(url, {
    method: "PUT",
    headers: { ...headers, ...signed },
    body: new Uint8Array(body),
    signal: AbortSignal.timeout(S3_TIMEOUT_MS),
  });
  await answer.body?.cancel();
  if (answer.status === 412) {
    return refuseUpload("PreconditionFailed", "At least one of the preconditions did not hold");
  }
  if (!answer.ok) return refuseUpload("InternalError", `The local S3 refuses it: ${answer.status}`);

  for (const name of names) onChange(name, { kind: "put", key, body });
  return { kind: "done", etag: hash("md5", body) };
}

function conditionsOf({ headers }: Pick<IncomingMessage, "headers">): Record<string, string> {
  const conditions: Record<string, string> = {};
  for (const name of ["if-match", "if-none-match"]) {
    const value = headers[name];
    if (value !== undefined) conditions[name] = `${value}`;
  }
  return conditions;
}

function objectHeaders({ headers }: IncomingMessage): Record<string, string> {
  const stored = conditionsOf({ headers });
  for (const [name, value] of Object.entries(headers)) {
    const isOfObject = OBJECT_HEADERS.includes(name) || name.startsWith("x-amz-meta-");
    if (isOfObject) stored[name] = `${value}`;
  }

  // `aws-chunked` is only of the request.
  const encodings = `${headers["content-encoding"] ?? ""}`.split(/, */);
  const encoding = encodings.filter((name) => name !== "" && name !== "aws-chunked").join(", ");
  if (encoding !== "") stored["content-encoding"] = encoding;
  return stored;
}

/** What to paste into the environment of an app. */
function uploadsText(url: string, project: UploadProject, keys: Credentials): string {
  return `Uploads from your app go to the local bucket ${actualNamesText(project)}, by a key that can only put:
AWS_ENDPOINT_URL_S3=${url}
AWS_REGION=${UPLOAD_REGION}
AWS_ACCESS_KEY_ID=${keys.accessKeyId}
AWS_SECRET_ACCESS_KEY=${keys.secretAccessKey}
`;
}

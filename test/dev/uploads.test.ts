// The upload endpoint of the local run: what it puts, and what it refuses. A server in the place of the local S3 records
// what was put.

import { createHmac, hash } from "node:crypto";
import { createServer, type IncomingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { isFault } from "../../src/cli/command.ts";
import type { ObjectChange } from "../../src/dev/local-bucket.ts";
import { checksumOf } from "../../src/dev/uploads/checksums.ts";
import { createPartStore, type PartStore } from "../../src/dev/uploads/parts.ts";
import {
  type StartedUploads,
  startUploads,
  type UploadOptions,
} from "../../src/dev/uploads/serve-uploads.ts";
import { listenLocally } from "../../src/emulator/local-server.ts";
import { deriveKey, signRequest } from "../../src/emulator/s3/signature.ts";
import type { Served } from "../../src/emulator/serve.ts";

const KEYS = { accessKeyId: "vitrine-local-upload-key-id", secretAccessKey: "vitrine-local-put" };
const S3_KEYS = { accessKeyId: "vitrine-local-key-id", secretAccessKey: "vitrine-local-all" };
const BODY = "the bytes of a picture";
const LARGE = "0123456789".repeat(1_000);

type Put = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string };
const puts: Put[] = [];
const changes: [string, ObjectChange][] = [];
let s3: Served;
let options: UploadOptions;
let uploads: StartedUploads;

beforeAll(async () => {
  const server = createServer(async (incoming, response) => {
    let body = "";
    for await (const part of incoming) body += part;
    puts.push({ path: `${incoming.method} ${incoming.url}`, headers: incoming.headers, body });
    response.writeHead(incoming.headers["if-none-match"] === "*" ? 412 : 200).end();
  });
  s3 = await listenLocally(server, 0);

  options = {
    port: 0,
    endpoint: s3.url,
    s3Keys: S3_KEYS,
    uploadKeys: KEYS,
    current: () => ({
      buckets: {
        media: { bucket: "local-media", prefix: "published/" },
        drafts: { bucket: "local-media", prefix: "drafts/" },
        bound: { bucket: "local-bound" },
      },
      localVars: {
        BUCKETS: {
          media: { bucket: "acme-media" },
          drafts: { bucket: "acme-media" },
          bound: { binding: "MEDIA_BUCKET" },
        },
      },
      r2Buckets: [{ binding: "MEDIA_BUCKET", bucket_name: "acme-bound" }],
    }),
    onChange: (name, change) => changes.push([name, change]),
    reportError: (reason) => expect.unreachable(`${reason}`),
  };
  const started = await startUploads(options);
  if (isFault(started)) throw new Error(started.fault);
  uploads = started;
});
afterAll(async () => {
  await uploads.close();
  await s3.close();
});
beforeEach(() => {
  puts.length = 0;
  changes.length = 0;
});

type Upload = {
  readonly method?: string;
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Signed headers. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly unsigned?: Readonly<Record<string, string | string[]>>;
  readonly keys?: typeof KEYS;
  readonly region?: string;
  /** ms since 1970. */
  readonly now?: number;
  readonly payloadHash?: string;
  readonly body?: string;
  /** Replace what was signed. */
  readonly sentPath?: string;
  readonly sentHeaders?: Readonly<Record<string, string>>;
  readonly encode?: (signature: string, date: string) => string;
};

type Reply = {
  readonly status: number;
  readonly code: string | undefined;
  readonly text: string;
  readonly headers: IncomingHttpHeaders;
};

const stamp = (now: number) => new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, "");
const hostOf = () => new URL(uploads.url).host;

function putSigned(upload: Upload = {}): Promise<Reply> {
  const {
    method = "PUT",
    path = "/acme-media/published/fig.jpg",
    query = {},
    keys = KEYS,
  } = upload;
  const { region = "auto", now = Date.now(), body = BODY } = upload;
  const { payloadHash = hash("sha256", body) } = upload;
  const date = stamp(now);
  const headers: Record<string, string> = {
    host: hostOf(),
    "x-amz-content-sha256": payloadHash,
    "x-amz-date": date,
    ...upload.headers,
  };
  const covered = {
    method,
    path,
    payloadHash,
    query: Object.entries(query),
    headers: Object.entries(headers),
  };
  const { signature } = signRequest(covered, { region, service: "s3", date }, keys.secretAccessKey);
  const names = Object.keys(headers).sort().join(";");
  const credential = `${keys.accessKeyId}/${date.slice(0, 8)}/${region}/s3/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;

  const search = new URLSearchParams(query).toString();
  const target = upload.sentPath ?? (search === "" ? path : `${path}?${search}`);
  const sent = upload.encode?.(signature, date) ?? body;
  return send(
    method,
    target,
    { ...headers, authorization, ...upload.unsigned, ...upload.sentHeaders },
    sent,
  );
}

function send(
  method: string,
  path: string,
  headers: Readonly<Record<string, string | string[]>>,
  body: string,
): Promise<Reply> {
  return new Promise((settle, fail) => {
    const { port } = new URL(uploads.url);
    const sent = request({ host: "127.0.0.1", port, method, path, headers });
    sent.on("error", fail).on("response", async (response) => {
      let text = "";
      for await (const part of response) text += part;
      const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1];
      settle({ status: response.statusCode ?? 0, code, text, headers: response.headers });
    });
    if (method === "PUT" || body !== "") {
      sent.setHeader("content-length", Buffer.byteLength(body));
    }
    // With a text, Node.js would send the headers as UTF-8, too.
    sent.end(Buffer.from(body));
  });
}

type PresignedUpload = {
  /** ms. */
  readonly age?: number;
  readonly expires?: string;
  /** Signed parameters. */
  readonly query?: Readonly<Record<string, string>>;
  /** Parameters that nobody signed. */
  readonly sent?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Signs by a query. */
function putPresigned(upload: PresignedUpload = {}): Promise<Reply> {
  const { age = 0, expires = "300", query = {}, sent = {}, headers = {} } = upload;
  const date = stamp(Date.now() - age);
  const path = "/acme-media/published/fig.jpg";
  const parameters: Record<string, string> = {
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `${KEYS.accessKeyId}/${date.slice(0, 8)}/auto/s3/aws4_request`,
    "X-Amz-Date": date,
    "X-Amz-Expires": expires,
    "X-Amz-SignedHeaders": "host",
    ...query,
  };
  const covered = {
    method: "PUT",
    path,
    payloadHash: "UNSIGNED-PAYLOAD",
    query: Object.entries(parameters),
    headers: [["host", hostOf()]] as const,
  };
  const scope = { region: "auto", service: "s3", date };
  const { signature } = signRequest(covered, scope, KEYS.secretAccessKey);
  const search = new URLSearchParams({ ...parameters, "X-Amz-Signature": signature, ...sent });
  return send("PUT", `${path}?${search}`, { host: hostOf(), ...headers }, BODY);
}

const UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
const SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";

/** Encodes a body as aws-chunked. */
function chunked(chunks: readonly string[], trailers = ""): string {
  const parts = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`);
  return `${parts.join("")}0\r\n${trailers}\r\n`;
}

function signedChunks(chunks: readonly string[], trailer?: string) {
  return (seed: string, date: string): string => {
    const scope = [date.slice(0, 8), "auto", "s3", "aws4_request"];
    const key = deriveKey(scope, KEYS.secretAccessKey);
    let previous = seed;
    const sign = (type: string, ...hashes: readonly string[]): string => {
      const text = [`AWS4-HMAC-SHA256-${type}`, date, scope.join("/"), previous, ...hashes];
      previous = createHmac("sha256", key).update(text.join("\n")).digest("hex");
      return previous;
    };
    const lines = [...chunks, ""].map((chunk) => {
      const signature = sign("PAYLOAD", hash("sha256", ""), hash("sha256", chunk));
      const text = `${chunk.length.toString(16)};chunk-signature=${signature}\r\n${chunk}`;
      return chunk === "" ? text : `${text}\r\n`;
    });
    if (trailer === undefined) return `${lines.join("")}\r\n`;
    const signature = sign("TRAILER", hash("sha256", `${trailer}\n`));
    return `${lines.join("")}${trailer}\r\nx-amz-trailer-signature:${signature}\r\n\r\n`;
  };
}

const crc32 = (body: string) => checksumOf("crc32", Buffer.from(body));
const TRAILER = `x-amz-checksum-crc32:${crc32(LARGE)}`;

const streamed = (
  payloadHash: string,
  encode: NonNullable<Upload["encode"]>,
  length = LARGE.length,
  trailer = "x-amz-checksum-crc32",
): Upload => ({
  payloadHash,
  encode,
  headers: {
    "content-encoding": "aws-chunked",
    "x-amz-decoded-content-length": `${length}`,
    ...(trailer !== "" && { "x-amz-trailer": trailer }),
  },
});
const plain = (body: string) => () => body;

test.each<{ readonly how: string; readonly upload: Upload; readonly body?: string }>([
  { how: "with the hash of its body", upload: {} },
  { how: "with an unsigned payload", upload: { payloadHash: "UNSIGNED-PAYLOAD" } },
  { how: "with no bytes", upload: { body: "" }, body: "" },
  {
    how: "in chunks with a trailer",
    upload: streamed(UNSIGNED_TRAILER, plain(chunked([LARGE], `${TRAILER}\r\n`))),
    body: LARGE,
  },
  {
    how: "in signed chunks",
    upload: streamed(
      SIGNED_CHUNKS,
      signedChunks([LARGE.slice(0, 8192), LARGE.slice(8192)]),
      LARGE.length,
      "",
    ),
    body: LARGE,
  },
  {
    how: "in signed chunks with a trailer",
    upload: streamed(`${SIGNED_CHUNKS}-TRAILER`, signedChunks([LARGE], TRAILER)),
    body: LARGE,
  },
  ...(["crc32", "crc32c", "crc64nvme", "sha1", "sha256"] as const).map((name) => ({
    how: `with ${name}`,
    upload: { headers: { [`x-amz-checksum-${name}`]: checksumOf(name, Buffer.from(BODY)) } },
  })),
  { how: "with Content-MD5", upload: { unsigned: { "content-md5": hash("md5", BODY, "base64") } } },
])("an upload $how is put as it is", async ({ upload, body = BODY }) => {
  expect(await putSigned(upload)).toMatchObject({
    status: 200,
    headers: { etag: `"${hash("md5", body)}"` },
  });
  expect(puts).toMatchObject([{ path: "PUT /local-media/published/fig.jpg", body }]);
  expect(puts[0]?.headers["content-encoding"]).toBeUndefined();
});

test("type, terms and metadata arrive, by headers and by a presigned URL, and the event names its bucket", async () => {
  const headers = {
    "content-type": "image/jpeg",
    "cache-control": "max-age=60",
    "x-amz-meta-focus": "0.5,0.2",
  };
  await putSigned({ headers, path: "/acme-media/drafts/a%20b.jpg" });
  await putPresigned({
    query: { "x-amz-meta-focus": "0.1,0.2" },
    headers: { "content-type": "image/png" },
  });
  await putSigned({ path: "/acme-bound/fig.jpg" });
  await putSigned({ path: "/acme-media/elsewhere/fig.jpg" });

  expect(puts).toMatchObject([
    { path: "PUT /local-media/drafts/a%20b.jpg", headers },
    { headers: { "x-amz-meta-focus": "0.1,0.2", "content-type": "image/png" } },
    { path: "PUT /local-bound/fig.jpg" },
    { path: "PUT /local-media/elsewhere/fig.jpg" },
  ]);
  const events = changes.map(([name, { key }]) => [name, key]);
  expect(events).toEqual([
    ["drafts", "drafts/a b.jpg"],
    ["media", "published/fig.jpg"],
    ["bound", "fig.jpg"],
  ]);
  expect(puts[0]?.headers.authorization).toContain(S3_KEYS.accessKeyId);
});

test("the checksum that an SDK takes of no body, and puts into a presigned URL, counts for nothing", async () => {
  const query = { "x-amz-checksum-crc32": "AAAAAA==", "x-amz-sdk-checksum-algorithm": "CRC32" };
  expect(await putPresigned({ query })).toMatchObject({ status: 200 });
});

test("metadata beyond Latin-1 arrive from the query of a presigned URL", async () => {
  const query = { "x-amz-meta-title": "Łódź" };
  expect(await putPresigned({ query })).toMatchObject({ status: 200 });
  const title = `${puts[0]?.headers["x-amz-meta-title"]}`;
  expect(Buffer.from(title, "latin1").toString()).toBe("Łódź");
});

test("metadata beyond Latin-1 arrive from headers, which SDKs send as UTF-8", async () => {
  const title = Buffer.from("Łódź").toString("latin1");
  const reply = await putSigned({
    headers: { "x-amz-meta-title": "Łódź" },
    sentHeaders: { "x-amz-meta-title": title },
  });
  expect(reply.status).toBe(200);
  expect(puts[0]?.headers["x-amz-meta-title"]).toBe(title);
});

test("the checksums are those of the specifications", () => {
  const bytes = Buffer.from("123456789");
  const hex = (name: Parameters<typeof checksumOf>[0]) =>
    Buffer.from(checksumOf(name, bytes), "base64").toString("hex");
  expect(["crc32", "crc32c", "crc64nvme"].map((name) => hex(name as "crc32"))).toEqual([
    "cbf43926",
    "e3069283",
    "ae8b14860a799888",
  ]);
});

describe("nothing is put, and S3's code says why", () => {
  const MINUTE = 60_000;
  type Refused = {
    readonly of: string;
    /** By headers. */
    readonly upload?: Upload;
    /** By a presigned URL. */
    readonly url?: PresignedUpload;
    readonly code: string;
  };

  test.each<Refused>([
    {
      of: "a wrong secret",
      upload: { keys: { ...KEYS, secretAccessKey: "other" } },
      code: "SignatureDoesNotMatch",
    },
    {
      of: "an unknown key",
      upload: { keys: { ...KEYS, accessKeyId: "other" } },
      code: "InvalidAccessKeyId",
    },
    { of: "the key of the Worker", upload: { keys: S3_KEYS }, code: "InvalidAccessKeyId" },
    { of: "another region", upload: { region: "eu-west-1" }, code: "AuthorizationHeaderMalformed" },
    {
      of: "an old signature",
      upload: { now: Date.now() - 16 * MINUTE },
      code: "RequestTimeTooSkewed",
    },
    {
      of: "one from the future",
      upload: { now: Date.now() + 16 * MINUTE },
      code: "RequestTimeTooSkewed",
    },
    {
      of: "no signature",
      upload: { sentHeaders: { authorization: "" } },
      code: "AuthorizationHeaderMalformed",
    },
    ...["GET", "HEAD", "DELETE", "POST", "PATCH"].map((method) => ({
      of: method,
      upload: { method, body: "" },
      code: method === "HEAD" ? "" : "AccessDenied",
    })),
    {
      of: "a list",
      upload: { method: "GET", path: "/acme-media", query: { "list-type": "2" }, body: "" },
      code: "AccessDenied",
    },
    {
      of: "a copy",
      upload: { headers: { "x-amz-copy-source": "/acme-media/a.jpg" } },
      code: "NotImplemented",
    },
    {
      of: "an open ACL",
      upload: { headers: { "x-amz-acl": "public-read" } },
      code: "NotImplemented",
    },
    {
      of: "a session token",
      upload: { headers: { "x-amz-security-token": "a" } },
      code: "NotImplemented",
    },
    { of: "an ACL to set", upload: { query: { acl: "" } }, code: "NotImplemented" },
    { of: "a part", upload: { query: { partNumber: "1", uploadId: "a" } }, code: "NoSuchUpload" },
    {
      of: "another path",
      upload: { sentPath: "/acme-media/published/other.jpg" },
      code: "SignatureDoesNotMatch",
    },
    {
      of: "another query",
      upload: { sentPath: "/acme-media/published/fig.jpg?x-id=PutObject" },
      code: "SignatureDoesNotMatch",
    },
    {
      of: "another signed header",
      upload: {
        headers: { "x-amz-meta-focus": "0,0" },
        sentHeaders: { "x-amz-meta-focus": "1,1" },
      },
      code: "SignatureDoesNotMatch",
    },
    {
      of: "unsigned metadata",
      upload: { unsigned: { "x-amz-meta-focus": "0,0" } },
      code: "AccessDenied",
    },
    {
      of: "another body",
      upload: { payloadHash: hash("sha256", "other") },
      code: "XAmzContentSHA256Mismatch",
    },
    { of: "no hash", upload: { payloadHash: "none" }, code: "InvalidRequest" },
    {
      of: "a wrong checksum",
      upload: { headers: { "x-amz-checksum-crc32": crc32("other") } },
      code: "BadDigest",
    },
    {
      of: "half a checksum",
      upload: { headers: { "x-amz-checksum-crc32": "AA" } },
      code: "InvalidRequest",
    },
    {
      of: "a wrong MD5",
      upload: { unsigned: { "content-md5": hash("md5", "other", "base64") } },
      code: "BadDigest",
    },
    { of: "half an MD5", upload: { unsigned: { "content-md5": "AA" } }, code: "InvalidDigest" },
    {
      of: "large metadata",
      upload: { headers: { "x-amz-meta-a": "a".repeat(2_048) } },
      code: "MetadataTooLarge",
    },
    {
      of: "no bucket of the project",
      upload: { path: "/local-media/fig.jpg" },
      code: "NoSuchBucket",
    },
    { of: "a bucket alone", upload: { path: "/acme-media" }, code: "InvalidRequest" },
    ...["a/../b", "a/%2E%2E/b", "a/./b", "a//b", "a%5Cb", "a%00b", "a%0Ab", "a/"].map((key) => ({
      of: `the key ${key}`,
      upload: { path: `/acme-media/${key}` },
      code: "InvalidArgument",
    })),
    {
      of: "a key of 1,025 bytes",
      upload: { path: `/acme-media/${"a".repeat(1_025)}` },
      code: "KeyTooLongError",
    },
    { of: "a path that is no UTF-8", upload: { path: "/acme-media/%FF" }, code: "InvalidURI" },
    {
      of: "a header twice",
      upload: { unsigned: { "x-amz-meta-focus": ["0,0", "1,1"] } },
      code: "InvalidRequest",
    },
    {
      of: "an object that is there",
      upload: { unsigned: { "if-none-match": "*" } },
      code: "PreconditionFailed",
    },
    {
      of: "a name that leads here",
      upload: { sentHeaders: { host: "evil.example" } },
      code: "AccessDenied",
    },
    {
      of: "a page of another site",
      upload: { unsigned: { origin: "https://evil.example" } },
      code: "AccessForbidden",
    },
    {
      of: "a page of a name like localhost",
      upload: { unsigned: { origin: "http://localhost.evil.example" } },
      code: "AccessForbidden",
    },
    { of: "a sandbox", upload: { unsigned: { origin: "null" } }, code: "AccessForbidden" },
    {
      of: "a wrong trailer",
      upload: streamed(
        UNSIGNED_TRAILER,
        plain(chunked([LARGE], `x-amz-checksum-crc32:${crc32("other")}\r\n`)),
      ),
      code: "BadDigest",
    },
    {
      of: "no trailer",
      upload: streamed(UNSIGNED_TRAILER, plain(chunked([LARGE]))),
      code: "MalformedTrailerError",
    },
    {
      of: "one trailer more",
      upload: streamed(
        UNSIGNED_TRAILER,
        plain(chunked([LARGE], `${TRAILER}\r\nx-amz-meta-a:b\r\n`)),
      ),
      code: "MalformedTrailerError",
    },
    {
      of: "one trailer twice",
      upload: streamed(UNSIGNED_TRAILER, plain(chunked([LARGE], `${TRAILER}\r\n${TRAILER}\r\n`))),
      code: "MalformedTrailerError",
    },
    {
      of: "a trailer that no header announces",
      upload: streamed(SIGNED_CHUNKS, signedChunks([LARGE], TRAILER), LARGE.length, ""),
      code: "MalformedTrailerError",
    },
    {
      of: "another trailer",
      upload: streamed(
        UNSIGNED_TRAILER,
        plain(chunked([LARGE], `${TRAILER}\r\n`)),
        LARGE.length,
        "x-amz-checksum-sha1",
      ),
      code: "MalformedTrailerError",
    },
    {
      of: "a longer length",
      upload: streamed(
        UNSIGNED_TRAILER,
        plain(chunked([LARGE], `${TRAILER}\r\n`)),
        LARGE.length + 1,
      ),
      code: "IncompleteBody",
    },
    {
      of: "a wrong size of a chunk",
      upload: streamed(
        UNSIGNED_TRAILER,
        plain(chunked([LARGE], `${TRAILER}\r\n`).replace("2710", "2711")),
      ),
      code: "IncompleteBody",
    },
    {
      of: "a last chunk that is missing",
      upload: streamed(UNSIGNED_TRAILER, plain(`2710\r\n${LARGE}\r\n`)),
      code: "IncompleteBody",
    },
    {
      of: "small chunks",
      upload: streamed(
        UNSIGNED_TRAILER,
        plain(chunked([LARGE.slice(0, 10), LARGE.slice(10)], `${TRAILER}\r\n`)),
      ),
      code: "InvalidChunkSizeError",
    },
    {
      of: "another chunk",
      upload: streamed(
        SIGNED_CHUNKS,
        (seed, date) => signedChunks([LARGE])(seed, date).replace("0123", "0124"),
        LARGE.length,
        "",
      ),
      code: "SignatureDoesNotMatch",
    },
    {
      of: "another trailer than was signed",
      upload: streamed(`${SIGNED_CHUNKS}-TRAILER`, (seed, date) =>
        signedChunks([LARGE], TRAILER)(seed, date).replace(
          TRAILER,
          `x-amz-checksum-crc32:${crc32("other")}`,
        ),
      ),
      code: "SignatureDoesNotMatch",
    },
    {
      of: "chunks without their signatures",
      upload: streamed(SIGNED_CHUNKS, plain(chunked([LARGE])), LARGE.length, ""),
      code: "InvalidRequest",
    },
    {
      of: "101 MB",
      upload: streamed(UNSIGNED_TRAILER, plain(chunked([LARGE])), 100_000_001),
      code: "EntityTooLarge",
    },
    { of: "a presigned URL that has expired", url: { age: 301_000 }, code: "AccessDenied" },
    {
      of: "a presigned URL that is of the future",
      url: { age: -16 * MINUTE },
      code: "AccessDenied",
    },
    {
      of: "a presigned URL that is for longer than a week",
      url: { expires: "604801" },
      code: "AuthorizationQueryParametersError",
    },
    {
      of: "a presigned URL that got a longer time",
      url: { sent: { "X-Amz-Expires": "600" } },
      code: "SignatureDoesNotMatch",
    },
    {
      of: "a presigned URL that has metadata with a new line",
      url: { query: { "x-amz-meta-title": "a\nb" } },
      code: "InvalidArgument",
    },
    {
      of: "a presigned URL that has the key of another day",
      url: { query: { "X-Amz-Credential": `${KEYS.accessKeyId}/20200101/auto/s3/aws4_request` } },
      code: "AccessDenied",
    },
    {
      of: "a presigned URL that is for any host",
      url: { query: { "X-Amz-SignedHeaders": "x-amz-meta-a" } },
      code: "AccessDenied",
    },
    {
      of: "a presigned URL that has large metadata",
      url: { query: { "x-amz-meta-title": "ł".repeat(1_024) } },
      code: "MetadataTooLarge",
    },
    {
      of: "a presigned URL that got metadata",
      url: { sent: { "x-amz-meta-focus": "1,1" } },
      code: "SignatureDoesNotMatch",
    },
    {
      of: "a presigned URL that comes with a second signature",
      url: { headers: { authorization: "AWS4-HMAC-SHA256 a" } },
      code: "InvalidArgument",
    },
    {
      of: "a presigned URL that comes with a body in chunks",
      url: { headers: { "x-amz-content-sha256": UNSIGNED_TRAILER } },
      code: "AuthorizationQueryParametersError",
    },
    {
      of: "a presigned URL that comes with metadata",
      url: { headers: { "x-amz-meta-focus": "1,1" } },
      code: "AccessDenied",
    },
  ])("$of: $code", async ({ upload, url, code }) => {
    const reply = url === undefined ? await putSigned(upload) : await putPresigned(url);
    expect([reply.code ?? "", reply.status >= 400]).toEqual([code, true]);
    expect(changes).toEqual([]);
    if (code !== "PreconditionFailed") expect(puts).toEqual([]);
  });

  test("a body that is cut off", async () => {
    const { port } = new URL(uploads.url);
    const socket = connect(Number(port), "127.0.0.1");
    const closed = new Promise((settle) => socket.on("close", settle));
    const date = stamp(Date.now());
    const headers = [
      ["host", hostOf()],
      ["x-amz-content-sha256", "UNSIGNED-PAYLOAD"],
      ["x-amz-date", date],
    ] as const;
    const covered = {
      method: "PUT",
      path: "/acme-media/a.jpg",
      payloadHash: "UNSIGNED-PAYLOAD",
      query: [],
      headers,
    };
    const { signature } = signRequest(
      covered,
      { region: "auto", service: "s3", date },
      KEYS.secretAccessKey,
    );
    const lines = [
      "PUT /acme-media/a.jpg HTTP/1.1",
      ...headers.map(([name, value]) => `${name}: ${value}`),
      `authorization: AWS4-HMAC-SHA256 Credential=${KEYS.accessKeyId}/${date.slice(0, 8)}/auto/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${signature}`,
      "content-length: 100",
      "expect: 100-continue",
    ];
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    const [line] = await new Promise<string[]>((settle) =>
      socket.once("data", (data) => settle(`${data}`.split("\r\n"))),
    );
    expect(line).toBe("HTTP/1.1 100 Continue");
    socket.end("half");
    await closed;
    expect(puts).toEqual([]);
  });
});

/** Asks for a step of an upload in parts. */
const step = (
  method: string,
  query: Readonly<Record<string, string>>,
  body = "",
  path = "/acme-media/published/fig.jpg",
) => putSigned({ method, query, body, path });

const completion = (parts: readonly string[]): string => {
  const items = parts.map(
    (part, index) =>
      `<Part><PartNumber>${index + 1}</PartNumber><ETag>"${hash("md5", part)}"</ETag></Part>`,
  );
  return `<CompleteMultipartUpload>${items.join("")}</CompleteMultipartUpload>`;
};

const idOf = ({ text }: Reply) => /<UploadId>(.*)<\/UploadId>/.exec(text)?.[1] ?? "";

test("parts become one object, and only by the key and the list that belong to them", async () => {
  const parts = ["0123456789".repeat(600_000), BODY];
  const uploadId = idOf(await step("POST", { uploads: "" }));
  for (const [index, part] of parts.entries()) {
    const { status } = await step("PUT", { uploadId, partNumber: `${index + 1}` }, part);
    expect(status).toBe(200);
  }

  const other = await step(
    "POST",
    { uploadId },
    completion(parts),
    "/acme-media/published/other.jpg",
  );
  expect(other.code).toBe("NoSuchUpload");
  for (const [xml, code] of [
    [completion([parts[0] ?? "", "other"]), "InvalidPart"],
    ["<CompleteMultipartUpload>", "MalformedXML"],
    ["<CompleteMultipartUpload></CompleteMultipartUpload>", "MalformedXML"],
  ] as const) {
    expect((await step("POST", { uploadId }, xml)).code).toBe(code);
  }
  expect(puts).toEqual([]);

  expect((await step("POST", { uploadId }, "x".repeat(4_000_001))).code).toBe("EntityTooLarge");
  expect((await step("POST", { uploadId }, completion(parts))).status).toBe(200);
  expect(puts).toMatchObject([
    { path: "PUT /local-media/published/fig.jpg", body: parts.join("") },
  ]);
  expect(changes).toHaveLength(1);
  expect((await step("DELETE", { uploadId })).code).toBe("NoSuchUpload");
});

test("an upload in parts keeps the type of its first step, and the last one may have conditions", async () => {
  const path = "/acme-media/published/fig.jpg";
  const headers = { "content-type": "image/jpeg", "x-amz-meta-focus": "0.5,0.2" };
  const uploadId = idOf(
    await putSigned({ method: "POST", query: { uploads: "" }, body: "", path, headers }),
  );
  await step("PUT", { uploadId, partNumber: "1" }, BODY);

  const complete = (last: Readonly<Record<string, string>>) =>
    putSigned({ method: "POST", query: { uploadId }, body: completion([BODY]), headers: last });
  const wrong = await complete({ "x-amz-checksum-crc32": crc32("other") });
  expect([wrong.code, puts]).toEqual(["BadDigest", []]);
  expect((await complete({ "if-none-match": "*" })).code).toBe("PreconditionFailed");
  expect(changes).toEqual([]);

  expect((await complete({ "x-amz-checksum-crc32": crc32(BODY) })).status).toBe(200);
  expect(puts.at(-1)).toMatchObject({ headers, body: BODY });
});

describe("parts have limits", () => {
  const begin = (store: PartStore) => {
    const target = { bucket: "b", key: "fig.jpg" };
    const uploadId = store.begin(target.bucket, target.key, {});
    return typeof uploadId === "string" ? { ...target, uploadId } : expect.unreachable();
  };

  test("an upload that nobody has touched for ten minutes makes room for another one", () => {
    let now = 0;
    const store = createPartStore(() => now);
    for (let count = 0; count < 8; count += 1) begin(store);
    now = 10 * 60_000;
    expect(store.begin("b", "fig.jpg", {})).toMatchObject({ code: "SlowDown" });
    now += 1;
    begin(store);
  });

  test("an object has 100 MB, and all parts have 400 MB", () => {
    const store = createPartStore(Date.now);
    const part = Buffer.alloc(50_000_000);
    for (let count = 0; count < 4; count += 1) {
      const target = begin(store);
      for (const partNumber of [1, 2, 2])
        expect(store.add(target, partNumber, part)).toBeUndefined();
      expect(store.add(target, 3, Buffer.alloc(1))).toMatchObject({ code: "EntityTooLarge" });
    }
    expect(store.add(begin(store), 1, Buffer.alloc(1))).toMatchObject({ code: "SlowDown" });
  });

  test("parts are numbered from 1 to 10,000, and listed once, in ascending order", () => {
    const store = createPartStore(Date.now);
    const target = begin(store);
    for (const partNumber of [0, 10_001]) {
      expect(store.add(target, partNumber, Buffer.from("a"))).toMatchObject({
        code: "InvalidArgument",
      });
    }
    expect(store.add(target, 1, Buffer.from("a"))).toBeUndefined();
    const xml = completion(["a", "a"]).replace("<PartNumber>2<", "<PartNumber>1<");
    expect(store.join(target, xml)).toMatchObject({ code: "InvalidPartOrder" });
  });
});

test("small parts are refused before the last one, and so is an upload too many", async () => {
  const uploadId = idOf(await step("POST", { uploads: "" }));
  const ids = [uploadId];
  await step("PUT", { uploadId, partNumber: "1" }, "a");
  await step("PUT", { uploadId, partNumber: "2" }, "b");
  expect((await step("POST", { uploadId }, completion(["a", "b"]))).code).toBe("EntityTooSmall");

  for (let count = 1; count < 8; count += 1) ids.push(idOf(await step("POST", { uploads: "" })));
  expect((await step("POST", { uploads: "" })).code).toBe("SlowDown");
  for (const id of ids) expect((await step("DELETE", { uploadId: id })).status).toBe(204);
  expect(puts).toEqual([]);
});

test("a browser's page of this machine may ask, and gets the headers that it needs", async () => {
  const origin = "http://localhost:5173";
  const ask = {
    host: hostOf(),
    origin,
    "access-control-request-method": "PUT",
    "access-control-request-headers": "content-type",
  };
  expect(await send("OPTIONS", "/acme-media/a.jpg", ask, "")).toMatchObject({
    status: 200,
    headers: {
      "access-control-allow-origin": origin,
      "access-control-allow-methods": "PUT",
      "access-control-allow-headers": "content-type",
    },
  });
  for (const change of [
    { origin: "https://evil.example" },
    { origin: "null" },
    { "access-control-request-method": "DELETE" },
  ]) {
    expect((await send("OPTIONS", "/acme-media/a.jpg", { ...ask, ...change }, "")).status).toBe(
      403,
    );
  }
  const { headers } = await putPresigned({ headers: { origin } });
  expect([
    headers["access-control-allow-origin"],
    headers["access-control-expose-headers"],
  ]).toEqual([origin, "ETag, x-amz-request-id"]);
});

test("a bucket that the project does not have is named, and those that it has", async () => {
  const { text } = await putSigned({ path: "/acme-medai%00/fig.jpg" });
  expect(text).toMatch(/<Message>.*acme-medai\\u0000.*: acme-media, acme-bound<\/Message>/);
});

test("a port that another program uses is named, and what to do", async () => {
  const port = Number(new URL(uploads.url).port);
  expect(await startUploads({ ...options, port })).toEqual({
    fault: expect.stringMatching(
      new RegExp(
        `^Port ${port} is in use\\. Uploads need it, .* PORT=\\d+ before the same command$`,
      ),
    ),
  });
});

test("the terminal has what to paste, and no key that reads", () => {
  const { text, url } = uploads;
  expect(text.split("\n").slice(1, 5)).toEqual([
    `AWS_ENDPOINT_URL_S3=${url}`,
    "AWS_REGION=auto",
    `AWS_ACCESS_KEY_ID=${KEYS.accessKeyId}`,
    `AWS_SECRET_ACCESS_KEY=${KEYS.secretAccessKey}`,
  ]);
  expect(text).toContain("acme-media, acme-bound");
  expect(text).not.toContain(S3_KEYS.secretAccessKey);
});

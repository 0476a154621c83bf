// What the Worker asks S3 before it asks the edge: an object's first bytes, and its URL with a parameter.

import { hash } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import type { Credentials } from "../../src/worker/config/slot.ts";
import { sign } from "../../src/worker/origin/sigv4.ts";
import { createBucket, encodeSegments, letRead, putObject } from "./client.ts";
import { hardKeys } from "./hard-keys.ts";
import { REGION, theWorld, USERS } from "./world.ts";

const COUNT = 200;
const SIZE = 2_000;
const bucket = "first-bytes";
const keys = hardKeys(theWorld().seed, COUNT).map((key) => `photos/${key}`);
const META = { "x-amz-meta-focus": "0.25,0.75" };

/** The bytes of an object, which no other one has. */
const bytesOf = (key: string) => Buffer.alloc(SIZE, hash("sha256", key, "buffer"));

beforeAll(async () => {
  await createBucket(bucket);
  await letRead(bucket, "reader");
  for (const key of keys) await putObject(bucket, key, bytesOf(key), "image/png", META);
  await putObject(bucket, "short", "0123456789", "image/png");
  await putObject(bucket, "empty", "", "image/png");
  await createBucket("closed");
  await putObject("closed", "short", "0123456789", "image/png");
});

type HeadRequest = {
  readonly bucket?: string;
  /** The reader's by default. */
  readonly credentials?: Credentials;
  readonly query?: string;
  /** The query that is signed: by default the one that is sent. */
  readonly signed?: string;
};

async function askForHead(key: string, headRequest: HeadRequest = {}) {
  const { credentials = USERS.reader, query = "", signed = query } = headRequest;
  const url = `${theWorld().endpoint}/${headRequest.bucket ?? bucket}/${encodeSegments(key)}`;
  const answer = await fetch(url + query, {
    headers: {
      ...(await sign(url + signed, REGION, credentials, Date.now())),
      ...{ range: "bytes=0-1023", "accept-encoding": "identity" },
    },
  });
  const body = Buffer.from(await answer.arrayBuffer());
  const code = answer.ok ? undefined : /<Code>(\w+)</.exec(`${body}`)?.[1];
  return { status: answer.status, code, body, headers: answer.headers };
}

/** What S3 says of an object with its first bytes. */
const describe = ({ status, body, headers }: Awaited<ReturnType<typeof askForHead>>) => ({
  ...{ status, body: hash("sha256", body), date: headers.has("last-modified") },
  ...{ etag: headers.get("etag"), range: headers.get("content-range") },
  ...{ type: headers.get("content-type"), focus: headers.get("x-amz-meta-focus") },
});

const expectedOf = (key: string) => ({
  ...{ status: 206, body: hash("sha256", bytesOf(key).subarray(0, 1024)), date: true },
  ...{ etag: `"${hash("md5", bytesOf(key))}"`, range: `bytes 0-1023/${SIZE}` },
  ...{ type: "image/png", focus: META["x-amz-meta-focus"] },
});

const parameterOf = (key: string) => `?x-vitrine=${hash("sha256", key).slice(0, 32)}`;

test.for([
  ["without a parameter (A2, A14)", () => ""],
  ["with x-vitrine, which S3 ignores (A14, A15)", parameterOf],
] as const)("the first bytes of each key, %s", async ([_what, queryOf]) => {
  const wrong: unknown[] = [];
  for (const key of keys) {
    const described = describe(await askForHead(key, { query: queryOf(key) }));
    const expected = expectedOf(key);
    if (JSON.stringify(described) !== JSON.stringify(expected)) wrong.push([key, described]);
  }
  expect([wrong, keys.length]).toEqual([[], COUNT]);
});

test.for([
  ["over another value", (key: string) => parameterOf(`${key}.`)],
  ["over the URL without it", () => ""],
] as const)("a signature %s is refused for each key (A15)", async ([_what, signedOf]) => {
  const passed: unknown[] = [];
  for (const key of keys) {
    const query = parameterOf(key);
    const { status, code } = await askForHead(key, { query, signed: signedOf(key) });
    if (code !== "SignatureDoesNotMatch") passed.push([key, status, code]);
  }
  expect(passed).toEqual([]);
});

const { accessKeyId, secretAccessKey } = USERS.reader;
const WRONG_SECRET = { credentials: { accessKeyId, secretAccessKey: "wrong" } };
const FOREIGN_SECRET = { credentials: { ...USERS.owner, accessKeyId } };
const WRONG_ID = { credentials: { accessKeyId: "VITRINENOBODY", secretAccessKey } };
test.for([
  ["of an object that is shorter", "short", {}, 206, undefined],
  ["of an empty object", "empty", {}, 416, "InvalidRange"],
  ["of a missing one, to a key that lists", "no", { credentials: USERS.owner }, 404, "NoSuchKey"],
  ["of a missing one, to a key that may not", "no", {}, 403, "AccessDenied"],
  ["of an object that the key may not read", "short", { bucket: "closed" }, 403, "AccessDenied"],
  ["with a wrong secret", "short", WRONG_SECRET, 403, "SignatureDoesNotMatch"],
  ["with another user's secret", "short", FOREIGN_SECRET, 403, "SignatureDoesNotMatch"],
  ["with a wrong key id", "short", WRONG_ID, 403, "InvalidAccessKeyId"],
] as const)("the first bytes %s (A6, A7, A14)", async ([_what, key, headRequest, status, code]) => {
  const plain = await askForHead(key, headRequest);
  expect([plain.status, plain.code]).toEqual([status, code]);
  if (status === 206) expect(plain.headers.get("content-range")).toBe("bytes 0-9/10");
  const named = await askForHead(key, { ...headRequest, query: parameterOf(key) });
  expect([named.status, named.code]).toEqual([status, code]);
});

test("another focal point of the same bytes leaves their ETag as it is", async () => {
  const [key = ""] = keys;
  const meta = { "x-amz-meta-focus": "0.62,0.3" };
  await putObject(bucket, key, bytesOf(key), "image/png", meta); // this server copies nothing onto itself
  expect(describe(await askForHead(key))).toEqual({ ...expectedOf(key), focus: "0.62,0.3" });
});

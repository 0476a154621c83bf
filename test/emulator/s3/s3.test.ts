// The private bucket: which requests it refuses, and how it fails.

import { hash } from "node:crypto";
import { AwsV4Signer } from "aws4fetch";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HARD_KEYS } from "../../../src/dev/fixture-objects.ts";
import { createS3, type S3Fault } from "../../../src/emulator/s3/s3.ts";
import { bucketUrl } from "../../../src/worker/config/bucket-settings.ts";
import { originUrl } from "../../../src/worker/origin/object-url.ts";
import { sign } from "../../../src/worker/origin/sigv4.ts";
import { CREDENTIALS } from "../../support/env.ts";
import { S3_FAULT_ROWS } from "../../support/tables/s3-faults.ts";

const ENDPOINT = "https://s3.eu-west-1.amazonaws.com";
const REGION = "eu-west-1";
const KEY = "photos/fig.jpg";
const NOW = Date.UTC(2026, 10, 24, 9);
const VIRTUAL = bucketUrl(ENDPOINT, "acme-media", "virtual");
const PATH = bucketUrl(ENDPOINT, "acme-media", "path");
const FIG = originUrl(VIRTUAL, KEY);
const OBJECT = { body: new TextEncoder().encode("an object"), type: "image/jpeg" };
const R2 = "https://account.r2.cloudflarestorage.com";

const settings = {
  ...{ endpoint: ENDPOINT, bucket: "acme-media", region: REGION },
  ...{ credentials: CREDENTIALS, now: () => NOW },
};
const s3 = createS3(settings);
const r2 = createS3({ ...settings, endpoint: R2, region: "auto", dialect: "r2" });

beforeEach(() => {
  for (const { objects } of [s3, r2]) objects.set(KEY, OBJECT);
});
afterEach(() => s3.faults.clear());

/** The answer of S3: its status, and its code or the object. */
async function fetchObject(
  url: string,
  headers: HeadersInit,
  store = url.startsWith(R2) ? r2 : s3,
  method = "GET",
) {
  const answer = await store.fetch(url, { method, headers });
  const text = await answer.text();
  return { answer, text, reply: `${answer.status} ${/<Code>(\w+)/.exec(text)?.[1] ?? text}` };
}

const replyOf = async (...args: Parameters<typeof fetchObject>) =>
  (await fetchObject(...args)).reply;

const signed = async (url: string, at = NOW, region = REGION) =>
  new Headers(await sign(url, region, CREDENTIALS, at));

/** Signs as another program does. */
const signBy = (options: Partial<ConstructorParameters<typeof AwsV4Signer>[0]> & { url: string }) =>
  new AwsV4Signer({
    ...{ service: "s3", region: REGION, datetime: "20261124T090000Z", ...CREDENTIALS },
    ...options,
  }).sign();

test.each([VIRTUAL, PATH])("a signed request below %s gets the object (A4)", async (baseUrl) => {
  const url = originUrl(baseUrl, KEY);
  expect(await replyOf(url, await signed(url))).toBe("200 an object");
  expect(await replyOf(url, {})).toBe("403 AccessDenied");
});

test("R2 has another code than AWS for a request without a signature (A7)", async () => {
  const url = originUrl(bucketUrl(R2, "acme-media", "path"), KEY);
  expect(await replyOf(url, {})).toBe("400 InvalidArgument");
});

test.each(HARD_KEYS)("the key %j is found in both dialects (A2, A10)", async (key) => {
  for (const [{ objects }, baseUrl, region] of [
    [s3, VIRTUAL, REGION],
    [r2, bucketUrl(R2, "acme-media", "path"), "auto"],
  ] as const) {
    objects.set(key, { body: new TextEncoder().encode(key), type: "text/plain" });
    const url = originUrl(baseUrl, key);
    expect(await replyOf(url, await signed(url, NOW, region))).toBe(`200 ${key}`);
  }
});

test("a path that is not spelt as it was signed: AWS accepts it, R2 does not (A2)", async () => {
  for (const [baseUrl, region, reply] of [
    [PATH, REGION, "200 an object"],
    [bucketUrl(R2, "acme-media", "path"), "auto", "403 SignatureDoesNotMatch"],
  ] as const) {
    const headers = await signed(originUrl(baseUrl, KEY), NOW, region);
    const spelt = originUrl(baseUrl, KEY).replace("fig", "%66ig");
    expect(await replyOf(spelt, headers)).toBe(reply);
  }
});

test("a signed request that is changed is a 403 (A1)", async () => {
  const url = originUrl(VIRTUAL, KEY);
  const changes: [url: string, change?: [name: string, value: string]][] = [
    ...[`${url}x`, `${url}?x=1`, url.replace("acme-media.", "")].map((one): [string] => [one]),
    [url, ["x-amz-date", "20261124T090001Z"]],
    [url, ["x-amz-content-sha256", hash("sha256", "")]],
  ];
  for (const [sent, change] of changes) {
    const headers = await signed(url);
    if (change) headers.set(...change);
    const { reply } = await fetchObject(sent, headers);
    expect([sent, change, reply]).toEqual([sent, change, "403 SignatureDoesNotMatch"]);
  }
  const { answer } = await fetchObject(url, await signed(url), s3, "HEAD");
  expect(answer.status).toBe(403);
});

const set = (name: string, value: string) => (sent: Headers) => sent.set(name, value);
const spoil = (pattern: RegExp, replacement: string) => (sent: Headers) =>
  sent.set("authorization", `${sent.get("authorization")}`.replace(pattern, replacement));
const MALFORMED = "400 AuthorizationHeaderMalformed";

test.each<[string, (headers: Headers) => void, string]>([
  ["no date", (sent) => sent.delete("x-amz-date"), "403 AccessDenied"],
  ["no payload hash", (sent) => sent.delete("x-amz-content-sha256"), "400 InvalidRequest"],
  ["another hash", set("x-amz-content-sha256", "0".repeat(64)), "400 XAmzContentSHA256Mismatch"],
  ["an x-amz- header that is not signed", set("x-amz-security-token", "x"), "403 AccessDenied"],
  ["a day that differs from its date", spoil(/20261124/, "20261123"), MALFORMED],
  ["a signature that does not cover the host", spoil(/=host;/, "="), "403 AccessDenied"],
  ["another scheme", spoil(/.*/, "Bearer x"), "400 InvalidArgument"],
  ["half a header", spoil(/.*/, "AWS4-HMAC-SHA256 Credential=x"), MALFORMED],
])("a request with %s is refused (A1)", async (_what, change, reply) => {
  const url = originUrl(VIRTUAL, KEY);
  const headers = await signed(url);
  change(headers);
  expect(await replyOf(url, headers)).toBe(reply);
});

type Signer = { readonly at?: number; readonly region?: string; readonly by?: typeof CREDENTIALS };
const MINUTE = 60_000;
const UNKNOWN = { by: { ...CREDENTIALS, accessKeyId: "AKIAUNKNOWN" } };
const IN_R2 = originUrl(bucketUrl(R2, "acme-media", "path"), KEY);
const US_EAST = originUrl(VIRTUAL, KEY).replace(REGION, "us-east-1");

test.each<[what: string, url: string, reply: string, Signer?]>([
  ["a clock that is 14.9 minutes behind (A7)", FIG, "200 an object", { at: NOW - 14.9 * MINUTE }],
  ["a clock that is 14.9 minutes ahead (A7)", FIG, "200 an object", { at: NOW + 14.9 * MINUTE }],
  ["a clock that is behind (A8)", FIG, "403 RequestTimeTooSkewed", { at: NOW - 15.1 * MINUTE }],
  ["a clock that is ahead (A8)", FIG, "403 RequestTimeTooSkewed", { at: NOW + 15.1 * MINUTE }],
  ["an unknown key id (A7)", FIG, "403 InvalidAccessKeyId", UNKNOWN],
  ["an unknown key id at R2 (A7)", IN_R2, "401 Unauthorized", { ...UNKNOWN, region: "auto" }],
  ["the host of another region (A5)", US_EAST, "301 PermanentRedirect"],
  ["the longest key (A10)", originUrl(VIRTUAL, "k".repeat(1024)), "404 NoSuchKey"],
  ["a longer key (A10)", originUrl(VIRTUAL, "k".repeat(1025)), "400 KeyTooLongError"],
  ["a key that only looks the same (A10)", originUrl(VIRTUAL, "cafe\u0301"), "404 NoSuchKey"],
  ["a missing object (A6)", originUrl(VIRTUAL, "nothing.jpg"), "404 NoSuchKey"],
  ["another bucket (A4)", originUrl(PATH.replace("media", "other"), KEY), "404 NoSuchBucket"],
])("a request with %s", async (_what, url, reply, { at = NOW, region = REGION, by } = {}) => {
  s3.objects.set("caf\u00e9", { body: new Uint8Array(1), type: "image/jpeg" });
  const result = await fetchObject(url, await sign(url, region, by ?? CREDENTIALS, at));
  expect(result.reply).toBe(reply);
  const home = reply.startsWith("301") ? REGION : null;
  expect(result.answer.headers.get("x-amz-bucket-region")).toBe(home);
});

test("the key of a session is known only with its token, until the token expires (A7, A11)", async () => {
  const accessKeyId = "ASIAEXAMPLE";
  const session = { ...CREDENTIALS, sessionToken: "token", expires: NOW + 1000 };
  const endpoint = "https://s3.eu-north-1.amazonaws.com";
  const region = "eu-north-1";
  const sessions = new Map([[accessKeyId, session]]);
  const withSessions = createS3({ ...settings, endpoint, region, sessions });
  withSessions.objects.set(KEY, OBJECT);
  const url = originUrl(bucketUrl(endpoint, "acme-media", "path"), KEY);
  const { headers } = await signBy({ url, region, ...session, accessKeyId });
  expect(await replyOf(url, headers, withSessions)).toBe("200 an object");
  const otherToken = new Headers(headers);
  otherToken.set("x-amz-security-token", "another");
  expect(await replyOf(url, otherToken, withSessions)).toBe("400 InvalidToken");
  withSessions.faults.add("expired-token");
  expect(await replyOf(url, headers, withSessions)).toBe("400 ExpiredToken");
  headers.delete("x-amz-security-token");
  expect(await replyOf(url, headers, withSessions)).toBe("403 InvalidAccessKeyId");
});

const refused = Object.entries(S3_FAULT_ROWS).flatMap(([fault, { s3, key }]) =>
  s3
    ? [[fault, s3.answer, s3.xml ?? /^<.xml.*<Message>[^<]+<.Message>/s, key ?? KEY] as const]
    : [],
);

test.each(refused)("%s: %s (A5, A6, A7, A9)", async (fault, reply, text, key) => {
  s3.faults.add(fault as S3Fault);
  const url = originUrl(VIRTUAL, key);
  const result = await fetchObject(url, await signed(url));
  expect(result.reply).toBe(reply);
  expect(result.text).toMatch(text);
  expect(result.answer.headers.get("content-type")).toBe("application/xml");
  const redirected = result.answer.status === 301 || result.answer.status === 307;
  expect(result.answer.headers.get("x-amz-bucket-region")).toBe(redirected ? "eu-central-1" : null);
});

test("after a 307, a signature for the new region and host opens the bucket (A5)", async () => {
  s3.faults.add("elsewhere-307");
  const url = originUrl(VIRTUAL, KEY);
  const { answer } = await fetchObject(url, await signed(url));
  const home = answer.headers.get("location") ?? "";
  expect(home).toBe(url.replace(REGION, "eu-central-1"));
  expect(await replyOf(home, await signed(url))).toBe(MALFORMED);
  expect(await replyOf(home, await signed(home, NOW, "eu-central-1"))).toBe("200 an object");
});

test("a key reads what its policy allows, and nothing else (A13)", async () => {
  const limited = createS3({ ...settings, readable: "photos/" });
  for (const key of [KEY, "private/fig.jpg"]) {
    limited.objects.set(key, OBJECT);
    const url = originUrl(VIRTUAL, key);
    const reply = key === KEY ? "200 an object" : "403 AccessDenied";
    expect(await replyOf(url, await signed(url), limited)).toBe(reply);
  }
});

test("a dot in the name of a bucket breaks TLS in the host, but not in the path (A4)", async () => {
  const dotted = createS3({ ...settings, bucket: "acme.media" });
  dotted.objects.set(KEY, OBJECT);
  const inHost = originUrl(bucketUrl(ENDPOINT, "acme.media", "virtual"), KEY);
  await expect(fetchObject(inHost, await signed(inHost), dotted)).rejects.toThrow();
  const inPath = originUrl(bucketUrl(ENDPOINT, "acme.media", "path"), KEY);
  expect(await replyOf(inPath, await signed(inPath), dotted)).toBe("200 an object");
});

test("only reading is implemented, and errors are XML", async () => {
  const url = originUrl(VIRTUAL, "a<b&c>");
  const { text } = await fetchObject(url, await signed(url));
  expect(text).toContain("<Key>a&lt;b&amp;c&gt;</Key>");
  const { headers } = await signBy({ url, method: "PUT" });
  expect(await replyOf(url, headers, s3, "PUT")).toBe("405 MethodNotAllowed");
});

test("a presigned URL opens the bucket until it expires (A1)", async () => {
  const url = `${originUrl(VIRTUAL, KEY)}?X-Amz-Expires=60`;
  for (const [datetime, reply] of [
    ["20261124T085930Z", "200 an object"],
    ["20261124T085830Z", "403 AccessDenied"],
  ] as const) {
    const { url: presigned } = await signBy({ url, signQuery: true, datetime });
    expect(await replyOf(presigned.href, {})).toBe(reply);
    presigned.searchParams.set("X-Amz-Expires", `${7 * 24 * 3600 + 1}`);
    expect(await replyOf(presigned.href, {})).toBe("400 AuthorizationQueryParametersError");
    presigned.searchParams.set("X-Amz-Expires", "600");
    expect(await replyOf(presigned.href, {})).toBe("403 SignatureDoesNotMatch");
  }
});

describe("the first bytes of an object", () => {
  const url = originUrl(VIRTUAL, KEY);
  const stored = {
    ...OBJECT,
    type: "image/png",
    metadata: { focus: "0.5,0.5" },
    encoding: "aws-chunked",
    lastModified: new Date("2026-11-20T00:00:00Z"),
  };
  const metadataHeaders = ["content-type", "content-encoding", "last-modified", "x-amz-meta-focus"];
  const facts = ["image/png", "aws-chunked", "Fri, 20 Nov 2026 00:00:00 GMT", "0.5,0.5"];
  const askWith = async (more: Record<string, string>) => {
    const headers = await signed(url);
    for (const [name, value] of Object.entries(more)) headers.set(name, value);
    return fetchObject(url, headers);
  };
  beforeEach(() => void s3.objects.set(KEY, stored));

  test.each([
    ["bytes=3-5", "206 obj", "bytes 3-5/9", "3"],
    ["bytes=0-1023", "206 an object", "bytes 0-8/9", "9"],
  ])("%s: %s, with all that is known of the object (A14)", async (range, reply, part, length) => {
    const result = await askWith({ range });
    const { headers } = result.answer;
    expect(result.reply).toBe(reply);
    expect(metadataHeaders.map((name) => headers.get(name))).toEqual(facts);
    expect(headers.get("etag")).toMatch(/^"[0-9a-f]{32}"$/);
    expect([headers.get("content-range"), headers.get("content-length")]).toEqual([part, length]);
  });

  test("a range without a byte is 416 (A14)", async () => {
    const { answer } = await askWith({ range: "bytes=9-" });
    expect([answer.status, answer.headers.get("content-range")]).toEqual([416, "bytes */9"]);
    s3.objects.set(KEY, { ...stored, body: new Uint8Array() });
    expect((await askWith({ range: "bytes=0-1023" })).reply).toBe("416 InvalidRange");
  });

  test("a 304 has no metadata (A14)", async () => {
    const etag = (await askWith({})).answer.headers.get("etag") ?? "";
    const { answer } = await askWith({ range: "bytes=0-1023", "if-none-match": etag });
    expect([answer.status, answer.headers.get("etag")]).toEqual([304, etag]);
    expect(answer.headers.has("x-amz-meta-focus")).toBe(false);
    expect(answer.headers.has("content-type")).toBe(false);
  });

  test.each([
    ["3858f62230ac3c915f300c664312c11f-9", '"3858f62230ac3c915f300c664312c11f-9"'],
    [null, null],
  ])("with the etag %s (A17)", async (etag, expected) => {
    s3.objects.set(KEY, { ...stored, etag });
    const { headers } = (await askWith({ range: "bytes=0-1" })).answer;
    expect(headers.get("etag")).toBe(expected);
    expect(headers.get("last-modified")).toBe(facts[2]);
    expect(headers.get("content-range")).toBe("bytes 0-1/9");
  });

  test("another server may send the whole object (A14)", async () => {
    s3.faults.add("ignores-range");
    const { reply, answer } = await askWith({ range: "bytes=0-1" });
    expect([reply, answer.headers.has("content-range")]).toEqual(["200 an object", false]);
  });

  test.each([
    ["bytes=0-3", "206 an o"],
    ["bytes=0-1023", undefined],
  ])("%s: it breaks off after half of the object (A14)", async (range, expected) => {
    s3.faults.add("cut-short");
    const request = askWith({ range });
    if (expected === undefined) await expect(request).rejects.toThrow();
    else expect((await request).reply).toBe(expected);
  });
});

describe("a query that begins with x-", () => {
  const url = `${originUrl(VIRTUAL, KEY)}?x-vitrine=0123456789abcdef0123456789abcdef`;

  test("means nothing to S3, and is signed (A15)", async () => {
    const headers = await signed(url);
    expect(await replyOf(url, headers)).toBe("200 an object");
    for (const changed of [url.replace(/.$/, "0"), `${url}0`, url.replace(/[?].*/, "")]) {
      expect(await replyOf(changed, headers)).toBe("403 SignatureDoesNotMatch");
    }
  });

  test("may be refused by another server, which still lists (A15)", async () => {
    s3.faults.add("refuses-query");
    expect(await replyOf(url, await signed(url))).toBe("400 InvalidArgument");
    const list = `${VIRTUAL}?list-type=2`;
    expect((await fetchObject(list, await signed(list))).answer.status).toBe(200);
  });
});

test("the requests of the edge differ from those of the Worker (E3)", async () => {
  const named = createS3(settings);
  for (const via of ["1.1 image-resizing-proxy", undefined, "1.1 a-proxy"]) {
    await named.fetch(originUrl(VIRTUAL, KEY), { headers: via === undefined ? {} : { via } });
  }
  const count = (sender: "edge" | "worker") => named.requestsBy(sender).length;
  expect([count("edge"), count("worker")]).toEqual([1, 2]);
});

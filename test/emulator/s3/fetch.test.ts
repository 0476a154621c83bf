// The `fetch` of the strict S3: what it answers, and how it fails where no answer comes. No network.

import { beforeEach, describe, expect, test } from "vitest";
import { createEdge } from "../../../src/emulator/create-edge.ts";
import { createS3, type S3 } from "../../../src/emulator/s3/s3.ts";
import { sign } from "../../../src/worker/origin/sigv4.ts";
import { file } from "../../support/emulators.ts";
import { CREDENTIALS } from "../../support/env.ts";

const REGION = "eu-west-1";
const HOST = "acme-media.s3.eu-west-1.amazonaws.com";
const URL_OF_KEY = `https://${HOST}/key.jpg`;
const SETTINGS = { endpoint: `https://s3.${REGION}.amazonaws.com`, region: REGION };

let s3: S3;

beforeEach(() => {
  s3 = createS3({ ...SETTINGS, bucket: "acme-media", credentials: CREDENTIALS });
  s3.objects.set("key.jpg", { body: file("made/key.jpg"), type: "image/jpeg" });
});

const signed = async (url = URL_OF_KEY) =>
  new Headers(await sign(url, REGION, CREDENTIALS, Date.now()));

/** Returns how a request fails: the code of its cause, or its own message. */
async function failure(startFetch: Promise<unknown>): Promise<unknown> {
  const error: unknown = await startFetch.then(
    () => "it does not fail",
    (reason: unknown) => reason,
  );
  if (!(error instanceof TypeError)) return error;
  const { message, cause } = error;
  return cause instanceof Error && "code" in cause ? [message, cause.code] : message;
}

test.each([
  [URL_OF_KEY, true],
  [`https://HOST/acme-media/key.jpg`.replace("HOST", `s3.${REGION}.amazonaws.com`), true],
  ["https://acme-media.s3.us-east-2.amazonaws.com/key.jpg", true], // A5: it says where it is
  [`https://other.s3.${REGION}.amazonaws.com/`, true], // A4: there is no such bucket
  [`http://${HOST}/key.jpg`, false],
  [`https://${HOST}.example/key.jpg`, false],
  [`https://${HOST.replaceAll(".", "x")}/key.jpg`, false],
  ["https://images.example/key.jpg", false],
  ["key.jpg", false],
])("whether %s leads to this S3: %s", (url, leads) => {
  expect(s3.matches(url)).toBe(leads);
  if (URL.canParse(url)) {
    expect(s3.matches(new URL(url))).toBe(leads);
    expect(s3.matches(new Request(url))).toBe(leads);
  }
});

test("a signed request gets the object, in whichever form it is asked; any other does not (A1)", async () => {
  const headers = await signed();
  for (const input of [URL_OF_KEY, new URL(URL_OF_KEY), new Request(URL_OF_KEY)]) {
    const answer = await s3.fetch(input, { headers });
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(file("made/key.jpg"));
    expect((await s3.fetch(input)).status).toBe(403);
  }
  expect(s3.requests.map(({ url }) => url)).toEqual(Array(6).fill(URL_OF_KEY));
});

test("it tells what it answered (A4, A6, A9)", async () => {
  const { answers, faults } = s3;
  const ask = async (url: string) => s3.fetch(url, { headers: await signed(url) }).catch(() => {});
  const missing = [`https://${HOST}/no.jpg`, URL_OF_KEY.replace("acme-media", "acme-medai")];
  for (const url of [URL_OF_KEY, ...missing]) await ask(url);
  for (const fault of ["SlowDown", "reset"] as const) {
    faults.add(fault);
    await ask(URL_OF_KEY);
  }
  expect(answers).toEqual([
    ...[{ status: 200 }, { status: 404, code: "NoSuchKey" }, { status: 404, code: "NoSuchBucket" }],
    ...[{ status: 503, code: "SlowDown" }, { code: "ECONNRESET" }],
  ]);
});

test("a path that is malformed is refused, and not a failure (A2)", async () => {
  const url = `https://${HOST}/%zz`;
  for (const headers of [{}, await signed(url)]) await s3.fetch(url, { headers });
  const refused = { status: 400, code: "InvalidURI" };
  expect(s3.answers).toEqual([refused, refused]);
});

test("where no answer comes, it fails as the global fetch does (A4, R3)", async () => {
  const skewed = createS3({ ...SETTINGS, bucket: "acme.media", credentials: CREDENTIALS });
  const dotted = skewed.fetch(URL_OF_KEY.replace("acme-media", "acme.media"));
  expect(await failure(dotted)).toEqual(["fetch failed", "ERR_TLS_CERT_ALTNAME_INVALID"]);
  expect(await failure(s3.fetch("https://a.example/"))).toEqual(["fetch failed", "ENOTFOUND"]);
  const edge = createEdge({ zone: "images.example", fetch: s3.fetch });
  const answer = await edge.fetch("https://images.example/a.jpg", { cf: { image: { width: 1 } } });
  expect([answer.status, answer.headers.get("cf-resized")]).toEqual([523, "err=9407"]);
});

describe("a signal ends", () => {
  const reason = new Error("enough");

  test("a request before it is sent", async () => {
    expect(await failure(s3.fetch(URL_OF_KEY, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(s3.requests).toEqual([]);
  });

  test("a wait for the rest of an object", async () => {
    s3.faults.add("stall-midway");
    const controller = new AbortController();
    const headers = await signed();
    const answer = await s3.fetch(URL_OF_KEY, { headers, signal: controller.signal });
    expect(answer.status).toBe(200);
    const reading = answer.arrayBuffer();
    controller.abort(reason);
    expect(await failure(reading)).toBe(reason);
  });
});

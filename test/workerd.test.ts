// The built bundle in the real Workers runtime: against an S3 played by msw, whose answers workerd's
// own stand-in for the edge transforms, and against the local S3 that `npm start` uses.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { HttpResponse, http, passthrough } from "msw";
import { setupServer } from "msw/node";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestHarness } from "wrangler";
import { fillBucket } from "../fixtures/local/fill.ts";
import { localBuckets, localKeys, originConfig } from "../fixtures/local/origin.ts";
import { BROKEN, HARD_KEYS } from "../fixtures/objects.ts";
import { originUrl } from "../src/origin.ts";
import { BUILT, ROOT } from "./built.ts";
import { BASE, CREDENTIALS, SECRETS, VARS } from "./env.ts";
import { s3Error, signatureFault } from "./s3.ts";

const file = (name: string) => readFileSync(join(ROOT, "fixtures/objects", name));
const MODERN = { accept: "image/avif,image/webp,*/*" };
const worker = { configPath: "wrangler.toml", prebuiltWorkerDir: BUILT };

const network = setupServer();
beforeAll(() => network.listen({ onUnhandledFrame: "error" }));
afterEach(() => network.resetHandlers());
afterAll(() => network.close());

/** Reads an answer's image as a browser would. */
async function picture(answer: { arrayBuffer(): Promise<ArrayBuffer> }) {
  const bytes = Buffer.from(await answer.arrayBuffer());
  const { format, compression, width, height, exif, orientation } = await sharp(bytes).metadata();
  return {
    bytes,
    kind: format === "heif" ? compression : format,
    width,
    height,
    exif,
    orientation,
  };
}

test("the bundle is small: under 10 KiB gzipped", () => {
  expect(gzipSync(readFileSync(join(BUILT, "index.js"))).length).toBeLessThan(10 * 1024);
});

describe("against a mocked S3", () => {
  const server = createTestHarness({
    root: ROOT,
    workers: [{ ...worker, vars: { ...VARS, ANSWERS: { timeout: 2 } }, secrets: SECRETS }],
  });
  let seen: Request[];
  let play: () => Response | Promise<Response>;

  beforeAll(async () => {
    await server.listen();
  });
  afterAll(() => server.close());
  beforeEach(() => {
    server.clearLogs();
    seen = [];
    play = () =>
      new HttpResponse(file("photos/fig.jpg"), { headers: { "content-type": "image/jpeg" } });
    network.use(
      http.get(`${BASE}*`, async ({ request }) => {
        seen.push(new Request(request.url, { headers: request.headers }));
        const fault = await signatureFault(request.url, request.headers, "eu-west-1", CREDENTIALS);
        return fault === undefined ? play() : s3Error(403, fault);
      }),
    );
  });
  const lines = () => server.getLogs().map(({ message }): unknown => JSON.parse(message));

  test.each<[string, string]>([
    ["image/avif,image/webp", "av1"],
    ["image/webp", "webp"],
    ["*/*", "jpeg"],
  ])("to Accept %s the answer is %s", async (accept, kind) => {
    const answer = await server.fetch("/images/card@2x/photos/fig.jpg", { headers: { accept } });
    expect(answer.status).toBe(200);
    expect(await picture(answer)).toMatchObject({ kind, width: 320, height: 320 });
    expect(seen.map(({ url }) => url)).toEqual([`${BASE}published/photos/fig.jpg`]);
  });

  test.each(HARD_KEYS)("the key %j arrives rightly signed", async (key) => {
    const answer = await server.fetch(`/images/card/${encodeURIComponent(key)}`);
    expect(answer.status).toBe(200);
    expect(seen.map(({ url }) => url)).toEqual([originUrl(BASE, `published/${key}`)]);
    await answer.body?.cancel();
  });

  test("HEAD has GET's headers, and no body", async () => {
    const [get, head] = [
      await server.fetch("/images/card/k", { headers: MODERN }),
      await server.fetch("/images/card/k", { headers: MODERN, method: "HEAD" }),
    ];
    await get.body?.cancel();
    const named = (headers: Iterable<[string, string]>) =>
      [...headers].filter(([name]) => !["server-timing", "transfer-encoding"].includes(name));
    expect(named(head.headers)).toEqual(named(get.headers));
    expect(await head.text()).toBe("");
  });

  test("what the edge could not transform does not come out (R2)", async () => {
    play = () => new HttpResponse("<!doctype html>", { headers: { "content-type": "image/jpeg" } });
    const answer = await server.fetch("/images/card/k");
    expect([answer.status, await answer.text()]).toEqual([502, "Not available\n"]);
    expect(lines()).toMatchObject([{ event: "not-transformed", bucket: "media" }]);
  });

  test("a failing origin is asked twice, and no more", async () => {
    play = () => s3Error(503, "SlowDown");
    const answer = await server.fetch("/images/card/k");
    expect([answer.status, await answer.text()]).toEqual([502, "Not available\n"]);
    expect(seen).toHaveLength(2);
    expect(lines()).toMatchObject([{ event: "origin-failed", origin: "SlowDown" }]);
  });

  test("a silent origin is a 504 in time, asked once", async () => {
    play = () => new Promise<never>(() => {});
    const answer = await server.fetch("/images/card/k");
    expect([answer.status, await answer.text()]).toEqual([504, "Timed out\n"]);
    expect(seen).toHaveLength(1);
  });

  test("what cannot be costs no subrequest", async () => {
    for (const path of ["/images/nope/k", "/images/card/..%2fk", "/images/card/%ff", "/x"]) {
      expect((await server.fetch(path)).status).toBe(404);
    }
    expect((await server.fetch("/images/card/k", { method: "POST" })).status).toBe(405);
    expect(seen).toEqual([]);
  });
});

describe("against the local S3", () => {
  const origin = join(ROOT, ".wrangler/test/origin.json");
  const main = join(ROOT, "fixtures/local/bucket.ts");
  writeFileSync(origin, JSON.stringify(originConfig(main, ["acme-media"])));
  const server = createTestHarness();
  let address: string;
  const keys = localKeys();
  const secrets = {
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  };

  /** The Worker's port is known only once it listens, and its configuration names it. */
  async function configure(change: Partial<typeof secrets> = {}): Promise<void> {
    const BUCKETS = localBuckets(VARS.BUCKETS, `${address}cdn-cgi/local/r2/s3`);
    await server.update({
      root: ROOT,
      workers: [
        { ...worker, vars: { ...VARS, BUCKETS }, secrets: { ...secrets, ...change } },
        { configPath: origin },
      ],
    });
  }

  beforeAll(async () => {
    address = "http://127.0.0.1:1/";
    await configure();
    address = (await server.listen()).url.href;
    await configure();
    expect((await server.listen()).url.href).toBe(address);
    network.use(http.all(`${address}*`, () => passthrough()));
    await fillBucket(`${address}cdn-cgi/local/r2/s3/acme-media/`, "published/", keys, () => {});
  });
  afterAll(() => server.close());
  beforeEach(() => network.use(http.all(`${address}*`, () => passthrough())));

  test.each<[string, string]>([
    ["image/avif,image/webp", "av1"],
    ["image/webp", "webp"],
    ["*/*", "jpeg"],
  ])("to Accept %s a photograph is %s", async (accept, kind) => {
    const answer = await server.fetch("/images/card/photos/dandelion.jpg", { headers: { accept } });
    expect(await picture(answer)).toMatchObject({ kind, width: 160, height: 160 });
  });

  test.each(HARD_KEYS)("the key %j is served", async (key) => {
    const answer = await server.fetch(`/images/card/${encodeURIComponent(key)}`);
    expect(await picture(answer)).toMatchObject({ kind: "jpeg", width: 160, height: 160 });
  });

  test("a photograph stored on its side stands upright, without its GPS (O9)", async () => {
    const answer = await server.fetch("/images/tall/rotated-gps.jpg");
    const { bytes, ...found } = await picture(answer);
    expect(found).toMatchObject({ width: 300, height: 400, exif: undefined });
    expect(bytes.includes("GPS") || bytes.includes("Vitrine")).toBe(false);
    const { data } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    const [red, , blue] = data.subarray(0, 3);
    expect(red).toBeGreaterThan(150);
    expect(blue).toBeLessThan(80);
  });

  test("transparency stays, an animation is stilled (O8)", async () => {
    const ring = await server.fetch("/images/card/transparent.png", { headers: MODERN });
    expect((await sharp(Buffer.from(await ring.arrayBuffer())).stats()).isOpaque).toBe(false);
    const gif = await server.fetch("/images/card/animated.gif");
    expect((await sharp(Buffer.from(await gif.arrayBuffer())).metadata()).pages ?? 1).toBe(1);
  });

  test("an animation is asked for only after it is known to be a GIF (O8, R9)", async () => {
    for (const key of ["animated.gif", "photos/fig.jpg"]) {
      const answer = await server.fetch(`/images/moving/${key}`, { headers: MODERN });
      expect(await picture(answer)).toMatchObject({ kind: "webp", width: 200 });
    }
  });

  test.each(BROKEN)("not a byte of $key comes out", async ({ key }) => {
    for (const headers of [MODERN, { accept: "*/*" }]) {
      const answer = await server.fetch(`/images/card/${key}`, { headers });
      expect([answer.status, await answer.text()]).toEqual([502, "Not available\n"]);
    }
  });

  test("a missing object is a 404", async () => {
    expect((await server.fetch("/images/card/nothing.jpg")).status).toBe(404);
  });

  test("the bucket is private", async () => {
    const at = `${address}cdn-cgi/local/r2/s3/acme-media/published/photos/fig.jpg`;
    expect((await fetch(at)).ok).toBe(false);
  });

  test("with a wrong secret the log says so, and the visitor is told nothing", async () => {
    await configure({ AWS_SECRET_ACCESS_KEY: "wrong" });
    server.clearLogs();
    const answer = await server.fetch("/images/card/photos/fig.jpg");
    expect([answer.status, await answer.text()]).toEqual([502, "Not available\n"]);
    expect(server.getLogs().map(({ message }): unknown => JSON.parse(message))).toMatchObject([
      { event: "origin-denied", origin: "SignatureDoesNotMatch", bucket: "media" },
    ]);
  });
});

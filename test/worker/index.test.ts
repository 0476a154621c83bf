// The images that the Worker shows, and its requests to the edge.

import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { EdgeSettings } from "../../src/emulator/edge/settings.ts";
import { STRICT } from "../../src/emulator/edge/switches.ts";
import { createS3 } from "../../src/emulator/s3/s3.ts";
import { file, network } from "../support/emulators.ts";
import { BUCKET_URL, CREDENTIALS, ENV, VARS } from "../support/env.ts";
import { handlersOf } from "../support/network.ts";
import {
  arrange,
  disableCache,
  forgetCached,
  get,
  logged,
  MODERN,
  put,
  stage,
} from "../support/run-worker.ts";

/** Decodes a picture as a browser does. */
async function decode(answer: Response) {
  expect(answer.status).toBe(200);

  const bytes = Buffer.from(await answer.arrayBuffer());
  const { format, compression, width, height, exif, pages = 1 } = await sharp(bytes).metadata();
  const kind = compression ?? format; // "av1" for an AVIF

  return { kind, width, height, exif, pages };
}

/** The URL by which the edge gets an object: with 32 hex digits of a hash of its ETag (A15). */
function sourceUrlOf(key: string): RegExp {
  const url = RegExp.escape(`${BUCKET_URL}published/${key}?x-vitrine=`);
  return new RegExp(`^${url}[0-9a-f]{32}$`);
}

/** The formats that the Worker asked of the edge, one for each request. */
const requestedFormats = () => stage.edgeRequests.map(({ image }) => image.format);

test("a private object is shown at a preset's size (E1, R1, R5, R7)", async () => {
  const answer = await get("/images/card/photos/fig.jpg", { headers: MODERN });

  expect(stage.edgeRequests).toHaveLength(1);
  expect(stage.edgeRequests[0]?.request.url).toMatch(sourceUrlOf("photos/fig.jpg"));
  expect(stage.edgeRequests[0]?.image).toEqual({
    width: 160,
    height: 160,
    fit: "cover",
    format: "avif",
    metadata: "none",
    anim: false,
    "origin-auth": "share-publicly",
  });

  expect(Object.fromEntries(answer.headers)).toEqual({
    "content-type": "image/avif",
    "content-length": expect.stringMatching(/^\d+$/),
    etag: expect.stringMatching(/^W\/"[0-9a-f]{32}"$/),
    "cache-control": "public, max-age=600",
    vary: "accept",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
    "server-timing": expect.stringMatching(/^cache;desc=miss, edge;dur=\d+$/),
  });

  expect(await decode(answer)).toMatchObject({ kind: "av1", width: 160, height: 160 });
  expect(logged()).toEqual([]);
});

test("nothing of the visitor's request is sent to the edge (A1, E1, E3, E4)", async () => {
  const headers = {
    cookie: "session=1",
    accept: "image/webp",
    authorization: "Bearer x",
    range: "bytes=0-9",
    "if-none-match": '"x"',
    "x-amz-security-token": "x",
    "user-agent": "visitor",
    via: "1.1 proxy",
  };

  const answer = await get("/images/card/key.jpg?width=9000&format=json", { headers });

  expect(answer.status).toBe(200);

  const request = stage.edgeRequests[0]?.request;
  expect(request?.method).toBe("GET");
  expect(request?.url).toMatch(sourceUrlOf("key.jpg"));

  const names = [...(request?.headers.keys() ?? [])];
  expect(names).toEqual(["authorization", "x-amz-content-sha256", "x-amz-date"]);
});

test.each([
  { format: "webp", accept: "image/png,*/*", kind: "webp" },
  { format: "webp", accept: "image/avif", kind: "webp" },
  { format: "avif", accept: "*/*", kind: "av1" },
  { format: "jpeg", accept: MODERN.accept, kind: "jpeg" },
  { format: "png-force", accept: MODERN.accept, kind: "png" },
])(
  "a preset of the format $format is that to Accept $accept, too (O6)",
  async ({ format, accept, kind }) => {
    const card = { width: 160, format };
    const env = { ...ENV, PRESETS: { ...VARS.PRESETS, card } };

    const answer = await get("/images/card/photos/fig.jpg", { headers: { accept } }, env);

    expect(await decode(answer.clone())).toMatchObject({ kind, width: 160 });
    expect(answer.headers.has("vary")).toBe(false);
    expect(requestedFormats()).toEqual([format]);
  },
);

test.each([
  {
    addressing: "path",
    endpoint: "https://s3.eu-west-1.amazonaws.com",
    bucketUrl: "https://s3.eu-west-1.amazonaws.com/acme-media",
  },
  {
    addressing: "virtual",
    endpoint: "https://s3.minio.example",
    bucketUrl: "https://acme-media.s3.minio.example",
  },
])(
  "addressing $addressing may replace the default of $endpoint (A4)",
  async ({ addressing, endpoint, bucketUrl }) => {
    arrange({ sources: [new URL(bucketUrl).host] });
    const { media } = VARS.BUCKETS;
    const { bucket, region } = media;
    const s3 = createS3({ endpoint, bucket, region, credentials: CREDENTIALS, now: Date.now });
    for (const [key, object] of stage.s3.objects) s3.objects.set(key, object);

    network.use(...handlersOf(s3));

    const env = { ...ENV, BUCKETS: { media: { ...media, endpoint, addressing } } };
    const answer = await get("/images/card/key.jpg", {}, env);
    await Promise.all(stage.pendingWork);

    expect(answer.status).toBe(200);

    const url = `${bucketUrl}/published/key.jpg`;
    const edgeUrl = expect.stringContaining(`${url}?x-vitrine=`);

    expect(s3.requests.map((request) => request.url)).toEqual([url, edgeUrl, url]);
  },
);

test("for all variants and formats of an object, the edge fetches it once, at one price a variant (C1, C2, L2)", async () => {
  for (const accept of ["image/avif", "image/webp", "*/*"]) {
    for (const variant of ["card", "card@2x", "plain"]) {
      const answer = await get(`/images/${variant}/key.jpg`, { headers: { accept } });
      expect(answer.status).toBe(200);
    }
  }

  expect(stage.edge.originFetches).toHaveLength(1);
  expect(stage.edge.transformations.size).toBe(3);
});

test("HEAD has GET's headers and no body; the edge gets a GET (E4)", async () => {
  disableCache(); // both requests are to reach the edge

  const got = await get("/images/card/key.jpg");
  const head = await get("/images/card/key.jpg", { method: "HEAD" });

  got.headers.delete("server-timing"); // durations differ
  head.headers.delete("server-timing");

  expect([...head.headers]).toEqual([...got.headers]);
  expect(head.status).toBe(200);
  expect(head.body).toBe(null);
  expect(stage.edgeRequests.map(({ request }) => request.method)).toEqual(["GET", "GET"]);
});

describe("a visitor who has the picture", () => {
  const PATH = "/images/card/key.jpg";
  const LATER = "Fri, 01 Jan 2100 00:00:00 GMT";

  /** How the gateway gets a rendition: out of Workers Cache, from the entrypoint, or by itself. */
  const WAYS = [
    { way: "hit", env: ENV },
    { way: "miss", env: ENV },
    { way: "direct", env: { ...ENV, ANSWERS: { ...VARS.ANSWERS, keep: 0 } } },
  ];

  describe.each(WAYS)("($way)", ({ way, env }) => {
    async function visit(headers: Record<string, string>, method = "GET") {
      if (way === "miss") forgetCached();

      const answer = await get(PATH, { method, headers }, env);
      const body = await answer.clone().bytes();

      return { answer, bytes: body.length };
    }

    /** Gets the whole picture, and its tag in both spellings. */
    async function visitFirst() {
      const { answer, bytes } = await visit({});
      const etag = answer.headers.get("etag") ?? "";

      expect(etag).toMatch(/^W\/"[0-9a-f]{32}"$/);

      const strong = etag.slice("W/".length);
      return { etag, strong, bytes };
    }

    test.each(["GET", "HEAD"])(
      "gets a 304 to %s, however its tag is spelt (R4, R10)",
      async (method) => {
        const { etag, strong } = await visitFirst();
        const conditions = [etag, strong, `"x", ${etag}`, `W/"x",${strong}`, "*"];

        for (const condition of conditions) {
          const { answer, bytes } = await visit({ "if-none-match": condition }, method);

          expect(answer.status, condition).toBe(304);
          expect(bytes, condition).toBe(0);
          expect(answer.headers.get("etag")).toBe(etag);
          expect(answer.headers.get("cache-control")).toBe("public, max-age=600");
          expect(answer.headers.get("vary")).toBe("accept");
        }
      },
    );

    test("never gets a part of it, which could be of other bytes (R5, W9)", async () => {
      const { etag, strong, bytes } = await visitFirst();
      const ranges = ["bytes=0-9", "bytes=-1", "bytes=0-", "bytes=999999-", "bytes=0-1,4-5"];

      for (const range of ranges) {
        for (const ifRange of ["", etag, strong, LATER]) {
          const headers = { range, ...(ifRange && { "if-range": ifRange }) };
          const context = `${range} ${ifRange}`;

          const got = await visit(headers);
          expectWhole(got.answer, bytes, context);
          expect(got.bytes).toBe(bytes);

          const head = await visit(headers, "HEAD");
          expectWhole(head.answer, bytes, context);
          expect(head.bytes).toBe(0);

          const { answer } = await visit({ ...headers, "if-none-match": strong });
          expect(answer.status, context).toBe(304);
        }
      }
    });

    function expectWhole({ status, headers }: Response, bytes: number, context: string): void {
      expect(status, context).toBe(200);
      expect(headers.get("content-length")).toBe(`${bytes}`);
      expect(headers.has("content-range")).toBe(false);
    }
  });
});

test("without an ETag of S3's, its date and length name the object", async () => {
  disableCache();

  async function etagOf(day: string): Promise<string | null> {
    put("k", "made/key.jpg", { etag: null, lastModified: new Date(day) });
    const answer = await get("/images/card/k");

    return answer.headers.get("etag");
  }

  const first = await etagOf("2026-11-24");
  const second = await etagOf("2026-11-25");
  const again = await etagOf("2026-11-25");

  expect(first).toMatch(/^W\/"[0-9a-f]{32}"$/);
  expect(second).not.toBe(first);
  expect(again).toBe(second);
});

test("a photograph stored on its side stands upright, without its GPS (O9)", async () => {
  const answer = await get("/images/tall/rotated-gps.jpg");

  const picture = await decode(answer.clone());
  expect(picture).toMatchObject({ width: 300, height: 400, exif: undefined });

  // Its upper side is red. Turned the other way, it would be blue.
  const pixels = await sharp(await answer.arrayBuffer())
    .raw()
    .toBuffer();
  const [red, , blue] = pixels;

  expect(red).toBeGreaterThan(150);
  expect(blue).toBeLessThan(80);
});

test("an animation that is no GIF is requested still: untransformed, it could not be recognized (O8)", async () => {
  const gif = sharp(file("made/animated.gif"), { animated: true });
  put("k", await gif.webp().toBuffer());

  const answer = await get("/images/moving/k", { headers: MODERN });

  expect(await decode(answer)).toMatchObject({ kind: "webp", width: 200, pages: 1 });
  expect(stage.edgeRequests.map(({ image }) => image.anim)).toEqual([false]);
});

const TOO_LARGE = { limits: { ...STRICT.limits, animation: 1 } };
const SMALLER = { originalIsSmaller: { comparedBy: "sides", sent: "original" } } as const;

test.each<{ title: string; settings: Partial<EdgeSettings>; formats: string[] }>([
  { title: "an animation too large", settings: TOO_LARGE, formats: ["webp", "webp"] },
  { title: "an animation that is smaller", settings: SMALLER, formats: ["webp"] },
  {
    title: "one that is both",
    settings: { ...TOO_LARGE, ...SMALLER },
    formats: ["webp", "webp"],
  },
])("$title costs few subrequests, of 50 that there are (L3)", async ({ settings, formats }) => {
  arrange(settings);

  const answer = await get("/images/moving/animated.gif", { headers: MODERN });

  expect(answer.status).toBe(200);
  expect(requestedFormats()).toEqual(formats);
});

test("the key needs to do no more than to read objects (A13)", async () => {
  stage.s3.faults.add("no-list-bucket");

  const answer = await get("/images/card/key.jpg");
  await Promise.all(stage.pendingWork);

  expect(answer.status).toBe(200);
  expect(stage.s3.requests.map(({ method }) => method)).toEqual(["GET", "GET", "GET"]);
});

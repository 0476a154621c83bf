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
async function picture(answer: Response) {
  expect(answer.status).toBe(200);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const { format, compression, width, height, exif, pages = 1 } = await sharp(bytes).metadata();
  return { kind: compression ?? format, width, height, exif, pages };
}

/** The URL of an object for the edge (A15). */
const sourceOf = (key: string) =>
  new RegExp(`^${RegExp.escape(`${BUCKET_URL}published/${key}?x-vitrine=`)}[0-9a-f]{32}$`);

test("a private object is shown at a preset's size (E1, R1, R5, R7)", async () => {
  const answer = await get("/images/card/photos/fig.jpg", { headers: MODERN });
  expect(stage.edgeRequests).toHaveLength(1);
  expect(stage.edgeRequests[0]?.request.url).toMatch(sourceOf("photos/fig.jpg"));

  const options = { fit: "cover", format: "avif", metadata: "none", anim: false };
  const sides = { width: 160, height: 160 };
  const auth = { "origin-auth": "share-publicly" };

  expect(stage.edgeRequests[0]?.image).toEqual({ ...sides, ...options, ...auth });
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
  expect(await picture(answer)).toMatchObject({ kind: "av1", width: 160, height: 160 });
  expect(logged()).toEqual([]);
});

test("nothing of the visitor's request is sent to the edge (A1, E1, E3, E4)", async () => {
  const answer = await get("/images/card/key.jpg?width=9000&format=json", {
    headers: {
      ...{ cookie: "session=1", accept: "image/webp", authorization: "Bearer x" },
      ...{ range: "bytes=0-9", "if-none-match": '"x"', "x-amz-security-token": "x" },
      ...{ "user-agent": "visitor", via: "1.1 proxy" },
    },
  });

  expect(answer.status).toBe(200);

  const { request } = stage.edgeRequests[0] ?? {};
  expect(request?.method).toBe("GET");
  expect(request?.url).toMatch(sourceOf("key.jpg"));

  const signed = ["authorization", "x-amz-content-sha256", "x-amz-date"];
  expect([...(request?.headers.keys() ?? [])]).toEqual(signed);
});

test.each<[string, string, string]>([
  ["webp", "image/png,*/*", "webp"],
  ["webp", "image/avif", "webp"],
  ["avif", "*/*", "av1"],
  ["jpeg", MODERN.accept, "jpeg"],
  ["png-force", MODERN.accept, "png"],
])("a preset of the format %s is that to Accept %s, too (O6)", async (format, accept, kind) => {
  const env = { ...ENV, PRESETS: { ...VARS.PRESETS, card: { width: 160, format } } };
  const answer = await get("/images/card/photos/fig.jpg", { headers: { accept } }, env);
  expect(await picture(answer.clone())).toMatchObject({ kind, width: 160 });
  expect(answer.headers.has("vary")).toBe(false);
  expect(stage.edgeRequests.map(({ image }) => image.format)).toEqual([format]);
});

test.each<[string, string, string]>([
  ["path", "https://s3.eu-west-1.amazonaws.com", "https://s3.eu-west-1.amazonaws.com/acme-media"],
  ["virtual", "https://s3.minio.example", "https://acme-media.s3.minio.example"],
])("addressing %s may replace the default of %s (A4)", async (addressing, endpoint, bucketUrl) => {
  arrange({ sources: [new URL(bucketUrl).host] });
  const { media } = VARS.BUCKETS;
  const { bucket, region } = media;
  const s3 = createS3({ endpoint, bucket, region, credentials: CREDENTIALS, now: Date.now });
  for (const [key, object] of stage.s3.objects) s3.objects.set(key, object);

  network.use(...handlersOf(s3));
  const env = { ...ENV, BUCKETS: { media: { ...media, endpoint, addressing } } };
  expect((await get("/images/card/key.jpg", {}, env)).status).toBe(200);

  const url = `${bucketUrl}/published/key.jpg`;
  const source = expect.stringContaining(`${url}?x-vitrine=`);
  await Promise.all(stage.pendingWork);

  expect(s3.requests.map((request) => request.url)).toEqual([url, source, url]);
});

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
  const named = (answer: Response) => [...answer.headers].filter(([n]) => n !== "server-timing");

  expect(named(head)).toEqual(named(got));
  expect([head.status, head.body]).toEqual([200, null]);
  expect(stage.edgeRequests.map(({ request }) => request.method)).toEqual(["GET", "GET"]);
});

describe("a visitor who has the picture", () => {
  const PATH = "/images/card/key.jpg";
  const LATER = "Fri, 01 Jan 2100 00:00:00 GMT";

  /** How the gateway gets a rendition: out of Workers Cache, from the entrypoint, or by itself. */
  const WAYS = [
    ["hit", ENV],
    ["miss", ENV],
    ["direct", { ...ENV, ANSWERS: { ...VARS.ANSWERS, keep: 0 } }],
  ] as const;

  describe.each(WAYS)("(%s)", (way, env) => {
    const ask = async (headers: Record<string, string>, method = "GET") => {
      if (way === "miss") forgetCached();
      const answer = await get(PATH, { method, headers }, env);
      return { answer, bytes: (await answer.clone().bytes()).length };
    };

    test.each(["GET", "HEAD"])(
      "gets a 304 to %s, however its tag is spelt (R4, R10)",
      async (method) => {
        const etag = (await ask({})).answer.headers.get("etag") ?? "";
        const strong = etag.slice(2);
        expect(etag).toMatch(/^W\/"[0-9a-f]{32}"$/);

        for (const condition of [etag, strong, `"x", ${etag}`, `W/"x",${strong}`, "*"]) {
          const { answer, bytes } = await ask({ "if-none-match": condition }, method);
          expect([condition, answer.status, bytes]).toEqual([condition, 304, 0]);
          expect(answer.headers.get("etag")).toBe(etag);
          expect(answer.headers.get("cache-control")).toBe("public, max-age=600");
          expect(answer.headers.get("vary")).toBe("accept");
        }
      },
    );

    test("never gets a part of it, which could be of other bytes (R5, W9)", async () => {
      const whole = await ask({});
      const etag = whole.answer.headers.get("etag") ?? "";
      const strong = etag.slice(2);

      for (const range of ["bytes=0-9", "bytes=-1", "bytes=0-", "bytes=999999-", "bytes=0-1,4-5"]) {
        for (const ifRange of ["", etag, strong, LATER]) {
          const headers = { range, ...(ifRange && { "if-range": ifRange }) };
          for (const method of ["GET", "HEAD"]) {
            const { answer, bytes } = await ask(headers, method);
            expect([range, ifRange, answer.status]).toEqual([range, ifRange, 200]);
            expect(bytes).toBe(method === "GET" ? whole.bytes : 0);
            expect(answer.headers.get("content-length")).toBe(`${whole.bytes}`);
            expect(answer.headers.has("content-range")).toBe(false);
          }

          const { answer } = await ask({ ...headers, "if-none-match": strong });
          expect([range, ifRange, answer.status]).toEqual([range, ifRange, 304]);
        }
      }
    });
  });
});

test("without an ETag of S3's, its date and length name the object", async () => {
  disableCache();
  const etags = [];

  for (const day of ["2026-11-24", "2026-11-25", "2026-11-25"]) {
    put("k", "made/key.jpg", { etag: null, lastModified: new Date(day) });
    etags.push((await get("/images/card/k")).headers.get("etag"));
  }

  expect(etags[0]).toMatch(/^W\/"[0-9a-f]{32}"$/);
  expect(etags[1]).not.toBe(etags[0]);
  expect(etags[2]).toBe(etags[1]);
});

test("a photograph stored on its side stands upright, without its GPS (O9)", async () => {
  const answer = await get("/images/tall/rotated-gps.jpg");
  expect(await picture(answer.clone())).toMatchObject({ width: 300, height: 400, exif: undefined });
  const [red = 0, , blue = 0] = await sharp(await answer.arrayBuffer())
    .raw()
    .toBuffer();
  expect([red > 150, blue < 80]).toEqual([true, true]);
});

test("an animation that is no GIF is requested still: untransformed, it could not be recognized (O8)", async () => {
  put("k", await sharp(file("made/animated.gif"), { animated: true }).webp().toBuffer());
  const answer = await get("/images/moving/k", { headers: MODERN });
  expect(await picture(answer)).toMatchObject({ kind: "webp", width: 200, pages: 1 });
  expect(stage.edgeRequests.map(({ image }) => image.anim)).toEqual([false]);
});

const TOO_LARGE = { limits: { ...STRICT.limits, animation: 1 } };
const SMALLER = { originalIsSmaller: { comparedBy: "sides", sent: "original" } } as const;

test.each<[string, Partial<EdgeSettings>, string[]]>([
  ["an animation too large", TOO_LARGE, ["webp", "webp"]],
  ["an animation that is smaller", SMALLER, ["webp"]],
  ["one that is both", { ...TOO_LARGE, ...SMALLER }, ["webp", "webp"]],
])("%s costs few subrequests, of 50 that there are (L3)", async (_what, settings, formats) => {
  arrange(settings);
  expect((await get("/images/moving/animated.gif", { headers: MODERN })).status).toBe(200);
  expect(stage.edgeRequests.map(({ image }) => image.format)).toEqual(formats);
});

test("the key needs to do no more than to read objects (A13)", async () => {
  stage.s3.faults.add("no-list-bucket");
  expect((await get("/images/card/key.jpg")).status).toBe(200);
  await Promise.all(stage.pendingWork);
  expect(stage.s3.requests.map(({ method }) => method)).toEqual(["GET", "GET", "GET"]);
});

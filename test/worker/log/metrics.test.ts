// The data points that the whole Worker writes: one a request, with the columns of docs/metrics.md, and
// nothing of the visitor.

import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { dataPoint } from "../../../src/worker/log/metrics.ts";
import { ENV, HEALTH_TOKEN, VARS } from "../../support/env.ts";
import { get, lines, MODERN, put, stage, stopDate, wait } from "../../support/run-worker.ts";

type Point = Required<AnalyticsEngineDataPoint>;

/** An `env` whose dataset records the data points. */
function recording(more: object = {}) {
  const points: Point[] = [];
  const writeDataPoint = ({ indexes = [], blobs = [], doubles = [] }: AnalyticsEngineDataPoint) =>
    void points.push({ indexes, blobs, doubles });
  return { points, env: { ...ENV, HEALTH_TOKEN, METRICS: { writeDataPoint }, ...more } };
}

const IMAGES = "/images/:preset/*";
const AVIF = [IMAGES, "card", "avif"];
const PRIVATE = "/private/:preset/*";
const FOREIGN = { headers: { origin: "https://evil.example" } };
const PREFLIGHT = { method: "OPTIONS", headers: { origin: "https://app.example" } };
const limit = async () => ({ success: false });

/** A data point's blobs in one line: a dash is an empty one. */
const blobsOf = (line: string) => line.split(" ").map((blob) => (blob === "-" ? "" : blob));

const KEY = "/images/card/key.jpg";
const ICON = "/icons/card/a.svg";
const GONE = "/images/card/missing.jpg";
const ROUTE = { path: IMAGES, object: "media/*" };
const FACTS = { ROUTES: [{ ...ROUTE, facts: true }] };
const FALLBACK = { ROUTES: [{ ...ROUTE, fallback: "media/key.jpg" }] };
const GUESS = { headers: { authorization: "Bearer x" } };
const VIA = { headers: { via: "1.1 image-resizing-proxy", authorization: "AWS4-HMAC-SHA256 " } };
const HEAD = { method: "HEAD", headers: MODERN };
const LIMITED = { RATE_LIMITER: { limit } };

type Row = [
  what: string,
  path: string,
  blobs: string,
  init?: RequestInit,
  hasImage?: boolean,
  more?: object,
];

test.each<Row>([
  ["an image", KEY, `${IMAGES} card avif 200 shown miss media`, { headers: MODERN }, true],
  ["a variant", "/images/card@2x/key.jpg", `${IMAGES} card@2x jpeg 200 shown miss media`, {}, true],
  ["HEAD", KEY, `${IMAGES} card avif 200 shown miss media`, HEAD],
  ["an SVG (R8)", ICON, "/icons/:preset/* card svg+xml 200 shown miss media", {}, true],
  ["facts", `${KEY}?facts`, `${IMAGES} card json 200 shown miss media`, {}, true, FACTS],
  ["a fallback", GONE, `${IMAGES} card - 404 object-missing miss media`, {}, true, FALLBACK],
  ["no route", "/nothing/key.jpg", "- - - 404 no-such-route - -"],
  ["no variant", "/images/nope/key.jpg", `${IMAGES} - - 404 no-such-variant - -`],
  ["an impossible key", "/images/card/..%2fk", `${IMAGES} card - 404 impossible-key - media`],
  ["a missing object", "/images/card/no.jpg", `${IMAGES} card - 404 object-missing miss media`],
  ["a foreign page", "/app/card/key.jpg", "/app/:preset/* - - 403 foreign-page - -", FOREIGN],
  ["no signature", "/private/card/key.jpg", `${PRIVATE} card - 404 signature-wrong - media`],
  ["no image", "/images/card/broken/page.jpg", `${IMAGES} card - 415 source-unreadable miss media`],
  ["one above the limit", KEY, `${IMAGES} card - 429 rate-limited - media`, {}, false, LIMITED],
  ["no presets", KEY, "- - - 500 configuration-broken - -", {}, false, { PRESETS: {} }],
  ["another method", KEY, "- - - 405 method-not-allowed - -", { method: "POST" }],
  ["a loop", KEY, "- - - 508 loop-detected - -", VIA],
  ["a preflight", "/app/card/key.jpg", "- - - 204 - - -", PREFLIGHT],
  ["health", "/healthz", "- - - 200 - - -"],
  ["health, denied", "/healthz", "- - - 401 health-denied - -", GUESS],
])("%s is one data point", async (_what, path, blobs, init = {}, hasImage, more = {}) => {
  const { points, env } = recording(more);
  put("icons/a.svg", "broken/script.svg", { type: "image/svg+xml" });
  const { length } = await (await get(path, init, env)).bytes();
  if (hasImage) expect(length).toBeGreaterThan(0);
  const doubles = [expect.toSatisfy((ms: number) => ms >= 0), hasImage ? length : 0];
  expect(points).toEqual([{ indexes: [points[0]?.blobs[0]], blobs: blobsOf(blobs), doubles }]);
});

test("an origin that fails is one data point, with the time that the visitor waited", async () => {
  stopDate();
  stage.s3.faults.add("SlowDown");
  vi.stubGlobal("scheduler", { wait: async () => wait(2) }); // before it asks once more

  const { points, env } = recording();
  await get(KEY, {}, env);
  const blobs = [IMAGES, "card", "", "502", "origin-failed", "miss", "media"];

  expect(points).toEqual([{ indexes: [IMAGES], blobs, doubles: [2000, 0] }]);
});

test("a 304 is one data point without bytes", async () => {
  const { points, env } = recording();
  const answer = await get(KEY, { headers: MODERN }, env);
  const headers = { ...MODERN, "if-none-match": answer.headers.get("etag") ?? "" };

  expect((await get(KEY, { headers }, env)).status).toBe(304);
  expect(points).toHaveLength(2);

  const blobs = [...AVIF, "304", "shown", "hit", "media"];
  expect(points[1]).toEqual({ indexes: [IMAGES], blobs, doubles: [expect.any(Number), 0] });
});

test("the cache is where the rendition came from (W11)", async () => {
  stopDate();
  const ANSWERS = { keep: 100, stale: 100 };
  const { points, env } = recording({ ANSWERS });
  const uncached = recording({ ANSWERS: { keep: 0 } });

  for (const [seconds, variables] of [
    [0, env],
    [99, env],
    [2, env],
    [0, uncached.env],
  ] as const) {
    wait(seconds);
    await get(KEY, { headers: MODERN }, variables);
    await stage.cache.settled();
  }

  const all = [...points, ...uncached.points].map(({ blobs }) => blobs.slice(3, 6));
  expect(all).toEqual(["miss", "hit", "stale", "direct"].map((cache) => ["200", "shown", cache]));
});

const sizeOf = (text: string) => new TextEncoder().encode(text).length;

test.each<{ title: string; route: string; index: string }>([
  { title: "97 bytes", route: "a".repeat(97), index: "a".repeat(96) },
  {
    title: "two bytes each, beside the limit",
    route: `a${"é".repeat(50)}`,
    index: `a${"é".repeat(47)}`,
  },
  { title: "four bytes each", route: `/${"🖼".repeat(30)}`, index: `/${"🖼".repeat(23)}` },
])("an index of $title is cut at 96 bytes, between two characters", ({ route, index }) => {
  const { indexes, blobs } = dataPoint({ route, status: 200, ms: 12, bytes: 3456 });
  expect(indexes).toEqual([index]);
  expect(blobs[0]).toEqual(route);
});

test("no texts make a data point that Analytics Engine refuses", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 4000, size: "max" }),
    fc
      .constantFrom("\ud800", "\udc00", "🖼", "é", "✓", "a")
      .chain((unit) => fc.nat(9000).map((times) => unit.repeat(times))),
  );

  const records = fc.record({ route: text, preset: text, event: text, cache: text, bucket: text });
  fc.assert(
    fc.property(records, fc.double(), fc.double(), (all, ms, bytes) => {
      const { indexes, blobs, doubles } = dataPoint({
        ...all,
        format: "avif",
        status: 200,
        ms,
        bytes,
      });

      const texts = [all.route, all.preset, "avif", "200", all.event, all.cache, all.bucket];
      for (const [at, blob] of blobs.entries()) {
        expect(texts[at]?.startsWith(`${blob}`)).toBe(true);
        // A position inside a pair of surrogates is that of one character.
        const { length } = `${blob}`;
        expect(texts[at]?.codePointAt(length - 1) ?? 0).toBeLessThan(0x1_00_00);
      }

      expect(blobs.reduce((sum, blob) => sum + sizeOf(`${blob}`), 0)).toBeLessThanOrEqual(16_000);
      expect(indexes.map((index) => sizeOf(`${index}`) <= 96)).toEqual([true]);
      expect(doubles.every((double) => Number.isFinite(double) && double >= 0)).toBe(true);
    }),
  );
});

/** A text that is in no route, preset, bucket or event. */
const MARK = "q7Zk";
const marked = fc
  .tuple(fc.string({ unit: "binary", maxLength: 30 }), fc.string({ maxLength: 30 }))
  .map(([before, after]) => `${before.toWellFormed()}${MARK}${after}`);

test("no key, address, query or name that a visitor made up is in a data point, whatever it is", async () => {
  const { points, env } = recording();
  const names = Object.keys(VARS.PRESETS).flatMap((name) => [name, `${name}@1x`, `${name}@2x`]);
  const allowed = new Set([
    ...[...names, ...[640, 1920, 200, 400, 600, 800, 1000].map((width) => `hero@${width}w`)],
    ...[...VARS.ROUTES.map(({ path }) => path), "media", "shown"],
    ...["", "avif", "webp", "jpeg", "png", "gif", "svg+xml", "hit", "stale", "miss", "direct"],
  ]);

  const requests = fc.record({
    path: fc.constantFrom(
      ...["/images/card/", "/images/hero@640w/", "/images/", "/private/card/", "/app/card/", "/"],
      ...["/avatars/", "/images/card@", "/images/card/key.jpg?", "/healthz?", "/healthz/"],
    ),
    text: marked,
    method: fc.constantFrom("GET", "HEAD", "OPTIONS", MARK),
    address: fc.ipV4().map((address) => `${address}/${MARK}`),
  });

  for (const { path, text, method, address } of fc.sample(requests, { numRuns: 400, seed: 7 })) {
    const headers = {
      "cf-connecting-ip": address,
      referer: `https://${MARK}.example/`,
      "user-agent": MARK,
      authorization: `Bearer ${MARK}`,
      accept: `image/${MARK}`,
      "x-forwarded-for": address,
    };
    const before = points.length;

    await get(`${path}${encodeURIComponent(text)}`, { method, headers }, env);
    expect(points).toHaveLength(before + 1);

    const { indexes = [], blobs = [] } = points.at(-1) ?? {};
    expect(JSON.stringify(points.at(-1))).not.toContain(MARK);

    const strange = [...indexes, ...blobs].filter((value) => !allowed.has(`${value}`));
    expect(strange.filter((value) => !/^\d{3}$|^[a-z]+(?:-[a-z]+)+$/.test(`${value}`))).toEqual([]);
  }
});

test("a binding that throws fails no request, and is logged once a minute", async () => {
  stopDate();
  const writeDataPoint = () => {
    throw new TypeError("no more than 25 data points");
  };
  const env = { ...ENV, METRICS: { writeDataPoint } };

  for (const pause of [0, 1, 58, 1, 59, 1]) {
    wait(pause);
    expect((await get(KEY, {}, env)).status).toBe(200);
    expect((await get(KEY, { method: "HEAD" }, env)).status).toBe(200);
  }

  const reason = "TypeError: no more than 25 data points";
  expect(stage.logged).toEqual(
    [1, 6, 4].map((lost) => ({ level: "error", line: { event: "metrics-failed", lost, reason } })),
  );
});

test("what is no dataset is a mistake", async () => {
  for (const value of ["on", { writeDataPoint: true }, null, true]) {
    stage.logged = [];
    expect((await get(KEY, {}, { ...ENV, METRICS: value })).status).toBe(500);
    const mistakes = [`METRICS: ${JSON.stringify(value)} is not an Analytics Engine binding`];
    expect(lines()).toMatchObject([{ mistakes }]);
  }
});

// The day on which `cf-resized` says something that nobody knows: a picture is shown if its own bytes prove that the edge has
// made them, and no original ever is.

import sharp, { type Sharp } from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { guard, type SourceObject } from "../../../src/worker/edge/guard.ts";
import { isRefusal } from "../../../src/worker/http/refusal.ts";
import { HEAD_BYTES, HEADER_BYTES } from "../../../src/worker/origin/opened-object.ts";
import { describeSource } from "../../../src/worker/origin/sides.ts";
import { sniff } from "../../../src/worker/origin/sniff.ts";
import type { TransformRequest } from "../../../src/worker/request/transform-request.ts";
import { stopTimers } from "../../support/clock.ts";
import { CORPUS, corpusBytes } from "../../support/corpus.ts";
import { ENV, HEALTH_TOKEN, TRANSFORM_REQUEST, VARS } from "../../support/env.ts";
import {
  arrange,
  disableCacheInEachTest,
  get,
  lines,
  MODERN,
  put,
  settle,
  stage,
  stopDates,
  wait,
} from "../../support/run-worker.ts";
import { envWith, store } from "../../support/worker-with-store.ts";

const DATE = "Tue, 24 Nov 2026 09:00:00 GMT";
const UNKNOWN = { "cf-resized": "outcome=done; q=0" };
const SMALLER = 'cf-images 299 "original is smaller"';

type Format = "jpeg" | "png" | "webp" | "avif" | "gif";

const draw = (width: number, height: number): Sharp =>
  sharp({ create: { width, height, channels: 3, background: "teal" } });

const drawAs = (format: Format, width: number, height: number) =>
  draw(width, height).toFormat(format).toBuffer();

/** Pictures by name: their format, and their sides. */
const PICTURES = {
  original: ["jpeg", 400, 300],
  "smaller jpeg": ["jpeg", 200, 150],
  "narrower jpeg": ["jpeg", 399, 300],
  "larger jpeg": ["jpeg", 800, 600],
  "wider jpeg": ["jpeg", 401, 200],
  "turned jpeg": ["jpeg", 300, 400],
  "same webp": ["webp", 400, 300],
  "larger webp": ["webp", 800, 600],
  "smaller avif": ["avif", 200, 150],
  png: ["png", 400, 300],
  gif: ["gif", 200, 150],
} as const satisfies Record<string, readonly [Format, number, number]>;
type Name = keyof typeof PICTURES | "page" | "svg" | "nothing";

const bytes = new Map<string, Uint8Array>([
  ["page", Buffer.from("<!DOCTYPE html><title>original</title>")],
  ["svg", Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>')],
  ["nothing", new Uint8Array()],
]);
beforeAll(async () => {
  for (const [name, [format, width, height]] of Object.entries(PICTURES)) {
    bytes.set(name, await drawAs(format, width, height));
  }
});

/** Asks the guard about a picture as the edge's answer for an object. */
function look(
  firstBytes: Uint8Array,
  object: Uint8Array,
  headers: Record<string, string>,
  { head = HEADER_BYTES, type = sniff(object), status = 200, svg = false } = {},
) {
  const described: SourceObject = { etag: "a:1", lastModified: DATE, type };
  const source = describeSource({ type, length: object.length }, object.subarray(0, head));
  const format = svg ? undefined : TRANSFORM_REQUEST.format;
  const request: TransformRequest = { ...TRANSFORM_REQUEST, source, svg, format };
  const reply = { status, headers: new Headers({ ...UNKNOWN, ...headers }), text: "" };
  return guard(reply, request, described, firstBytes);
}

const bytesOf = (name: Name) => bytes.get(name) ?? expect.unreachable(name);

type Refused = [what: Name, type: string, headers?: Record<string, string>, change?: object];

test.each<Refused>([
  ["original", "image/jpeg"],
  ["original", "image/avif"],
  ["original", "image/webp"],
  ["larger jpeg", "image/jpeg"],
  ["wider jpeg", "image/jpeg"],
  ["turned jpeg", "image/jpeg"],
  ["smaller jpeg", "image/avif"],
  ["same webp", "image/avif"],
  ["same webp", "image/jpeg"],
  ["same webp", "text/html"],
  ["same webp", ""],
  ["page", "image/webp"],
  ["svg", "image/svg+xml", {}, { svg: true }],
  ["nothing", "image/webp"],
  // The sides or the type of the object are not known.
  ["smaller jpeg", "image/jpeg", {}, { head: 4 }],
  ["same webp", "image/webp", {}, { type: "unknown" }],
  // It may be an earlier original of another type, or a smaller one.
  ["same webp", "image/webp", { etag: '"b"' }],
  ["same webp", "image/webp", { "last-modified": "Wed, 25 Nov 2026 09:00:00 GMT" }],
  ["smaller jpeg", "image/jpeg", { etag: 'W/"b"', "last-modified": DATE }],
  // Nothing is said, or a failure, or not with 200.
  ["same webp", "image/webp", { "cf-resized": "" }],
  ["same webp", "image/webp", { "cf-resized": "err=" }],
  ["same webp", "image/webp", { "cf-resized": "internal=error" }],
  ["same webp", "image/webp", {}, { status: 206 }],
])("%s as %j proves nothing: it is refused (R1, R2): %j %j", (name, type, headers, change) => {
  const result = look(
    bytesOf(name),
    bytesOf("original"),
    { "content-type": type, ...headers },
    change,
  );

  expect(result).toMatchObject({ event: "not-transformed" });
});

test.each<[what: Name, type: string, headers?: Record<string, string>]>([
  ["smaller jpeg", "image/jpeg"],
  ["narrower jpeg", "image/jpeg"],
  ["same webp", "image/webp"],
  ["larger webp", "image/webp"],
  ["smaller avif", "image/avif"],
  ["same webp", "image/webp", { etag: '"cf1:a:1"', "last-modified": DATE }],
  ["same webp", "image/webp", { etag: '"a:1"' }],
  ["same webp", "image/webp", { etag: '"cf1:a:1"', warning: SMALLER }],
  ["same webp", "image/webp", { "cf-resized": "x internal=ok" }],
  ["same webp", "image/webp", { "cf-resized": "internal=okay" }],
])("%s as %j proves that the edge made it: it passes (R1): %j", (name, type, headers) => {
  const result = look(bytesOf(name), bytesOf("original"), { "content-type": type, ...headers });
  expect(result).toEqual({ type });
});

test.each<[what: Name, type: string, headers: Record<string, string>, event: string]>([
  ["same webp", "image/webp", { etag: '"cf1:b"' }, "edge-contradicts"],
  ["original", "image/jpeg", { etag: '"cf1:b"' }, "edge-contradicts"],
  ["smaller jpeg", "image/jpeg", { warning: SMALLER, etag: '"cf1:a:1"' }, "original-is-smaller"],
  ["same webp", "image/webp", { warning: SMALLER }, "original-is-smaller"],
  ["gif", "image/gif", {}, "wrong-type"],
  ["same webp", "image/webp", { "cf-resized": "err=9422" }, "quota-spent"],
])(
  "%s as %j is proven, and refused for another reason (O8, R4, R6): %j",
  (name, type, headers, event) => {
    const result = look(bytesOf(name), bytesOf("original"), { "content-type": type, ...headers });
    expect(result).toMatchObject({ event });
  },
);

test.each(CORPUS.map(({ name }) => name))(
  "the original %s never proves itself (R1, R2)",
  async (name) => {
    const object = await corpusBytes(name);
    const beginning = object.subarray(0, HEADER_BYTES + 5_000);

    for (const format of ["jpeg", "png", "webp", "avif", "gif", "heic"]) {
      for (const head of [HEAD_BYTES, HEADER_BYTES]) {
        const result = look(beginning, object, { "content-type": `image/${format}` }, { head });
        expect(isRefusal(result), `${format} ${head}`).toBe(true);
      }
    }
  },
);

const OTHER = "other" as const;
const PATH = "/images/card/key.jpg";
const OLD = { accept: "*/*" };
const WEBP = { accept: "image/webp,*/*" };

describe("through the Worker:", () => {
  stopDates(Date.parse(DATE));
  disableCacheInEachTest();

  test.each([
    { title: "AVIF", headers: MODERN, type: "image/avif" },
    { title: "WebP", headers: WEBP, type: "image/webp" },
    { title: "JPEG", headers: OLD, type: "image/jpeg" },
  ])("$title is shown, and the log has it once a minute (R1)", async ({ headers, type }) => {
    arrange({ resizedHeader: OTHER });
    const notice = { event: "unknown-proof", bucket: "media", resized: "outcome=done" };

    for (const times of [1, 3]) {
      stage.logged = [];
      for (let visit = 0; visit < 3; visit++) {
        const answer = await get("/images/card/photos/fig.jpg", { headers });
        expect(answer.status).toBe(200);
        expect(answer.headers.get("content-type")).toEqual(type);
      }

      expect(stage.logged).toMatchObject([{ level: "warn", line: { ...notice, times } }]);

      wait(61);
    }

    expect(stage.edgeRequests).toHaveLength(6);
  });

  // Same type and same sides: the next rungs have another format, or one pixel less.
  test.each([
    { name: "photo.jpg", format: "jpeg", headers: OLD },
    { name: "photo.webp", format: "webp", headers: WEBP },
    { name: "photo.png", format: "png", headers: OLD },
  ] as const)(
    "$name, which is as large as asked for, is shown by another rung (R1)",
    async ({ name, format, headers }) => {
      arrange({ resizedHeader: OTHER });
      put(name, await drawAs(format, 150, 100));
      const answer = await get(`/images/tall/${name}`, { headers });
      expect(answer.status).toBe(200);
      expect(lines().map(({ event }) => event)).toEqual(["unknown-proof"]);
    },
  );

  test("a picture that proves itself is stored, and facts are shown (R1, R9)", async () => {
    arrange({ resizedHeader: OTHER });
    const ROUTES = [{ path: "/images/:preset/*", object: "media/*", facts: true }];
    await get(PATH, { headers: MODERN }, envWith({ ROUTES }));
    await settle();

    expect(store.objects.size).toBe(1);

    const facts = await get(`${PATH}?facts`, {}, envWith({ ROUTES }));
    expect(await facts.json()).toMatchObject({ width: 160, height: 160 });
  });

  test("a large picture comes whole (R1)", async () => {
    const noise = { type: "gaussian", mean: 128, sigma: 60 } as const;
    const background = { r: 0, g: 99, b: 99, alpha: 0.5 };
    const create = { width: 500, height: 500, channels: 4, background, noise } as const;
    const object = await sharp({ create }).png().toBuffer();
    const pictures: Uint8Array[] = [];

    for (const resizedHeader of [OTHER, "internal"] as const) {
      arrange({ resizedHeader });
      put("noise.png", object);
      pictures.push(await (await get("/images/card@2x/noise.png", { headers: OLD })).bytes());
    }

    expect(pictures[0]?.length).toBeGreaterThan(HEADER_BYTES);
    expect(pictures[0]).toEqual(pictures[1]);
  });

  // run-worker.ts checks after each test that no answer holds an original.
  test.each([
    { key: "key.jpg", name: "made/key.jpg", path: "/images/tall/key.jpg" },
    { key: "key.jpg", name: "made/key.jpg", path: PATH },
    { key: "turned.jpg", name: "made/rotated-gps.jpg", path: "/images/tall/turned.jpg" },
    { key: "a.png", name: "made/transparent.png", path: "/images/tall/a.png" },
    { key: "a.gif", name: "made/animated.gif", path: "/images/moving/a.gif" },
    { key: "a.svg", name: "broken/script.svg", path: "/icons/card/a.svg" },
  ])(
    "where nothing is transformed, the original $key stays where it is, whatever its type (R2)",
    async ({ key, name, path }) => {
      arrange({ resizedHeader: "other-everywhere", transformations: false });
      for (const type of ["image/jpeg", "image/webp", "image/avif", "image/svg+xml"]) {
        put(path === "/icons/card/a.svg" ? `icons/${key}` : key, name, { type });
        for (const headers of [MODERN, WEBP, OLD]) {
          const answer = await get(path, { headers });
          expect(answer.status, type).toBe(502);
        }
      }

      expect(lines()[0]).toMatchObject({ event: "not-transformed", resized: "outcome=done" });
    },
  );

  test("facts are refused where the original comes in their place (R2, R9)", async () => {
    arrange({ resizedHeader: "other-everywhere", transformations: false });
    const ROUTES = [{ path: "/images/:preset/*", object: "media/*", facts: true }];
    expect((await get(`${PATH}?facts`, {}, { ...ENV, ROUTES })).status).toBe(502);
    expect(lines()).toMatchObject([{ event: "not-transformed", resized: "outcome=done" }]);
  });

  test.each([
    { resizedHeader: OTHER, canary: "key.jpg", expected: { edge: "on", resized: "outcome=done" } },
    { resizedHeader: "internal", canary: "key.jpg", expected: { edge: "on" } },
    {
      resizedHeader: "other-everywhere",
      canary: "key.jpg",
      expected: { edge: "off", answered: 200, resized: "outcome=done" },
    },
  ] as const)(
    "cf-resized is $resizedHeader: /healthz says so (R1)",
    async ({ resizedHeader, canary, expected }) => {
      arrange({ resizedHeader, transformations: resizedHeader !== "other-everywhere" });
      const BUCKETS = { media: { ...VARS.BUCKETS.media, canary } };
      const headers = { authorization: `Bearer ${HEALTH_TOKEN}` };
      const health = await get("/healthz", { headers }, { ...ENV, HEALTH_TOKEN, BUCKETS });
      const report: unknown = await health.json();

      expect(report).toMatchObject({ buckets: [expected] });
      expect(JSON.stringify(report).includes("resized")).toBe(resizedHeader !== "internal");
    },
  );

  test.each([
    { how: "breaks off", status: 502, event: "edge-failed" },
    { how: "stalls", status: 504, event: "timed-out" },
  ])("a picture that $how before it is known is $status", async ({ how, status, event }) => {
    arrange({ resizedHeader: OTHER });
    const whole = stage.edge.fetch;

    stage.edge.fetch = async (...request) => {
      const answer = await whole(...request);
      const body = new ReadableStream({
        pull(controller) {
          if (how === "stalls") return new Promise(() => {});
          controller.error(new Error("lost"));
          return undefined;
        },
      });

      return new Response(body, answer);
    };

    const request = () => get(PATH, { headers: MODERN });
    const isLate = event === "timed-out";
    const answer = isLate ? (await stopTimers()(request())).value : await request();

    expect(answer.status).toEqual(status);
    expect(lines()[0]?.["event"]).toEqual(event);
  });
});

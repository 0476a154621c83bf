// Routes with a fallback: what the visitor gets if there is no image to show, what the log says, and what it
// costs.

import sharp from "sharp";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { type Fault, isEdgeFault } from "../../../src/emulator/edge/faults.ts";
import type { S3Fault } from "../../../src/emulator/s3/s3.ts";
import { BUCKET_URL, ENV, SECRETS, VARS } from "../../support/env.ts";
import {
  arrange,
  disableCacheInEachTest,
  get,
  inSeconds,
  logged,
  MODERN,
  signQuery,
  stage,
  stopDate,
  wait,
} from "../../support/run-worker.ts";
import { EDGE_CODES, type EdgeCode, REFUSALS } from "../../support/tables/edge-codes.ts";

disableCacheInEachTest(); // each request is to reach the edge

const KEY = "photos/fig.jpg";
const FALLBACK_URL = `${BUCKET_URL}published/${KEY}`;
const APP = "https://app.example";
/** What decides on a route with `origins`. */
const VARY = "origin, referer, sec-fetch-site, accept";

/** A second bucket for the Worker, with its own credentials. */
const OTHER = { ...VARS.BUCKETS.media, prefix: "published/photos/", credentials: "OTHER" };

/** Returns an `env` in which every route has this fallback. */
function envWithFallback(fallback: string, change: object = {}) {
  const ROUTES = VARS.ROUTES.map((route) => ({ ...route, fallback }));
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = SECRETS;
  const BUCKETS = { ...VARS.BUCKETS, other: OTHER };

  return {
    ...ENV,
    BUCKETS,
    ROUTES,
    OTHER_ACCESS_KEY_ID: id,
    OTHER_SECRET_ACCESS_KEY: secret,
    ...change,
  };
}

/** The `env` of the current test. */
let env: object;

beforeEach(() => {
  stopDate();
  env = envWithFallback(`media/${KEY}`);
});

const getImage = (path: string, headers: Record<string, string> = MODERN, method = "GET") =>
  get(path, { headers, method }, env);

/** The source URLs of the requests to the edge, without the hash of the object's ETag. */
const urls = () =>
  stage.edgeRequests.map(({ request }) => request.url.replace(/\?x-vitrine=\w+$/, ""));

/** The keys that the Worker requested from S3. */
const keys = () =>
  stage.s3.requestsBy("worker").map(({ url }) => url.slice(`${BUCKET_URL}published/`.length));

/** Lets the edge fail for the first request, so not for the fallback. */
function failAtFirst(fault: Fault): void {
  stage.beforeEdgeRequest = (times) => {
    stage.edge.switches.failure = times < 1 ? fault : undefined;
  };
}

function faultOf({ code, status }: EdgeCode): Fault {
  const fault = { code: Number(code), status };
  return isEdgeFault(fault) ? fault : expect.unreachable();
}

/** Puts the fallback's rendition into Workers Cache. @returns its bytes */
async function cacheFallback(): Promise<Buffer> {
  stage.cache.switches.enabled = true;
  const answer = await getImage(`/images/card/${KEY}`);
  expect(answer.status).toBe(200);
  await Promise.all(stage.pendingWork); // the check of the object, before S3 fails
  Object.assign(stage, { edgeRequests: [], logged: [] });
  return Buffer.from(await answer.arrayBuffer());
}

/** Checks that an answer is the fallback. @returns its picture */
async function expectFallback(
  answer: Response,
  status: number,
  seconds = status === 502 ? 10 : 60,
) {
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "cache-control": `public, max-age=${seconds}`,
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
    "server-timing": expect.stringMatching(/^cache;desc=(hit|(miss|direct), edge;dur=\d+)$/),
  });

  for (const name of ["etag", "last-modified", "retry-after"]) {
    expect(answer.headers.get(name), name).toBe(null);
  }
  expect(answer.status).toBe(status);
  expect(logged()).toEqual([
    {
      level: status < 500 ? "warn" : "error",
      line: expect.objectContaining({ fallback: "shown", answered: status }),
    },
  ]);

  return Buffer.from(await answer.arrayBuffer());
}

/** Checks that an answer is the same as without a fallback. */
async function expectPlain(
  answer: Response,
  status: number,
  event: string,
  fallback?: string,
  seconds = status === 404 || status === 415 ? 60 : 0,
) {
  const type = answer.headers.get("content-type");
  expect(answer.status).toEqual(status);
  expect(type).toBe("text/plain; charset=utf-8");

  const caching = seconds > 0 ? `public, max-age=${seconds}` : "no-store";
  expect(answer.headers.get("cache-control")).toBe(caching);
  expect(logged()).toHaveLength(1);
  expect(logged()[0]?.line).toMatchObject({ event, answered: status });
  expect(logged()[0]?.line["fallback"]).toBe(fallback);
}

describe("in place of", () => {
  type Case = [what: string, key: string, status: number, event: string, fault?: S3Fault];

  test.each<Case>([
    ["a missing object", "nothing.jpg", 404, "object-missing"],
    ["one that S3 does not report", "nothing.jpg", 404, "object-denied", "no-list-bucket"],
    ["an HTML page by an image's name", "broken/page.jpg", 415, "source-unreadable"],
    ["half an image", "broken/truncated.jpg", 502, "edge-failed"],
    ["an SVG", "broken/script.svg", 415, "source-unreadable"],
    ["all that S3 has, while it is busy", "key.jpg", 502, "origin-failed", "SlowDown"],
    ["an object of another region", "key.jpg", 502, "origin-denied", "elsewhere-400"],
    ["what a dead key opened", "key.jpg", 502, "slots-refused", "revoked-key"],
  ])("%s its fallback is shown under the same status", async (_what, key, status, event, fault) => {
    const usual = await cacheFallback();
    if (fault !== undefined) stage.s3.faults.add(fault);

    const answer = await getImage(`/images/card/${key}`);
    expect(answer.headers.get("content-type")).toBe("image/avif");
    expect(answer.headers.get("vary")).toBe("accept");
    expect((await expectFallback(answer, status)).equals(usual)).toBe(true);
    expect(logged()[0]?.line).toMatchObject({
      event,
      route: "/images/:preset/*",
      preset: "card",
      bucket: "media",
      key: `published/${key}`,
    });
    expect(stage.s3.objects.has("published/nothing.jpg")).toBe(false);
  });

  test.each(EDGE_CODES.filter(({ event }) => ["quota-spent", "timed-out"].includes(event)))(
    "the edge's $code with $status nothing is: it stays $event",
    async (row) => {
      failAtFirst(faultOf(row));
      await expectPlain(
        await getImage("/images/card/key.jpg"),
        REFUSALS[row.event].answered,
        row.event,
      );
      expect(stage.edgeRequests).toHaveLength(1);
    },
  );

  test.each<{
    title: string;
    path: string;
    status: number;
    event: string;
    headers?: Record<string, string>;
    method?: string;
  }>([
    { title: "no route", path: "/nothing", status: 404, event: "no-such-route" },
    { title: "no variant", path: "/images/nope/k", status: 404, event: "no-such-variant" },
    {
      title: "a key that cannot be",
      path: "/images/card/a%2F..%2Fk",
      status: 404,
      event: "impossible-key",
    },
    {
      title: "no signature",
      path: "/private/card/nothing.jpg",
      status: 404,
      event: "signature-wrong",
    },
    {
      title: "a foreign page",
      path: "/app/card/k",
      status: 403,
      event: "foreign-page",
      headers: { referer: "https://evil.example/" },
    },
    {
      title: "a DELETE",
      path: "/images/card/k",
      status: 405,
      event: "method-not-allowed",
      headers: {},
      method: "DELETE",
    },
  ])("$title nothing is, at no cost", async ({ path, status, event, headers, method }) => {
    await expectPlain(await getImage(path, headers, method), status, event);
    expect(stage.edgeRequests).toEqual([]);
  });

  test("a missing and a denied object it is one and the same answer", async () => {
    const missing = await getImage("/images/card/nothing.jpg");
    stage.s3.faults.add("no-list-bucket");
    const denied = await getImage("/images/card/nothing.jpg");
    const headersOf = (answer: Response) =>
      [...answer.headers].filter(([n]) => n !== "server-timing");

    expect(denied.status).toEqual(missing.status);
    expect(headersOf(denied)).toEqual(headersOf(missing));

    const bodies = await Promise.all([missing.arrayBuffer(), denied.arrayBuffer()]);
    expect(Buffer.from(bodies[0]).equals(Buffer.from(bodies[1]))).toBe(true);
  });
});

describe("a fallback that cannot be shown is never followed by another:", () => {
  test.each<{ title: string; fallback: string; event: string; fault?: S3Fault }>([
    { title: "it is missing", fallback: "none.png", event: "object-missing" },
    {
      title: "it is denied (A6)",
      fallback: "none.png",
      event: "object-denied",
      fault: "no-list-bucket",
    },
    { title: "it is a page", fallback: "broken/page.jpg", event: "source-unreadable" },
    { title: "it is empty", fallback: "broken/empty.jpg", event: "source-unreadable" },
    {
      title: "it is an SVG, on a route without",
      fallback: "broken/script.svg",
      event: "source-unreadable",
    },
  ])("$title", async ({ fallback, event, fault }) => {
    if (fault) stage.s3.faults.add(fault);
    env = envWithFallback(`media/${fallback}`);
    const answer = await getImage("/images/card/nothing.jpg");
    await expectPlain(answer, 404, fault ? "object-denied" : "object-missing", event);
    expect(keys()).toEqual(["nothing.jpg", fallback]);
  });

  test("transformations are off (R2)", async () => {
    arrange({ transformations: false });
    const answer = await getImage("/images/card/key.jpg");
    await expectPlain(answer, 502, "not-transformed", "not-transformed");
    const original = `${BUCKET_URL}published/key.jpg`;
    expect(urls()).toEqual([original, original, FALLBACK_URL, FALLBACK_URL]); // the gateway tries, too (W13)
  });

  test.each<[Fault, event: string, calls: number]>([
    [{ code: 9422, status: 429 }, "quota-spent", 1],
    [{ code: 9504, status: 522 }, "timed-out", 1],
    [{ code: 9509, status: 502 }, "origin-failed", 2],
  ])("the edge's %j", async (fault, event, calls) => {
    stage.edge.switches.failure = fault;
    await expectPlain(await getImage("/images/card/nothing.jpg"), 404, "object-missing", event);
    expect(stage.edgeRequests).toHaveLength(calls);
  });

  test.each([
    { fallback: "media/none.png", path: "/images/card/none.png", key: "none.png" },
    { fallback: "media/none.png", path: "/images/card@1x/%6eone.png", key: "none.png" },
    { fallback: "other/none.png", path: "/images/card/photos/none.png", key: "photos/none.png" },
  ])("$fallback is what $path names, and is asked for once", async ({ fallback, path, key }) => {
    env = envWithFallback(fallback);
    await expectPlain(await getImage(path), 404, "object-missing");
    expect(keys()).toEqual([key]);
  });
});

describe("it is rendered as the visitor's object would have been:", () => {
  test.each<{ variant: string; width: number; height: number }>([
    { variant: "card", width: 160, height: 160 },
    { variant: "card@2x", width: 320, height: 320 },
    { variant: "wide@400w", width: 400, height: 271 },
  ])("as $variant", async ({ variant, width, height }) => {
    await getImage(`/images/${variant}/${KEY}`);
    const picture = await expectFallback(await getImage(`/images/${variant}/none`), 404);
    expect(await sharp(picture).metadata()).toMatchObject({ width, height });
    const [usual, fallback] = stage.edgeRequests.map(({ image }) => image);
    expect(fallback).toEqual(usual);
  });

  test("a photograph or an SVG on a route for SVGs, and nothing varies (R8)", async () => {
    const photograph = await getImage("/icons/card/none.svg");
    expect(photograph.headers.get("content-type")).toBe("image/jpeg");
    expect(photograph.headers.has("vary")).toBe(false);
    await expectFallback(photograph, 404);

    env = envWithFallback("media/broken/script.svg");
    stage.logged = [];
    const drawing = await getImage("/icons/card/none.svg");

    expect(drawing.headers.get("content-type")).toBe("image/svg+xml");
    expect(`${await expectFallback(drawing, 404)}`).not.toMatch(/<script|onload|javascript:/);
  });

  test("of another bucket, with its keys", async () => {
    env = envWithFallback("other/fig.jpg");
    stage.s3.keys.set("AKIAOTHER", "other");
    Object.assign(env, { OTHER_ACCESS_KEY_ID: "AKIAOTHER", OTHER_SECRET_ACCESS_KEY: "other" });

    await expectFallback(await getImage("/images/card/none"), 404);
    expect(keys().slice(0, 2)).toEqual(["none", KEY]);
    expect(urls()).toEqual([FALLBACK_URL]);

    const sent = [
      ...stage.s3.requestsBy("worker"),
      ...stage.edgeRequests.map(({ request }) => request),
    ];
    const ids = sent.map(({ headers }) => headers.get("authorization") ?? "");
    const used = ids.map((id) => /Credential=(\w+)/.exec(id)?.[1]);

    expect(used).toEqual([SECRETS.AWS_ACCESS_KEY_ID, "AKIAOTHER", "AKIAOTHER"]);
  });
});

test("HEAD has GET's headers and no body (E4)", async () => {
  const got = await getImage("/images/card/none");
  const edge = vi.spyOn(stage.edge, "fetch");
  const head = await getImage("/images/card/none", MODERN, "HEAD");
  const named = (answer: Response) => [...answer.headers].filter(([n]) => n !== "server-timing");

  expect(head.status).toBe(404);
  expect(head.body).toBe(null);
  expect(named(head)).toEqual(named(got));

  const { body } = (await edge.mock.results.at(-1)?.value) ?? {};
  await vi.waitUntil(() => !body?.locked);
  expect((await body?.getReader().read())?.done).toBe(true); // the connection to the edge is closed
  expect(stage.edgeRequests.map(({ request }) => request.method)).toEqual(["GET", "GET"]);
});

test("a fallback with any If-None-Match is no 304: conditions are for a 2xx", async () => {
  const etag = (await getImage(`/images/card/${KEY}`)).headers.get("etag") ?? "";
  for (const condition of ["*", etag, `W/${etag}`]) {
    const answer = await getImage("/images/card/none", { ...MODERN, "if-none-match": condition });
    expect(answer.status).toBe(404);
  }
});

test("a page that may embed can read it, and others may know why not", async () => {
  const answer = await getImage("/app/card/none", { ...MODERN, origin: APP });
  expect(answer.headers.get("access-control-allow-origin")).toBe(APP);
  expect(answer.headers.get("vary")).toBe(VARY);
  await expectFallback(answer, 404);
});

describe("on a signed route", () => {
  const sign = (key: string, seconds: number, version?: string) =>
    signQuery({ key, version, expires: inSeconds(seconds) });

  beforeEach(() => {
    vi.setSystemTime(Math.ceil(Date.now() / 1000) * 1000);
    stage.clock.now = Date.now();
  });

  test.each<{ seconds: number; maxAge: number; v?: string }>([
    { seconds: 7, maxAge: 7 },
    { seconds: 3600, maxAge: 60, v: "v1" },
    { seconds: 7, maxAge: 7, v: "v1" },
  ])(
    "what expires in $seconds s is cached for $maxAge, and as no version",
    async ({ seconds, maxAge, v }) => {
      const query = await sign("nothing.jpg", seconds, v);
      await expectFallback(await getImage(`/private/card/nothing.jpg${query}`), 404, maxAge);
      expect(keys().slice(0, 2)).toEqual(["nothing.jpg", KEY]);
      expect(urls()).toEqual([FALLBACK_URL]);
    },
  );

  test("the fallback is made once for all versions of its URLs", async () => {
    stage.cache.switches.enabled = true;
    for (const version of ["v1", "v2"]) {
      const query = await sign("nothing.jpg", 3600, version);
      const { status } = await getImage(`/private/card/nothing.jpg${query}`);
      expect(status).toBe(404);
    }
    expect(urls()).toEqual([FALLBACK_URL]);
  });

  test.each<[what: string, fault?: Fault]>([
    ["the fallback"],
    ["the plain answer", { code: 9516, status: 500 }],
  ])("%s is not cached, if its URL expires while it is rendered", async (_what, fault) => {
    const query = await sign("nothing.jpg", 7);
    stage.edge.switches.failure = fault;
    stage.beforeEdgeRequest = () => wait(9);

    const answer = await getImage(`/private/card/nothing.jpg${query}`);
    expect(answer.status).toBe(404);
    expect(answer.headers.get("cache-control")).toBe("public, max-age=0");
    expect(logged()[0]?.line["fallback"]).toBe(fault ? "edge-failed" : "shown");
  });
});

test("another bucket's dead keys are logged in full, once, whatever was requested", async () => {
  const keys = { OTHER_ACCESS_KEY_ID: "AKIADEAD", OTHER_SECRET_ACCESS_KEY: "dead" };
  env = envWithFallback("other/fig.jpg", keys);

  Object.assign(env, {
    ROUTES: [
      { path: "/images/:preset/*", object: "media/*", fallback: "other/fig.jpg" },
      { path: "/other/:preset/*", object: "other/*" },
    ],
  });

  for (const _ of [1, 2]) {
    const answer = await getImage("/images/card/nothing.jpg");
    expect([answer.status, answer.headers.get("content-type")?.slice(0, 10)]).toEqual([
      ...[404, "text/plain"],
    ]);
    expect((await getImage("/other/card/fig.jpg")).status).toBe(502);
  }

  const missing = { event: "object-missing", fallback: "slots-refused" };
  const slots = [{ origin: "InvalidAccessKeyId" }];
  expect(logged()).toMatchObject([
    { level: "error", line: { event: "slots-refused", bucket: "other", slots } },
    { level: "warn", line: missing },
    { level: "warn", line: missing },
  ]);
});

// Where the cached entrypoint cannot be used, the gateway renders itself (W13, W15).

import { describe, expect, test, vi } from "vitest";
import { cacheStatus } from "../../../src/cli/http/ask-picture.ts";
import { ENV } from "../../support/env.ts";
import { arrange, get, MODERN, put, stage, stopDates, wait } from "../../support/run-worker.ts";

const PATH = "/images/card/key.jpg";
const TEN_MINUTES = 600;

stopDates(Date.UTC(2026, 10, 26));

async function requestPicture(path = PATH) {
  const answer = await get(path, { headers: MODERN });
  const cache = cacheStatus(answer.headers);
  return [answer.status, answer.headers.get("content-type"), cache];
}
const IMAGE = [200, "image/avif"];

/** The reasons of the lines `cache-unusable`. */
const reasons = () =>
  stage.logged
    .filter(({ line }) => line["event"] === "cache-unusable")
    .map(({ level, line }) => `${level}: ${line["reason"]}`);

const withFetch = (fetch: () => Promise<Response>) => () =>
  void Object.assign(stage, { exported: () => ({ fetch }) });
const answering = (body: BodyInit, init: ResponseInit = {}) =>
  withFetch(async () => new Response(body, init));

const throwAtOnce = () => {
  throw new TypeError("x");
};

const FAILED = "the cached entrypoint failed: ";
const SOMETHING_ELSE = "the cached entrypoint answers something else";
const HTML = { headers: { "content-type": "text/html" } };
const JSON_TYPE = { headers: { "content-type": "application/json" }, status: 502 };

const forgetEdge = () => Object.assign(stage.cache.switches, { loopback: "forgotten" });
const UNTRANSFORMED = "the edge does not transform behind it";
const exportNothing = () => Object.assign(stage, { exported: () => undefined });
const NO_EXPORTS = "ctx.exports is missing";

const BROKEN: readonly (readonly [string, () => void, reason: string])[] = [
  ["the edge does not transform behind it (W13, E9)", forgetEdge, UNTRANSFORMED],
  ["ctx.exports is missing (W15)", exportNothing, NO_EXPORTS],
  ["it throws", withFetch(() => Promise.reject(new Error("x"))), `${FAILED}Error: x`],
  ["it throws at once", withFetch(throwAtOnce), `${FAILED}TypeError: x`],
  ["it answers an error page", answering("<h1>Error 1101</h1>", { status: 500 }), SOMETHING_ELSE],
  ["it answers JSON of another kind", answering('{"event":"rm -rf"}', JSON_TYPE), SOMETHING_ELSE],
  ["it answers a page with 200", answering("<p>", HTML), SOMETHING_ELSE],
  ["it answers no type at all", answering(new Uint8Array(9)), SOMETHING_ELSE],
];

describe.each(BROKEN)("where %s,", (_name, spoil, reason) => {
  test("visitors see images, and it is logged once in ten minutes", async () => {
    spoil();
    for (const path of [PATH, "/images/card@2x/key.jpg", PATH]) {
      expect(await requestPicture(path)).toEqual([...IMAGE, "direct"]);
    }
    const line = `warn: ${reason}`;
    expect(reasons()).toEqual([line]);
    wait(TEN_MINUTES + 1);
    expect(await requestPicture()).toEqual([...IMAGE, "direct"]);
    expect(reasons()).toEqual([line, line]);
  });

  test("it is not used for ten minutes, and again where it works then", async () => {
    spoil();
    await requestPicture();
    const runs = stage.cache.runs.length;
    stage.cache.switches.loopback = "transformed";
    stage.exported = (loopback) => loopback;
    wait(TEN_MINUTES - 1);
    expect(await requestPicture("/images/wide/key.jpg")).toEqual([...IMAGE, "direct"]);
    expect(stage.cache.runs).toHaveLength(runs);
    wait(2);
    expect(await requestPicture()).toEqual([...IMAGE, "miss"]);
    expect(await requestPicture()).toEqual([...IMAGE, "hit"]);
  });
});

test("where transformations are off, it is not the cached entrypoint's fault (R2)", async () => {
  stage.edge.switches.transformations = false;
  for (let times = 0; times < 5; times++) expect((await requestPicture())[0]).toBe(502);
  expect(reasons()).toEqual([]);
  expect(stage.edgeRequests).toHaveLength(10); // each time behind the loopback, and without it
});

test("where transformations are off, a visitor who has the picture is no proof against it (W13)", async () => {
  const etag = (await get(PATH, { headers: MODERN })).headers.get("etag") ?? "";
  arrange({ transformations: false });
  stage.clock.now = Date.now();
  const init = { headers: { ...MODERN, "if-none-match": etag } };
  expect((await get(PATH, init)).status).toBe(304);
  expect(reasons()).toEqual([]);
  stage.edge.switches.transformations = true;
  expect(await requestPicture()).toEqual([...IMAGE, "miss"]);
});

// A visitor who requests such an object every minute must not keep all others from their images.
test.each<[string, string, number]>([
  ["no image", "/images/card/broken/page.jpg", 415],
  ["missing", "/images/card/nothing.jpg", 404],
])("an object that is %s hides no direct try that works (W13)", async (_what, bad, status) => {
  for (const [, spoil] of BROKEN.slice(0, 3)) {
    arrange();
    stage.exported = (loopback) => loopback;
    spoil();
    stage.clock.now = Date.now();
    expect((await requestPicture(bad))[0]).toBe(status);
    expect(await requestPicture()).toEqual([...IMAGE, "direct"]);
    expect((await requestPicture(bad))[0]).toBe(status);
    wait(TEN_MINUTES + 1);
    expect((await requestPicture(bad))[0]).toBe(status);
    expect(await requestPicture()).toEqual([...IMAGE, "direct"]);
  }
});

test("a bucket that the edge refuses hides from nobody that a direct try works (E5, W13)", async () => {
  stage.cache.switches.loopback = "forgotten";
  const refused = new Response("ERROR 9401", {
    status: 403,
    headers: { "cf-resized": "err=9401" },
  });
  const { fetch } = stage.edge;
  stage.edge.fetch = (url, init) =>
    `${url}`.includes("fig.jpg") ? Promise.resolve(refused.clone()) : fetch(url, init);
  for (let times = 0; times < 3; times++) {
    expect((await requestPicture("/images/card/photos/fig.jpg"))[0]).toBe(502);
  }
  expect(await requestPicture()).toEqual([...IMAGE, "direct"]);
});

test("where the edge stops to transform behind it, what is cached is still shown (W8, W13)", async () => {
  await requestPicture();
  stage.cache.switches.loopback = "forgotten";
  put("key.jpg", "photos/fig.jpg");
  wait(301);
  expect(await requestPicture()).toEqual([...IMAGE, "stale"]);
  await stage.cache.settled();
  expect(await requestPicture("/images/card@2x/key.jpg")).toEqual([...IMAGE, "direct"]);
});

test("an image that comes too late is a 504, and its body is cancelled", async () => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: Date.now() });
  const cancelled = vi.fn();
  const body = new ReadableStream({ cancel: cancelled });
  const { promise, resolve } = Promise.withResolvers<Response>();
  Object.assign(stage, { exported: () => ({ fetch: () => promise }) });
  const answer = get(PATH, {}, { ...ENV, ANSWERS: { timeout: 5 } });
  await vi.advanceTimersByTimeAsync(5_000);
  expect((await answer).status).toBe(504);
  resolve(new Response(body, { headers: { "content-type": "image/avif" } }));
  await vi.advanceTimersByTimeAsync(1);
  expect(cancelled).toHaveBeenCalledOnce();
  expect(reasons()).toEqual([]);
});

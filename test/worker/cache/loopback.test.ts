// Where the cached entrypoint cannot be used, the gateway renders itself (W13, W15).

import { beforeEach, describe, expect, test, vi } from "vitest";
import { cacheStatus } from "../../../src/cli/http/ask-picture.ts";
import { readRunOptions } from "../../../src/worker/cache/loopback.ts";
import { configOf } from "../../support/config-of.ts";
import { ENV } from "../../support/env.ts";
import { arrange, get, MODERN, put, stage, stopDates, wait } from "../../support/run-worker.ts";

const PATH = "/images/card/key.jpg";

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

const MINUTE = 60;

/** What was asked since the last call of this function. */
function countCalls() {
  const counts = { s3: stage.s3.requests.length, edge: stage.edgeRequests.length };
  stage.s3.requests.splice(0);
  stage.edgeRequests.splice(0);
  return counts;
}

describe.each(BROKEN)("where %s,", (_name, spoil, reason) => {
  test("visitors see images, and it is logged once a minute", async () => {
    spoil();
    for (const path of [PATH, "/images/card@2x/key.jpg", PATH]) {
      expect(await requestPicture(path)).toEqual([...IMAGE, "direct"]);
    }

    const line = `warn: ${reason}`;
    expect(reasons()).toEqual([line]);

    wait(MINUTE + 1);
    expect(await requestPicture()).toEqual([...IMAGE, "direct"]);
    expect(reasons()).toEqual([line, line]);
  });
});

test.each([
  { title: "of an error", status: 500 },
  { title: "of a page with 200", status: 200 },
])("the body $title in place of a picture does not stay open", async ({ status }) => {
  const ended = vi.fn();
  const body = new ReadableStream({
    start: (stream) => stream.enqueue(new Uint8Array(9)),
    pull(stream) {
      ended();
      stream.close();
    },
    cancel: ended,
  });
  answering(body, { status })();

  expect(await requestPicture()).toEqual([...IMAGE, "direct"]);
  expect(ended).toHaveBeenCalledOnce();
});

test.each(BROKEN.slice(1))(
  "where %s, the next request uses the cache again",
  async (_name, spoil) => {
    spoil();
    expect(await requestPicture()).toEqual([...IMAGE, "direct"]);
    stage.exported = (loopback) => loopback;
    expect(await requestPicture()).toEqual([...IMAGE, "miss"]);
    expect(await requestPicture()).toEqual([...IMAGE, "hit"]);
  },
);

test("one failure in a hundred requests costs one rendition each, and the cache serves all others", async () => {
  let fetches = 0;
  stage.exported = (loopback) => ({
    ...loopback,
    fetch: async (...args) => {
      fetches++;
      if (fetches % 100 === 50) throw new Error("Worker exceeded its memory limit");
      return loopback.fetch(...args);
    },
  });

  await requestPicture();
  countCalls();
  const states = new Map<unknown, number>();

  for (let times = 0; times < 1_000; times++) {
    const [status, , state] = await requestPicture();
    expect(status).toBe(200);
    states.set(state, (states.get(state) ?? 0) + 1);
  }

  expect(Object.fromEntries(states)).toEqual({ hit: 990, direct: 10 });
  expect(countCalls().edge).toBe(10);
});

describe("while the edge transforms for the gateway alone (W13),", () => {
  const SECOND = "/images/card@2x/key.jpg";

  beforeEach(async () => {
    await requestPicture(); // before that, it also transformed behind the loopback
    forgetEdge();
    expect(await requestPicture(SECOND)).toEqual([...IMAGE, "direct"]);
    countCalls();
  });

  test("the entrypoint does not ask the edge, and shows what is cached", async () => {
    expect(await requestPicture(SECOND)).toEqual([...IMAGE, "direct"]);
    expect(countCalls().edge).toBe(1);
    expect(await requestPicture()).toEqual([...IMAGE, "hit"]);
    expect(countCalls()).toEqual({ s3: 0, edge: 0 });
  });

  test("an unchanged picture is confirmed behind the cache, without the edge (W18)", async () => {
    wait(301);
    expect(await requestPicture()).toEqual([...IMAGE, "stale"]);
    await stage.cache.settled();
    expect(await requestPicture()).toEqual([...IMAGE, "hit"]);
    expect(countCalls().edge).toBe(0);
  });

  test("once a minute, one request tries the entrypoint", async () => {
    wait(MINUTE + 1);
    expect(await requestPicture(SECOND)).toEqual([...IMAGE, "direct"]);

    const runs = stage.cache.runs.length;
    stage.cache.switches.loopback = "transformed";
    expect(await requestPicture(SECOND)).toEqual([...IMAGE, "direct"]);
    expect(stage.cache.runs.length).toBe(runs + 1); // the cache is asked all the same

    wait(MINUTE + 1);
    expect(await requestPicture(SECOND)).toEqual([...IMAGE, "miss"]);
    expect(await requestPicture("/images/wide/key.jpg")).toEqual([...IMAGE, "miss"]);
  });

  test("a try that needs no picture does not count as one", async () => {
    wait(MINUTE + 1);
    expect((await requestPicture("/images/card/nothing.jpg"))[0]).toBe(404);
    stage.cache.switches.loopback = "transformed";
    expect(await requestPicture(SECOND)).toEqual([...IMAGE, "miss"]);
  });

  test("another isolate tries the entrypoint by itself", async () => {
    stage.cache.switches.loopback = "transformed";
    const answer = await get("/images/wide/key.jpg", { headers: MODERN }, { ...ENV });
    expect(cacheStatus(answer.headers)).toBe("miss");
  });
});

describe("a replaced picture is right at the second visit after `keep` (W5, W8, W13),", () => {
  const WORLDS = [
    { loopback: "transformed" },
    { loopback: "not-in-background" },
    { loopback: "not-in-upper-tier", runsIn: "upper" },
    { loopback: "not-in-upper-tier", runsIn: "visitor" },
    { loopback: "forgotten" },
  ] as const;

  test.each(WORLDS)("where the cache has %o", async (world) => {
    await requestPicture();
    Object.assign(stage.cache.switches, world);
    const old = await (await get(PATH, { headers: MODERN })).bytes();
    put("key.jpg", "photos/fig.jpg");
    wait(301);

    await requestPicture();
    await stage.cache.settled();
    const second = await get(PATH, { headers: MODERN });
    const bytes = await second.bytes();

    expect(second.status).toBe(200);
    expect(Buffer.compare(bytes, old) === 0).toBe(false);
  });
});

test("an isolate purges five pictures a minute that it cannot make anew, and says so once (W10, W13)", async () => {
  const paths = Array.from({ length: 7 }, (_, number) => `/images/card/many/${number}.jpg`);
  for (const path of paths) {
    put(path.replace("/images/card/", ""), "photos/friends.jpg");
    await requestPicture(path);
  }

  stage.cache.switches.loopback = "not-in-background";
  for (const path of paths) put(path.replace("/images/card/", ""), "photos/fig.jpg");

  wait(301);
  const seenAgain = async () => {
    const states: unknown[] = [];
    for (const path of paths) {
      states.push((await requestPicture(path))[2]);
      await stage.cache.settled();
    }
    return states;
  };

  const STALE = Array.from({ length: 7 }, () => "stale");
  expect(await seenAgain()).toEqual(STALE);
  expect(await seenAgain()).toEqual([..."miss miss miss miss miss".split(" "), "stale", "stale"]);

  wait(MINUTE + 1);
  await seenAgain();
  expect((await seenAgain()).slice(5)).toEqual(["miss", "miss"]);

  const purged = stage.logged.filter(({ line }) => line["event"] === "stale-purged");
  expect(purged.map(({ line }) => line["times"])).toEqual([1, 9]);
});

test("where transformations are off, pictures of unchanged objects are still shown (R2, W8)", async () => {
  await requestPicture();
  await requestPicture("/images/card/photos/friends.jpg");
  stage.edge.switches.transformations = false;
  put("key.jpg", "photos/fig.jpg");
  wait(301);

  for (const path of [PATH, "/images/card/photos/friends.jpg"]) {
    expect(await requestPicture(path)).toEqual([...IMAGE, "stale"]);
    await stage.cache.settled();
  }

  expect((await requestPicture())[0]).toBe(502);
  expect(await requestPicture("/images/card/photos/friends.jpg")).toEqual([...IMAGE, "hit"]);
});

test("a deleted picture is out of the cache at every variant, once one of them is asked for (W10)", async () => {
  const other = "/images/card@2x/key.jpg";
  await requestPicture();
  wait(100);
  await requestPicture(other);
  stage.s3.objects.delete("published/key.jpg");
  wait(250);

  expect(await requestPicture()).toEqual([...IMAGE, "stale"]);

  await stage.cache.settled();
  expect((await requestPicture())[0]).toBe(404);
  expect((await requestPicture(other))[0]).toBe(404);
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
test.each<{ title: string; bad: string; status: number }>([
  { title: "no image", bad: "/images/card/broken/page.jpg", status: 415 },
  { title: "missing", bad: "/images/card/nothing.jpg", status: 404 },
])("an object that is $title hides no direct try that works (W13)", async ({ bad, status }) => {
  for (const [, spoil] of BROKEN.slice(0, 3)) {
    arrange();
    stage.exported = (loopback) => loopback;
    spoil();
    stage.clock.now = Date.now();

    expect((await requestPicture(bad))[0]).toBe(status);
    expect(await requestPicture()).toEqual([...IMAGE, "direct"]);
    expect((await requestPicture(bad))[0]).toBe(status);

    wait(MINUTE + 1);
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

test.each<[header: string | undefined, waits: number]>([
  [undefined, 20_000],
  ["0", 0],
  ["19999", 19_999],
  ["20000", 20_000],
  ["20001", 20_000],
  ["-1", 20_000],
  ["soon", 20_000],
])("where the gateway says that a visitor waits for %s ms, it is %i", (header, waits) => {
  const { answers } = configOf({ ANSWERS: { timeout: 20 } });
  const headers = new Headers(header === undefined ? {} : { "vitrine-left": header });
  expect(readRunOptions(headers, answers, 1_000).deadline).toBe(1_000 + waits);
});

test("an entrypoint that hangs leaves the gateway the time for a picture", async () => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: Date.now() });
  Object.assign(stage, { exported: () => ({ fetch: () => new Promise(() => {}) }) });
  const answer = get(PATH, { headers: MODERN }, { ...ENV, ANSWERS: { timeout: 20 } });
  await vi.advanceTimersByTimeAsync(18_000);
  stage.clock.now = Date.now();
  expect((await answer).status).toBe(200);
  expect(cacheStatus((await answer).headers)).toBe("direct");
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

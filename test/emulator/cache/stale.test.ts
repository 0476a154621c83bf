// What the strict cache does with what is too old (W8, W11).

import { describe, expect, test } from "vitest";
import {
  answerWith,
  blockEntrypoint,
  cache,
  clock,
  count,
  entrypoint,
  fetchCached,
  line,
  loopback,
  wait,
} from "../../support/cache-requests.ts";

const DAY = 86_400;
const fails = async (): Promise<Response> => {
  throw new Error("the entrypoint failed");
};
const CACHEABLE_500 = { status: 500, headers: { "cache-control": "max-age=60" } };
const FAILURES = [
  ["throws", fails],
  ["answers 503", async () => new Response("busy", { status: 503 })],
  ["answers a 500 with max-age", async () => new Response("broken", CACHEABLE_500)],
] as const;

describe("while a response is renewed", () => {
  test("the old one is served at once, and the entrypoint runs once in the background (W8, W11)", async () => {
    count("max-age=60, stale-while-revalidate=600");
    await fetchCached();
    wait(60);
    const release = blockEntrypoint();
    for (let time = 0; time < 3; time += 1) expect(await line()).toBe("UPDATING run 1");
    expect(cache.runs.map(({ reason }) => reason)).toEqual(["miss", "revalidate"]);
    release();
    await cache.settled();
    expect(await line()).toBe("HIT run 2");
  });

  test.each(FAILURES)("the old one stays where the entrypoint %s (W8)", async (_how, answer) => {
    count("max-age=60, stale-while-revalidate=600");
    await fetchCached();
    wait(60);
    entrypoint.answer = answer;
    for (let time = 0; time < 3; time += 1) {
      expect(await line()).toBe("UPDATING run 1");
      await cache.settled();
    }
    expect(cache.runs).toHaveLength(4);
  });

  test.each<[cacheControl: string, status: number, expected: string]>([
    ["no-store", 200, "UPDATING run 1"],
    ["no-store", 404, "UPDATING run 1"],
    ["private", 200, "UPDATING run 1"],
    ["public, max-age=60, must-revalidate", 404, "HIT new"],
  ])("after a new one with %s and %d: %s (W8)", async (cacheControl, status, expected) => {
    count("max-age=60, stale-while-revalidate=600");
    await fetchCached();
    wait(60);
    answerWith("new", { "cache-control": cacheControl }, status);
    await fetchCached();
    await cache.settled();
    expect(await line()).toBe(expected);
    await cache.settled();
  });

  const BOTH = ["max-age=60, stale-while-revalidate=600", "no-cache, stale-while-revalidate=660"];

  test.each(BOTH)("the time of %s ends: then the visitor waits (W8)", async (cacheControl) => {
    count(cacheControl);
    await fetchCached();
    clock.now += 659_999;
    const release = blockEntrypoint();
    expect(await line()).toBe("UPDATING run 1");
    release();
    await cache.settled();
    clock.now += 660_000;
    expect(await line()).toBe("EXPIRED run 3");
  });
});

describe("where the entrypoint fails", () => {
  test.each(FAILURES)("and it %s, the old one is served for a time (W8)", async (_how, answer) => {
    count("max-age=60, stale-if-error=600");
    await fetchCached();
    entrypoint.answer = answer;
    clock.now += 659_999;
    expect(await line()).toBe("STALE run 1");
    clock.now += 1;
    expect(await line().catch(() => "failed")).not.toContain("run 1");
    count("max-age=60");
    wait(60);
    expect(await line()).toMatch(/^(?:MISS|EXPIRED) run/);
  });

  const ENDLESS = ["max-age=60", "public, max-age=60, stale-while-revalidate=1", undefined];

  test.each(ENDLESS)("%s: the old one is served without end (W8)", async (cacheControl) => {
    count(cacheControl);
    await fetchCached();
    entrypoint.answer = fails;
    wait(3650 * DAY);
    expect(await line()).toBe("STALE run 1");
  });

  test.each([
    "s-maxage=60, stale-while-revalidate=600",
    "max-age=60, must-revalidate, stale-while-revalidate=600",
    "max-age=60, proxy-revalidate, stale-while-revalidate=600",
    "no-cache",
    "no-cache, stale-while-revalidate=60",
  ])("%s: no old one where the entrypoint fails (W8)", async (directives) => {
    count(`${directives}, stale-if-error=600`);
    await fetchCached();
    wait(60);
    entrypoint.answer = fails;
    await expect(fetchCached()).rejects.toThrow("the entrypoint failed");
    count("max-age=60");
    expect(await line()).toBe("EXPIRED run 3");
  });

  test("a 4xx is no failure: it is passed on, and the old one stays (W8)", async () => {
    count("max-age=60");
    await fetchCached();
    wait(60);
    answerWith("refused", { "cache-control": "no-store" }, 403);
    expect(await line()).toBe("BYPASS refused");
    entrypoint.answer = fails;
    expect(await line()).toBe("STALE run 1");
  });

  test("and nothing is cached, the failure reaches each visitor (W8)", async () => {
    entrypoint.answer = fails;
    const release = blockEntrypoint();
    const both = Promise.allSettled([fetchCached(), fetchCached()]);
    release();
    expect((await both).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    entrypoint.answer = () => {
      throw new Error("at once");
    };
    await expect(fetchCached()).rejects.toThrow("at once");
    count("max-age=60");
    expect(await line()).toMatch(/^MISS/);
  });
});

describe("an answer that nothing has changed", () => {
  const date = "Thu, 26 Nov 2026 00:00:00 GMT";
  const validators = { etag: '"1"', "last-modified": date };
  const unchanged = (headers: Record<string, string>) => {
    entrypoint.answer = async () => new Response(null, { status: 304, headers });
  };
  const conditions = () => entrypoint.requests.map(({ headers }) => headers.get("if-none-match"));

  test("renews the cached one, and its headers (W18)", async () => {
    count("max-age=60", { ...validators, "content-type": "text/plain", "content-encoding": "a" });
    await fetchCached();
    wait(60);
    unchanged({
      "cache-control": "max-age=120",
      "content-type": "text/html",
      "content-encoding": "b",
      "content-length": "0",
      etag: 'W/"1"',
    });
    const answer = await fetchCached();
    expect(conditions()).toEqual([null, '"1"']);
    expect(entrypoint.requests[1]?.headers.get("if-modified-since")).toBe(date);
    expect(answer.headers.get("content-type")).toBe("text/html");
    expect(answer.headers.get("content-encoding")).toBe("a");
    expect(answer.headers.get("cf-cache-status")).toBe("REVALIDATED");
    expect(await answer.text()).toBe("run 1");
    wait(119);
    expect(await line()).toBe("HIT run 1");
    await cache.settled();
  });

  test("alone says for how long it holds, and under which tags (W10, W18)", async () => {
    count("max-age=60", { ...validators, "cache-tag": "old", date });
    await fetchCached();
    wait(60);
    unchanged({ etag: '"1"', "cache-tag": "new" });
    await fetchCached();
    wait(7199);
    await loopback().purge({ tags: ["old"] });
    expect(await line()).toBe("HIT run 1");
    await loopback().purge({ tags: ["new"] });
    count("max-age=60");
    expect(await line()).toMatch(/^MISS/);
  });

  test("is asked for by Last-Modified, too, and without one not at all (W18)", async () => {
    count("max-age=60", { "last-modified": validators["last-modified"] });
    await fetchCached();
    wait(60);
    unchanged({ "cache-control": "max-age=60" });
    expect(await line()).toBe("REVALIDATED run 1");
    count("max-age=60");
    await fetchCached("/b");
    wait(60);
    expect(await line("/b")).toBe("EXPIRED run 4");
    expect(entrypoint.requests[3]?.headers.has("if-modified-since")).toBe(false);
  });

  type Headers = Record<string, string>;
  test.each<[title: string, stored: Headers | undefined, headers304: Headers]>([
    ["where nothing is cached", undefined, { etag: '"1"' }],
    ["where the cached one has no ETag", {}, { etag: '"1"' }],
    ["of another ETag", validators, { etag: '"2"' }],
    ["without an ETag", validators, {}],
  ])("is a mistake of the entrypoint %s (W18)", async (_what, stored, headers304) => {
    if (stored !== undefined) {
      count("max-age=60, must-revalidate", stored);
      await fetchCached();
      wait(60);
    }
    unchanged({ "cache-control": "max-age=60", ...headers304 });
    await expect(fetchCached()).rejects.toThrow("a 304");
    await expect(cache.settled()).rejects.toThrow("a 304");
    count("max-age=60");
    expect(await line()).toMatch(/run \d/);
  });

  test("is a mistake in the background, too, and without the cache (W18)", async () => {
    count("max-age=60, stale-while-revalidate=600", validators);
    await fetchCached();
    wait(60);
    unchanged({ etag: '"2"' });
    await fetchCached();
    await expect(cache.settled()).rejects.toThrow("a 304");
    cache.switches.enabled = false;
    await expect(fetchCached()).rejects.toThrow("a 304");
    expect((await fetchCached("/a", { headers: { "if-none-match": '"2"' } })).status).toBe(304);
  });
});

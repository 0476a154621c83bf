// How long the strict cache keeps a response fresh, and what it never stores (W7, W9, W16).

import { describe, expect, test } from "vitest";
import {
  answerWith,
  cache,
  clock,
  count,
  entrypoint,
  fetchCached,
  line,
  START,
  wait,
} from "../../support/cache-requests.ts";

const HOURS_2 = 7200;

describe("how long a response is fresh", () => {
  test.each<[headers: Record<string, string>, seconds: number]>([
    [{}, HOURS_2],
    [{ "cache-control": "" }, HOURS_2],
    [{ "cache-control": "public" }, HOURS_2],
    [{ "cache-control": "max-age=60" }, 60],
    [{ "cache-control": 'MAX-AGE="60"' }, 60],
    [{ "cache-control": "max-age = 60 , public" }, 60],
    [{ "cache-control": "max-age=60, max-age=90" }, 60],
    [{ "cache-control": "max-age=60, s-maxage=30" }, 30],
    [{ "cache-control": 'extension="no-store, max-age=5", max-age=60' }, 60],
    [{ "cache-control": "max-age=60", expires: "Thu, 26 Nov 2026 09:00:00 GMT" }, 60],
    [{ expires: "Thu, 26 Nov 2026 00:01:00 GMT" }, 60],
    [
      {
        expires: "Thu, 26 Nov 2026 00:01:00 GMT",
        date: "Thu, 26 Nov 2026 00:00:30 GMT",
      },
      30,
    ],
    [{ "cdn-cache-control": "public", expires: "Thu, 26 Nov 2026 00:01:00 GMT" }, HOURS_2],
    [{ "cache-control": "max-age=60", age: "20" }, 40],
    [{ "cache-control": "max-age=60", age: "20, 0" }, 40],
    [{ "cache-control": "max-age=60", date: "Wed, 25 Nov 2026 23:59:50 GMT" }, 50],
    [{ "cache-control": "max-age=60", age: "yesterday", date: "today" }, 60],
    [{ "cache-control": "no-store", "cdn-cache-control": "max-age=60" }, 60],
    [{ "cdn-cache-control": "max-age=9", "cloudflare-cdn-cache-control": "max-age=60" }, 60],
  ])("%j: for %d seconds (W7)", async (headers, seconds) => {
    count(undefined, headers);
    expect(await line()).toBe("MISS run 1");
    clock.now = START + seconds * 1000 - 1;
    expect(await line()).toBe("HIT run 1");
    clock.now += 1;
    expect(await line()).not.toContain("run 1");
  });

  test.each([
    "max-age=0",
    "max-age=-1",
    "max-age=1.5",
    "max-age=for ever",
    "max-age",
    "no-cache, max-age=60",
    'no-cache="set-cookie", max-age=60',
    "max-age=60, s-maxage=x",
  ])("with %s it is stale at once (W7, W11)", async (cacheControl) => {
    count(cacheControl);
    await fetchCached();
    expect(await line()).toBe("EXPIRED run 2");
  });

  const PAST = ["0", "soon", "Wed, 25 Nov 2026 00:00:00 GMT"];

  test.each(PAST)("expires %s is in the past (W7, W8)", async (expires) => {
    count(undefined, { expires });
    await fetchCached();
    expect(await line()).toBe("EXPIRED run 2");
    answerWith("failed", {}, 500);
    expect(await line()).toBe("STALE run 2"); // W8: it is too old, and may replace an error
  });

  test.each<[seconds: number, statuses: readonly number[]]>([
    [7200, [200, 203, 204]],
    [1200, [300, 301]],
    [180, [404, 410]],
    [60, [405, 414, 501]],
  ])("without cache-control it is %d seconds for %j (W7)", async (seconds, statuses) => {
    for (const status of statuses) {
      answerWith(status === 204 ? null : "a", {}, status);
      const path = `/${status}`;
      await fetchCached(path);
      wait(seconds - 1);
      expect(await line(path)).toMatch(/^HIT/);
      wait(1);
      expect(await line(path)).toMatch(/^(?:EXPIRED|STALE)/); // W8: a 501 is an error
    }
  });
});

describe("what is not cached", () => {
  test.each<[status: number, headers: Record<string, string>, cacheStatus: string]>([
    [200, { "cache-control": "no-store, max-age=60" }, "BYPASS"],
    [200, { "cache-control": "private, max-age=60" }, "BYPASS"],
    [200, { "cache-control": "max-age=60, Private" }, "BYPASS"],
    [200, { "cache-control": "max-age=60", "cdn-cache-control": "no-store" }, "BYPASS"],
    [200, { "cache-control": "max-age=60", vary: "accept, *" }, "BYPASS"],
    [299, { "cache-control": "max-age=60, must-understand" }, "MISS"],
    [302, { location: "/" }, "MISS"],
    [403, {}, "MISS"],
    [500, {}, "MISS"],
    [202, {}, "MISS"],
    [308, {}, "MISS"],
    [200, { "cache-control": "public, max-age=60", "set-cookie": "a=b" }, "BYPASS"],
    [206, { "cache-control": "max-age=60" }, "MISS"],
    [520, { "cache-control": "max-age=60" }, "MISS"],
    [526, { "cache-control": "max-age=60" }, "MISS"],
  ])("%d with %j: %s (W7, W9)", async (status, headers, cacheStatus) => {
    entrypoint.answer = async () => new Response(`run ${cache.runs.length}`, { status, headers });
    expect(await line()).toBe(`${cacheStatus} run 1`);
    expect(await line()).toBe(`${cacheStatus} run 2`);
  });

  test.each([301, 403, 410, 500, 503, 519, 527])("max-age keeps a %d (W7, W9)", async (status) => {
    answerWith("a", { "cache-control": "max-age=60" }, status);
    await fetchCached();
    expect(await line()).toBe("HIT a");
  });

  test("a response that says it has more than 512 MB is passed on unread (W16)", async () => {
    const body = new ReadableStream({ pull: () => new Promise<never>(() => {}) });
    answerWith(body, { "cache-control": "max-age=60", "content-length": `${512 * 1024 ** 2 + 1}` });
    const answer = await fetchCached(); // of which nothing comes
    expect(answer.headers.get("cf-cache-status")).toBe("MISS");
    await answer.body?.cancel();
  });
});

describe("bodies", () => {
  const broken = () =>
    new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("half")),
      pull: (controller) => controller.error(new Error("broken off")),
    });

  test("a body that breaks off is not cached, and breaks off for the visitor, too (W7)", async () => {
    answerWith(broken(), { "cache-control": "max-age=60" });
    const answer = await fetchCached();
    await expect(answer.text()).rejects.toThrow("broken off");
    answerWith("whole", { "cache-control": "max-age=60" });
    expect(await line()).toBe("MISS whole");
  });

  test.each(["2", "6", "five"])("content-length %s of 5 bytes: not cached (W7)", async (length) => {
    answerWith("image", { "cache-control": "max-age=60", "content-length": length });
    expect(await line()).toBe("MISS image");
    expect(await line()).toBe("MISS image");
  });
});

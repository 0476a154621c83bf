// Two tiers, and who waits for whom (W5, W6, W13).

import { describe, expect, test } from "vitest";
import {
  blockEntrypoint,
  cache,
  clock,
  count,
  entrypoint,
  fetchCached,
  line,
  resetCache,
} from "../../support/cache-requests.ts";

const PLACES = ["upper", "visitor"] as const;

/** Asks at the same time, from 30 places by turns, and gives back how often each answer came. */
async function together(requests: number, places: number, init: RequestInit = {}) {
  const release = blockEntrypoint();
  const lines = Array.from({ length: requests }, (_, at) =>
    line("/a", init, { dataCenter: `place${at % places}` }),
  );
  release();
  const times: Record<string, number> = {};
  for (const one of await Promise.all(lines)) times[one] = (times[one] ?? 0) + 1;
  return times;
}

describe("requests that come together", () => {
  test.each(PLACES)("1,000 from 30 places run it once, in place %s (W5, W6)", async (runsIn) => {
    resetCache({ runsIn });
    count("max-age=60");
    expect(await together(1000, 30)).toEqual({ "MISS run 1": 1, "HIT run 1": 999 });
    const dataCenter = runsIn === "upper" ? "upper" : "place0";
    expect(cache.runs).toEqual([{ url: "https://renditions/a", dataCenter, reason: "miss" }]);
  });

  test.each([1, 3])("from %d places: no-store is for the first alone (W6)", async (places) => {
    let at = 0;
    entrypoint.answer = async () =>
      new Response(`for ${at++}`, { headers: { "cache-control": "no-store" } });
    expect(Object.values(await together(9, places))).toEqual(Array(9).fill(1));
    expect(cache.runs).toHaveLength(9);
  });

  test("where the first fails, the others run on their own (W6)", async () => {
    let times = 0;
    entrypoint.answer = async () => {
      times += 1;
      if (times === 1) throw new Error("the first failed");
      return new Response("a", { headers: { "cache-control": "max-age=60" } });
    };
    const all = await Promise.allSettled([fetchCached(), fetchCached(), fetchCached()]);
    expect(all.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
  });

  test("one with Authorization does not take what is not public (W6, W9)", async () => {
    let at = 0;
    entrypoint.answer = async () =>
      new Response(`for ${at++}`, { headers: { "cache-control": "max-age=60" } });
    const release = blockEntrypoint();
    const first = line();
    const second = line("/a", { headers: { authorization: "Basic YQ==" } });
    release();
    expect([await first, await second]).toEqual(["MISS for 0", "BYPASS for 1"]);
  });
});

describe("two tiers", () => {
  test("it is not younger in the second place (W5, W7)", async () => {
    count("max-age=60");
    await fetchCached("/a", {}, { dataCenter: "one" });
    clock.now += 59_000;
    expect((await fetchCached("/a", {}, { dataCenter: "two" })).headers.get("age")).toBe("59");
    clock.now += 1000;
    expect(await line("/a", {}, { dataCenter: "two" })).toBe("EXPIRED run 2");
  });

  test.each(PLACES)("the entrypoint runs in place %s, by a loopback (W5, W13)", async (runsIn) => {
    resetCache({ runsIn });
    entrypoint.answer = async () => {
      await new Promise(setImmediate);
      return Response.json(cache.where());
    };
    const answer = await cache.at("far", async () => {
      expect(cache.where()).toEqual({
        isBehindCache: false,
        isBackground: false,
        dataCenter: "far",
      });
      return fetchCached();
    });
    const dataCenter = runsIn === "upper" ? "upper" : "far";
    expect(await answer.json()).toEqual({ isBehindCache: true, isBackground: false, dataCenter });
    expect(cache.where()).toEqual({
      isBehindCache: false,
      isBackground: false,
      dataCenter: "here",
    });
  });
});

describe("a run", () => {
  test("has its own instance, and its context (W1)", async () => {
    const contexts = new Set<unknown>();
    const { fetch } = cache.entrypoint((context) => {
      contexts.add(context);
      return { fetch: () => new Response(null, { headers: { "cache-control": "no-store" } }) };
    });
    for (let time = 0; time < 3; time += 1) await fetch(new Request("https://x/a"));
    expect(contexts.size).toBe(3);
  });

  test("tells what its work in the background failed of (W1)", async () => {
    entrypoint.answer = async (_request, { waitUntil }) => {
      waitUntil(Promise.reject(new Error("in the background")));
      return new Response();
    };
    await fetchCached();
    await expect(cache.settled()).rejects.toThrow("in the background");
    await cache.settled();
  });
});

// What a purge drops, and what refuses it (W10, W1).

import { describe, expect, test } from "vitest";
import {
  answerWith,
  blockEntrypoint,
  cache,
  count,
  fetchCached,
  line,
  loopback,
  resetCache,
  wait,
} from "../../support/cache-requests.ts";

const DONE = { success: true, errors: [] };

async function isKept(...args: Parameters<typeof line>): Promise<boolean> {
  return (await line(...args)).startsWith("HIT");
}

/** Keeps a response with this header, and gives back whether a purge of a tag drops it. */
async function drops(header: string, tag: string): Promise<boolean> {
  count("max-age=60", { "cache-tag": header });
  await fetchCached();
  expect(await loopback().purge({ tags: [tag] })).toEqual(DONE);
  return !(await isKept());
}

describe("tags", () => {
  const maxTag = "x".repeat(1024);
  test.each<[header: string, tag: string]>([
    ["one", "one"],
    ["one,two", "two"],
    ["one, two ,three", "two"],
    ["ONE", "one"],
    ["one", "ONE"],
    ["a b,one", "one"],
    ["é,one", "one"],
    ["!#~", "!#~"],
    [`${maxTag}x,one`, "one"],
    [maxTag, maxTag],
    [",,one", "one"],
  ])("%s is purged by %s (W10)", async (header, tag) => {
    expect(await drops(header, tag)).toBe(true);
  });

  test.each<[header: string, tag: string]>([
    ["one", "on"],
    ["one", "one,two"],
    ["one,two", "one,two"],
    ["a b", "a b"],
    ["a b", "a"],
    ["é", "é"],
    [`${maxTag}x`, `${maxTag}x`],
    ["one", ""],
    ["", ""],
  ])("%j is not purged by %j (W10)", async (header, tag) => {
    expect(await drops(header, tag)).toBe(false);
  });
});

describe("a purge", () => {
  test.each<[what: object, left: string[]]>([
    [{ tags: ["one"] }, ["/1/b", "/2/a"]],
    [{ tags: ["none", "two"] }, ["/1/a", "/1/b"]],
    [{ pathPrefixes: ["/1/"] }, ["/2/a"]],
    [{ pathPrefixes: ["/1/b"], tags: ["two"] }, ["/1/a"]],
    [{ pathPrefixes: ["1/"] }, ["/1/a", "/1/b", "/2/a"]],
    [{ purgeEverything: false, tags: ["none"] }, ["/1/a", "/1/b", "/2/a"]],
    [{ purgeEverything: true }, []],
  ])("of %j leaves %j (W10)", async (filter, remaining) => {
    const tags: Record<string, string> = { "/1/a": "one", "/1/b": "", "/2/a": "two" };
    for (const [path, tag] of Object.entries(tags)) {
      count("max-age=60", { "cache-tag": tag });
      await fetchCached(path);
    }
    expect(await loopback().purge(filter)).toEqual(DONE);
    const cached = [];
    for (const path of Object.keys(tags)) if (await isKept(path)) cached.push(path);
    expect(cached).toEqual(remaining);
  });

  test("drops nothing of another entrypoint (W10)", async () => {
    count("max-age=60");
    for (const name of ["One", "Two"]) await fetchCached("/a", {}, { name });
    await loopback({ name: "One" }).purge({ purgeEverything: true });
    expect(await isKept("/a", {}, { name: "Two" })).toBe(true);
    expect(await isKept("/a", {}, { name: "One" })).toBe(false);
  });

  test("drops what another version, other props and other data centres have (W4, W10)", async () => {
    resetCache({ crossVersion: false });
    count("max-age=60");
    const otherEntrypoint = [{ version: "2" }, { props: 1 }, { dataCenter: "far" }];
    for (const other of otherEntrypoint) await fetchCached("/a", {}, other);
    await loopback().purge({ purgeEverything: true });
    for (const other of otherEntrypoint) expect(await isKept("/a", {}, other)).toBe(false);
  });

  test("does not leave an old response for errors (W8, W10)", async () => {
    count("max-age=60", { "cache-tag": "one" });
    await fetchCached();
    wait(60);
    await loopback().purge({ tags: ["one"] });
    answerWith("failed", {}, 500);
    expect(await line()).toBe("MISS failed");
  });

  test("does not stop a response that is on its way from being cached (W10)", async () => {
    answerWith("old", { "cache-control": "max-age=60" });
    const release = blockEntrypoint();
    const first = line();
    await loopback().purge({ purgeEverything: true });
    release();
    expect(await first).toBe("MISS old");
    expect(await line()).toBe("HIT old");
  });

  test("is never cached, and is no run of fetch (W1)", async () => {
    let calls = 0;
    const { purge } = cache.entrypoint(() => ({
      fetch: () => new Response(),
      async purge() {
        calls += 1;
        expect(cache.where().isBehindCache).toBe(true);
        return DONE;
      },
    }));
    for (let time = 0; time < 2; time += 1) expect(await purge({ tags: ["one"] })).toEqual(DONE);
    expect([calls, cache.runs.length]).toEqual([2, 0]);
  });

  test("fails where the entrypoint has no such method (W1)", async () => {
    const { purge } = cache.entrypoint(() => ({ fetch: () => new Response() }));
    await expect(purge({ tags: ["one"] })).rejects.toThrow('no method "purge"');
  });
});

describe("limits of purges", () => {
  const error = { code: expect.any(Number), message: expect.any(String) };
  const refused = { success: false, errors: [error] };

  test.each([
    [101, refused],
    [100, DONE],
  ])("of %d tags (W10)", async (number, result) => {
    count("max-age=60", { "cache-tag": "tag0" });
    await fetchCached();
    const tags = Array.from({ length: number }, (_, at) => `tag${at}`);
    expect(await loopback().purge({ tags })).toEqual(result);
    expect(await isKept()).toBe(result === refused);
  });

  const NOTHING = [{}, { tags: [] }, { purgeEverything: false }];

  test.each(NOTHING)("%j names nothing, and is refused (W10)", async (filter) => {
    expect(await loopback().purge(filter)).toEqual(refused);
  });

  test("25 at once, then 5 a minute; what is refused drops nothing (W10)", async () => {
    count("max-age=86400");
    const purge = () => loopback().purge({ purgeEverything: true });
    for (let time = 0; time < 25; time += 1) expect(await purge()).toEqual(DONE);
    await fetchCached();
    expect(await purge()).toEqual(refused);
    expect(await isKept()).toBe(true);
    wait(11.9);
    expect(await purge()).toEqual(refused);
    wait(0.2);
    expect(await purge()).toEqual(DONE);
    expect(await purge()).toEqual(refused);
  });
});

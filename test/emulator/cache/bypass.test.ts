// Who gets a cached response, and which part of it (W9), and what leaves the strict cache (W7, W10, W11, W14).

import { describe, expect, test } from "vitest";
import {
  answerWith,
  blockEntrypoint,
  cache,
  count,
  entrypoint,
  fetchCached,
  line,
  loopback,
  resetCache,
  wait,
} from "../../support/cache-requests.ts";

const AUTHORIZED = { headers: { authorization: "Basic dmlzaXRvcg==" } };

describe("a request with Authorization", () => {
  test("neither gets a cached response nor adds one (W9)", async () => {
    count("max-age=60");
    expect(await line("/a", AUTHORIZED)).toBe("BYPASS run 1");
    expect(await line()).toBe("MISS run 2");
    expect(await line("/a", AUTHORIZED)).toBe("BYPASS run 3");
    expect(await line()).toBe("HIT run 2");
    expect(cache.runs.map(({ reason }) => reason)).toEqual(["miss", "miss", "bypass"]);
  });

  const SHARED = ["public, max-age=60", "max-age=60, must-revalidate", "s-maxage=60"];

  test.each(SHARED)("gets what says %s, and leaves it (W9)", async (cacheControl) => {
    count(cacheControl);
    expect(await line("/a", AUTHORIZED)).toBe("MISS run 1");
    expect(await line("/a", AUTHORIZED)).toBe("HIT run 1");
    expect(await line()).toBe("HIT run 1");
  });

  test("gets no old response of others in place of a failure (W8, W9)", async () => {
    count("max-age=60", { etag: '"1"' });
    await fetchCached();
    wait(60);
    answerWith("failed", {}, 500);
    expect(await line("/a", AUTHORIZED)).toBe("BYPASS failed");
    expect(entrypoint.requests[1]?.headers.has("if-none-match")).toBe(false);
    expect(await line()).toMatch(/^STALE/);
  });
});

test.each(["POST", "PUT", "DELETE", "OPTIONS"])("%s is run, not cached (W7)", async (method) => {
  count("max-age=60");
  await fetchCached();
  expect(await line("/a", { method })).toBe("BYPASS run 2");
  expect(entrypoint.requests[1]?.method).toBe(method);
  expect(await line()).toBe("HIT run 1");
});

test("a HEAD runs the entrypoint as a GET, and the cached response has the body (W3)", async () => {
  count("max-age=60");
  const head = await fetchCached("/a", { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  expect(entrypoint.requests[0]?.method).toBe("GET");
  expect(await line()).toBe("HIT run 1");
});

describe("ranges", () => {
  const headers = { "cache-control": "max-age=60", etag: '"1"', "content-length": "10" };
  test.each<[range: string, status: number, body: string, contentRange: string | null]>([
    ["bytes=0-3", 206, "0123", "bytes 0-3/10"],
    ["bytes=8-", 206, "89", "bytes 8-9/10"],
    ["bytes=8-99", 206, "89", "bytes 8-9/10"],
    ["bytes=-2", 206, "89", "bytes 8-9/10"],
    ["bytes=-99", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=10-", 416, "", "bytes */10"],
    ["bytes=-0", 416, "", "bytes */10"],
    ["bytes=3-1", 200, "0123456789", null],
    ["bytes=-", 200, "0123456789", null],
    ["bytes=0-1,4-5", 200, "0123456789", null],
    ["lines=0-1", 200, "0123456789", null],
  ])("%s of a cached 200 of 10 bytes: %d %j (W9)", async (range, status, body, contentRange) => {
    answerWith("0123456789", headers);
    for (const cacheStatus of ["MISS", "HIT"]) {
      const answer = await fetchCached("/a", { headers: { range } });
      expect([answer.status, await answer.text()]).toEqual([status, body]);
      expect(answer.headers.get("content-range")).toBe(contentRange);
      expect(answer.headers.get("cf-cache-status")).toBe(cacheStatus);
      if (status === 206) expect(answer.headers.get("content-length")).toBe(`${body.length}`);
    }
    expect(entrypoint.requests[0]?.headers.has("range")).toBe(false);
    expect(await line()).toBe("HIT 0123456789");
  });

  test.each([
    ['"1"', '"1"', 206],
    ['"1"', '"2"', 200],
    ['"1"', 'W/"1"', 200],
    ['W/"1"', 'W/"1"', 200],
  ])("of what has the etag %s, with if-range %s: %d (W9)", async (etag, same, status) => {
    answerWith("0123456789", { ...headers, etag });
    const init = { headers: { range: "bytes=0-1", "if-range": same } };
    expect((await fetchCached("/a", init)).status).toBe(status);
  });
});

describe("conditions of the visitor", () => {
  const changed = "Thu, 26 Nov 2026 00:00:00 GMT";
  test.each<[headers: Record<string, string>, status: number]>([
    [{ "if-none-match": '"1"' }, 304],
    [{ "if-none-match": 'W/"0", W/"1"' }, 304],
    [{ "if-none-match": "*" }, 304],
    [{ "if-none-match": '"2"' }, 200],
    [{ "if-none-match": '"2"', "if-modified-since": changed }, 200],
    [{ "if-modified-since": changed }, 304],
    [{ "if-modified-since": "Wed, 25 Nov 2026 00:00:00 GMT" }, 200],
    [{ "if-modified-since": "lately" }, 200],
  ])("%j: %d, and the entrypoint does not see them (W7)", async (headers, status) => {
    answerWith("a", { "cache-control": "max-age=60", etag: '"1"', "last-modified": changed });
    for (let time = 0; time < 2; time += 1) {
      expect((await fetchCached("/a", { headers })).status).toBe(status);
    }
    const [request] = entrypoint.requests;
    expect([...(request?.headers.keys() ?? [])]).toEqual([]);
    expect(entrypoint.requests).toHaveLength(1);
  });
});

describe("what leaves", () => {
  const ALL = {
    "cache-tag": "one",
    "cdn-cache-control": "max-age=60",
    "cloudflare-cdn-cache-control": "max-age=60",
    "cache-control": "max-age=10",
    etag: '"1"',
  };

  test.each<[what: string, headers: Record<string, string>]>([
    ["a cached response", {}],
    ["another one", { "set-cookie": "a=b" }],
  ])("%s loses what is for the cache alone, and nothing else (W7, W10)", async (_what, more) => {
    answerWith("a", { ...ALL, ...more });
    for (let time = 0; time < 2; time += 1) {
      const { headers } = await fetchCached();
      const names = [...headers.keys()].filter(
        (name) => !["age", "cf-cache-status"].includes(name),
      );
      expect(names.sort()).toEqual(
        ["cache-control", "cdn-cache-control", "content-type", "etag", ...Object.keys(more)].sort(),
      );
      expect(headers.get("cache-control")).toBe("max-age=10");
    }
  });

  test("only a cached response has an age, in whole seconds (W11)", async () => {
    count("max-age=60");
    expect((await fetchCached()).headers.get("age")).toBeNull();
    wait(59.9);
    expect((await fetchCached()).headers.get("age")).toBe("59");
    wait(1);
    expect((await fetchCached()).headers.get("age")).toBeNull();
  });

  test.each(["accept", "*"])("vary: %s of a rendition is ignored (C5, W14)", async (vary) => {
    count("max-age=60", { vary, "cf-resized": "internal=ok/m q=0" });
    await fetchCached("/a", { headers: { accept: "image/avif" } });
    expect(await line("/a", { headers: { accept: "image/png" } })).toBe("HIT run 1");
  });

  test("each variant of a response is cached, and renewed, by itself (W14)", async () => {
    count("max-age=60, stale-while-revalidate=60", { vary: "Accept,, X-Other" });
    const lineFor = (headers: Record<string, string>) => line("/a", { headers });
    expect(await lineFor({ accept: "image/avif" })).toBe("MISS run 1");
    expect(await lineFor({ accept: "image/png" })).toBe("MISS run 2");
    expect(await line()).toBe("MISS run 3");
    expect(await lineFor({ accept: "image/avif", "user-agent": "x" })).toBe("HIT run 1");
    wait(60);
    expect(await lineFor({ accept: "image/png" })).toBe("UPDATING run 2");
    await cache.settled();
    expect(await lineFor({ accept: "image/png" })).toBe("HIT run 4");
    expect(await lineFor({ accept: "image/avif" })).toBe("UPDATING run 1");
  });

  test("requests that come together get no variant of another one (W6, W14)", async () => {
    entrypoint.answer = async ({ headers }) =>
      new Response(headers.get("accept"), { headers: { vary: "accept" } });
    const types = ["image/avif", "*/*", "image/avif"];
    const lines = types.map((accept) => line("/a", { headers: { accept } }));
    expect(await Promise.all(lines)).toEqual(["MISS image/avif", "MISS */*", "HIT image/avif"]);
  });

  test("without a cache nothing is cached, and no status is sent (W1)", async () => {
    resetCache({ enabled: false });
    count("max-age=60", { "cache-tag": "one" });
    for (const body of ["run 1", "run 2"]) {
      const answer = await fetchCached();
      expect(answer.headers.get("cf-cache-status")).toBeNull();
      expect(await answer.text()).toBe(body);
    }
    expect(cache.runs.map(({ reason }) => reason)).toEqual(["bypass", "bypass"]);
  });

  test("a visitor who waits no longer ends nothing for the others (W6)", async () => {
    count("max-age=60");
    const release = blockEntrypoint();
    const abort = new AbortController();
    const first = loopback().fetch(new Request("https://x/a", { signal: abort.signal }));
    const second = line();
    abort.abort(new Error("too slow"));
    await expect(first).rejects.toThrow("too slow");
    release();
    expect(await second).toBe("HIT run 1");
  });
});

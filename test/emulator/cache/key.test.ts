// What is in the key of the strict cache, and what is not (W3, W4).

import { expect, test } from "vitest";
import { cache, count, line, loopback, resetCache } from "../../support/cache-requests.ts";

type CacheKeyParts = Parameters<typeof line>;

test.each<[what: string, one: CacheKeyParts, other: CacheKeyParts]>([
  ["the path", ["/a"], ["/b"]],
  ["the case of the path", ["/a"], ["/A"]],
  ["the encoding of the path", ["/a"], ["/%61"]],
  ["a slash at the end", ["/a"], ["/a/"]],
  ["the query string", ["/a?b=1"], ["/a?b=2"]],
  ["the order of the query string", ["/a?b&c"], ["/a?c&b"]],
  ["where the path ends", ["/a?b"], ["/a%3Fb"]],
  ["the props", ["/a", {}, { props: { of: 1 } }], ["/a", {}, { props: { of: 2 } }]],
  ["whether there are props", ["/a"], ["/a", {}, { props: {} }]],
  ["the entrypoint", ["/a", {}, { name: "One" }], ["/a", {}, { name: "Two" }]],
  ...[
    ...["Cloudflare-Workers-Version-Key", "forwarded", "x-forwarded-host", "x-forwarded-scheme"],
    ...["x-host", "x-http-method", "x-http-method-override", "x-method-override"],
    ...["X-Original-URL", "x-rewrite-url"],
  ].map((name): [string, CacheKeyParts, CacheKeyParts] => [
    name,
    ["/a"],
    ["/a", { headers: { [name]: "b" } }],
  ]),
])("%s is in the key (W3)", async (_what, one, changed) => {
  count("max-age=60");
  expect(await line(...one)).toBe("MISS run 1");
  expect(await line(...changed)).toBe("MISS run 2");
  expect(await line(...one)).toBe("HIT run 1");
});

test.each<[what: string, other: CacheKeyParts]>([
  ["the method", ["/a", { method: "HEAD" }]],
  ["the fragment", ["/a#b"]],
  ...["accept", "cookie", "user-agent", "accept-encoding", "origin", "cf-connecting-ip"].map(
    (name): [string, CacheKeyParts] => [name, ["/a", { headers: { [name]: "b" } }]],
  ),
  ["cache-control of the visitor", ["/a", { headers: { "cache-control": "no-cache" } }]],
])("%s is not in the key (W3)", async (_what, changed) => {
  count("max-age=60");
  await line();
  expect(await line(...changed)).toMatch(/^HIT/);
});

test("the host is not in the key (W3)", async () => {
  count("max-age=60");
  await line();
  const answer = await loopback().fetch(new Request("http://another.example:8080/a"));
  expect(answer.headers.get("cf-cache-status")).toBe("HIT");
});

test("cf.cacheKey replaces the path and the query string, and is no path (W3)", async () => {
  count("max-age=60");
  const get = (url: string, key: string) =>
    loopback().fetch(Object.assign(new Request(url), { cf: { cacheKey: key } }));
  await get("https://x/a", "/one");
  expect((await get("https://x/b?c", "/one")).headers.get("cf-cache-status")).toBe("HIT");
  expect((await get("https://x/a", "/two")).headers.get("cf-cache-status")).toBe("MISS");
  expect(await line("/one")).toMatch(/^MISS/);
});

test("a deploy empties the cache (W4)", async () => {
  resetCache({ crossVersion: false });
  count("max-age=60");
  await line("/a", {}, { version: "1" });
  expect(await line("/a", {}, { version: "2" })).toBe("MISS run 2");
  expect(await line("/a", {}, { version: "1" })).toBe("HIT run 1");
});

test("with cross_version_cache a deploy empties nothing, and the new version answers (W4)", async () => {
  count("max-age=60");
  const old = cache.entrypoint(() => ({ fetch: () => new Response("old") }), { version: "1" });
  const next = cache.entrypoint(() => ({ fetch: () => new Response("new") }), { version: "2" });
  await old.fetch(new Request("https://x/a"));
  expect(await (await next.fetch(new Request("https://x/a"))).text()).toBe("old");
  expect(await (await next.fetch(new Request("https://x/b"))).text()).toBe("new");
});

// Paths are decoded strictly and have one spelling, and a key leads to the path that leads to it.

import { expect, test } from "vitest";
import { publicPathOf } from "../../src/cli/urls/public-url.ts";
import { HARD_KEYS } from "../../src/dev/fixture-objects.ts";
import { decodePath, encodePath } from "../../src/url/encoding.ts";
import { compileRoute, findRoute } from "../../src/worker/config/compile-route.ts";

test.each<[string, string]>([
  ["/a%20b", "/a b"],
  ["/a+b", "/a+b"],
  ["/%252e%252e", "/%2e%2e"],
  ["/%2F", "//"],
  ["/%F0%9F%98%80", "/😀"],
])("the path %s is decoded once, to %j", (path, decoded) => {
  expect(decodePath(path)).toBe(decoded);
});

test.each([
  ["a stray %", "/%"],
  ["half an escape", "/%4"],
  ["no hexadecimal digits", "/%zz"],
  ["bytes that are not UTF-8", "/%ff"],
  ["an overlong slash", "/%c0%af"],
  ["an overlong dot", "/%e0%80%ae"],
  ["a surrogate", "/%ed%a0%80"],
  ["a cut sequence", "/%f0%9f%98"],
])("a path with %s is refused", (_what, path) => {
  expect(decodePath(path)).toBeUndefined();
});

test("the path of each key has one spelling", () => {
  for (const key of [...HARD_KEYS, "card@2x/~a.b-c_d"]) {
    const path = encodePath(`/${key}`);
    expect(path).toMatch(/^[\w.~/@-]*(?:%[0-9A-F]{2}[\w.~/@-]*)*$/);
    expect(decodePath(path)).toBe(`/${key}`);
    expect(new URL(path, "https://images.example").pathname).toBe(path);
  }
});

const routes = [
  ["/avatars/:user/:preset", "users/:user/avatar.png"],
  ["/pairs/:preset/:a/:b", ":a-:b.jpg"],
  ["/twice/:preset/:a", ":a/:a.jpg"],
  ["/p/:preset/:id/:slug", "products/:id.jpg"],
  ["/again/:preset/:id/*", "again/:id/:id*"],
  ["/in/:preset", "of/:preset"],
  ["/dated/:preset/:year/*", ":year-*"],
  ["/images/:preset/*", "*"],
  ["/images/:preset/late/*", "late/*"],
  ["/jpegs/:preset/*", "*.jpg"],
].map(([path = "", object = ""]) => compileRoute(path, object, () => {}));

test.each<[number, string, string | undefined]>([
  [0, "users/ada/avatar.png", "/avatars/ada/card@2x"],
  [0, "users/a b/avatar.png", "/avatars/a%20b/card@2x"],
  [0, "users/ada/b/avatar.png", undefined],
  [1, "x-y-z.jpg", "/pairs/card@2x/x-y/z"],
  [2, "x/x.jpg", "/twice/card@2x/x"],
  [2, "x/y.jpg", undefined],
  [3, "products/7.jpg", "/p/card@2x/7/-"],
  [4, "again/7/78.jpg", "/again/card@2x/7/8.jpg"],
  [5, "of/card@2x", "/in/card@2x"],
  [5, "of/card", undefined],
  [6, "2024-a-", "/dated/card@2x/2024/a-"],
  [6, "2024-", undefined],
  [7, "a/b@c (d).jpg", "/images/card@2x/a/b@c%20%28d%29.jpg"],
  [7, "", undefined],
  [8, "late/a.jpg", undefined], // an earlier route matches this path first
  [9, "a/b.jpg", "/jpegs/card@2x/a/b"],
  [9, "a/...jpg", undefined], // browsers turn /jpegs/card@2x/a/.. into /jpegs/card@2x/
  [9, "..jpg", undefined],
  [9, "../a.jpg", undefined],
])("on route %d the public path of the key %j is %j", (which, key, expected) => {
  const route = routes[which] ?? expect.unreachable();
  const path = publicPathOf(routes, route, "card@2x", key);
  expect(path).toBe(expected);
  if (path === undefined) return;
  const decoded = decodePath(path);
  if (typeof decoded !== "string") expect.unreachable();
  expect(findRoute(routes, decoded)).toEqual({ route, variant: "card@2x", key });
});

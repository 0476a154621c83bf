// Patterns of routes: how a path and an object's template are read, which mistakes they have, and that matching is
// fast.

import { expect, test } from "vitest";
import { publicPathOf } from "../../../src/cli/urls/public-url.ts";
import { compileRoute, findRoute } from "../../../src/worker/config/compile-route.ts";
import { decodePathname, parseRequestTarget } from "../../../src/worker/request/resolve-request.ts";
import { growthOf } from "../../support/clock.ts";

function compile(path: string, object: string) {
  const faults: string[] = [];
  const route = compileRoute(path, object, (at, message) => faults.push(`${at}: ${message}`));
  return { route, faults };
}

const routes = [
  compile("/avatars/:user/:preset", "users/:user/avatar.png").route,
  compile("/p/:preset/:id/:slug", "products/:id.jpg").route,
  compile("/images/:preset/*", "*").route,
  compile("/:preset/*", "root/*").route,
];

test.each<[string, string, string, string]>([
  ["/images/card/a.jpg", "/images/:preset/*", "card", "a.jpg"],
  ["/images/card@2x/a/b c/d.jpg", "/images/:preset/*", "card@2x", "a/b c/d.jpg"],
  ["/images/card/", "/images/:preset/*", "card", ""],
  ["/images//a", "/images/:preset/*", "", "a"],
  ["/images/card//a", "/images/:preset/*", "card", "/a"],
  ["/avatars/ada/card", "/avatars/:user/:preset", "card", "users/ada/avatar.png"],
  ["/avatars/$&/card", "/avatars/:user/:preset", "card", "users/$&/avatar.png"],
  ["/avatars/:user/card", "/avatars/:user/:preset", "card", "users/:user/avatar.png"],
  ["/avatars/a/b/card", "/:preset/*", "avatars", "root/a/b/card"],
  ["/p/card/7/a-nice-name", "/p/:preset/:id/:slug", "card", "products/7.jpg"],
  ["/Images/card/a.jpg", "/:preset/*", "Images", "root/card/a.jpg"],
])("%s is of %s: variant %j, key %j", (path, route, variant, key) => {
  expect(findRoute(routes, path)).toMatchObject({ route: { path: route }, variant, key });
});

test.each<[url: string, pathname: string, search: string]>([
  ["https://images.example/a/b?c=d", "/a/b", "?c=d"],
  ["https://[::1]:8787/a/../b/./c//d", "/a/../b/./c//d", ""],
  ["https://images.example/a\\b/%2e%2e/c", "/a\\b/%2e%2e/c", ""],
  ["https://images.example//other.example/a", "//other.example/a", ""],
  ["https://images.example/a?b?c/../d", "/a", "?b?c/../d"],
  ["https://images.example?a/b", "", "?a/b"],
  ["https://images.example", "", ""],
  ["https://images.example/a#b?c", "/a", ""],
  ["https://images.example#/a", "", ""],
  ["https://user:word@images.example/a@b:c", "/a@b:c", ""],
  ["https://images.example/a\nb?c\nd", "/a\nb", "?c\nd"],
  ["https://images.example/é/😀", "/é/😀", ""],
  ["images.example/a", "", ""],
])("of %j the path is %j, the query %j", (url, pathname, search) => {
  expect(parseRequestTarget(url)).toEqual({ pathname, search });
});

test.each(["/", "/images", "/avatars"])("%j is of no route", (path) => {
  expect(findRoute(routes, path)).toEqual({ event: "no-such-route", path });
});

const NO_PRESET = "path: has no :preset";
const ODD = "is not a literal, :name or *";

test.each<[string, string, string[]]>([
  ["/images/:preset/*", "*", []],
  ["/a/:preset/:b/*", "x/:b/*.jpg", []],
  ["images/:preset/*", "*", ["path: does not begin with a slash"]],
  ["/images/*", "*", [NO_PRESET]],
  ["/*/:preset", "*", ["path: * must come last"]],
  ["/:preset/:a/:a", ":a", ["path: has :a twice"]],
  ["/:preset/a:b", "x", [`path: "a:b" ${ODD}`]],
  ["/:preset/:a.png", ":a", [`path: ":a.png" ${ODD}`, "object: :a is not in path"]],
  ["/:preset.png/*", "*", [`path: ":preset.png" ${ODD}`, NO_PRESET]],
  ["/:preset/a*", "x", [`path: "a*" ${ODD}`]],
  ["/:preset//x", "x", [`path: "" ${ODD}`]],
  ["/../:preset/x", "x", [`path: ".." ${ODD}`]],
  ["/:preset/a\nb", "x", [`path: "a\nb" ${ODD}`]],
  ["/:preset/a%20b", "x", [`path: "a%20b" ${ODD}`]],
  ["/:preset/:a/:b", ":a/:a:b.jpg", []],
  ["/:preset/:a/:b/:c/*", "a/:a/:b/:c-*", []],
  ["/:preset/:a/:b/:c", ":a-:b-:c", ["object: needs more slashes between its names"]],
  ["/:preset/:a/:b/:c/:d", ":a-:b/x/:c-:d.jpg", ["object: needs more slashes between its names"]],
  ["/:preset/x", "a/:b/*", ["object: :b is not in path", "object: * is not in path"]],
])("the route %s → %s has the faults %j", (path, object, faults) => {
  expect(compile(path, object).faults).toEqual(faults);
});

test.each<[string, string]>([
  ["/:preset/:a/:b", ":a-:b.jpg"],
  ["/:preset/:a/*", ":a-*.jpg"],
  ["/:preset/:a/*", "*-:a.jpg"],
  ["/:preset/:a/:b/*", "*/:a-:b.jpg"],
  ["/:preset/:a/:b/:c/*", "*/:a/x/:b-:c.jpg"],
  ["/:preset/:a/:b/*", ":b/:a-:b-:a-*.jpg"],
])("no key takes longer than its length squared by the route %s → %s", (path, object) => {
  const { route, faults } = compile(path, object);
  expect(faults).toEqual([]);

  for (const text of ["-", "-/", "a-", "x/-", "--.jpg/"]) {
    const keyOf = (length: number) => `${text.repeat(length / text.length)}/`;
    const find = (length: number) => publicPathOf([route], route, "card", keyOf(length));
    expect(growthOf(find, 256)).toBeLessThan(40);
  }
});

test("a literal may have every character except control characters and : * % ? # \\", () => {
  for (let code = 0; code <= 0xffff; code++) {
    const one = String.fromCharCode(code);
    const isWrong = /[:*%?#\\\p{Cc}]/u.test(one);
    const { faults } = compile(`/a${one}b/:preset/*`, "*");
    if (faults.length > 0 !== isWrong) expect.fail(`U+${code.toString(16)}: ${faults.join()}`);
  }
});

const NO_ROUTE = -1;

test.each<[paths: string[], pathname: string, which: number]>([
  // literals and names
  [["/:preset/a", "/x/:preset"], "/x/a", 0],
  [["/x/:preset", "/:preset/a"], "/x/a", 0],
  [["/:preset/a", "/x/:preset"], "/x/b", 1],
  [["/x/a/:preset", "/x/:preset/c"], "/x/a/c", 0],
  [["/x/a/:preset/z", "/x/:preset/c"], "/x/a/c", 1], // the branch of the literal ends without a route
  [["/a/:preset/b/c", "/a/:preset/:y/d", "/:preset/*"], "/a/1/b/e", 2],
  // * and ends
  [["/x/:preset/*", "/x/:preset/a"], "/x/card/a", 0],
  [["/x/:preset/a", "/x/:preset/*"], "/x/card/a/b", 1],
  [["/:preset/*", "/x/y/:preset/z"], "/x/y/card/z", 0],
  [["/x/:preset/*", "/x/:preset/late/*"], "/x/card/late/a", 0],
  [["/x/:preset/late/*", "/:preset/*"], "/x/card/late", 1],
  [["/:preset/*", "/:preset"], "/card", 1],
  [["/:preset", "/:preset/*"], "/card/", 1],
  // empty segments and slashes at the end
  [["/x/:preset"], "/x/", 0],
  [["/x/:preset"], "/x", NO_ROUTE],
  [["/x/:preset"], "/x/card/", NO_ROUTE],
  [["/x/:preset/*"], "/x/card", NO_ROUTE],
  [["/x/:preset/*"], "/x/card/", 0],
  [["/x/:preset/*"], "//x/card/a", NO_ROUTE],
  [["/:preset"], "/", 0],
  [["/:preset"], "", NO_ROUTE],
  [["/x/:preset", "/:preset/*"], "/x//", 1],
  // two routes of the same form
  [["/x/:preset/:a", "/x/:b/:preset"], "/x/1/2", 0],
  [["/x/:preset/*", "/x/:preset/*"], "/x/1/2", 0],
  // the path is decoded before it is split, and only once
  [["/x/:preset/a/:b", "/x/:preset/*"], "/x/card/a%2Fb", 0],
  [["/x/:preset/:a", "/x/:preset/*"], "/x/card/a%2fb", 1],
  [["/x/:preset/*"], "/x%2Fcard%2Fa", 0],
  [["/x/:preset/*"], "/%78/card/a", 0],
  [["/x/:preset/*"], "/x%252Fcard/a", NO_ROUTE],
  // segments with a special meaning in JavaScript
  [["/x/:preset/*"], "/x/card/../y", 0],
  [["/x/:preset/*"], "/./x/card/y", NO_ROUTE],
  [["/x/:preset/*"], "/x\\card/y", NO_ROUTE],
  [["/__proto__/:preset", "/constructor/:preset"], "/constructor/card", 1],
  [["/x/:preset"], "/__proto__/card", NO_ROUTE],
  [["/x/:preset/y", "/:preset/*"], "/x/:preset/*", 1],
  [["/x/:preset", "/X/:preset"], "/X/card", 1],
  [["/x/:preset"], "/x/card\n", 0],
])("of %j the path %j is of number %d", (paths, pathname, which) => {
  const routes = paths.map((one) => compile(one, one.endsWith("/*") ? "*" : "k").route);
  const path = decodePathname(pathname);
  if (typeof path !== "string") expect.unreachable();
  const match = findRoute(routes, path);
  expect("route" in match ? routes.indexOf(match.route) : NO_ROUTE).toBe(which);
});

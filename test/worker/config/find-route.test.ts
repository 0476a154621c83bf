// The index of routes finds the same route as trying all of them in order, and is fast.

import fc from "fast-check";
import { expect, test } from "vitest";
import { readPath } from "../../../src/url/grammar.ts";
import { compileRoute, type Route } from "../../../src/worker/config/compile-route.ts";
import { findRoute, indexRoutes } from "../../../src/worker/config/find-route.ts";
import { readPathname } from "../../../src/worker/request/target.ts";
import { cpuTimeOf } from "../../support/clock.ts";

const compile = (path: string): Route =>
  compileRoute(path, path.endsWith("/*") ? "*" : "k", () => {});

/** The definition: the first route whose pattern matches. */
function tryEach(routes: readonly Route[], path: string) {
  for (const route of routes) {
    const found = readPath(route.mapping, path);
    if (found !== undefined) return { ...found, route };
  }
  return { event: "no-such-route", path };
}

const NONE = -1;

test.each<[paths: string[], pathname: string, which: number]>([
  // literals and names
  [["/:preset/a", "/x/:preset"], "/x/a", 0],
  [["/x/:preset", "/:preset/a"], "/x/a", 0],
  [["/:preset/a", "/x/:preset"], "/x/b", 1],
  [["/x/a/:preset", "/x/:preset/c"], "/x/a/c", 0],
  [["/x/:preset/c", "/x/a/:preset"], "/x/a/c", 0],
  [["/x/a/:preset/z", "/x/:preset/c"], "/x/a/c", 1], // the branch of the literal ends without a route
  [["/a/:preset/b/c", "/:x/:preset/:y/d"], "/a/1/b/d", 1],
  [["/a/:preset/b/c", "/a/:preset/:y/d", "/:preset/*"], "/a/1/b/e", 2],
  // * and ends
  [["/x/:preset/*", "/x/:preset/a"], "/x/card/a", 0],
  [["/x/:preset/a", "/x/:preset/*"], "/x/card/a", 0],
  [["/x/:preset/a", "/x/:preset/*"], "/x/card/a/b", 1],
  [["/:preset/*", "/x/y/:preset/z"], "/x/y/card/z", 0],
  [["/x/y/:preset/z", "/:preset/*"], "/x/y/card/z", 0],
  [["/x/:preset/late/*", "/x/:preset/*"], "/x/card/late/a", 0],
  [["/x/:preset/*", "/x/:preset/late/*"], "/x/card/late/a", 0],
  [["/x/:preset/late/*", "/:preset/*"], "/x/card/late", 1],
  [["/a/:preset/*", "/:preset/b/*", "/:preset/*"], "/a/b/c", 0],
  [["/:preset/*", "/:preset"], "/card", 1],
  [["/:preset", "/:preset/*"], "/card/", 1],
  // empty segments and slashes at the end
  [["/x/:preset"], "/x/", 0],
  [["/x/:preset"], "/x", NONE],
  [["/x/:preset"], "/x/card/", NONE],
  [["/x/:preset/*"], "/x/card", NONE],
  [["/x/:preset/*"], "/x/card/", 0],
  [["/x/:preset/*"], "/x//", 0],
  [["/x/:preset/*"], "//x/card/a", NONE],
  [["/:preset/*"], "//x", 0],
  [["/:preset"], "/", 0],
  [["/:preset"], "", NONE],
  [["/:preset"], "card", NONE],
  [["/x/:preset"], "xx/card", NONE],
  [["/x/:preset", "/:preset/*"], "/x//", 1],
  // two routes of the same form
  [["/x/:preset/:a", "/x/:b/:preset"], "/x/1/2", 0],
  [["/x/:preset/*", "/x/:preset/*"], "/x/1/2", 0],
  [["/:a/:preset/b", "/x/:preset/:c", "/:d/:preset/b"], "/x/1/b", 0],
  // the path is decoded before it is split, and only once
  [["/x/:preset/a/:b", "/x/:preset/*"], "/x/card/a%2Fb", 0],
  [["/x/:preset/:a", "/x/:preset/*"], "/x/card/a%2fb", 1],
  [["/x/:preset/*"], "/x%2Fcard%2Fa", 0],
  [["/x/:preset/*"], "%2Fx/card/a", 0],
  [["/x/:preset/*"], "/%78/card/a", 0],
  [["/x/:preset/*"], "/x%252Fcard/a", NONE],
  [["/a b/:preset", "/:preset/*"], "/a%20b/card", 0],
  // segments with a special meaning in JavaScript
  [["/x/:preset/*"], "/x/card/../y", 0],
  [["/x/:preset/*"], "/./x/card/y", NONE],
  [["/x/:preset/*"], "/x\\card/y", NONE],
  [["/__proto__/:preset", "/constructor/:preset"], "/constructor/card", 1],
  [["/x/:preset"], "/__proto__/card", NONE],
  [["/x/:preset"], "/:preset/:preset", NONE],
  [["/x/:preset/y", "/:preset/*"], "/x/:preset/*", 1],
  [["/X/:preset"], "/x/card", NONE],
  [["/x/:preset", "/X/:preset"], "/X/card", 1],
  [["/x/:preset"], "/x/card\n", 0],
])("of %j the path %j is of number %d", (paths, pathname, which) => {
  const routes = paths.map(compile);
  const path = readPathname(pathname);
  if (typeof path !== "string") expect.unreachable();
  const found = findRoute(indexRoutes(routes), path);
  expect(found).toEqual(tryEach(routes, path));
  expect("route" in found ? routes.indexOf(found.route) : NONE).toBe(which);
});

const literal = fc.constantFrom("a", "b", "images", "a b", ".", "é", "😀", "__proto__");
const routePath = fc
  .record({
    segments: fc.array(fc.oneof(literal, fc.constant(":")), { minLength: 1, maxLength: 5 }),
    preset: fc.nat(),
    rest: fc.boolean(),
  })
  .map(({ segments, preset, rest }) => {
    const named = segments.map((segment, at) => (segment === ":" ? `:n${at}` : segment));
    named[preset % named.length] = ":preset";
    return ["", ...named, ...(rest ? ["*"] : [])].join("/");
  });
const asked = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: literal },
    fc.constantFrom("", "*", ":preset", "..", "\n", "\\", "%", "\ud800", "\udc00"),
    fc.string({ unit: "binary", maxLength: 3 }),
  ),
  { maxLength: 7 },
);

test("it finds the route that trying each in order finds", () => {
  let found = 0;
  const check = fc.property(
    fc.array(routePath, { maxLength: 12 }),
    fc.array(asked, { minLength: 1, maxLength: 8 }),
    fc.constantFrom("/", "/", "/", "", "//"),
    (paths, texts, begin) => {
      const routes = paths.map(compile);
      const index = indexRoutes(routes);
      for (const text of texts) {
        const path = begin + text.join("/");
        const expected = tryEach(routes, path);
        expect(findRoute(index, path)).toEqual(expected);
        if ("route" in expected) found += 1;
      }
    },
  );
  fc.assert(check, { numRuns: 3_000, seed: 20_261_124 });
  expect(found).toBeGreaterThan(3_000);
});

/** A thousand paths that differ as late as possible. */
const MANY: Record<string, string[]> = {
  "that begin alike": times(1000, (n) => `/images/:preset/${"a/".repeat(8)}${n}`),
  "of names": times(
    1000,
    (n) => `/${n}/:preset/${Array.from({ length: 9 }, (_, at) => `:n${at}`).join("/")}/*`,
  ),
  "in which a literal and a name stand at every place": times(1000, (n) => {
    const bits = n.toString(2).padStart(10, "0");
    return `/:preset/${[...bits].map((bit, at) => (bit === "0" ? "a" : `:n${at}`)).join("/")}/end`;
  }),
  "with the rest at every place": times(1000, (n) => `/:preset/${"a/".repeat(n % 100)}${n}/*`),
};

function times(count: number, make: (n: number) => string): string[] {
  return Array.from({ length: count }, (_, n) => make(n));
}

test.each(Object.entries(MANY))("a thousand routes %s take no time", (_what, paths) => {
  const index = indexRoutes(paths.map(compile));
  const hostile = [
    "/".repeat(10_000),
    "/a".repeat(10_000),
    `/images/card${"/a".repeat(10_000)}`,
    `/card${"/a".repeat(10)}/no`,
    `/999/card${"/".repeat(10_000)}`,
    `/${"a".repeat(20_000)}`,
  ];
  for (const path of hostile) {
    expect(cpuTimeOf(() => findRoute(index, path))).toBeLessThan(50);
  }
});

test("a route of a thousand segments is found, and one beside it is not", () => {
  const long = `/:preset${"/a".repeat(1000)}`;
  const routes = [compile(long)];
  const index = indexRoutes(routes);
  expect(findRoute(index, long.replace(":preset", "card"))).toMatchObject({ variant: "card" });
  expect(findRoute(index, `${long}/a`)).toHaveProperty("event", "no-such-route");
});

// What `vitrine check` says of costs, compared with what the strict edge counts.

import { expect, test } from "vitest";
import { transformationsOf } from "../../../src/cli/config/transformations.ts";
import { configOf } from "../../support/config-of.ts";
import { ENV, VARS } from "../../support/env.ts";
import { arrange, get, MODERN, stage } from "../../support/run-worker.ts";

test("an object causes exactly as many transformations as are told, whatever is sent (L2)", async () => {
  const { variants } = configOf();
  for (const variant of variants.keys()) {
    for (const headers of [MODERN, { accept: "image/webp" }, { accept: "*/*" }]) {
      for (const path of ["/images", "/app"]) {
        const answer = await get(`${path}/${variant}/animated.gif?v=${variant}`, { headers });
        expect([variant, answer.status]).toEqual([variant, 200]);
      }
    }
  }
  const transformations = transformationsOf(configOf());
  expect([...transformations]).toEqual([["media", stage.edge.transformations.size]]);
  // card: 2, hero: 2 with quality and 2 without (O5), wide: 5, tall: 1, moving: 1; where that stands still, and
  // plain, are wide@200w's.
  expect(stage.edge.transformations.size).toBe(13);
});

test.each([
  ["apart", 1],
  ["with-rendition", 0.5],
] as const)("facts cause no more than is told, if billed %s (L2, R9)", async (way, part) => {
  arrange({ factsBilled: way });
  const ROUTES = [{ path: "/facts/:preset/*", object: "media/*", facts: true }];
  const PRESETS = { card: { width: 16, dpr: [1, 2] }, tall: { height: 9, format: "webp" } };
  const env = { ...ENV, ROUTES, PRESETS };
  for (const variant of ["card", "card@2x", "tall"]) {
    for (const query of ["", "?facts"]) {
      expect((await get(`/facts/${variant}/key.jpg${query}`, {}, env)).status).toBe(200);
    }
  }
  const transformations = transformationsOf(configOf({ ROUTES, PRESETS }));
  expect([...transformations]).toEqual([["media", 6]]);
  expect(stage.edge.transformations.size).toBe(6 * part);
});

const ROUTE = { path: "/images/:preset/*", object: "media/*" };

test("variants of the same options count once, and only what a route shows (L2)", () => {
  const more = { ...ROUTE, path: "/more/:preset/*", presets: ["tall", "card"] };
  const { media } = VARS.BUCKETS;
  const other = { BUCKETS: { media, other: media } };
  const IMAGES = { input() {}, info() {} };
  const byBinding = { BUCKETS: { media: { ...media, engine: "binding" } }, IMAGES };
  for (const [change, counts] of [
    [{ ROUTES: [ROUTE], PRESETS: { card: { width: 1, dpr: [1] } } }, [1]],
    [{ ROUTES: [ROUTE], PRESETS: { a: { width: 1 }, b: { width: 1, format: "webp" } } }, [1]],
    [{ ROUTES: [{ ...ROUTE, presets: ["card"] }] }, [2]],
    [{ ROUTES: [{ ...ROUTE, presets: ["card"] }, more] }, [3]],
    [other, [13, 0]], // no route leads to the other bucket
    [{ ROUTES: [{ ...ROUTE, facts: true }] }, [23]],
    [{ ...byBinding, ROUTES: [{ ...ROUTE, facts: true }] }, [13]], // it tells facts for nothing
  ] as const) {
    expect([...transformationsOf(configOf(change)).values()]).toEqual(counts);
  }
});

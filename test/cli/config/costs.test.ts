// What `vitrine check` says of costs, compared with what the strict edge counts.

import sharp from "sharp";
import { expect, test } from "vitest";
import { transformationsOf, uniqueOptions } from "../../../src/cli/config/transformations.ts";
import { configOf } from "../../support/config-of.ts";
import { file } from "../../support/emulators.ts";
import { ENV, VARS } from "../../support/env.ts";
import { arrange, get, MODERN, put, stage } from "../../support/run-worker.ts";

test("an object causes no more transformations than are told, whatever is sent (L2)", async () => {
  const { variants } = configOf();
  for (const variant of variants.keys()) {
    for (const headers of [MODERN, { accept: "image/webp" }, { accept: "*/*" }]) {
      for (const path of ["/images", "/app"]) {
        const answer = await get(`${path}/${variant}/animated.gif?v=${variant}`, { headers });
        expect([variant, answer.status]).toEqual([variant, 200]);
      }
    }
  }
  // card: 2, hero: 2, wide: 5, tall: 1, moving: 1, each with one more set; where moving stands still, and plain, are
  // wide@200w's.
  expect([...transformationsOf(configOf())]).toEqual([["media", 22]]);
  expect(stage.edge.transformations.size).toBeLessThanOrEqual(22);
});

test("a picture that was made for the web costs no more than is told (R6, L2)", async () => {
  const { variants } = configOf();
  const photo = sharp(file("photos/fig.jpg")).resize(400);
  const objects = {
    "short.webp": await photo.clone().webp({ quality: 30 }).toBuffer(),
    "short.jpg": await photo.clone().jpeg({ quality: 30 }).toBuffer(),
  };
  for (const [key, body] of Object.entries(objects)) {
    for (const [name, variant] of variants) {
      arrange();
      put(key, body, { type: key.endsWith("webp") ? "image/webp" : "image/jpeg" });
      for (const headers of [MODERN, { accept: "image/webp" }, { accept: "*/*" }]) {
        await get(`/images/${name}/${key}`, { headers });
      }
      const count = stage.edge.transformations.size;
      const limit = uniqueOptions(variant, false).length;
      expect([key, name, count <= limit]).toEqual([key, name, true]);
    }
  }
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
  // Three renditions, the facts of each, and one more set for each variant.
  const transformations = transformationsOf(configOf({ ROUTES, PRESETS }));
  expect([...transformations]).toEqual([["media", 9]]);
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
    [{ ROUTES: [ROUTE], PRESETS: { card: { width: 1, dpr: [1] } } }, [2]],
    [{ ROUTES: [ROUTE], PRESETS: { a: { width: 1, format: "webp" } } }, [2]],
    [{ ROUTES: [ROUTE], PRESETS: { a: { width: 1 }, b: { width: 1, format: "webp" } } }, [2]],
    [{ ROUTES: [ROUTE], PRESETS: { a: { width: 1, quality: 80 } } }, [2]], // without quality is the second (O5)
    [{ ROUTES: [{ ...ROUTE, presets: ["card"] }] }, [4]],
    [{ ROUTES: [{ ...ROUTE, presets: ["card"] }, more] }, [6]],
    [other, [22, 0]], // no route leads to the other bucket
    [{ ROUTES: [{ ...ROUTE, facts: true }] }, [32]],
    [{ ...byBinding, ROUTES: [{ ...ROUTE, facts: true }] }, [22]], // it tells facts for nothing
  ] as const) {
    expect([...transformationsOf(configOf(change)).values()]).toEqual(counts);
  }
});

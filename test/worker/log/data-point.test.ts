// The data point of a request: fixed columns, and sizes that Analytics Engine takes.

import fc from "fast-check";
import { expect, test } from "vitest";
import { dataPoint, type RequestMetrics } from "../../../src/worker/log/metrics.ts";

const SHOWN: RequestMetrics = {
  ...{ route: "/images/:preset/*", preset: "card@2x", format: "avif", status: 200 },
  ...{ event: "shown", cache: "hit", bucket: "media", ms: 12, bytes: 3456 },
};

const sizeOf = (text: string) => new TextEncoder().encode(text).length;

test.each<[what: string, route: string, index: string]>([
  ["96 bytes", "a".repeat(96), "a".repeat(96)],
  ["97 bytes", "a".repeat(97), "a".repeat(96)],
  ["two bytes each, to the end", "é".repeat(50), "é".repeat(48)],
  ["two bytes each, beside it", `a${"é".repeat(50)}`, `a${"é".repeat(47)}`],
  ["four bytes each", `/${"🖼".repeat(30)}`, `/${"🖼".repeat(23)}`],
  ["three bytes each", "✓".repeat(40), "✓".repeat(32)],
])("an index of %s is cut at 96 bytes, between two characters", (_what, route, index) => {
  const point = dataPoint({ ...SHOWN, route });
  expect(point.indexes).toEqual([index]);
  expect(point.blobs[0]).toBe(route);
});

test("no texts make a data point that Analytics Engine refuses", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 4000, size: "max" }),
    fc
      .constantFrom("\ud800", "\udc00", "🖼", "é", "✓", "a")
      .chain((unit) => fc.nat(9000).map((times) => unit.repeat(times))),
  );
  const texts = fc.record({ route: text, preset: text, event: text, cache: text, bucket: text });
  fc.assert(
    fc.property(texts, fc.double(), fc.double(), (all, ms, bytes) => {
      const { indexes, blobs, doubles } = dataPoint({ ...SHOWN, ...all, ms, bytes });
      const given = [all.route, all.preset, "avif", "200", all.event, all.cache, all.bucket];
      for (const [at, blob] of blobs.entries()) {
        expect(given[at]?.startsWith(`${blob}`)).toBe(true);
        // A position inside a pair of surrogates is that of one character.
        const { length } = `${blob}`;
        expect(given[at]?.codePointAt(length - 1) ?? 0).toBeLessThan(0x1_00_00);
      }
      expect(blobs.reduce((sum, blob) => sum + sizeOf(`${blob}`), 0)).toBeLessThanOrEqual(16_000);
      expect(indexes.map((index) => sizeOf(`${index}`) <= 96)).toEqual([true]);
      expect(doubles.every((double) => Number.isFinite(double) && double >= 0)).toBe(true);
    }),
  );
});

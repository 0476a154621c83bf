// Changes of BUCKETS in wrangler.toml.

import { expect, test } from "vitest";
import { watchBuckets } from "../../src/dev/watch-buckets.ts";

test("each change of BUCKETS is reported once, and a change back is not", () => {
  const warned: string[] = [];
  let buckets: unknown = { media: { bucket: "a" } };
  const look = watchBuckets(
    () => buckets,
    (line) => warned.push(line),
    "wrangler.jsonc",
  );
  const after = (now: unknown) => {
    buckets = now;
    look();
    look();
    return warned.length;
  };
  expect(after({ media: { bucket: "a" } })).toBe(0);
  expect(after({ media: { bucket: "a", canary: "b.jpg" } })).toBe(1);
  expect(after(undefined)).toBe(1);
  expect(after({ media: { bucket: "a" } })).toBe(1);
  expect(after({ media: { bucket: "b" } })).toBe(2);
  expect(warned[0]).toBe(
    "wrangler.jsonc: BUCKETS has changed. Stop npx vitrine dev and start it again to use it.",
  );
});

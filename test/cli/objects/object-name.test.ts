// Which object a name means: `BUCKET/key`, or `key` where there is one bucket.

import { describe, expect, test } from "vitest";
import { nameOf, readName } from "../../../src/cli/objects/object-name.ts";
import { mistakeText } from "../../../src/worker/base/refusal.ts";
import { readConfig } from "../../../src/worker/config/config.ts";
import { ENV, VARS } from "../../support/env.ts";

/** Buckets with these names. */
function bucketsOf(...names: readonly string[]) {
  const BUCKETS = Object.fromEntries(names.map((name) => [name, VARS.BUCKETS.media]));
  const ROUTES = names.map((name) => ({ path: `/${name}/:preset/*`, object: `${name}/*` }));
  const config = readConfig({ ...ENV, BUCKETS, ROUTES });
  if ("mistakes" in config) throw new Error(config.mistakes.map(mistakeText).join());
  return config.buckets;
}

const ONE = bucketsOf("media");
const TWO = bucketsOf("media", "more");
/** One name is the beginning of the other one. */
const ALIKE = bucketsOf("a", "a-b");

test.each([
  ["photos/fig.jpg", "media", "photos/fig.jpg", ONE],
  ["media", "media", "media", ONE],
  ["mediax/a.jpg", "media", "mediax/a.jpg", ONE],
  ["more/a.jpg", "media", "more/a.jpg", ONE],
  ["media/media/a.jpg", "media", "media/a.jpg", ONE],
  ["media/media/media/a.jpg", "media", "media/media/a.jpg", ONE],
  ["media/a.jpg", "media", "a.jpg", TWO],
  ["more/media/a.jpg", "more", "media/a.jpg", TWO],
  ["media/media/a.jpg", "media", "media/a.jpg", TWO],
  ["a-b/c.jpg", "a-b", "c.jpg", ALIKE],
  ["a/b/c.jpg", "a", "b/c.jpg", ALIKE],
])("%s is in the bucket %s, with the key %s", (name, bucket, key, buckets) => {
  expect(readName(buckets, name)).toMatchObject({ bucket: { name: bucket }, key });
});

test.each([
  ["media/a.jpg", ["a.jpg", "media/media/a.jpg"], ONE],
  ["a.jpg", ["media/a.jpg", "more/a.jpg"], TWO],
  ["media", ["media/media", "more/media"], TWO],
  ["Media/a.jpg", ["media/Media/a.jpg", "more/Media/a.jpg"], TWO],
  ["/media/a.jpg", ["media//media/a.jpg", "more//media/a.jpg"], TWO],
])("%s may mean %j: it is refused, with these names", (name, names, buckets) => {
  const read = readName(buckets, name);
  if (!("unclear" in read)) return expect.unreachable();
  expect(read.names).toEqual(names);
  // Each of them is read, and they mean different objects.
  const found = names.map((one) => readName(buckets, one));
  for (const one of found) expect(one).toHaveProperty("key");
  expect(new Set(found.map((one) => JSON.stringify(one))).size).toBe(names.length);
});

describe("the name of an object is read as this object", () => {
  const keys = ["a.jpg", "media/a.jpg", "media/media/a.jpg", "more/a.jpg", "media", "-1.jpg"];
  test.each(keys)("with the key %s", (key) => {
    for (const buckets of [ONE, TWO, ALIKE]) {
      for (const bucket of buckets) {
        expect(readName(buckets, nameOf(buckets, { bucket, key }))).toEqual({ bucket, key });
      }
    }
  });
});

// The fixtures of the local bucket.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HARD_KEYS, OBJECTS, ORIGINS } from "../../src/dev/objects.ts";
import { keyFault } from "../../src/url/key.ts";
import { ROOT } from "../support/built.ts";

test("each file has an origin, and is an object of the bucket", () => {
  const files = readdirSync(join(ROOT, "fixtures/objects"), { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.includes("/"))
    .toSorted();
  expect(Object.keys(ORIGINS).toSorted()).toEqual(files);
  expect([...new Set(OBJECTS.map(({ file }) => file))].toSorted()).toEqual(files);
});

test("all keys are different and valid", () => {
  const keys = OBJECTS.map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.filter((key) => keyFault(key) !== undefined)).toEqual([]);
});

test.each(["space", " ", "+", "%", "#", "?", '"', "'", "(", "😀", "日本", "é", "e\u0301"])(
  "a hard key contains %j",
  (part) => {
    expect(HARD_KEYS.some((key) => key.includes(part))).toBe(true);
  },
);

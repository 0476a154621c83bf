import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HARD_KEYS, OBJECTS, ORIGINS } from "../../src/dev/objects.ts";
import { keyFault } from "../../src/url/key.ts";
import { ROOT } from "../support/built.ts";

test("of each file it is told where it came from, and each is put into the bucket", () => {
  const files = readdirSync(join(ROOT, "fixtures/objects"), { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.includes("/"))
    .toSorted();
  expect(Object.keys(ORIGINS).toSorted()).toEqual(files);
  expect([...new Set(OBJECTS.map(({ file }) => file))].toSorted()).toEqual(files);
});

test("the keys are all different, and such as can be", () => {
  const keys = OBJECTS.map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.filter((key) => keyFault(key) !== undefined)).toEqual([]);
});

test.each(["space", " ", "+", "%", "#", "?", '"', "'", "(", "😀", "日本", "é", "e\u0301"])(
  "some hard key has %j in it",
  (part) => {
    expect(HARD_KEYS.some((key) => key.includes(part))).toBe(true);
  },
);

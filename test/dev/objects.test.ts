// The fixtures of the local bucket.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HARD_KEYS, OBJECTS } from "../../src/dev/objects.ts";
import { keyFault } from "../../src/url/key.ts";
import { ROOT } from "../support/built.ts";

/** Where each file comes from. */
const ORIGINS: Readonly<Record<string, string>> = {
  "photos/dandelion.jpg": "photograph by Clemens Engelhardt, 2018, CC0-1.0: see CREDITS.md",
  "photos/friends.jpg": "photograph by Aitzol Berasategi, 2018, CC-BY-4.0: see CREDITS.md",
  "photos/fig.jpg": 'photograph by Trevor "Freespace", 2018, CC-BY-4.0: see CREDITS.md',
  "made/rotated-gps.jpg":
    "made by make-objects.ts: red above blue when upright, EXIF orientation 6, GPS",
  "made/transparent.png": "made by make-objects.ts: a ring on a transparent ground",
  "made/animated.gif": "made by make-objects.ts: three frames, red, yellow, green",
  "made/key.jpg": "made by make-objects.ts: the picture for the keys that are hard to spell",
  "broken/script.svg": "made by make-objects.ts: an SVG that carries scripts of several kinds",
  "broken/page.jpg": "made by make-objects.ts: an HTML page with the name of an image",
  "broken/truncated.jpg": "made by make-objects.ts: the first half of photos/fig.jpg at 600 px",
  "broken/empty.jpg": "made by make-objects.ts: no bytes at all",
};

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

// Which options the strict edge accepts, row by row of the tests' table, and what it does not play.

import { expect, test } from "vitest";
import { findUnsupported, readOptions } from "../../../src/emulator/edge/options.ts";
import { edge, fault, fetchImage, KEY, resetEdge, urlOf } from "../../support/edge-requests.ts";
import { isAmong, RANGES } from "../../support/tables/ranges.ts";

const REFUSED = { code: 9401, status: 400 };
const accepted = (image: unknown) => ({ image, originAuth: false, auto: false });

// The Worker makes one number of dpr and none of widths.
const OPTIONS = Object.entries(RANGES).filter(([, { isOfVariants }]) => !isOfVariants);

const ROW = "correct its row in src/emulator/edge/options.ts, or notEmulated in tables/ranges.ts";
const LIMITS =
  "%s: its values, its limits, and what is not played (O1, O3, O4, O5, O6, O8, O9, O10, O11, O12)";
test.each(OPTIONS)(LIMITS, (option, { valid, invalid, edge, ofWorker, notEmulated }) => {
  const read = (value: unknown) => readOptions({ [option]: value }, false);
  for (const value of valid) {
    expect([value, read(value)], ROW).toEqual([
      value,
      isAmong(value, ofWorker) ? REFUSED : accepted({ [option]: value }),
    ]);
    const named = isAmong(value, notEmulated) ? [`${option} ${JSON.stringify(value)}`] : [];
    if (option !== "draw") expect(findUnsupported({ [option]: value }), ROW).toEqual(named);
  }
  for (const value of invalid) {
    const isTaken = isAmong(value, edge) && !Number.isNaN(value);
    expect([value, read(value)], ROW).toEqual([
      value,
      isTaken ? accepted({ [option]: value }) : REFUSED,
    ]);
  }
});

test.each<[string, unknown, boolean]>([
  ["dpr", 0, false],
  ["dpr", -1, false],
  ["dpr", 3, true],
  ["gravity", { x: 0.5, mode: "box-center" }, true],
  ["draw", [{ url: "https://a.example/", left: 1, right: 1 }], false],
  ["draw", [{ url: "https://a.example/", top: 1, bottom: 1 }], false],
])("%s %j, which no preset has, is accepted: %j (O2, O4, O12)", (option, value, isRight) => {
  const image = { [option]: value };
  expect(readOptions(image, false)).toEqual(isRight ? accepted(image) : REFUSED);
});

test("a value that is wrong is 9401, and the origin is not asked (O1)", async () => {
  for (const image of [{ width: 0 }, { draw: [{}] }]) {
    expect(await fault(await fetchImage(KEY, image))).toBe("9401/400");
  }
  for (const image of [null, true, "width=9", []]) {
    const init: object = { cf: { image } };
    expect(await fault(await edge.fetch(urlOf(KEY), init))).toBe("9401/400");
  }
  expect(edge.originFetches).toEqual([]);
});

test("format auto can be decided by the first visitor, for all visitors (O6)", async () => {
  resetEdge({ formatAuto: "first-come" });
  for (const accept of ["image/avif,*/*", "*/*"]) {
    const answer = await fetchImage(KEY, { format: "auto" }, { headers: { accept } });
    expect(answer.headers.get("content-type")).toBe("image/avif");
  }
  const first = await fetchImage(
    KEY,
    { format: "auto", width: 8 },
    { headers: { accept: "image/webp" } },
  );
  expect(first.headers.get("content-type")).toBe("image/webp");
  expect((await fetchImage(KEY)).headers.get("content-type")).toBe("image/jpeg");
});

test.each<[Record<string, unknown>]>([
  [{ onerror: "redirect" }],
  [{ "slow-connection-quality": 50 }],
])("%j is an option of the URL interface, and is ignored here (O13)", async (extra) => {
  const answer = await fetchImage(KEY, { width: 8, ...extra });
  await fetchImage(KEY, { width: 8 });
  expect(await fault(answer)).toBe("200");
  expect(edge.transformations.size).toBe(1);
});

test("unknown keys are silently ignored, also a typo in origin-auth (O14)", async () => {
  expect(await fault(await fetchImage(KEY, { widht: 8 }))).toBe("200");
  const typo = { "origin-auth": undefined, "origin-Auth": "share-publicly" };
  // The response that is cached for the right spelling does not help (C1).
  expect(await fault(await fetchImage(KEY, { widht: 8, ...typo }))).toBe("9408/403");
  expect(await fault(await fetchImage(KEY, { width: 8, ...typo }))).toBe("9408/403");
});

test.each<[Record<string, unknown>, string]>([
  [{ gravity: { x: 0.5, mode: "box-center" } }, 'gravity {"x":0.5,"mode":"box-center"}'],
  [{ background: "oklch(60% 0.2 20)" }, 'background "oklch(60% 0.2 20)"'],
  [{ border: { color: "reddish", width: 1 } }, 'border {"color":"reddish","width":1}'],
  [{ draw: [{ url: urlOf(KEY), segment: "foreground" }] }, 'draw[0].segment "foreground"'],
  [{ draw: [{ url: urlOf(KEY), repeat: "x" }] }, 'draw[0].repeat "x"'],
  [{ draw: [{ url: urlOf(KEY), composite: "in" }] }, 'draw[0].composite "in"'],
])("%j is not played: it throws, unless it is to be left out (O4, O12)", async (image, named) => {
  await expect(fetchImage(KEY, image)).rejects.toThrow(
    `the strict edge cannot play ${named}. With`,
  );
  edge.switches.unsupportedOptions = "left-out";
  expect(await fault(await fetchImage(KEY, image))).toBe("200");
});

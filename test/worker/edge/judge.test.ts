// Whether the edge transformed an image: made, not made, or unknown.

import { expect, test } from "vitest";
import type { ObjectType } from "../../../src/worker/base/refusal.ts";
import { type Judgement, judge, namedType } from "../../../src/worker/edge/judge.ts";

const MADE = "internal=ok/m q=0 n=317+85";
const SMALLER = 'cf-images 299 "original is smaller"';
const TOO_LARGE = 'cf-images 299 "image too large for AVIF"';

type Case = {
  readonly status?: number;
  readonly resized?: string;
  readonly warning?: string;
  readonly type?: string;
  readonly original?: ObjectType;
};

const look = ({
  status = 200,
  resized,
  warning,
  type = "image/webp",
  original = "unknown",
}: Case) => {
  const headers = new Headers({ "content-type": type });
  if (resized !== undefined) headers.set("cf-resized", resized);
  if (warning !== undefined) headers.set("warning", warning);
  return judge({ status, headers }, original);
};

const smaller = (type: string, original: ObjectType): Case => ({
  ...{ resized: MADE, warning: SMALLER, type, original },
});
const UNKNOWN: Judgement = { result: "unknown", warning: "original-is-smaller" };
const NOT_MADE: Judgement = { result: "not-made", warning: "original-is-smaller" };

test.each<[string, Case, Judgement]>([
  ["the edge's word (R1)", { resized: MADE }, { result: "made" }],
  ["no word of the edge (R2)", {}, { result: "not-made" }],
  ["no word, and another type (R2)", { original: "image/png" }, { result: "not-made" }],
  ["a failure (R1)", { resized: "err=9408" }, { result: "not-made" }],
  ["another status than 200", { status: 206, resized: MADE }, { result: "not-made" }],
  ["another warning (R6)", { resized: MADE, warning: "199" }, { result: "made" }],
  ["smaller than what is unknown (R6)", smaller("image/webp", "unknown"), UNKNOWN],
  ["smaller, of the original's type (R6)", smaller("image/webp", "image/webp"), NOT_MADE],
  ["smaller, of another type (R6)", smaller("image/webp", "image/png"), { result: "made" }],
  ["smaller, of an unknown type (R6)", smaller("image/jpg2", "image/jpeg"), UNKNOWN],
  ["smaller, in another spelling (R6)", smaller("IMAGE/JPG; x", "image/jpeg"), NOT_MADE],
  ["an SVG, never resized (R8)", smaller("image/svg+xml", "unknown"), { result: "made" }],
  [
    "too large for AVIF (O7)",
    { resized: MADE, warning: TOO_LARGE },
    { result: "unknown", warning: "too-large-for-avif" },
  ],
])("%s: %j", (_what, given, judgement) => {
  expect(look(given)).toEqual(judgement);
});

test.each<[string, ObjectType]>([
  ["image/jpeg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["JPG", "image/jpeg"],
  ["image/jpg; q=1", "image/jpeg"],
  [" IMAGE/PNG\t", "image/png"],
  ["heic", "image/heic"],
  ["image/", "unknown"],
  ["image/image/png", "unknown"],
  ["image/pngx", "unknown"],
  ["pjpeg", "unknown"],
  ["svg+xml", "unknown"],
  ["unknown", "unknown"],
  ["image/unknown", "unknown"],
  ["", "unknown"],
])("the type %j is %s (R9)", (name, type) => {
  expect(namedType(name)).toBe(type);
});

// The facts of a picture, from what an engine says: nothing else gets out, and nothing that cannot be.

import { describe, expect, test } from "vitest";
import { isFacts, readEdgeFacts } from "../../../src/worker/edge/facts.ts";
import type { ObjectType } from "../../../src/worker/http/refusal.ts";
import { TRANSFORM_REQUEST } from "../../support/env.ts";

const image = { ...TRANSFORM_REQUEST.variant.image, fit: "contain" } as const;
const ORIGINAL = { file_size: 815_815, width: 400, height: 300, format: "image/jpeg" };
const REPLY = { width: 40, height: 30, original: ORIGINAL };
const SIZES = { width: 40, height: 30, original: { width: 400, height: 300 } };

const read = (reply: unknown, type: ObjectType = "unknown") =>
  readEdgeFacts(typeof reply === "string" ? reply : JSON.stringify(reply), type, image);

test("sides and types alone are read (R9)", () => {
  const secret = { name: "secret.jpg", key: "published/secret.jpg" };
  const reply = { ...secret, ...REPLY, original: { ...secret, ...ORIGINAL, exif: secret } };
  const type = "image/jpeg";
  const facts = { ...SIZES, original: { ...SIZES.original, type } };
  expect(read(reply)).toEqual({ kind: "facts", facts });
});

test.each<[unknown, ObjectType, ObjectType | undefined]>([
  ["image/jpeg", "unknown", "image/jpeg"],
  ["JPG", "unknown", "image/jpeg"],
  ["AVIF", "unknown", "image/avif"],
  ["image/jpg; q=1", "unknown", "image/jpeg"],
  // The first bytes are certain, whatever the engine says.
  ["image/png", "image/gif", "image/gif"],
  [undefined, "image/heic", "image/heic"],
  ...[undefined, null, "", "image/svg+xml", "text/html", "jpeg\0", 7, "<b>"].map(
    (format): [unknown, ObjectType, undefined] => [format, "unknown", undefined],
  ),
])("the format %j of an object that begins as %s is %s (R9)", (format, type, expected) => {
  const result = read({ ...REPLY, original: { ...ORIGINAL, format } }, type);
  const facts = {
    ...SIZES,
    original: { ...SIZES.original, ...(expected && { type: expected }) },
  };
  expect(result).toEqual({ kind: "facts", facts });
});

const NO_SIZE = { kind: "no-size" };
const ODD_SIDES = [undefined, null, 0, -1, 1.5, 100_001, 1e308, "40", "", [40], {}, true, "1e1"];

test.each(ODD_SIDES)("a side of %j cannot be (R9)", (side) => {
  for (const focus of ["width", "height"]) {
    expect(read({ ...REPLY, [focus]: side })).toEqual(NO_SIZE);
    expect(read({ ...REPLY, original: { ...ORIGINAL, [focus]: side } })).toEqual(NO_SIZE);
  }
});

test.each([undefined, null, [], "400×300", 7])("an original of %j cannot be (R9)", (original) => {
  expect(read({ ...REPLY, original })).toEqual(NO_SIZE);
});

test.each(["nonsense", '{"width":40,', "[]", "null", '"40"', "", "GIF89a", "<svg/>"])(
  "%j is no JSON of facts (R9)",
  (text) => {
    expect(read(text)).toEqual({ kind: "no-json" });
  },
);

describe("facts that were written before", () => {
  const type = "image/webp";
  test.each([
    { width: 1, height: 100_000, original: { width: 2, height: 3, type } },
    { width: 1, height: 2, original: { width: 2, height: 3 } },
    { width: 1, height: 2, original: { type } },
    { width: 1, height: 2, original: {} },
    { width: 1, height: 2, original: { type, focus: { x: 0.62, y: 1 } } },
  ])("are %j", (facts) => {
    expect(isFacts(JSON.stringify(facts))).toBe(true);
  });

  test.each([
    "",
    "null",
    '{"width":1,"height":2}',
    '{"width":1,"height":2,"original":null}',
    '{"width":-1,"height":2,"original":{}}',
    '{"width":1,"height":2,"original":{"width":1}}',
    '{"width":1,"height":2,"original":{"width":0,"height":1}}',
    '{"width":1,"height":2,"original":{"type":"jpeg"}}',
    '{"width":1,"height":2,"original":{"type":"image/svg+xml"}}',
    '{"width":1,"height":2,"type":"image/webp","original":{}}',
    '{"width":1,"height":2,"focus":{"x":0,"y":1},"original":{}}',
    '{"width":1,"height":2,"original":{"focus":{"x":0}}}',
    '{"width":1,"height":2,"original":{"focus":{"x":-0,"y":1}}}',
    '{"width":1,"height":2,"original":{"focus":{"x":0.625,"y":1}}}',
    '{"width":1,"height":2,"original":{"focus":{"x":2,"y":1}}}',
    '{"width":1,"height":2,"original":{"focus":{"x":0,"y":1,"z":1}}}',
  ])("are not %s", (text) => {
    expect(isFacts(text)).toBe(false);
  });
});

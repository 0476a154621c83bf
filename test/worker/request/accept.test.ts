// What an Accept header names, and which format is asked for and accepted.

import { expect, test } from "vitest";
import { mayShow } from "../../../src/worker/edge/guard.ts";
import type { ObjectType } from "../../../src/worker/http/refusal.ts";
import {
  ACCEPTED_FORMATS,
  type AcceptedFormats,
  acceptedFormatsOf,
  parseAccept,
} from "../../../src/worker/request/accept.ts";
import {
  browserFormatsOf,
  createTransformRequest,
  mayBePng,
} from "../../../src/worker/request/transform-request.ts";
import { growthOf } from "../../support/clock.ts";
import { configOf } from "../../support/config-of.ts";
import { ENV } from "../../support/env.ts";

const both = { avif: true, webp: true };
const neither = { avif: false, webp: false };

test.each<[string | null, { avif: boolean; webp: boolean }]>([
  [null, neither],
  ["*/*", neither],
  ["image/*", neither],
  ["image/avif", { avif: true, webp: false }],
  ["image/avif,image/webp,*/*;q=0.8", both],
  ["text/html, image/webp ;q=0.9", { avif: false, webp: true }],
  ["IMAGE/AVIF;Q=0.5, Image/WebP", { avif: false, webp: true }],
  ["image/avif;q=0", neither],
  ["image/avif;q=0.000,image/webp;q=1.000", { avif: false, webp: true }],
  ["image/avif;q=0.8,image/webp;q=0.9", { avif: false, webp: true }],
  ["image/avif;q=0.9,image/webp;q=0.8", both],
  ["image/webp,image/avif", both],
  ["image/avif;q=0.2,image/avif,image/webp;q=0.3", { avif: false, webp: true }],
  ["image/avif;q=2,image/webp;q=-1", neither],
  ["image/avif;q=0,image/avif", neither],
  ["image/avif,image/avif;q=0", neither],
  ["image/avif;level=1;q=0.5", { avif: true, webp: false }],
  ["image/avifx,ximage/webp,image/avif+xml", neither],
  ['text/html;x="image/avif,image/webp"', neither],
  ['text/html;x="\\",image/avif', neither],
  ["image/avif;q = 0, image/webp; Q=0 ", neither],
  ['image/avif;x=";q=1;";q=0', neither],
  ['image/avif;x="a,b;q=0"', { avif: true, webp: false }],
  [",,,image/webp,,", { avif: false, webp: true }],
])("Accept %j names %j", (accept, named) => {
  expect(parseAccept(accept)).toEqual(named);
});

test("an Accept over 1 KiB counts as none", () => {
  expect(parseAccept("image/webp".padEnd(1024, " "))).toEqual({ avif: false, webp: true });
  expect(parseAccept("image/webp".padEnd(1025, " "))).toEqual(neither);
  expect(parseAccept(`${"a/b;q=0.1,".repeat(20_000)}image/webp`)).toEqual(neither);
});

test("an Accept of many entries is read in linear time", () => {
  for (const entry of ['"\\', "a,", "x;"]) {
    expect(growthOf((times) => parseAccept(entry.repeat(times)), 128)).toBeLessThan(10);
  }
});

const { variants } = configOf({
  PRESETS: {
    ...ENV.PRESETS,
    png: { width: 90, format: "png", quality: 50 },
    forced: { width: 90, format: "png-force", quality: 50 },
    fixed: { width: 90, format: "avif" },
  },
});
const variant = (name: string) => variants.get(name) ?? expect.unreachable(name);

const readers = {
  both,
  none: neither,
  avif: { avif: true, webp: false },
  webp: { avif: false, webp: true },
};
type Reader = keyof typeof readers;

function requestOf(name: string, reader: Reader, svg: boolean, type: ObjectType = "unknown") {
  const formats = acceptedFormatsOf(variant(name), readers[reader], svg);
  return createTransformRequest(variant(name), formats, { type });
}

test.each<{
  name: string;
  reader: Reader;
  svg: boolean;
  formats: AcceptedFormats;
  format: string | undefined;
}>([
  { name: "card", reader: "both", svg: false, formats: "avif.webp", format: "avif" },
  { name: "card", reader: "avif", svg: false, formats: "avif", format: "avif" },
  { name: "card", reader: "webp", svg: false, formats: "webp", format: "webp" },
  { name: "card", reader: "none", svg: false, formats: "plain", format: undefined },
  { name: "hero", reader: "both", svg: false, formats: "avif.webp", format: "webp" }, // too large for AVIF, unless the original is small
  { name: "hero", reader: "avif", svg: false, formats: "avif", format: undefined },
  { name: "hero@640w", reader: "both", svg: false, formats: "avif.webp", format: "avif" },
  { name: "plain", reader: "both", svg: false, formats: "own", format: "jpeg" },
  { name: "moving", reader: "both", svg: false, formats: "webp", format: "webp" },
  { name: "card", reader: "both", svg: true, formats: "svg", format: undefined },
  { name: "plain", reader: "both", svg: true, formats: "svg", format: undefined },
])(
  "$name for a browser that reads $reader (svg route: $svg) accepts $formats and is asked for as $format (O6, O7, O8, R8)",
  ({ name, reader, svg, formats, format }) => {
    expect(acceptedFormatsOf(variant(name), readers[reader], svg)).toBe(formats);
    expect(requestOf(name, reader, svg).format).toBe(format);
  },
);

test("only a GIF may move, where the preset and the format let it (O8)", () => {
  const types = ["jpeg", "png", "gif", "webp", "avif", "heic"] as const;
  const originals: ObjectType[] = [...types.map((type) => `image/${type}` as const), "unknown"];

  const moving = originals.flatMap((original) =>
    ["card", "plain", "moving"].flatMap((name) =>
      ACCEPTED_FORMATS.flatMap((formats) => {
        const { isStill } = createTransformRequest(variant(name), formats, { type: original });
        return isStill ? [] : [`${name} as ${formats}: ${original}`];
      }),
    ),
  );

  expect(moving).toEqual(
    ["avif.webp", "avif", "webp", "facts"].map((one) => `moving as ${one}: image/gif`),
  );
});

test.each<[preset: string, Reader, original: ObjectType, expected: boolean]>([
  ["card", "none", "image/png", true],
  ["card", "none", "unknown", true],
  ["card", "none", "image/jpeg", false],
  ["card", "none", "image/heic", false],
  ["card", "webp", "image/png", false],
  ["plain", "none", "image/png", false],
  ["png", "none", "image/png", false], // the preset asks for both
  ["forced", "both", "image/gif", false],
])(
  "quality may make a PNG8 of %s for a browser that reads %s, of %s: %j (O5)",
  (name, reader, original, expected) => {
    expect(mayBePng(requestOf(name, reader, false, original))).toBe(expected);
  },
);

test.each<[string, Reader, string[], string[]]>([
  ["card", "both", ["avif", "webp", "jpeg", "png"], ["gif", "svg+xml"]],
  ["card", "avif", ["avif", "jpeg", "png"], ["webp", "gif"]],
  ["card", "webp", ["webp", "jpeg", "png"], ["avif", "gif", "svg+xml"]],
  ["card", "none", ["jpeg", "png"], ["gif", "avif", "webp", "svg+xml", "heic", "tiff"]],
  ["plain", "both", ["jpeg"], ["avif", "webp", "png", "gif", "svg+xml"]],
  ["fixed", "none", ["avif", "webp", "jpeg", "png"], ["gif", "svg+xml"]],
  ["moving", "webp", ["webp", "jpeg", "png"], ["gif", "avif"]],
])(
  "%s for a browser that reads %s may be shown as %j, not as %j (R5)",
  (name, reader, allowed, refused) => {
    const formats = acceptedFormatsOf(variant(name), readers[reader], false);
    const isShown = (type: string) => mayShow(variant(name), browserFormatsOf(formats), type);
    for (const type of allowed) {
      expect(isShown(`image/${type}`), type).toBe(true);
    }
    for (const type of [...refused, "", "jpeg "]) {
      expect(isShown(`image/${type}`), type).toBe(false);
    }
    for (const type of ["text/html", "application/octet-stream", "", "constructor"]) {
      expect(isShown(type), type).toBe(false);
    }
  },
);

import sharp from "sharp";
import { expect, test } from "vitest";
import { sniff } from "../../../src/cli/picture/sniff.ts";
import { file } from "../../support/stand.ts";

const text = (words: string) => new TextEncoder().encode(words);

test.each<[string, () => Uint8Array | Promise<Uint8Array>, string | undefined]>([
  ["a photograph", () => file("photos/fig.jpg"), "image/jpeg"],
  ["a PNG", () => file("made/transparent.png"), "image/png"],
  ["a GIF", () => file("made/animated.gif"), "image/gif"],
  ["a WebP", () => sharp(file("made/key.jpg")).webp().toBuffer(), "image/webp"],
  ["an AVIF", () => sharp(file("made/key.jpg")).avif({ effort: 0 }).toBuffer(), "image/avif"],
  ["an HEIC", () => text("\0\0\0\x18ftypheic\0\0\0\0"), "image/heic"],
  [
    "an AVIF whose first brand is common to both",
    () => text("\0\0\0\x1cftypmif1\0\0\0\0mif1miafavif"),
    "image/avif",
  ],
  [
    "an HEIC whose first brand is common to both",
    () => text("\0\0\0\x18ftypmif1\0\0\0\0mif1heic"),
    "image/heic",
  ],
  ["a film", () => text("\0\0\0\x18ftypisom\0\0\0\0isomavc1"), undefined],
  ["an SVG", () => file("broken/script.svg"), "image/svg+xml"],
  [
    "an SVG with all that may come before",
    () => text('<?xml version="1.0"?>\n<!-- a --><!DOCTYPE svg>\n<svg>'),
    "image/svg+xml",
  ],
  [
    "an SVG with a byte order mark and entities, as drawing programs write them",
    () => text('\ufeff<!DOCTYPE svg PUBLIC "-//W3C" "x" [ <!ENTITY a "<b>"> ]>\n<svg/>'),
    "image/svg+xml",
  ],
  ["comments without end", () => text("<!---->".repeat(580)), undefined],
  [
    "an SVG in the clothes of an AVIF",
    () => text('<!--ftyp00000000avif--><svg width="9" height="9"></svg>'),
    "image/svg+xml",
  ],
  ["something with a name like it", () => text("<svgx>"), undefined],
  ["HTML", () => file("broken/page.jpg"), undefined],
  ["HTML with an SVG in it", () => text("<html><svg></svg></html>"), undefined],
  ["nothing", () => new Uint8Array(), undefined],
  ["the beginning of a JPEG's beginning", () => new Uint8Array([0xff, 0xd8]), undefined],
])("%s is known by its first bytes", async (_what, bytes, type) => {
  expect(sniff(await bytes())).toBe(type);
});

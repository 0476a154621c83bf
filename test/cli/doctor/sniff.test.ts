import sharp from "sharp";
import { expect, test } from "vitest";
import { sniff } from "../../../src/cli/doctor/sniff.ts";
import { file } from "../../support/stand.ts";

const text = (words: string) => new TextEncoder().encode(words);

test.each<[string, () => Uint8Array | Promise<Uint8Array>, string | undefined]>([
  ["a photograph", () => file("photos/fig.jpg"), "image/jpeg"],
  ["a PNG", () => file("made/transparent.png"), "image/png"],
  ["a GIF", () => file("made/animated.gif"), "image/gif"],
  ["a WebP", () => sharp(file("made/key.jpg")).webp().toBuffer(), "image/webp"],
  ["an AVIF", () => sharp(file("made/key.jpg")).avif({ effort: 0 }).toBuffer(), "image/avif"],
  ["an HEIC", () => text("\0\0\0\x18ftypheic\0\0\0\0"), "image/heic"],
  ["an SVG", () => file("broken/script.svg"), "image/svg+xml"],
  [
    "an SVG with all that may come before",
    () => text('<?xml version="1.0"?>\n<!-- a --><!DOCTYPE svg>\n<svg>'),
    "image/svg+xml",
  ],
  ["HTML", () => file("broken/page.jpg"), undefined],
  ["HTML with an SVG in it", () => text("<html><svg></svg></html>"), undefined],
  ["nothing", () => new Uint8Array(), undefined],
  ["the beginning of a JPEG's beginning", () => new Uint8Array([0xff, 0xd8]), undefined],
])("%s is known by its first bytes", async (_what, bytes, type) => {
  expect(sniff(await bytes())).toBe(type);
});

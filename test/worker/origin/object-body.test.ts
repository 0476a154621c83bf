// What an object is by its first bytes, whatever its name or its headers say (A18).

import { describe, expect, test } from "vitest";
import type { ObjectType } from "../../../src/worker/http/refusal.ts";
import { isOpaque } from "../../../src/worker/origin/opaque.ts";
import { HEAD_BYTES } from "../../../src/worker/origin/opened-object.ts";
import { sniff } from "../../../src/worker/origin/sniff.ts";
import { file } from "../../support/emulators.ts";
import { chunk, png, SIGNATURE } from "../../support/png.ts";

const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const utf8 = (text: string) => new TextEncoder().encode(text);

/** The first box of a file of the ISO base media format. */
const ftyp = (brand: string, ...compatible: readonly string[]) =>
  bytes(`\0\0\0\x20ftyp${brand}\0\0\0\0${compatible.join("")}`);

/** The beginning of a BMP whose header has a length. */
const bmp = (header: number, reserved = "\0\0\0\0") =>
  bytes(`BM\x46\0\0\0${reserved}\x36\0\0\0${String.fromCharCode(header)}\0\0\0\x09\0\0\0`);

const LICENCE = "<!-- Anybody may use this drawing. -->\n".repeat(50);
const SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>';

test.each<[what: string, head: Uint8Array, type: ObjectType]>([
  ["a JPEG", file("made/key.jpg"), "image/jpeg"],
  ["half a JPEG", file("broken/truncated.jpg"), "image/jpeg"],
  ["a PNG", file("made/transparent.png"), "image/png"],
  ["a GIF", file("made/animated.gif"), "image/gif"],
  ["a lossy WebP", bytes("RIFF\x10\0\0\0WEBPVP8 "), "image/webp"],
  ["a lossless WebP", bytes("RIFF\x10\0\0\0WEBPVP8L"), "image/webp"],
  ["an extended WebP, whose length has a line feed", bytes("RIFF\n\r\n\0WEBPVP8X"), "image/webp"],
  ["an AVIF", ftyp("avif", "mif1"), "image/avif"],
  ["an AVIF by its second brand", ftyp("mif1", "miaf", "avif"), "image/avif"],
  ["a HEIC", ftyp("heic", "mif1"), "image/heic"],

  ["nothing", new Uint8Array(), "none"],
  ["a PDF", bytes("%PDF-1.7\n"), "none"],
  ["PostScript", bytes("%!PS-Adobe-3.0 EPSF-3.0"), "none"],
  ["a ZIP, a DOCX", bytes("PK\x03\x04\x14\0"), "none"],
  ["gzip, an SVGZ", bytes("\x1f\x8b\x08\0"), "none"],
  ["7z", bytes("7z\xbc\xaf\x27\x1c\0\x04"), "none"],
  ["RAR", bytes("Rar!\x1a\x07\x01\0"), "none"],
  ["an MP4", ftyp("isom", "avc1"), "none"],
  ["a QuickTime film", ftyp("qt  "), "none"],
  ["Matroska, WebM", bytes("\x1aE\xdf\xa3\x01"), "none"],
  ["Ogg", bytes("OggS\0\x02"), "none"],
  ["an MP3", bytes("ID3\x04\0\0"), "none"],
  ["an AVI", bytes("RIFF\x10\0\0\0AVI LIST"), "none"],
  ["HTML", file("broken/page.jpg"), "none"],
  ["HTML behind a BOM and lines", utf8("\ufeff\n\n <!DOCTYPE html><title>"), "none"],
  ["a little-endian TIFF", bytes("II*\0\x08\0\0\0"), "none"],
  ["a big-endian TIFF", bytes("MM\0*\0\0\0\x08"), "none"],
  ["a BMP", bmp(40), "none"],
  ["a BMP of version 5", bmp(124), "none"],
  ["an ICO", bytes("\0\0\x01\0\x01\0\x10\x10"), "none"],
  ["a Photoshop document", bytes("8BPS\0\x01\0\0"), "none"],

  ["an SVG", utf8(SVG), "unknown"],
  ["an SVG after a long licence", utf8(LICENCE + SVG).subarray(0, HEAD_BYTES), "unknown"],
  ["an SVG behind a BOM", utf8(`\ufeff<?xml version="1.0"?>${SVG}`), "unknown"],
  ["an SVG with a script", file("broken/script.svg"), "unknown"],
  ["an unknown brand", ftyp("jxl "), "unknown"],
  ["an unknown brand of HEIF's family", ftyp("heif"), "unknown"],
  ["JPEG XL", bytes("\xff\x0a\xfa\x1f"), "unknown"],
  ["any bytes", Uint8Array.of(0x17, 0xe2, 0x55, 0x03, 0x90), "unknown"],
  ["half of a PNG's signature", bytes("\x89PN"), "unknown"],
  ["text that begins like a BMP", bytes("BM is a postcode of Birmingham."), "unknown"],
  ["a BMP with something reserved", bmp(40, "\x01\0\0\0"), "unknown"],

  // Hostile ones: the first bytes decide, as an engine reads them.
  ["a JPEG that goes on as HTML", bytes("\xff\xd8\xff\xfe\x00\x20<!doctype html>"), "image/jpeg"],
  ["a GIF that goes on as a script", bytes("GIF89a=1;alert(1)//"), "image/gif"],
  ["a PNG that goes on as a ZIP", bytes("\x89PNG\r\n\x1a\nPK\x03\x04"), "image/png"],
  ["HTML that goes on as a JPEG", bytes("<html>\xff\xd8\xff"), "none"],
  ["a PDF that goes on as a JPEG", bytes("%PDF-\xff\xd8\xff\xe0"), "none"],
  ["a JPEG behind a space", bytes(" \xff\xd8\xff\xe0"), "unknown"],
  ["a PNG whose line ends were changed", bytes("\x89PNG\n\x1a\n\0\0\0\rIHDR"), "unknown"],
  ["a film that says it is like AVIF", ftyp("isom", "avif", "mif1"), "none"],
  ["an AVIF's brand at no brand's place", ftyp("mif1", "miaf", "xxav", "ifxx"), "image/heic"],
  ["a brand beyond the first bytes", ftyp("mif1", ...Array(50).fill("miaf"), "avif"), "image/heic"],
])("%s (A18)", (_what, head, type) => {
  expect(sniff(head)).toBe(type);
});

test("the first bytes of long hostile ones are read in no time", () => {
  const long = utf8(" ".repeat(10_000_000));
  expect(sniff(long)).toBe("unknown");
});

const webp = (form: string, at: number, flags: number) => {
  const head = bytes(`RIFF\x10\0\0\0WEBP${form}`.padEnd(40, "\0"));
  head[at] = flags;
  return head;
};

const GIF_HEADER = "GIF89a\x0a\0\x08\0\0\0\0";
const COMMENT = "!\xfe\x02ab\x01c\0";
const OPAQUE = "!\xf9\x04\0\0\0\0\0";
const TRANSPARENT = "!\xf9\x04\x01\0\0\0\0";

/** A GIF of 10 × 8 px up to its first picture. @param table the table of colours has 2 to the power of this, and 2 times */
function gif({
  table,
  extensions = [],
  position = "\0\0\0\0",
  sides = "\x0a\0\x08\0",
}: {
  table?: number;
  extensions?: string[];
  position?: string;
  sides?: string;
}): Uint8Array {
  const flags = table === undefined ? "\0" : String.fromCharCode(0x80 | table);
  const colours = table === undefined ? "" : "#".repeat(3 * 2 ** (table + 1));
  const header = `GIF89a\x0a\0\x08\0${flags}\0\0${colours}`;
  return bytes(`${header}${extensions.join("")},${position}${sides}\0`);
}

/** An animated WebP of 10 × 8 px up to its first frame. */
function movingWebp({
  flags = 0x02,
  position = "\0".repeat(6),
  sides = "\x09\0\0\x07\0\0",
  profile,
}: {
  flags?: number;
  position?: string;
  sides?: string;
  profile?: number;
}): Uint8Array {
  const chunkOf = (name: string, data: string) => {
    const length = String.fromCharCode(data.length & 0xff, data.length >> 8, 0, 0);
    return name + length + data + "\0".repeat(data.length % 2);
  };
  const extended = chunkOf("VP8X", `${String.fromCharCode(flags)}\0\0\0\x09\0\0\x07\0\0`);
  const icc = profile === undefined ? "" : chunkOf("ICCP", "i".repeat(profile));
  const frame = chunkOf("ANMF", `${position}${sides}\0\0\0\0`);
  const text = `RIFF\0\0\0\0WEBP${extended}${icc}${chunkOf("ANIM", "\0".repeat(6))}${frame}`;

  return bytes(text).subarray(0, HEAD_BYTES);
}

describe("whether no pixel can be transparent, where the object begins as", () => {
  test.each<[what: string, type: ObjectType, head: Uint8Array, isOpaque: boolean]>([
    ["a JPEG", "image/jpeg", file("made/key.jpg"), true],
    ["a HEIC", "image/heic", ftyp("heic"), true],
    ["a GIF", "image/gif", gif({}), true],
    [
      "a GIF with a table and extensions",
      "image/gif",
      gif({ table: 2, extensions: [COMMENT, OPAQUE] }),
      true,
    ],
    ["a GIF with a transparent colour", "image/gif", gif({ extensions: [TRANSPARENT] }), false],
    [
      "a GIF with one behind a comment",
      "image/gif",
      gif({ extensions: [COMMENT, TRANSPARENT] }),
      false,
    ],
    ["a GIF whose picture is narrower", "image/gif", gif({ sides: "\x09\0\x08\0" }), false],
    ["a GIF whose picture begins later", "image/gif", gif({ position: "\x01\0\0\0" }), false],
    ["half a GIF", "image/gif", gif({ extensions: [COMMENT] }).subarray(0, 20), false],
    [
      "a GIF of an endless comment",
      "image/gif",
      bytes(`${GIF_HEADER}!\xfe${"\xff".repeat(900)}`),
      false,
    ],
    ["an AVIF", "image/avif", ftyp("avif"), false],
    ["what is unknown", "unknown", new Uint8Array(40), false],
    ["a lossy WebP", "image/webp", webp("VP8 ", 24, 0xff), true],
    ["a lossless WebP", "image/webp", webp("VP8L", 24, 0), true],
    ["a lossless WebP with transparency", "image/webp", webp("VP8L", 24, 0x10), false],
    ["an extended WebP", "image/webp", webp("VP8X", 20, 0), true],
    ["an extended WebP with transparency", "image/webp", webp("VP8X", 20, 0x10), false],
    ["an extended WebP that moves", "image/webp", webp("VP8X", 20, 0x02), false],
    ["one whose first frame covers it", "image/webp", movingWebp({}), true],
    ["one with transparency", "image/webp", movingWebp({ flags: 0x12 }), false],
    [
      "one whose first frame is smaller",
      "image/webp",
      movingWebp({ sides: "\x08\0\0\x07\0\0" }),
      false,
    ],
    [
      "one whose first frame begins later",
      "image/webp",
      movingWebp({ position: "\0\0\0\x01\0\0" }),
      false,
    ],
    ["one with a long profile", "image/webp", movingWebp({ profile: 2_000 }), false],
    ["one with a short profile", "image/webp", movingWebp({ profile: 7 }), true],
    ["half a WebP", "image/webp", bytes("RIFF\x10\0\0\0WEBPVP8L"), false],
  ])("%s", (_what, type, head, expected) => {
    expect(isOpaque(type, head)).toBe(expected);
  });

  // What the first bytes do not show counts as transparent.
  test.each<[what: string, png: Uint8Array, isOpaque: boolean]>([
    ["grey", png({ colour: 0 }), true],
    ["RGB", png({ colour: 2 }), true],
    ["RGB, with harmless chunks", png({ colour: 2 }, chunk("gAMA", 4), chunk("iCCP", 500)), true],
    ["RGB, with a palette to choose from", png({ colour: 2 }, chunk("PLTE", 9)), true],
    ["RGB, a late tRNS", png({ colour: 2 }, chunk("IDAT", 9), chunk("tRNS", 6)), true],
    ["a palette", png({ colour: 3 }, chunk("PLTE", 9)), true],
    ["a palette with tRNS", png({ colour: 3 }, chunk("PLTE", 9), chunk("tRNS", 3)), false],
    ["grey and alpha", png({ colour: 4 }), false],
    ["RGB and alpha", png({ colour: 6 }), false],
    ["no such colour type", png({ colour: 1 }), false],
    ["grey with tRNS", png({ colour: 0 }, chunk("tRNS", 2)), false],
    ["RGB with tRNS", png({ colour: 2 }, chunk("tRNS", 6)), false],
    ["RGB, a far tRNS", png({ colour: 2 }, chunk("iTXt", 980), chunk("tRNS", 6)), false],
    ["RGB behind a chunk that fills all", png({ colour: 2 }, chunk("iTXt", 980)), false],
    ["a chunk of 4 GB", png({ colour: 2 }, chunk("iTXt", 9, 0xffffffff), chunk("tRNS", 6)), false],
    ["RGB with a second header", png({ colour: 2 }, chunk("IHDR", 13)), false],
    ["an animation", png({ colour: 2 }, chunk("acTL", 8)), false],
    ["no picture", png({ colour: 2 }).subarray(0, 37), false],
    ["half a header", png({ colour: 2 }).subarray(0, 20), false],
    ["a header of another length", png({ colour: 2, length: 12 }), false],
    ["no header first", Uint8Array.from([...SIGNATURE, ...chunk("IDAT", 9)]), false],
  ])("a PNG: %s", (_what, whole, expected) => {
    expect(isOpaque("image/png", whole.subarray(0, HEAD_BYTES))).toBe(expected);
  });

  // The Images binding shows more first bytes. Only so many chunks of them are read, for the CPU time.
  test.each<[chunks: number, isOpaque: boolean]>([
    [300, true],
    [20_000, false],
  ])("a PNG with %i chunks before its picture", (count, expected) => {
    const harmless = Array.from({ length: count }, () => chunk("gAMA", 0));
    const whole = png({ colour: 2 }, ...harmless, chunk("IDAT", 9));
    expect(isOpaque("image/png", whole)).toBe(expected);
  });
});

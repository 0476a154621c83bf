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

test.each<{ title: string; head: Uint8Array; type: ObjectType }>([
  { title: "a JPEG", head: file("made/key.jpg"), type: "image/jpeg" },
  { title: "half a JPEG", head: file("broken/truncated.jpg"), type: "image/jpeg" },
  { title: "a PNG", head: file("made/transparent.png"), type: "image/png" },
  { title: "a GIF", head: file("made/animated.gif"), type: "image/gif" },
  { title: "a lossy WebP", head: bytes("RIFF\x10\0\0\0WEBPVP8 "), type: "image/webp" },
  { title: "a lossless WebP", head: bytes("RIFF\x10\0\0\0WEBPVP8L"), type: "image/webp" },
  {
    title: "an extended WebP, whose length has a line feed",
    head: bytes("RIFF\n\r\n\0WEBPVP8X"),
    type: "image/webp",
  },
  { title: "an AVIF", head: ftyp("avif", "mif1"), type: "image/avif" },
  { title: "an AVIF by its second brand", head: ftyp("mif1", "miaf", "avif"), type: "image/avif" },
  { title: "a HEIC", head: ftyp("heic", "mif1"), type: "image/heic" },

  { title: "nothing", head: new Uint8Array(), type: "none" },
  { title: "a PDF", head: bytes("%PDF-1.7\n"), type: "none" },
  { title: "PostScript", head: bytes("%!PS-Adobe-3.0 EPSF-3.0"), type: "none" },
  { title: "a ZIP, a DOCX", head: bytes("PK\x03\x04\x14\0"), type: "none" },
  { title: "gzip, an SVGZ", head: bytes("\x1f\x8b\x08\0"), type: "none" },
  { title: "7z", head: bytes("7z\xbc\xaf\x27\x1c\0\x04"), type: "none" },
  { title: "RAR", head: bytes("Rar!\x1a\x07\x01\0"), type: "none" },
  { title: "an MP4", head: ftyp("isom", "avc1"), type: "none" },
  { title: "a QuickTime film", head: ftyp("qt  "), type: "none" },
  { title: "Matroska, WebM", head: bytes("\x1aE\xdf\xa3\x01"), type: "none" },
  { title: "Ogg", head: bytes("OggS\0\x02"), type: "none" },
  { title: "an MP3", head: bytes("ID3\x04\0\0"), type: "none" },
  { title: "an AVI", head: bytes("RIFF\x10\0\0\0AVI LIST"), type: "none" },
  { title: "HTML", head: file("broken/page.jpg"), type: "none" },
  {
    title: "HTML behind a BOM and lines",
    head: utf8("\ufeff\n\n <!DOCTYPE html><title>"),
    type: "none",
  },
  { title: "a little-endian TIFF", head: bytes("II*\0\x08\0\0\0"), type: "none" },
  { title: "a big-endian TIFF", head: bytes("MM\0*\0\0\0\x08"), type: "none" },
  ...[12, 40, 52, 56, 64, 108, 124].map((length) => {
    const title = `a BMP with ${length} bytes of header`;
    return { title, head: bmp(length), type: "none" as const };
  }),
  { title: "an ICO", head: bytes("\0\0\x01\0\x01\0\x10\x10"), type: "none" },
  { title: "a Photoshop document", head: bytes("8BPS\0\x01\0\0"), type: "none" },

  { title: "an SVG", head: utf8(SVG), type: "unknown" },
  {
    title: "an SVG after a long licence",
    head: utf8(LICENCE + SVG).subarray(0, HEAD_BYTES),
    type: "unknown",
  },
  {
    title: "an SVG behind a BOM",
    head: utf8(`\ufeff<?xml version="1.0"?>${SVG}`),
    type: "unknown",
  },
  { title: "an SVG with a script", head: file("broken/script.svg"), type: "unknown" },
  { title: "an unknown brand", head: ftyp("jxl "), type: "unknown" },
  { title: "an unknown brand of HEIF's family", head: ftyp("heif"), type: "unknown" },
  { title: "JPEG XL", head: bytes("\xff\x0a\xfa\x1f"), type: "unknown" },
  { title: "any bytes", head: Uint8Array.of(0x17, 0xe2, 0x55, 0x03, 0x90), type: "unknown" },
  { title: "half of a PNG's signature", head: bytes("\x89PN"), type: "unknown" },
  {
    title: "text that begins like a BMP",
    head: bytes("BM is a postcode of Birmingham."),
    type: "unknown",
  },
  { title: "a BMP with something reserved", head: bmp(40, "\x01\0\0\0"), type: "unknown" },

  // Hostile ones: the first bytes decide, as an engine reads them.
  {
    title: "a JPEG that goes on as HTML",
    head: bytes("\xff\xd8\xff\xfe\x00\x20<!doctype html>"),
    type: "image/jpeg",
  },
  {
    title: "a GIF that goes on as a script",
    head: bytes("GIF89a=1;alert(1)//"),
    type: "image/gif",
  },
  {
    title: "a PNG that goes on as a ZIP",
    head: bytes("\x89PNG\r\n\x1a\nPK\x03\x04"),
    type: "image/png",
  },
  { title: "HTML that goes on as a JPEG", head: bytes("<html>\xff\xd8\xff"), type: "none" },
  { title: "a PDF that goes on as a JPEG", head: bytes("%PDF-\xff\xd8\xff\xe0"), type: "none" },
  { title: "a JPEG behind a space", head: bytes(" \xff\xd8\xff\xe0"), type: "unknown" },
  {
    title: "a PNG whose line ends were changed",
    head: bytes("\x89PNG\n\x1a\n\0\0\0\rIHDR"),
    type: "unknown",
  },
  { title: "a film that says it is like AVIF", head: ftyp("isom", "avif", "mif1"), type: "none" },
  {
    title: "an AVIF's brand at no brand's place",
    head: ftyp("mif1", "miaf", "xxav", "ifxx"),
    type: "image/heic",
  },
  {
    title: "a brand beyond the first bytes",
    head: ftyp("mif1", ...Array(50).fill("miaf"), "avif"),
    type: "image/heic",
  },
])("$title (A18)", ({ head, type }) => {
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
  test.each<{ title: string; type: ObjectType; head: Uint8Array; expected: boolean }>([
    { title: "a JPEG", type: "image/jpeg", head: file("made/key.jpg"), expected: true },
    { title: "a HEIC", type: "image/heic", head: ftyp("heic"), expected: true },
    { title: "a GIF", type: "image/gif", head: gif({}), expected: true },
    {
      title: "a GIF with a table and extensions",
      type: "image/gif",
      head: gif({ table: 2, extensions: [COMMENT, OPAQUE] }),
      expected: true,
    },
    {
      title: "a GIF with a transparent colour",
      type: "image/gif",
      head: gif({ extensions: [TRANSPARENT] }),
      expected: false,
    },
    {
      title: "a GIF with one behind a comment",
      type: "image/gif",
      head: gif({ extensions: [COMMENT, TRANSPARENT] }),
      expected: false,
    },
    {
      title: "a GIF whose picture is narrower",
      type: "image/gif",
      head: gif({ sides: "\x09\0\x08\0" }),
      expected: false,
    },
    {
      title: "a GIF whose picture begins later",
      type: "image/gif",
      head: gif({ position: "\x01\0\0\0" }),
      expected: false,
    },
    {
      title: "half a GIF",
      type: "image/gif",
      head: gif({ extensions: [COMMENT] }).subarray(0, 20),
      expected: false,
    },
    {
      title: "a GIF of an endless comment",
      type: "image/gif",
      head: bytes(`${GIF_HEADER}!\xfe${"\xff".repeat(900)}`),
      expected: false,
    },
    { title: "an AVIF", type: "image/avif", head: ftyp("avif"), expected: false },
    { title: "what is unknown", type: "unknown", head: new Uint8Array(40), expected: false },
    { title: "a lossy WebP", type: "image/webp", head: webp("VP8 ", 24, 0xff), expected: true },
    { title: "a lossless WebP", type: "image/webp", head: webp("VP8L", 24, 0), expected: true },
    {
      title: "a lossless WebP with transparency",
      type: "image/webp",
      head: webp("VP8L", 24, 0x10),
      expected: false,
    },
    { title: "an extended WebP", type: "image/webp", head: webp("VP8X", 20, 0), expected: true },
    {
      title: "an extended WebP with transparency",
      type: "image/webp",
      head: webp("VP8X", 20, 0x10),
      expected: false,
    },
    {
      title: "an extended WebP that moves",
      type: "image/webp",
      head: webp("VP8X", 20, 0x02),
      expected: false,
    },
    {
      title: "one whose first frame covers it",
      type: "image/webp",
      head: movingWebp({}),
      expected: true,
    },
    {
      title: "one with transparency",
      type: "image/webp",
      head: movingWebp({ flags: 0x12 }),
      expected: false,
    },
    {
      title: "one whose first frame is smaller",
      type: "image/webp",
      head: movingWebp({ sides: "\x08\0\0\x07\0\0" }),
      expected: false,
    },
    {
      title: "one whose first frame begins later",
      type: "image/webp",
      head: movingWebp({ position: "\0\0\0\x01\0\0" }),
      expected: false,
    },
    {
      title: "one with a long profile",
      type: "image/webp",
      head: movingWebp({ profile: 2_000 }),
      expected: false,
    },
    {
      title: "one with a short profile",
      type: "image/webp",
      head: movingWebp({ profile: 7 }),
      expected: true,
    },
    {
      title: "half a WebP",
      type: "image/webp",
      head: bytes("RIFF\x10\0\0\0WEBPVP8L"),
      expected: false,
    },
  ])("$title", ({ type, head, expected }) => {
    expect(isOpaque(type, head)).toBe(expected);
  });

  // What the first bytes do not show counts as transparent.
  test.each<{ title: string; whole: Uint8Array; expected: boolean }>([
    { title: "grey", whole: png({ colour: 0 }), expected: true },
    { title: "RGB", whole: png({ colour: 2 }), expected: true },
    {
      title: "RGB, with harmless chunks",
      whole: png({ colour: 2 }, chunk("gAMA", 4), chunk("iCCP", 500)),
      expected: true,
    },
    {
      title: "RGB, with a palette to choose from",
      whole: png({ colour: 2 }, chunk("PLTE", 9)),
      expected: true,
    },
    {
      title: "RGB, a late tRNS",
      whole: png({ colour: 2 }, chunk("IDAT", 9), chunk("tRNS", 6)),
      expected: true,
    },
    { title: "a palette", whole: png({ colour: 3 }, chunk("PLTE", 9)), expected: true },
    {
      title: "a palette with tRNS",
      whole: png({ colour: 3 }, chunk("PLTE", 9), chunk("tRNS", 3)),
      expected: false,
    },
    { title: "grey and alpha", whole: png({ colour: 4 }), expected: false },
    { title: "RGB and alpha", whole: png({ colour: 6 }), expected: false },
    { title: "no such colour type", whole: png({ colour: 1 }), expected: false },
    { title: "grey with tRNS", whole: png({ colour: 0 }, chunk("tRNS", 2)), expected: false },
    { title: "RGB with tRNS", whole: png({ colour: 2 }, chunk("tRNS", 6)), expected: false },
    {
      title: "RGB, a far tRNS",
      whole: png({ colour: 2 }, chunk("iTXt", 980), chunk("tRNS", 6)),
      expected: false,
    },
    {
      title: "RGB behind a chunk that fills all",
      whole: png({ colour: 2 }, chunk("iTXt", 980)),
      expected: false,
    },
    {
      title: "a chunk of 4 GB",
      whole: png({ colour: 2 }, chunk("iTXt", 9, 0xffffffff), chunk("tRNS", 6)),
      expected: false,
    },
    {
      title: "RGB with a second header",
      whole: png({ colour: 2 }, chunk("IHDR", 13)),
      expected: false,
    },
    { title: "an animation", whole: png({ colour: 2 }, chunk("acTL", 8)), expected: false },
    { title: "no picture", whole: png({ colour: 2 }).subarray(0, 37), expected: false },
    { title: "half a header", whole: png({ colour: 2 }).subarray(0, 20), expected: false },
    { title: "a header of another length", whole: png({ colour: 2, length: 12 }), expected: false },
    {
      title: "no header first",
      whole: Uint8Array.from([...SIGNATURE, ...chunk("IDAT", 9)]),
      expected: false,
    },
  ])("a PNG: $title", ({ whole, expected }) => {
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

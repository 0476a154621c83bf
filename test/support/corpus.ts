// A corpus of pictures as sites really have them, which sharp makes from the photographs of fixtures/ and from drawings.
// The same code and the same sharp make the same bytes, so they are kept on disk from one run to the next.

import { hash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { seeded } from "../bench/random.ts";
import { ROOT } from "./built.ts";

/** What is known of a picture before its bytes are made. */
export type CorpusPicture = {
  /** A file name. */
  readonly name: string;
  /** Of the upright picture: px. */
  readonly width: number;
  readonly height: number;
  readonly type: `image/${"jpeg" | "png" | "webp" | "gif"}`;
  /** Whether it has a pixel that is not opaque. Others may have an alpha channel, too. */
  readonly isTransparent: boolean;
  readonly frames: number;
  /** How long work with it takes: `small` up to 0.8 megapixels, `large` from 12 megapixels. */
  readonly weight: "small" | "medium" | "large";
};

/** The pixels of a picture, before they are encoded. */
type Source = {
  readonly width: number;
  readonly height: number;
  readonly isTransparent: boolean;
  readonly frames: number;
  /** One picture, or all frames of an animation. */
  open(): Promise<Sharp>;
};

type Recipe = {
  readonly picture: CorpusPicture;
  make(): Promise<Uint8Array>;
};

const PHOTOS = join(ROOT, "fixtures/objects/photos");

/** A part of a photograph, as large as possible. */
function photo(name: "dandelion" | "fig" | "friends", width: number, height: number): Source {
  const open = async () =>
    sharp(join(PHOTOS, `${name}.jpg`)).resize(width, height, { fit: "cover" });
  return { width, height, isTransparent: false, frames: 1, open };
}

/** The same picture in an ellipse, with nothing around it. */
function cutOut(source: Source): Source {
  const { width, height } = source;
  const ellipse = `<ellipse cx="50%" cy="50%" rx="48%" ry="48%" fill="white"/>`;
  const mask = svg(width, height, ellipse);

  const open = async () => {
    const pixels = (await source.open()).ensureAlpha();
    return pixels.composite([{ input: mask, blend: "dest-in" }]);
  };

  return { ...source, isTransparent: true, open };
}

/** The same picture, with an alpha channel that is 255 everywhere. */
function withOpaqueAlpha(source: Source): Source {
  return { ...source, open: async () => (await source.open()).ensureAlpha(1) };
}

/** A page of an app: bars, boxes, and lines of text. */
function screenshot(width: number, height: number): Source {
  const random = seeded(width * height);
  const shapes = [rect(0, 0, width, height, "#f6f8fa"), rect(0, 0, width, 48, "#24292f")];

  for (let top = 64; top < height; top += 160) {
    for (let left = 16; left < width; left += 320) {
      const hue = Math.floor(random() * 360);
      shapes.push(rect(left, top, 304, 144, "#ffffff"));
      shapes.push(rect(left + 12, top + 12, 40, 40, `hsl(${hue} 60% 50%)`));
      for (const line of [24, 54, 84, 114]) {
        shapes.push(textLine(left + 64, top + line, 226, random));
      }
    }
  }

  return drawing(width, height, shapes.join(""), false);
}

/** Large shapes of few colours on nothing. */
function logo(width: number, height: number): Source {
  const circle = `<circle cx="40%" cy="50%" r="30%" fill="#0b7285"/>`;
  const bar = `<rect x="45%" y="20%" width="45%" height="25%" rx="12" fill="#e8590c"/>`;
  return drawing(width, height, circle + bar, true);
}

function drawing(width: number, height: number, shapes: string, isTransparent: boolean): Source {
  const open = async () => {
    const pixels = sharp(svg(width, height, shapes));
    return isTransparent ? pixels : pixels.removeAlpha();
  };
  return { width, height, isTransparent, frames: 1, open };
}

/** Letters of random strokes: the fonts of a machine must not change the picture. */
function textLine(left: number, bottom: number, width: number, random: () => number): string {
  const strokes: string[] = [];

  for (let x = left; x < left + width; x += 7) {
    const isSpace = random() < 0.17;
    if (isSpace) continue;

    const corner = () => `${Math.round(x + random() * 5)} ${Math.round(bottom - random() * 9)}`;
    strokes.push(`M${corner()}L${corner()}L${corner()}L${corner()}`);
  }

  return `<path d="${strokes.join("")}" stroke="#1f2328" stroke-width="1.2" fill="none"/>`;
}

function rect(x: number, y: number, width: number, height: number, colour: string): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${colour}"/>`;
}

function svg(width: number, height: number, shapes: string): Buffer {
  const sides = `width="${width}" height="${height}"`;
  return Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${sides}>${shapes}</svg>`);
}

/** An animation in which a bar moves over a picture. */
function moving(source: Source, frames: number): Source {
  const { width, height } = source;
  const barWidth = Math.ceil(width / 8);
  const bar = svg(barWidth, height, rect(0, 0, barWidth, height, "#c2255c"));

  const open = async () => {
    const pixels = await source.open();
    const still = await pixels.png().toBuffer();

    const drawn = Array.from({ length: frames }, (_, at) => {
      const left = Math.floor((at * (width - barWidth)) / frames);
      return sharp(still)
        .composite([{ input: bar, left, top: 0 }])
        .png()
        .toBuffer();
    });

    return sharp(await Promise.all(drawn), { join: { animated: true } });
  };

  return { ...source, frames, open };
}

type JpegOptions = {
  readonly quality: number;
  readonly progressive?: boolean;
  readonly space?: "b-w" | "cmyk";
  /** How EXIF says that the picture is turned or mirrored: 5 to 8 exchange its sides. */
  readonly orientation?: number;
  /** 100 KB of EXIF with a thumbnail, and of an ICC profile, stand before the picture. */
  readonly hasSegments?: boolean;
  /** A film stands behind the picture, as phones write it. */
  readonly hasFilm?: boolean;
};

function jpeg(name: string, source: Source, options: JpegOptions): Recipe {
  const { quality, progressive = false, space = "srgb", orientation = 1 } = options;

  const make = async () => {
    const pixels = await source.open();
    const encoded = pixels.toColourspace(space).jpeg({ quality, progressive });
    if (options.hasSegments) return insertSegments(await encoded.toBuffer(), orientation);
    if (options.hasFilm) return Buffer.concat([await encoded.toBuffer(), FILM]);
    if (orientation === 1) return encoded.toBuffer();
    return encoded.withMetadata({ orientation }).toBuffer();
  };

  const { width, height } = source;
  const isTurned = orientation > 4;
  const upright = isTurned ? { width: height, height: width } : { width, height };

  return recipeOf(`${name}.jpg`, "image/jpeg", { ...source, ...upright }, make);
}

type PngOptions = {
  /** How many colours its palette has. Without one it has all its colours. */
  readonly colours?: number;
  readonly is16Bit?: boolean;
  readonly isInterlaced?: boolean;
};

function png(name: string, source: Source, options: PngOptions = {}): Recipe {
  const { colours, is16Bit = false, isInterlaced = false } = options;
  const palette = colours === undefined ? {} : { palette: true, colours };
  const space = is16Bit ? "rgb16" : "srgb";

  const make = async () => {
    const pixels = await source.open();
    // As sites do. So no rendition has the same bytes: run-worker.ts would take it for the original.
    const output = { compressionLevel: 9, progressive: isInterlaced, ...palette };
    return pixels.toColourspace(space).png(output).toBuffer();
  };

  return recipeOf(`${name}.png`, "image/png", source, make);
}

type WebpOptions = { readonly quality: number } | { readonly lossless: true };

function webp(name: string, source: Source, options: WebpOptions): Recipe {
  const make = async () => (await source.open()).webp(options).toBuffer();
  return recipeOf(`${name}.webp`, "image/webp", source, make);
}

function gif(name: string, source: Source): Recipe {
  const make = async () => (await source.open()).gif({ effort: 3 }).toBuffer();
  return recipeOf(`${name}.gif`, "image/gif", source, make);
}

function recipeOf(
  name: string,
  type: CorpusPicture["type"],
  { width, height, isTransparent, frames }: Source,
  make: Recipe["make"],
): Recipe {
  const weight = weightOf(width * height * frames);
  return { picture: { name, width, height, type, isTransparent, frames, weight }, make };
}

function weightOf(pixels: number): CorpusPicture["weight"] {
  if (pixels <= 0.8e6) return "small";
  return pixels < 12e6 ? "medium" : "large";
}

const FILM = Buffer.concat([Buffer.from("\0\0\0\x18ftypmp42\0\0\0\0mp42mp41")], 200_000);

const SOI_LENGTH = 2;
const APP1 = 0xe1; // EXIF
const APP2 = 0xe2; // ICC
const SEGMENTS_LENGTH = 102_400;
const PREVIEW = { width: 640, height: 480 };

/** Puts what cameras and editors write between the first marker of a JPEG and its picture. */
async function insertSegments(picture: Buffer, orientation: number): Promise<Buffer> {
  const preview = photo("dandelion", PREVIEW.width, PREVIEW.height); // other sides than the picture's
  const pixels = await preview.open();
  const thumbnail = await pixels.jpeg({ quality: 80 }).toBuffer();
  const exif = segment(APP1, exifOf(thumbnail, orientation));

  const icc = await srgbProfile();
  const profile = Buffer.concat([icc], SEGMENTS_LENGTH - exif.length); // filled up with zeros
  profile.writeUInt32BE(profile.length, 0); // the profile begins with its length

  const half = profile.length / 2;
  const profiles = [
    profilePart(1, profile.subarray(0, half)),
    profilePart(2, profile.subarray(half)),
  ];

  const start = picture.subarray(0, SOI_LENGTH);
  return Buffer.concat([start, exif, ...profiles, picture.subarray(SOI_LENGTH)]);
}

async function srgbProfile(): Promise<Buffer> {
  const pixel = sharp({ create: { width: 1, height: 1, channels: 3, background: "white" } });
  const tagged = await pixel.withIccProfile("srgb").png().toBuffer();
  const { icc } = await sharp(tagged).metadata();
  if (icc === undefined) throw new Error("sharp wrote no profile");
  return icc;
}

/** One of two segments of a profile, which is too long for one. */
function profilePart(number: 1 | 2, part: Buffer): Buffer {
  const head = Buffer.from(`ICC_PROFILE\0${String.fromCharCode(number, 2)}`);
  return segment(APP2, Buffer.concat([head, part]));
}

function segment(marker: number, content: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

/** EXIF data with two directories: the orientation of the picture, and its thumbnail, a JPEG. */
function exifOf(thumbnail: Buffer, orientation: number): Buffer {
  const [short, long] = [3, 4];
  const secondStart = 8 + directoryLength(1);
  const thumbnailStart = secondStart + directoryLength(3);

  const head = Buffer.from("Exif\0\0II*\0\x08\0\0\0", "latin1");
  const first: readonly ExifEntry[] = [[0x0112, short, orientation]];
  const second: readonly ExifEntry[] = [
    [0x0103, short, 6], // compressed as JPEG
    [0x0201, long, thumbnailStart],
    [0x0202, long, thumbnail.length],
  ];

  return Buffer.concat([head, directory(first, secondStart), directory(second, 0), thumbnail]);
}

const directoryLength = (entries: number) => 2 + entries * 12 + 4;

type ExifEntry = readonly [tag: number, type: number, value: number];

function directory(entries: readonly ExifEntry[], next: number): Buffer {
  const bytes = Buffer.alloc(directoryLength(entries.length));
  bytes.writeUInt16LE(entries.length, 0);

  for (const [at, [tag, type, value]] of entries.entries()) {
    const start = 2 + at * 12;
    bytes.writeUInt16LE(tag, start);
    bytes.writeUInt16LE(type, start + 2);
    bytes.writeUInt32LE(1, start + 4);
    bytes.writeUInt32LE(value, start + 8);
  }

  bytes.writeUInt32LE(next, bytes.length - 4);
  return bytes;
}

const RECIPES: readonly Recipe[] = [
  // Photographs that a site made for the web.
  jpeg("web-dandelion-640", photo("dandelion", 640, 360), { quality: 75 }),
  jpeg("web-dandelion-1000", photo("dandelion", 1000, 563), { quality: 70 }),
  jpeg("web-fig-640", photo("fig", 640, 433), { quality: 60 }),
  jpeg("web-fig-1000", photo("fig", 1000, 677), { quality: 80, progressive: true }),
  jpeg("web-friends-640", photo("friends", 640, 961), { quality: 70, progressive: true }),
  jpeg("web-friends-1000", photo("friends", 1000, 1502), { quality: 75 }),
  jpeg("web-square-800", photo("dandelion", 800, 800), { quality: 65, progressive: true }),
  webp("web-dandelion-640", photo("dandelion", 640, 360), { quality: 60 }),
  webp("web-dandelion-1000", photo("dandelion", 1000, 563), { quality: 75 }),
  webp("web-fig-640", photo("fig", 640, 433), { quality: 80 }),
  webp("web-fig-1000", photo("fig", 1000, 677), { quality: 70 }),
  webp("web-friends-640", photo("friends", 640, 961), { quality: 85 }),
  webp("web-friends-1000", photo("friends", 1000, 1502), { quality: 60 }),
  webp("web-square-600", photo("friends", 600, 600), { quality: 70 }),
  webp("web-portrait-900", photo("friends", 900, 1400), { quality: 85 }),

  // JPEG
  jpeg("landscape-5312", photo("dandelion", 5312, 2988), { quality: 70 }),
  jpeg("landscape-6000", photo("dandelion", 6000, 4000), { quality: 85 }),
  jpeg("portrait-4800", photo("friends", 3600, 4800), { quality: 80, progressive: true }),
  jpeg("panorama-6000", photo("dandelion", 6000, 1500), { quality: 80 }),
  jpeg("panorama-3000", photo("fig", 3000, 600), { quality: 60 }),
  jpeg("column-2800", photo("friends", 700, 2800), { quality: 75 }),
  jpeg("square-2400", photo("dandelion", 2400, 2400), { quality: 90 }),
  jpeg("square-1200", photo("fig", 1200, 1200), { quality: 95 }),
  jpeg("square-300", photo("friends", 300, 300), { quality: 90 }),
  jpeg("landscape-1600-q95", photo("fig", 1600, 1200), { quality: 95 }),
  jpeg("landscape-1600-q30", photo("dandelion", 1600, 1067), { quality: 30 }),
  jpeg("landscape-300-q30", photo("fig", 300, 200), { quality: 30 }),
  jpeg("portrait-1200-q40", photo("friends", 800, 1200), { quality: 40, progressive: true }),
  jpeg("screenshot-1200", screenshot(1200, 800), { quality: 90 }),
  jpeg("grey-1500", photo("fig", 1500, 1000), { quality: 80, space: "b-w" }),
  jpeg("grey-900", photo("friends", 600, 900), { quality: 75, space: "b-w" }),
  jpeg("cmyk-1800", photo("dandelion", 1800, 1200), { quality: 85, space: "cmyk" }),
  jpeg("cmyk-800", photo("friends", 600, 800), { quality: 80, space: "cmyk" }),
  jpeg("turned-6-1600", photo("fig", 1600, 1200), { quality: 80, orientation: 6 }),
  jpeg("turned-8-960", photo("dandelion", 960, 640), { quality: 70, orientation: 8 }),
  jpeg("turned-3-1000", photo("friends", 700, 1000), { quality: 75, orientation: 3 }),
  jpeg("mirrored-5-900", photo("friends", 600, 900), { quality: 85, orientation: 5 }),
  jpeg("segments-2000", photo("fig", 2000, 1500), { quality: 80, hasSegments: true }),
  jpeg("segments-1280", photo("friends", 960, 1280), { quality: 75, hasSegments: true }),
  jpeg("segments-turned-1600", photo("dandelion", 1600, 1067), {
    quality: 80,
    orientation: 6,
    hasSegments: true,
  }),
  jpeg("film-1200", photo("friends", 900, 1200), { quality: 80, hasFilm: true }),

  // PNG
  png("photo-1000", photo("fig", 1000, 667)),
  png("photo-600", photo("friends", 400, 600)),
  png("screenshot-1280", screenshot(1280, 800)),
  png("screenshot-2560", screenshot(2560, 1600)),
  png("screenshot-phone", screenshot(1170, 2532)),
  png("screenshot-palette-800", screenshot(800, 600), { colours: 32 }),
  png("photo-palette-640", photo("dandelion", 640, 427), { colours: 256 }),
  png("photo-16-bit-900", photo("fig", 900, 600), { is16Bit: true }),
  png("photo-interlaced-900", photo("friends", 700, 900), { isInterlaced: true }),
  png("cut-out-1200", cutOut(photo("dandelion", 1200, 1200))),
  png("cut-out-600", cutOut(photo("friends", 400, 600))),
  png("cut-out-palette-512", cutOut(photo("fig", 512, 512)), { colours: 128 }),
  png("logo-640", logo(640, 480)),
  png("logo-2000", logo(2000, 1500)),
  png("opaque-photo-1000", withOpaqueAlpha(photo("friends", 800, 1000))),
  png("opaque-screenshot-1440", withOpaqueAlpha(screenshot(1440, 900))),

  // WebP
  webp("landscape-2400", photo("dandelion", 2400, 1600), { quality: 80 }),
  webp("lossless-photo-750", photo("friends", 500, 750), { lossless: true }),
  webp("lossless-screenshot-1280", screenshot(1280, 720), { lossless: true }),
  webp("cut-out-1000", cutOut(photo("fig", 1000, 1000)), { quality: 75 }),
  webp("cut-out-600", cutOut(photo("dandelion", 600, 400)), { quality: 85 }),
  webp("logo-600", logo(600, 400), { lossless: true }),
  webp("moving-400", moving(photo("fig", 400, 300), 4), { quality: 70 }),
  webp("moving-logo-300", moving(logo(300, 300), 3), { quality: 80 }),

  // GIF
  gif("photo-480", photo("dandelion", 480, 320)),
  gif("screenshot-800", screenshot(800, 600)),
  gif("logo-300", logo(300, 300)),
  gif("moving-320", moving(photo("friends", 240, 320), 5)),
  gif("moving-logo-200", moving(logo(200, 200), 4)),
];

export const CORPUS: readonly CorpusPicture[] = RECIPES.map(({ picture }) => picture);

/** The bytes depend on this file and on sharp, which says its version and those of the codecs in it. */
const VERSION = hash(
  "sha1",
  readFileSync(import.meta.filename, "utf8") + JSON.stringify(sharp.versions),
);
const FOLDER = join(ROOT, ".wrangler/test/corpus", VERSION);

const madePictures = new Map<string, Promise<Uint8Array>>();

/** Returns the bytes of a picture: they are made once. @throws if no picture has that name */
export function corpusBytes(name: string): Promise<Uint8Array> {
  const earlier = madePictures.get(name);
  if (earlier) return earlier;

  const bytes = readOrMake(name);
  madePictures.set(name, bytes);
  return bytes;
}

async function readOrMake(name: string): Promise<Uint8Array> {
  const recipe = RECIPES.find(({ picture }) => picture.name === name);
  if (recipe === undefined) throw new Error(`the corpus has no ${name}`);

  const path = join(FOLDER, name);
  if (existsSync(path)) return new Uint8Array(readFileSync(path));

  // In one step: several test files may make it at the same time.
  const bytes = await recipe.make();
  mkdirSync(FOLDER, { recursive: true });
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, bytes);
  renameSync(fresh, path);

  return new Uint8Array(bytes);
}

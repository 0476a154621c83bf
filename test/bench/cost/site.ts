// The site of the simulation: its pictures, its variants, and what visitors ask for. Each figure has its source, or is
// assumed.
//
// "Web Almanac" is HTTP Archive's Web Almanac 2024, chapter Media: https://almanac.httparchive.org/en/2024/media. It counts
// the pictures that pages show, which are not the originals behind them: no study of originals was found.

import type { PixelSize } from "../../../src/url/rendition-size.ts";
import type { Variant } from "../../../src/worker/config/preset.ts";
import { type BrowserFormats, parseAccept } from "../../../src/worker/request/accept.ts";
import { configOf } from "../../support/config-of.ts";
import { SHIPPED_PRESETS } from "../../support/env.ts";
import { type Random, seeded, weighted, zipf } from "../random.ts";

export type Site = {
  /** Views of pictures in a month. */
  readonly views: number;
  readonly objects: number;
  /** Objects that are overwritten in a month. */
  readonly replacements: number;
};

/** Assumed. */
export const SITES = {
  small: { views: 50_000, objects: 500, replacements: 50 },
  medium: { views: 1_000_000, objects: 10_000, replacements: 1_000 },
  large: { views: 10_000_000, objects: 50_000, replacements: 5_000 },
} as const satisfies Record<string, Site>;

/** Assumed: a site of people's own photographs. Of the pictures that pages show, 14 % are portraits (Web Almanac). */
const PORTRAITS = 0.4;

/** Assumed: pictures that were made for the web. 90 % of those that pages show have less than 0.78 MP (Web Almanac). */
const SMALL_ORIGINALS = 0.3;

/**
 * The longer side of a small original, in px. The largest picture of a page has 0.54 MP in the middle, and 1.28 MP in the
 * upper quarter (Web Almanac).
 */
const SMALL_SIDES = [640, 800, 1_000, 1_300];

/** The types of small originals, by their shares (Web Almanac, without GIF and SVG). */
const SMALL_TYPES = [
  { share: 32.4, type: "image/jpeg" },
  { share: 28.4, type: "image/png" },
  { share: 12, type: "image/webp" },
] as const;

const drawSmallType = weighted(SMALL_TYPES.map(({ share }) => share));

/** Assumed: all other originals are JPEGs of cameras and phones, of 12 or 24 MP. */
const CAMERA_SIDES = [4_032, 6_000];

/** Assumed: their bytes, in the middle, and how they are spread (log-normal). */
const CAMERA_BYTES = 2_500_000;
const CAMERA_SIGMA = 0.6;

/** Bits for a pixel, in the middle (Web Almanac). */
const BITS_PER_PIXEL = {
  "image/avif": 1.4,
  "image/webp": 1.3,
  "image/jpeg": 2,
  "image/png": 3.8,
} as const;

export type PictureType = keyof typeof BITS_PER_PIXEL;

export type Picture = {
  readonly number: number;
  readonly size: PixelSize;
  readonly type: PictureType;
  readonly bytes: number;
  /** Whether its first 1,024 bytes do not tell its sides: those of a camera's JPEG are EXIF. */
  readonly hasLongHead: boolean;
};

/** Assumed: objects and data centres are asked for by Zipf's law. Requests for files of the web have 0.6 to 1. */
const OBJECT_EXPONENT = 0.9;
const DATA_CENTER_EXPONENT = 1;
export const DATA_CENTERS = 30;

/** Accept headers of browsers. Assumed: their shares. */
const BROWSERS = [
  { share: 93, accept: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8" },
  { share: 4, accept: "image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5" },
  { share: 3, accept: "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5" },
].map(({ share, accept }) => ({ share, reads: parseAccept(accept) }));

export const BROWSER_COUNT = BROWSERS.length;

/** Returns which formats a browser reads. @param browser its index */
export function formatsOfBrowser(browser: number): BrowserFormats {
  return elementAt(BROWSERS, browser).reads;
}

/** Assumed: windows in CSS px, and pixels for one CSS px. Each window and each density is as frequent as the others. */
const SCREENS = [
  { share: 60, windows: [360, 375, 390, 393, 412, 430], densities: [2, 3] },
  { share: 8, windows: [744, 768, 810, 834, 1_024], densities: [2] },
  { share: 32, windows: [1_280, 1_366, 1_440, 1_536, 1_920], densities: [1, 1.25, 1.5, 2] },
];

/** Assumed: where pictures stand on a page, and how wide they are there, in CSS px. */
const SLOTS = [
  { share: 60, preset: "thumbnail", width: (window: number) => clamp(window / 8, 96, 160) },
  { share: 30, preset: "card", width: (window: number) => clamp(window / 3, 280, 480) },
  { share: 10, preset: "hero", width: (window: number) => Math.min(window, 1_920) },
];

const ROUTES = [{ path: "/images/:preset/*", object: "media/*" }];

/** The variants of a new project's presets, as the Worker reads them: each once, the narrowest first. */
export const VARIANTS: readonly Variant[] = readVariants();

function readVariants(): Variant[] {
  // hero is also called hero@1920w.
  const byOptions = new Map<string, Variant>();
  for (const variant of configOf({ ROUTES, PRESETS: SHIPPED_PRESETS }).variants.values()) {
    byOptions.set(JSON.stringify([variant.preset, variant.image]), variant);
  }
  return [...byOptions.values()].sort((a, b) => widthOf(a) - widthOf(b));
}

function widthOf({ image: { width = 0, dpr = 1 } }: Variant): number {
  return width * dpr;
}

/** Invents the pictures of a site. */
export function createPictures({ objects }: Site, seed: number): Picture[] {
  const random = seeded(seed);
  return Array.from({ length: objects }, (_, number) => createPicture(number, random));
}

function createPicture(number: number, random: Random): Picture {
  const isPortrait = random() < PORTRAITS;
  const isSmall = random() < SMALL_ORIGINALS;

  const longer = oneOf(isSmall ? SMALL_SIDES : CAMERA_SIDES, random);
  const ratio = isSmall ? 3 / 2 : 4 / 3;
  const shorter = Math.round(longer / ratio);
  const size = isPortrait ? { width: shorter, height: longer } : { width: longer, height: shorter };

  if (!isSmall) {
    const bytes = Math.round(logNormal(random, CAMERA_BYTES, CAMERA_SIGMA));
    return { number, size, type: "image/jpeg", bytes, hasLongHead: true };
  }
  const { type } = elementAt(SMALL_TYPES, drawSmallType(random));
  return { number, size, type, bytes: bytesOf(size, type), hasLongHead: false };
}

/** Returns how many bytes a picture has. */
export function bytesOf({ width, height }: PixelSize, type: PictureType): number {
  return Math.round((width * height * BITS_PER_PIXEL[type]) / 8);
}

/** What a visitor asks for: the indices of an object, a data centre, a variant and a browser. */
export type View = {
  readonly object: number;
  readonly dataCenter: number;
  readonly variant: number;
  readonly browser: number;
};

/** Returns a function that invents the next view. */
export function createViews({ objects }: Site, random: Random): () => View {
  const drawObject = zipf(objects, OBJECT_EXPONENT);
  const drawDataCenter = zipf(DATA_CENTERS, DATA_CENTER_EXPONENT);
  const drawVariant = weighted(variantShares());
  const drawBrowser = weighted(BROWSERS.map(({ share }) => share));

  return () => ({
    object: drawObject(random),
    dataCenter: drawDataCenter(random),
    variant: drawVariant(random),
    browser: drawBrowser(random),
  });
}

/** Returns how often each variant is chosen, on all pages and screens together. */
function variantShares(): number[] {
  const shares = VARIANTS.map(() => 0);
  for (const slot of SLOTS) {
    for (const { share, windows, densities } of SCREENS) {
      for (const window of windows) {
        for (const density of densities) {
          const variant = chooseVariant(slot.preset, slot.width(window), density);
          const kinds = windows.length * densities.length;
          shares[variant] = elementAt(shares, variant) + (slot.share * share) / kinds;
        }
      }
    }
  }
  return shares;
}

/** Returns the variant that a browser chooses of a srcset: the narrowest that is wide enough, or else the widest. */
function chooseVariant(preset: string, cssWidth: number, density: number): number {
  let chosen = -1;
  for (const [index, variant] of VARIANTS.entries()) {
    if (variant.preset !== preset) continue;
    chosen = index;
    if (widthOf(variant) >= neededWidth(variant, cssWidth, density)) break;
  }
  return chosen;
}

/** With `dpr`, a browser chooses by its density alone. */
function neededWidth({ image }: Variant, cssWidth: number, density: number): number {
  if (image.dpr === undefined) return cssWidth * density;
  return (image.width ?? 0) * density;
}

function oneOf(values: readonly number[], random: Random): number {
  return elementAt(values, Math.floor(random() * values.length));
}

export function elementAt<Element>(elements: readonly Element[], index: number): Element {
  const element = elements[index];
  if (element === undefined) throw new RangeError(`there is no element ${index}`);
  return element;
}

/** Most values are near the median, and a few are many times larger. */
function logNormal(random: Random, median: number, sigma: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return median * Math.exp(sigma * normal);
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}

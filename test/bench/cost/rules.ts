// What the Worker asks of the edge for a picture, and what it stores: as it did until November 2026, and as it does now.
// The old rules are written down here, since no other code has them any more. Codes such as R6 are rules of docs/rules.md.

import { hash } from "node:crypto";
import { type PixelSize, renditionSize } from "../../../src/url/rendition-size.ts";
import type { Variant } from "../../../src/worker/config/preset.ts";
import type { BrowserFormats } from "../../../src/worker/request/accept.ts";
import { bytesOf, formatsOfBrowser, type Picture, type PictureType } from "./site.ts";

/**
 * How often the ladder goes on after its first request, on average: the requests to the edge for a rendition, and the
 * share of variants for which a second quality is billed. Counted by test/worker/corpus with four seeds, at the default
 * switches of the edge: 299 requests for 297 renditions, and 304 for 282.
 */
const LADDER = {
  /** Renditions with fewer pixels than their object. */
  shrunk: { requests: 1.01, secondQualities: 0.01 },
  /** Renditions with as many pixels. */
  unshrunk: { requests: 1.08, secondQualities: 0.08 },
};

/** A PNG of a photograph has 13 to 30 times the bytes of its object. Measured with the emulators, in November 2026. */
const PNG_FACTOR = 20;

/** The longest side of an AVIF, in px (O7). */
const MAX_AVIF_SIDE = 1_200;

/** What it takes to render a rendition, and what comes of it. */
export type Rendering = {
  /** Requests to the edge. An average may be a fraction. */
  readonly requests: number;
  /** The sets of options, each as a text: equal ones of an object are billed once a month (L2). */
  readonly billed: readonly string[];
  /** undefined: the visitor gets 502. */
  readonly type: PictureType | undefined;
  readonly bytes: number;
  readonly isStored: boolean;
  /** Whether S3 is asked once more for the object's beginning, to find its sides. */
  readonly readsLongHead: boolean;
};

export type Rules = {
  readonly name: "before" | "after";
  /** Whether a run that confirmed a picture asks once more after its answer. */
  readonly asksAgain: boolean;
  /**
   * Returns the part of the key of Workers Cache that follows from the browser. Browsers with the same part share a
   * rendition.
   * @param browser its index
   */
  cacheKeyPart(browser: number, variant: Variant): number;
  render(picture: Picture, variant: Variant, browser: number): Rendering;
};

/** Before: the preset's sides chose the format, a PNG came where the original was smaller, and not all was stored. */
export const BEFORE: Rules = {
  name: "before",
  asksAgain: false,
  cacheKeyPart: cacheKeyPartBefore,
  render: renderBefore,
};

/** After: the rendition's sides choose the format, a ladder finds a quality, and all is stored. */
export const AFTER: Rules = {
  name: "after",
  asksAgain: true,
  cacheKeyPart: (browser) => browser,
  render: renderAfter,
};

/** Where the preset was too wide for AVIF, browsers that read AVIF shared the key of those that read WebP. */
function cacheKeyPartBefore(browser: number, variant: Variant): number {
  const reads = formatsOfBrowser(browser);
  const isShared = reads.avif && !isShortPreset(variant);
  return isShared ? browser + 1 : browser;
}

function isShortPreset({ image: { width = 0, height = 0, dpr = 1 } }: Variant): boolean {
  return Math.max(width, height) * dpr <= MAX_AVIF_SIDE;
}

/** The type that the edge is asked for. "free": that of the original. */
type RequestedType = PictureType | "free";

type EdgeReply = "rendered" | "too-long-for-avif" | "original-is-smaller" | "wrong-type";

function renderBefore(picture: Picture, variant: Variant, browser: number): Rendering {
  const reads = formatsOfBrowser(browser);
  const { size, isShrunk } = measure(picture, variant);

  const requestedType = requestedTypeBefore(reads, variant);
  const reply = replyOf(requestedType, picture, size, isShrunk);
  const firstOptions = optionsBefore(requestedType, picture, variant);
  if (reply === "rendered") {
    const type = resultingType(requestedType, picture);
    const bytes = bytesOf(size, type);
    return {
      requests: 1,
      billed: [firstOptions],
      type,
      bytes,
      isStored: true,
      readsLongHead: false,
    };
  }

  // There was one more request, whatever it brought.
  const nextType = nextTypeBefore(reply, picture, reads);
  const nextReply = replyOf(nextType, picture, size, isShrunk);
  const billed = [firstOptions, optionsBefore(nextType, picture, variant)];
  const type = nextReply === "rendered" ? nextType : undefined;
  const bytes = nextType === "image/png" ? PNG_FACTOR * picture.bytes : bytesOf(size, nextType);

  // What came in another type than the first request named was not stored.
  const isStored = type !== undefined && requestedType === "free";
  return { requests: 2, billed, type, bytes, isStored, readsLongHead: false };
}

function requestedTypeBefore(reads: BrowserFormats, variant: Variant): RequestedType {
  if (reads.avif && isShortPreset(variant)) return "image/avif";
  if (reads.webp) return "image/webp";
  return "free";
}

function resultingType(requestedType: RequestedType, picture: Picture): PictureType {
  return requestedType === "free" ? picture.type : requestedType;
}

/** What the edge replies (O7, R5, R6). The web's pictures have fewer bytes than a rendition of their size. */
function replyOf(
  requestedType: RequestedType,
  picture: Picture,
  { width, height }: PixelSize,
  isShrunk: boolean,
): EdgeReply {
  if (requestedType === "image/avif" && Math.max(width, height) > MAX_AVIF_SIDE) {
    return "too-long-for-avif";
  }

  // Who gets the original's type reads no WebP.
  const type = resultingType(requestedType, picture);
  if (requestedType === "free" && type === "image/webp") return "wrong-type";

  const isSameType = type === picture.type;
  return isSameType && !isShrunk ? "original-is-smaller" : "rendered";
}

function nextTypeBefore(
  reply: Exclude<EdgeReply, "rendered">,
  picture: Picture,
  reads: BrowserFormats,
): PictureType {
  switch (reply) {
    case "too-long-for-avif":
      return "image/webp";
    case "wrong-type":
      return "image/jpeg";
    case "original-is-smaller":
      if (picture.type !== "image/png") return "image/png";
      return reads.webp ? "image/webp" : "image/jpeg";
  }
}

/** A request that may bring a PNG had no quality (O5). */
function optionsBefore(requestedType: RequestedType, picture: Picture, variant: Variant): string {
  const mayBePng =
    requestedType === "image/png" || (requestedType === "free" && picture.type !== "image/jpeg");
  const { quality, ...options } = variant.image;
  return textOf(mayBePng ? options : { ...options, quality });
}

function renderAfter(picture: Picture, variant: Variant, browser: number): Rendering {
  const { size, isShrunk } = measure(picture, variant);

  // Sides above the object's are asked for as the object's: all such variants of a preset are one transformation.
  const { quality } = variant.image;
  const options = textOf(isShrunk ? variant.image : { ...size, quality });

  const { requests, secondQualities } = isShrunk ? LADDER.shrunk : LADDER.unshrunk;
  const hasSecondQuality = shareOf(`${picture.number} ${options}`) < secondQualities;
  const billed = hasSecondQuality ? [options, `${options} again`] : [options];

  const type = typeAfter(formatsOfBrowser(browser), size);
  const renditionBytes = bytesOf(size, type);
  const bytes = isShrunk ? renditionBytes : Math.min(renditionBytes, picture.bytes);
  const readsLongHead = picture.hasLongHead;
  return { requests, billed, type, bytes, isStored: true, readsLongHead };
}

function typeAfter(reads: BrowserFormats, { width, height }: PixelSize): PictureType {
  const isShort = Math.max(width, height) <= MAX_AVIF_SIDE;
  if (reads.avif && isShort) return "image/avif";
  if (reads.webp) return "image/webp";
  return "image/jpeg";
}

function measure(picture: Picture, { image }: Variant) {
  const size = renditionSize(picture.size, image);
  if (!size) throw new Error("no preset of the simulation cuts off a border");

  const { width, height } = picture.size;
  return { size, isShrunk: size.width * size.height < width * height };
}

function textOf(options: object): string {
  return JSON.stringify(options);
}

/** Returns a number from 0 to 1: always the same for a text. */
function shareOf(text: string): number {
  return hash("sha1", text, "buffer").readUInt32BE() / 2 ** 32;
}

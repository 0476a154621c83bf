// What the bytes of an image say without a decoder: its type, the size of an SVG, the frames of a WebP. Each reader
// takes linear time, whatever the bytes are. Pure.

import type { Dimensions } from "../../client/types.ts";
import { sniff as sniffAsWorker } from "../../worker/origin/sniff.ts";

const SVG_HEAD_BYTES = 4_096;
const SVG_TAG_BYTES = 65_536;

/**
 * What may come before the root of an SVG, in this order: a byte order mark, and comments anywhere. A comment
 * has only one end: else many of them could be read in so many ways that it takes for ever.
 */
const SVG =
  /^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*|<!--(?:(?!-->).)*-->\s*|<!doctype svg[^>[]*(?:\[[^\]]*\]\s*)?>\s*)*<svg(?=[\s/>])/is;

/** Returns the type, whatever the name says; undefined if browsers show no such image. */
export function sniff(bytes: Uint8Array): string | undefined {
  const type = sniffAsWorker(bytes);
  if (type.startsWith("image/") && !isText(bytes, type)) return type;
  return SVG.test(latin1(bytes, SVG_HEAD_BYTES)) ? "image/svg+xml" : undefined;
}

/** The list of brands of an AVIF is short. One of 64 KiB is text, such as `<!--ftypavif`, with an SVG behind it. */
function isText(bytes: Uint8Array, type: string): boolean {
  const hasBrands = type === "image/avif" || type === "image/heic";
  return hasBrands && (bytes[0] || bytes[1]) !== 0;
}

/** Not with a TextDecoder: its latin1 is windows-1252. */
function latin1(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.subarray(0, length)).toString("latin1");
}

const ATTRIBUTE = /\s+([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/y;
const END_OF_TAG = /\s*\/?>/y;
// A text has only one way to match: a long one must not take long.
const LENGTH = /^\s*\+?((?:\d*\.)?\d+(?:e[+-]?\d+)?)(px|in|cm|mm|q|pt|pc)?\s*$/i;
const NUMBER = /^[+-]?(?:\d*\.)?\d+(?:e[+-]?\d+)?$/i;

/** CSS pixels in each unit. */
const UNITS = new Map([
  ["px", 1],
  ["in", 96],
  ["cm", 96 / 2.54],
  ["mm", 96 / 25.4],
  ["q", 96 / 101.6],
  ["pt", 96 / 72],
  ["pc", 16],
]);

/**
 * Reads the size that an SVG says of itself, as browsers do: in CSS pixels, each side at least 1. A side that is
 * missing follows from `viewBox`. Undefined: the SVG does not say its size.
 */
export function readSvgSize(svg: Uint8Array): Dimensions | undefined {
  const attributes = rootAttributesOf(svg);
  const [width, height] = ["width", "height"].map((name) => readLength(attributes?.get(name)));
  if (width && height) return wholePixels(width, height);
  const [, , boxWidth = 0, boxHeight = 0] = (attributes?.get("viewBox") ?? "")
    .trim()
    .split(/[\s,]+/)
    .map(readNumber);
  if (!(boxWidth > 0 && boxHeight > 0 && boxWidth + boxHeight < Infinity)) return undefined;
  if (width) return wholePixels(width, (width * boxHeight) / boxWidth);
  if (height) return wholePixels((height * boxWidth) / boxHeight, height);
  return wholePixels(boxWidth, boxHeight);
}

/** @returns undefined if the tag of the root does not end, or is no XML */
function rootAttributesOf(svg: Uint8Array): ReadonlyMap<string, string> | undefined {
  const [prolog] = SVG.exec(latin1(svg, SVG_HEAD_BYTES)) ?? [];
  const text = latin1(svg, SVG_TAG_BYTES);
  const attributes = new Map<string, string>();
  let at = prolog?.length ?? text.length;
  for (;;) {
    ATTRIBUTE.lastIndex = at;
    const [attribute = "", name = "", quoted, single = ""] = ATTRIBUTE.exec(text) ?? [];
    if (attribute === "") break;
    attributes.set(name, quoted ?? single);
    at += attribute.length;
  }
  END_OF_TAG.lastIndex = at;
  return END_OF_TAG.test(text) ? attributes : undefined;
}

/** Undefined for what depends on the page, such as `100%`. */
function readLength(text = ""): number | undefined {
  const [, number, unit = "px"] = LENGTH.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * (UNITS.get(unit.toLowerCase()) ?? 1);
}

/** JavaScript reads more as a number than SVG does: `Infinity`, `0x9`. */
function readNumber(text: string): number {
  return NUMBER.test(text) ? Number(text) : Number.NaN;
}

function wholePixels(width: number, height: number): Dimensions {
  return { width: Math.max(1, Math.round(width)), height: Math.max(1, Math.round(height)) };
}

/**
 * Counts what may be the frames of a WebP. The decoder walks through all frames before each one: with a million of
 * them, which fit into some MB, it takes hours, and nothing ends it.
 */
export function countWebpFrames({ buffer, byteOffset, byteLength }: Uint8Array): number {
  const webp = Buffer.from(buffer, byteOffset, byteLength);
  let frames = 0;
  for (let at = webp.indexOf("ANMF"); at >= 0; at = webp.indexOf("ANMF", at + 4)) frames += 1;
  return frames;
}

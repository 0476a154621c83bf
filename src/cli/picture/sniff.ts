// Reads the bytes of an image without a decoder: its type, the size of an SVG, the frames of a WebP. Each function
// takes linear time, whatever the bytes are. Pure.

import type { Dimensions } from "../../client/types.ts";
import { sniff } from "../../worker/origin/sniff.ts";

const SVG_HEAD_BYTES = 4_096;
const SVG_TAG_BYTES = 65_536;

/**
 * What may come before the root of an SVG, in this order: a byte order mark, and comments anywhere. The
 * pattern lets a comment end at its first `-->` only: else a text of many comments would take for ever to match.
 */
const SVG =
  /^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*|<!--(?:(?!-->).)*-->\s*|<!doctype svg[^>[]*(?:\[[^\]]*\]\s*)?>\s*)*<svg(?=[\s/>])/is;

/** An attribute of the root, in double or in single quotes. */
const ATTRIBUTE = /\s+(?<name>[\w:.-]+)\s*=\s*(?:"(?<double>[^"]*)"|'(?<single>[^']*)')/gy;

/** Returns the type by the bytes; undefined if browsers show no such image. */
export function sniffImageType(bytes: Uint8Array): string | undefined {
  const type = sniff(bytes);

  // A text such as `<!--ftypavif` has an SVG behind it.
  const isText = /avif|heic/.test(type) && bytes[0] !== 0;
  if (type.startsWith("image/") && !isText) return type;

  return SVG.test(latin1(bytes, SVG_HEAD_BYTES)) ? "image/svg+xml" : undefined;
}

/** Not with a TextDecoder: its latin1 is windows-1252. */
function latin1(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.subarray(0, length)).toString("latin1");
}

/**
 * Reads the size of an SVG in px, each side at least 1. A side that is missing, or is in percent, follows from
 * `viewBox`. Undefined: it has no size, or one in another unit.
 */
export function readSvgSize(svg: Uint8Array): Dimensions | undefined {
  const attributes = readRootAttributes(svg);
  const width = readLength(attributes.get("width"));
  const height = readLength(attributes.get("height"));
  if (width.kind === "other-unit" || height.kind === "other-unit") return undefined;

  const box = readViewBox(attributes.get("viewBox"));
  const size = completeSize(pxOf(width), pxOf(height), box);
  if (size === undefined || !isSide(size.width) || !isSide(size.height)) return undefined;
  return {
    width: Math.max(1, Math.round(size.width)),
    height: Math.max(1, Math.round(size.height)),
  };
}

function readRootAttributes(svg: Uint8Array): ReadonlyMap<string, string> {
  const prolog = SVG.exec(latin1(svg, SVG_HEAD_BYTES));
  const rootStart = prolog === null ? 0 : prolog[0].length;
  const root = latin1(svg, SVG_TAG_BYTES).slice(rootStart);

  const attributes = new Map<string, string>();
  for (const { groups } of root.matchAll(ATTRIBUTE)) {
    const name = groups?.["name"];
    const value = groups?.["double"] ?? groups?.["single"];
    if (name !== undefined && value !== undefined) attributes.set(name, value);
  }
  return attributes;
}

type Length =
  | { readonly kind: "px"; readonly px: number }
  /** It is missing, 0, or in percent of a page that is not known. */
  | { readonly kind: "open" }
  | { readonly kind: "other-unit" };

function readLength(text: string | undefined): Length {
  if (text === undefined || text.endsWith("%")) return { kind: "open" };

  const px = Number(text.replace(/px$/, ""));
  if (Number.isNaN(px)) return { kind: "other-unit" };
  return px === 0 ? { kind: "open" } : { kind: "px", px };
}

function pxOf(length: Length): number | undefined {
  return length.kind === "px" ? length.px : undefined;
}

/** The size of `viewBox="0 0 300 200"`. */
function readViewBox(text: string | undefined): Dimensions | undefined {
  if (text === undefined) return undefined;
  const [, , width, height] = text.trim().split(/[\s,]+/, 4);
  if (width === undefined || height === undefined) return undefined;
  return { width: Number(width), height: Number(height) };
}

/** Completes a size by the ratio of `viewBox`. */
function completeSize(
  width: number | undefined,
  height: number | undefined,
  box: Dimensions | undefined,
): Dimensions | undefined {
  if (width !== undefined && height !== undefined) return { width, height };
  if (box === undefined) return undefined;

  if (width !== undefined) return { width, height: (width * box.height) / box.width };
  if (height !== undefined) return { width: (height * box.width) / box.height, height };
  return box;
}

/** Returns whether a side can be drawn: NaN and Infinity are no sides, as of a `viewBox` that has 0 in it. */
function isSide(px: number): boolean {
  return px > 0 && px < 1e9;
}

/**
 * Counts what may be the frames of a WebP. The decoder walks through all frames before each one: a million of them,
 * which fit into some MB, take hours, and no timeout ends the decoder.
 */
export function countWebpFrames({ buffer, byteOffset, byteLength }: Uint8Array): number {
  const webp = Buffer.from(buffer, byteOffset, byteLength);

  let frames = 0;
  let position = webp.indexOf("ANMF");
  while (position >= 0) {
    frames += 1;
    position = webp.indexOf("ANMF", position + 4);
  }
  return frames;
}

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
const ATTRIBUTE = /\s+([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/gy;

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
  const [prolog = ""] = SVG.exec(latin1(svg, SVG_HEAD_BYTES)) ?? [];
  const root = latin1(svg, SVG_TAG_BYTES).slice(prolog.length);
  const attributes = new Map<string, string>();
  for (const [, name = "", quoted, single = ""] of root.matchAll(ATTRIBUTE)) {
    attributes.set(name, quoted ?? single);
  }
  const [width = 0, height = 0] = ["width", "height"].map((name) => {
    const text = attributes.get(name) ?? "";
    return text.endsWith("%") ? 0 : Number(text.replace(/px$/, ""));
  });
  const box = (attributes.get("viewBox") ?? "").trim().split(/[\s,]+/, 4);
  const [, , boxWidth = 0, boxHeight = 0] = box.map(Number);
  const ratio = boxWidth / boxHeight;
  const across = width || (height ? height * ratio : boxWidth);
  const down = height || (width ? width / ratio : boxHeight);
  const isKnown = [across, down].every((side) => side > 0 && side < 1e9);
  if (!isKnown || Number.isNaN(width + height)) return undefined;
  return { width: Math.max(1, Math.round(across)), height: Math.max(1, Math.round(down)) };
}

/**
 * Counts what may be the frames of a WebP. The decoder walks through all frames before each one: a million of them,
 * which fit into some MB, take hours, and no timeout ends the decoder.
 */
export function countWebpFrames({ buffer, byteOffset, byteLength }: Uint8Array): number {
  const webp = Buffer.from(buffer, byteOffset, byteLength);
  let frames = 0;
  for (
    let position = webp.indexOf("ANMF");
    position >= 0;
    position = webp.indexOf("ANMF", position + 4)
  )
    frames += 1;
  return frames;
}

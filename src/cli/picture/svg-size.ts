// Reads the size that an SVG says of itself, as browsers do. Pure.

import type { Dimensions } from "../../client/types.ts";

const LOOKED_AT = 65_536;
const ROOT = /<svg((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*\/?>/i;
const ATTRIBUTE = /\s([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
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
 * Returns the size in CSS pixels, each side at least 1. A side that is missing follows from `viewBox`.
 * Undefined: the SVG does not say its size.
 */
export function readSvgSize(svg: Uint8Array): Dimensions | undefined {
  const text = Buffer.from(svg.subarray(0, LOOKED_AT)).toString();
  const [, attributes = ""] = ROOT.exec(text.replace(/<!--.*?-->/gs, "")) ?? [];
  const found = new Map(
    [...attributes.matchAll(ATTRIBUTE)].map(([, name = "", one, other]) => [name, one ?? other]),
  );
  const [width, height] = [readLength(found.get("width")), readLength(found.get("height"))];
  if (width && height) return whole(width, height);
  const [, , across = 0, down = 0] = (found.get("viewBox") ?? "")
    .trim()
    .split(/[\s,]+/)
    .map(readNumber);
  if (!(across > 0 && down > 0 && across + down < Infinity)) return undefined;
  if (width) return whole(width, (width * down) / across);
  if (height) return whole((height * across) / down, height);
  return whole(across, down);
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

function whole(width: number, height: number): Dimensions {
  return { width: Math.max(1, Math.round(width)), height: Math.max(1, Math.round(height)) };
}

// What the strict edge sends in place of a rendition: originals, other formats, and SVGs.

import sharp from "sharp";
import { expect, test } from "vitest";
import { identifyOriginal, readHead } from "../../../src/emulator/edge/original.ts";
import { STRICT } from "../../../src/emulator/edge/switches.ts";
import { edge, fault, fetchImage, KEY, resetEdge } from "../../support/edge-requests.ts";
import { file } from "../../support/emulators.ts";

const MARKS = ["marked", "unmarked"] as const;

test.each([
  ["webp", "image/webp", null],
  ["jpeg", "image/jpeg", null],
  ["passed-through", "image/jpeg", 'cf-images 299 "image too large for AVIF"'],
] as const)("AVIF above 1,200 px can be %s (O7, R5, R6)", async (avifTooLarge, type, warning) => {
  resetEdge({ avifTooLarge });
  const answer = await fetchImage(KEY, { width: 1201, fit: "contain", format: "avif" });
  expect(answer.headers.get("cf-resized")).toMatch(/^internal=ok/);
  expect(answer.headers.get("content-type")).toBe(type);
  expect(answer.headers.get("warning")).toBe(warning);
  const { width } = await sharp(await answer.arrayBuffer()).metadata();
  const originalWidth = (await sharp(file("made/key.jpg")).metadata()).width;
  expect(width).toBe(avifTooLarge === "passed-through" ? originalWidth : 1201);
  const small = await fetchImage(KEY, { width: 1200, fit: "contain", format: "avif" });
  expect(small.headers.get("content-type")).toBe("image/avif");
});

test.each(MARKS)("a large animation comes back unchanged, %s (O8)", async (animationTooLarge) => {
  const gif = file("made/animated.gif");
  const { width, height, pages = 0 } = await sharp(gif).metadata();
  const animation = width * height * pages - 1;
  const limits = { ...edge.switches.limits, animation };
  resetEdge({ limits, animationTooLarge });
  for (const [anim, untouched] of [
    [true, true],
    [undefined, true],
    [false, false],
  ] as const) {
    const answer = await fetchImage("animated.gif", { width: 20, format: "webp", anim });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    expect(bytes.length === gif.length).toBe(untouched);
    const marked = !untouched || animationTooLarge === "marked";
    expect(answer.headers.has("cf-resized")).toBe(marked);
  }
  edge.switches.limits = { ...limits, animation: animation + 1 };
  const answer = await fetchImage("animated.gif", { width: 21, format: "webp" });
  const output = await sharp(await answer.arrayBuffer()).metadata();
  expect([output.format, output.width, output.pages]).toEqual(["webp", 21, pages]);
});

test.each(MARKS)("an SVG is sanitised and passed on, %s (R8)", async (svg) => {
  resetEdge({ svg });
  for (const format of [undefined, "svg"]) {
    const answer = await fetchImage("broken/script.svg", { width: 9, format });
    expect(answer.headers.get("content-type")).toBe("image/svg+xml");
    expect(answer.headers.has("cf-resized")).toBe(svg === "marked");
    const text = await answer.text();
    expect(text).toContain("<svg");
    expect(text).not.toMatch(/<script|alert|onload|href=.(?!#)/i);
    expect(text).toContain('<use href="#a"/>');
  }
});

test("an SVG does not become a raster image, nor a raster image an SVG (R8)", async () => {
  for (const format of ["avif", "webp", "jpeg", "png"]) {
    expect(await fault(await fetchImage("broken/script.svg", { format }))).toBe("9412/415");
  }
  expect(await fault(await fetchImage(KEY, { format: "svg" }))).toBe("9412/415");
});

test("an SVG may begin with comments, and many of them take no time (R8)", async () => {
  const read = (text: string) => identifyOriginal(new TextEncoder().encode(text), STRICT, readHead);
  const comments = "<!-- > -- a -->\n<!---->".repeat(30);
  expect(await read(`${comments}<svg>`)).toHaveProperty("svg", `${comments}<svg>`);
  expect(await read(comments)).toEqual({ code: 9412, status: 415 });
});

// Where the pixels of a rendition are, and that each filter does something. Read back with sharp. The exact values
// are not those of Cloudflare, and are not compared.

import sharp from "sharp";
import { expect, test } from "vitest";
import type { ImageOptions, OverlayOptions } from "../../../src/emulator/edge/options.ts";
import { file } from "../../support/emulators.ts";
import {
  colours,
  exact,
  letterOf,
  original,
  paint,
  painted,
  plain,
  render,
} from "../../support/painting.ts";

test.each<[ImageOptions, string]>([
  [{ flip: "h" }, "gr/yb"],
  [{ flip: "v" }, "by/rg"],
  [{ flip: "hv" }, "yb/gr"],
  [{ rotate: 90 }, "br/yg"],
  [{ rotate: 270 }, "gy/rb"],
  [{ rotate: 360 }, "rg/by"],
  [{ flip: "h", rotate: 90 }, "yg/br"],
])("%j turns rg/by into %s (O11)", async (image, expected) => {
  expect((await exact(colours, image)).look(2, 2)).toBe(expected);
});

test.each<[ImageOptions, string]>([
  [{ width: 40, dpr: 2 }, "80×48"],
  [{ width: 33, height: 33, dpr: 1.5, fit: "cover" }, "50×50"],
  [{ width: 33, height: 33, dpr: 1.5, fit: "pad" }, "50×50"],
  [{ width: 20, height: 20, dpr: 7, fit: "squeeze" }, "40×40"],
  [{ width: 20, dpr: 2.01 }, "40×24"],
  [{ width: 40, dpr: 0.5 }, "20×12"],
  [{ width: 1, dpr: 0.1 }, "1×1"],
  [{ dpr: 2 }, "100×60"],
])("dpr multiplies sides by at most 2: %j makes %s of 100×60 (O2)", async (image, size) => {
  expect((await exact(await plain("red", 100, 60), image)).size).toBe(size);
});

test.each<[ImageOptions["gravity"], string, string]>([
  [undefined, "g", "g"],
  ["left", "r", "g"],
  ["right", "b", "g"],
  ["top", "g", "r"],
  ["bottom", "g", "b"],
  [{ x: 0, y: 1 }, "r", "b"],
])("gravity %j keeps %s of a row and %s of a column (O4)", async (gravity, across, down) => {
  const [row, column] = [await painted("rgb"), await painted("r/g/b")];
  for (const fit of ["cover", "crop", "aspect-crop"] as const) {
    const image = { fit, width: 10, height: 10, ...(gravity && { gravity }) };
    expect((await exact(row, image)).look(1, 1)).toBe(across);
    expect((await exact(column, image)).look(1, 1)).toBe(down);
  }
});

test.each<[ImageOptions, string]>([
  [{}, "www/r.b/www"],
  [{ background: "yellow" }, "yyy/ryb/yyy"],
  [{ background: "transparent", format: "jpeg" }, "www/rwb/www"],
])("pad centres the image on white or on the background: %j (O3, O12)", async (image, look) => {
  const sides = { fit: "pad", width: 30, height: 30 } as const;
  expect((await exact(await painted("r.b", 20), { ...sides, ...image })).look(3, 3)).toBe(look);
});

test.each<[ImageOptions, string, string]>([
  [{ trim: { left: 10 } }, "10×20", "gg/yy"],
  [{ trim: { top: 5, right: 10, width: 10, height: 5 } }, "10×5", "rr/rr"],
  [{ trim: { left: 5 }, dpr: 2 }, "10×20", "gg/yy"],
  [{ trim: { left: 10 }, rotate: 90 }, "20×10", "yg/yg"],
  [{ trim: { left: 99 } }, "1×20", "gg/yy"],
  [{ trim: { border: true } }, "20×20", "rg/by"], // not played
])("%j leaves %s of 20×20, before any other step (O12)", async (image, size, look) => {
  const rendition = await exact(colours, image);
  expect([rendition.size, rendition.look(2, 2)]).toEqual([size, look]);
});

test("a border grows the image outwards after resizing, by each side × dpr (O2, O12)", async () => {
  const each = { color: "blue", top: 1, right: 2, bottom: 3, left: 4 };
  const rendition = await exact(await painted("r"), { width: 3, dpr: 2, border: each });
  expect(rendition.size).toBe("18×14");
  const letters = (...points: readonly (readonly [number, number])[]) =>
    points.map(([x, y]) => letterOf(rendition.pixel(x, y))).join("");
  expect(letters([8, 2], [13, 2], [8, 7], [13, 7])).toBe("rrrr");
  expect(letters([7, 2], [14, 2], [8, 1], [8, 8])).toBe("bbbb");
  const even = await exact(await painted("."), {
    background: "red",
    border: { color: "transparent", width: 10 },
  });
  expect([even.size, even.look(3, 3)]).toEqual(["30×30", ".../.r./..."]);
});

test.each<[ImageOptions, string]>([
  [{}, ".r"],
  [{ background: "hsl(240deg 100% 50%)" }, "br"],
  [{ background: "#00f", format: "jpeg" }, "br"],
  [{ format: "jpeg" }, "wr"],
])("%j below .r gives %s (O12)", async (image, expected) => {
  expect((await exact(await painted(".r", 20), image)).look(2, 1)).toBe(expected);
});

test.each<[ImageOptions, (r: number, g: number, b: number) => boolean]>([
  [{ brightness: 0.5 }, (r, g, b) => r < 60 && g < 80 && b < 120],
  [{ brightness: 0, contrast: 0, gamma: 0 }, (r, g, b) => r === 90 && g === 120 && b === 180],
  [{ contrast: 2 }, (r, _, b) => r < 70 && b > 200],
  [{ gamma: 2 }, (r, g, b) => r > 120 && g > 150 && b > 190],
  [{ saturation: 0 }, (r, g, b) => r === g && g === b],
  [{ saturation: 2 }, (r, _, b) => b - r > 100],
])("%j changes the colours, and not what is transparent (O10)", async (image, isRight) => {
  const [red = 0, green = 0, blue = 0, alpha] = (
    await exact(await plain("rgb(90,120,180,.5)"), image)
  ).pixel(1, 1);
  expect([isRight(red, green, blue), alpha], `${red}, ${green}, ${blue}`).toEqual([true, 128]);
});

test("blur mixes neighbours, sharpen parts them, and sharpen 0 does nothing (O10)", async () => {
  const step = await plain("rgb(100,100,100)", 10, 10);
  const edge = async (image: ImageOptions) =>
    (await exact(await painted("-w"), image)).pixel(8, 5)[0];
  expect(await edge({ blur: 5 })).toBeGreaterThan(140);
  expect(await edge({ sharpen: 10 })).toBeLessThan(128);
  expect((await exact(step, { sharpen: 0 })).pixel(5, 5)).toEqual([100, 100, 100, 255]);
});

const overlay = async (look: string, options: Partial<OverlayOptions> = {}) => ({
  options: { url: "https://images.example/o.png", ...options },
  original: await painted(look),
});

test.each<[Partial<OverlayOptions>, string]>([
  [{}, "www/wrw/www"],
  [{ left: 0, top: 0 }, "rww/www/www"],
  [{ right: 0, bottom: 0 }, "www/www/wwr"],
  [{ left: 25 }, "www/wwr/www"],
  [{ left: 99 }, "www/www/www"],
  [{ opacity: 0.5 }, "www/w?w/www"],
  [{ fit: "squeeze", width: 30, height: 10, bottom: 0 }, "www/www/rrr"],
  [{ border: { color: "blue", width: 10 } }, "bbb/brb/bbb"],
])("an overlay with %j on white gives %s (O12)", async (options, expected) => {
  const rendition = await exact(await painted("www/www/www"), {}, [await overlay("r", options)]);
  expect([rendition.size, rendition.look(3, 3)]).toEqual(["30×30", expected]);
});

test.each([
  [1, "rg/by"],
  [2, "gr/yb"],
  [3, "yb/gr"],
  [4, "by/rg"],
  [5, "rb/gy"],
  [6, "br/yg"],
  [7, "yg/br"],
  [8, "gy/rb"],
])("orientation %d turns rg/by into %s before other steps (O9, O12)", async (orientation, look) => {
  const jpeg = paint("rg/by").jpeg({ chromaSubsampling: "4:4:4" }).withMetadata({ orientation });
  const source = await original(await jpeg.toBuffer(), "image/jpeg");
  const rendition = await render(source, {});
  expect([rendition.look(2, 2), rendition.metadata.orientation]).toEqual([look, undefined]);
  const trimmed = await exact(source, { trim: { left: 10 } });
  expect(trimmed.look(1, 2)).toBe(look.replace(/\w(\w)/g, "$1"));
});

test("no metadata stay, and the colours of a profile are converted to sRGB (O9)", async () => {
  const source = await original(file("made/rotated-gps.jpg"), "image/jpeg");
  const { exif, icc } = (await render(source, { metadata: "none" })).metadata;
  expect([exif, icc]).toEqual([undefined, undefined]);
  const p3 = await paint("r").withIccProfile("p3").png().toBuffer();
  expect((await sharp(p3, { ignoreIcc: true }).raw().toBuffer())[0]).toBeLessThan(240);
  const rendition = await exact(await original(p3, "image/png"), {});
  expect([rendition.pixel(1, 1), rendition.metadata.hasProfile]).toEqual([[255, 0, 0, 255], false]);
  const cmyk = await paint("-").removeAlpha().toColourspace("cmyk").jpeg().toBuffer();
  expect((await exact(await original(cmyk, "image/jpeg"), {})).look(1, 1)).toBe("-");
});

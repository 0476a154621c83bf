// Formats and animations of renditions, read back with sharp.

import { describe, expect, test } from "vitest";
import type { ImageOptions } from "../../../src/emulator/edge/options.ts";
import type { RasterOriginal } from "../../../src/emulator/edge/original.ts";
import { moving, original, paint, photo, QUALITIES, render } from "../../support/painting.ts";

describe("formats", () => {
  /** An original of a type. GIF, PNG and WebP are lossless here. */
  async function encoded(look: string, type: RasterOriginal["type"]) {
    const picture = paint(look);
    const encoder = {
      "image/jpeg": () => picture.jpeg({ quality: 100, chromaSubsampling: "4:4:4" }),
      "image/png": () => picture.png(),
      "image/webp": () => picture.webp({ lossless: true }),
      "image/avif": () => picture.avif({ effort: 0 }),
      "image/gif": () => picture.gif(),
    }[type];
    return original(await encoder().toBuffer(), type);
  }

  const PHOTO = "rg/by";
  const HOLES = "r./by";

  test.each<[RasterOriginal["type"], string, ImageOptions, string]>([
    ["image/jpeg", PHOTO, {}, "image/jpeg"],
    ["image/png", PHOTO, {}, "image/jpeg"],
    ["image/png", HOLES, {}, "image/png"],
    ["image/png", HOLES, { background: "red" }, "image/jpeg"],
    ["image/png", PHOTO, { border: { color: "#0001", width: 1 } }, "image/png"],
    ["image/webp", PHOTO, {}, "image/webp"],
    ["image/avif", PHOTO, {}, "image/webp"],
    ["image/gif", PHOTO, {}, "image/jpeg"],
    ["image/png", HOLES, { format: "jpeg" }, "image/jpeg"],
    ["image/jpeg", PHOTO, { format: "png" }, "image/png"],
    ["image/jpeg", PHOTO, { format: "webp" }, "image/webp"],
    ["image/png", HOLES, { format: "avif" }, "image/avif"],
  ])("%s %s by %j is %s (O6, R5)", async (type, look, image, expected) => {
    const rendition = await render(await encoded(look, type), image);
    expect(rendition.type).toBe(expected);
  });

  const LOSSY = ["jpeg", "baseline-jpeg", "webp", "avif"] as const;

  test.each(LOSSY)("quality changes a %s, by number and by name (O5)", async (format) => {
    const bytes = async (quality?: ImageOptions["quality"]) =>
      (await render(photo, { format, ...(quality !== undefined && { quality }) })).bytes;
    const lengths: number[] = [];
    for (const name of ["high", "medium-high", "medium-low", "low"] as const) {
      expect(await bytes(name)).toEqual(await bytes(QUALITIES[name]));
      lengths.push((await bytes(name)).length);
    }
    lengths.push((await bytes(1)).length);
    expect(lengths).toEqual([...new Set(lengths)].toSorted((one, other) => other - one));
    expect(await bytes()).toEqual(await bytes(85));
  });

  test("a WebP of quality 100 is lossless, and a PNG of any quality has a palette (O5)", async () => {
    const { data, metadata } = await render(photo, { format: "png" });
    expect(metadata.isPalette).toBe(false);
    expect((await render(photo, { format: "png", quality: 100 })).metadata.isPalette).toBe(true);
    const webp = async (quality: number) =>
      (await render(photo, { format: "webp", quality })).data.equals(data);
    expect([await webp(100), await webp(99)]).toEqual([true, false]);
  });
});

describe("animations", () => {
  const FRAMES = ["rg/by", "yb/gr"];

  test.each<[ImageOptions, string, number]>([
    [{}, "image/gif", 2],
    [{ format: "webp" }, "image/webp", 2],
    [{ anim: false }, "image/jpeg", 1],
    [{ anim: false, format: "webp" }, "image/webp", 1],
    [{ format: "jpeg" }, "image/jpeg", 1],
    [{ format: "png" }, "image/png", 1],
    [{ format: "avif" }, "image/avif", 1],
  ])("a GIF with %j keeps frames and timing: %s, %d (O8)", async (image, type, frames) => {
    const rendition = await render(await moving(FRAMES), image);
    expect([rendition.type, rendition.frames]).toEqual([type, frames]);
    expect(rendition.look(2, 2)).toBe("rg/by");
    if (frames === 1) return expect(rendition.metadata.delay).toBeUndefined();
    expect(rendition.look(2, 2, 1)).toBe("yb/gr");
    expect(rendition.metadata).toMatchObject({ delay: [120, 340], loop: 2 });
  });
});

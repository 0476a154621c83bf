// Formats and animations of renditions, read back with sharp.

import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { ImageOptions } from "../../../src/emulator/edge/options.ts";
import type { Original } from "../../../src/emulator/edge/read-original.ts";
import {
  moving,
  original,
  paint,
  painted,
  photo,
  QUALITIES,
  render,
} from "../../support/painting.ts";

describe("formats", () => {
  /** An original of a type. GIF, PNG and WebP are lossless here. */
  async function encoded(look: string, type: Original["type"]) {
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

  test.each<[Original["type"], string, ImageOptions, string]>([
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
    const made = await render(await encoded(look, type), image);
    expect(made.type).toBe(expected);
  });

  test.each(["png", "webp", "avif"] as const)(
    "a %s has an alpha channel only if it is transparent (O6)",
    async (format) => {
      const opaque = await render(await painted(PHOTO), { format });
      const transparent = await render(await painted(HOLES), { format });
      expect([opaque.metadata.hasAlpha, transparent.metadata.hasAlpha]).toEqual([false, true]);
      expect([opaque.look(2, 2), transparent.look(2, 2)]).toEqual(["rg/by", "r./by"]);
    },
  );

  test.each(["jpeg", "baseline-jpeg", "webp", "avif"] as const)(
    "quality changes a %s, by number and by name (O5)",
    async (format) => {
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
    },
  );

  test("WebP is lossless at 100 and lossy at 99; PNG is lossless only without a quality (O5)", async () => {
    const pixels = await sharp(photo.bytes).ensureAlpha().raw().toBuffer();
    const coloursOf = ({ data }: { data: Buffer }) => {
      const { buffer, byteOffset, length } = data;
      return new Set(new Uint32Array(buffer.slice(byteOffset, byteOffset + length))).size;
    };
    expect((await render(photo, { format: "png" })).data.equals(pixels)).toBe(true);
    for (const quality of [100, 1, "high"] as const) {
      const png = await render(photo, { format: "png", quality });
      expect([png.type, coloursOf(png) <= 256]).toEqual(["image/png", true]);
    }
    const kept = await painted("r.");
    const { isPalette } = await sharp((await render(kept, { quality: 85 })).bytes).metadata();
    expect(isPalette).toBe(true); // also where nobody asked for PNG
    const webp = async (quality: number) => (await render(photo, { format: "webp", quality })).data;
    expect((await webp(100)).equals(pixels)).toBe(true);
    expect((await webp(99)).equals(pixels)).toBe(false);
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
    const made = await render(await moving(FRAMES), image);
    expect([made.type, made.frames]).toEqual([type, frames]);
    expect(made.look(2, 2)).toBe("rg/by");
    if (frames === 1) return expect(made.metadata.delay).toBeUndefined();
    expect(made.look(2, 2, 1)).toBe("yb/gr");
    expect(made.metadata).toMatchObject({ delay: [120, 340], loop: 2 });
  });

  test.each<[ImageOptions, string, number]>([
    [{}, "image/webp", 2],
    [{ format: "webp" }, "image/webp", 2],
    [{ anim: false }, "image/webp", 1],
    [{ format: "png" }, "image/png", 1],
  ])(
    "an animated WebP with %j keeps frames and timing: %s, %d (O8)",
    async (image, type, frames) => {
      const { bytes } = await render(await moving(FRAMES), { format: "webp" });
      const made = await render(await original(bytes, "image/webp"), image);
      expect([made.type, made.frames]).toEqual([type, frames]);
      if (frames > 1) expect(made.metadata).toMatchObject({ delay: [120, 340], loop: 2 });
    },
  );

  test("every frame changes in the same way, and equal frames stay (O8)", async () => {
    const source = await moving(["rg", "by", "by"]);
    const frames = async (image: ImageOptions, columns: number, rows: number) => {
      const rendition = await render(source, image);
      return [0, 1, 2].map((frame) => rendition.look(columns, rows, frame));
    };
    expect(await frames({ flip: "h" }, 2, 1)).toEqual(["gr", "yb", "yb"]);
    expect(await frames({ rotate: 90 }, 1, 2)).toEqual(["r/g", "b/y", "b/y"]);
    const lime = { border: { color: "lime", width: 10 }, brightness: 0.001 };
    const framed = "gggg/gkkg/gggg";
    expect(await frames(lime, 4, 3)).toEqual([framed, framed, framed]);
  });

  test("the first frame decides which part is kept in all frames (O4, O8, O12)", async () => {
    const source = await moving(["wwwwwwwwwwww/wrrwwwwwwwww", "wwwwwwwwwwww/wwwwwwwwwbbw"]);
    const auto = { fit: "cover", width: 20, height: 20, gravity: "auto" } as const;
    const rendition = await render(source, auto);
    const [first, second] = [rendition.look(6, 6), rendition.look(6, 6, 1)];
    expect([/r/.test(first), /[^w/]/.test(second)]).toEqual([true, false]);
  });

  test("transparent parts of frames stay (O8)", async () => {
    const made = await render(await moving(["r./..", "../.b"]), { flip: "h" });
    expect([made.look(2, 2), made.look(2, 2, 1)]).toEqual([".r/..", "../b."]);
    const opening = await render(await moving(["rr", "r."]), {});
    expect([opening.look(2, 1), opening.look(2, 1, 1)]).toEqual(["rr", "r."]);
  });
});

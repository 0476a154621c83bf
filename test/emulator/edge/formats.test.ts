// Formats and animations of renditions, read back with sharp.

import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { ImageOptions } from "../../../src/emulator/edge/image-options.ts";
import type { Original } from "../../../src/emulator/edge/read-original.ts";
import {
  colours,
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
    ["image/png", HOLES, { trim: { top: 10 } }, "image/jpeg"],
    ["image/png", PHOTO, { border: { color: "#0001", width: 1 } }, "image/png"],
    ["image/jpeg", PHOTO, { border: { color: "#0001", width: 1 } }, "image/jpeg"],
    ["image/webp", PHOTO, {}, "image/webp"],
    ["image/webp", HOLES, {}, "image/webp"],
    ["image/avif", PHOTO, {}, "image/webp"],
    ["image/gif", PHOTO, {}, "image/jpeg"],
    ["image/gif", HOLES, {}, "image/png"],
    ["image/png", HOLES, { format: "jpeg" }, "image/jpeg"],
    ["image/png", HOLES, { format: "baseline-jpeg" }, "image/jpeg"],
    ["image/jpeg", PHOTO, { format: "png" }, "image/png"],
    ["image/jpeg", PHOTO, { format: "png-force" }, "image/png"],
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

  test.each<[ImageOptions, string, string]>([
    [{ format: "webp" }, PHOTO, "image/jpeg"],
    [{ format: "webp" }, HOLES, "image/png"],
    [{ format: "avif" }, PHOTO, "image/jpeg"],
    [{ format: "avif" }, HOLES, "image/png"],
    [{ format: "png" }, PHOTO, "image/jpeg"],
    [{ format: "png" }, HOLES, "image/png"],
    [{ format: "png-force" }, PHOTO, "image/png"],
    [{ format: "jpeg" }, HOLES, "image/jpeg"],
    [{}, PHOTO, "image/jpeg"],
  ])("compression fast of %j %s is %s (O12, R5)", async (image, look, expected) => {
    const made = await render(await painted(look), { compression: "fast", ...image });
    expect(made.type).toBe(expected);
  });

  test("above 16,383 px a WebP becomes a JPEG (R5)", async () => {
    const source = await painted("w", 1);
    const image = { fit: "squeeze", height: 1, format: "webp" } as const;
    expect((await render(source, { ...image, width: 16_383 })).type).toBe("image/webp");
    expect((await render(source, { ...image, width: 16_384 })).type).toBe("image/jpeg");
    expect((await render(source, { ...image, width: 1, height: 16_384 })).type).toBe("image/jpeg");
    const first = await render(await moving(["r", "b"]), { ...image, width: 16_384 });
    expect([first.type, first.size, first.look(1, 1)]).toEqual(["image/jpeg", "16384×1", "r"]);
  });

  test.each<[ImageOptions, boolean]>([
    [{ format: "jpeg" }, true],
    [{}, true],
    [{ format: "baseline-jpeg" }, false],
  ])("%j is progressive: %s (O6)", async (image, expected) => {
    expect((await render(colours, image)).metadata.isProgressive).toBe(expected);
  });

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
    [{ anim: true }, "image/gif", 2],
    [{ format: "webp" }, "image/webp", 2],
    [{ anim: false }, "image/jpeg", 1],
    [{ anim: false, format: "webp" }, "image/webp", 1],
    [{ format: "jpeg" }, "image/jpeg", 1],
    [{ format: "png" }, "image/png", 1],
    [{ format: "avif" }, "image/avif", 1],
    [{ compression: "fast" }, "image/gif", 2],
    [{ compression: "fast", format: "webp" }, "image/webp", 2],
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

  test("equal frames all stay (O8)", async () => {
    const made = await render(await moving(["rg", "by", "by"]), {});
    expect([0, 1, 2].map((frame) => made.look(2, 1, frame))).toEqual(["rg", "by", "by"]);
  });

  test.each<[ImageOptions, string, string]>([
    [{ rotate: 90 }, "br/yg", "gy/rb"],
    [{ flip: "h", rotate: 90 }, "yg/br", "rb/gy"],
    [{ fit: "cover", width: 10, height: 20, gravity: "left" }, "rr/bb", "yy/gg"],
    [{ fit: "pad", width: 40, height: 20 }, "wrgw/wbyw", "wybw/wgrw"],
    [{ trim: { top: 10 }, width: 10 }, "by", "gr"],
    [{ border: { color: "lime", width: 10 } }, "gggg/grgg/gbyg/gggg", "gggg/gybg/ggrg/gggg"],
    [{ brightness: 0.001 }, "kk/kk", "kk/kk"],
    [{ saturation: 0.001 }, "-w/?w", "w?/w-"],
    [{ width: 2, blur: 20 }, "??/??", "??/??"],
  ])("%j changes every frame in the same way (O8)", async (image, first, second) => {
    const made = await render(await moving(FRAMES), image);
    const [columns, rows] = [first.split("/")[0]?.length ?? 0, first.split("/").length];
    expect([made.look(columns, rows), made.look(columns, rows, 1)]).toEqual([first, second]);
    expect(made.frames).toBe(2);
  });

  test("the first frame decides which part is kept in all frames (O4, O8, O12)", async () => {
    const source = await moving(["wwwwwwwwwwww/wrrwwwwwwwww", "wwwwwwwwwwww/wwwwwwwwwbbw"]);
    const auto = { fit: "cover", width: 20, height: 20, gravity: "auto" } as const;
    for (const image of [auto, { trim: { border: true } }]) {
      const made = await render(source, image);
      const [first, second] = [made.look(6, 6), made.look(6, 6, 1)];
      expect([/r/.test(first), /[^w/]/.test(second)]).toEqual([true, false]);
    }
  });

  test("transparent parts of frames stay (O8)", async () => {
    const made = await render(await moving(["r./..", "../.b"]), { flip: "h" });
    expect([made.look(2, 2), made.look(2, 2, 1)]).toEqual([".r/..", "../b."]);
    const opening = await render(await moving(["rr", "r."]), {});
    expect([opening.look(2, 1), opening.look(2, 1, 1)]).toEqual(["rr", "r."]);
  });
});

// Where the pixels of a rendition are: fit, gravity, trim, border, background. Read back with sharp.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { ImageOptions } from "../../../src/emulator/edge/image-options.ts";
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

describe("where pixels go", () => {
  test.each<[ImageOptions, string]>([
    [{}, "rg/by"],
    [{ flip: "h" }, "gr/yb"],
    [{ flip: "v" }, "by/rg"],
    [{ flip: "hv" }, "yb/gr"],
    [{ rotate: 0 }, "rg/by"],
    [{ rotate: 90 }, "br/yg"],
    [{ rotate: 180 }, "yb/gr"],
    [{ rotate: 270 }, "gy/rb"],
    [{ rotate: 360 }, "rg/by"],
    [{ flip: "h", rotate: 90 }, "yg/br"],
    [{ flip: "v", rotate: 270 }, "yg/br"],
    [{ flip: "hv", rotate: 90 }, "gy/rb"],
  ])("%j turns rg/by into %s (O11)", async (image, expected) => {
    expect((await exact(colours, image)).look(2, 2)).toBe(expected);
  });

  test("width, height and gravity apply after rotation (O4, O11)", async () => {
    const stripes = await painted("rgb");
    const tall = await exact(stripes, { rotate: 90, width: 5 });
    expect([tall.size, tall.look(1, 3)]).toEqual(["5×15", "r/g/b"]);
    const cut = { rotate: 90, fit: "cover", width: 10, height: 10 } as const;
    expect((await exact(stripes, { ...cut, gravity: "bottom" })).look(1, 1)).toBe("b");
  });

  test.each<[ImageOptions["gravity"], string, string]>([
    [undefined, "g", "g"],
    ["center", "g", "g"],
    ["face", "g", "g"],
    ["left", "r", "g"],
    ["right", "b", "g"],
    ["top", "g", "r"],
    ["bottom", "g", "b"],
    [{ x: 0, y: 1 }, "r", "b"],
    [{ x: 1, y: 0 }, "b", "r"],
    [{ x: 0.17, y: 0.83, mode: "box-center" }, "r", "b"],
  ])("gravity %j keeps %s of a row and %s of a column (O4)", async (gravity, across, down) => {
    const [row, column] = [await painted("rgb"), await painted("r/g/b")];
    for (const fit of ["cover", "crop", "aspect-crop"] as const) {
      const image = { fit, width: 10, height: 10, ...(gravity && { gravity }) };
      expect((await exact(row, image)).look(1, 1)).toBe(across);
      expect((await exact(column, image)).look(1, 1)).toBe(down);
    }
  });

  test("gravity auto keeps what stands out, entropy keeps the most detail (O4)", async () => {
    const noise = ["wkwkkwkw", "kwwkwkkw", "wkkwkwwk", "kwkwwkwk"].map((row) => row.repeat(2));
    const blob = ["wwwwwwww", "wwwrrwww", "wwwrrwww", "wwwwwwww"];
    const rows = noise.map((row, index) => `${row}${"w".repeat(48)}${blob[index]}`);
    const scene = await painted([...rows, ...rows].join("/"), 4);
    const image = { fit: "cover", width: 32, height: 32 } as const;
    const kept = async (gravity: "auto" | "entropy") => {
      const { data } = await exact(scene, { ...image, gravity });
      const pixels = Array.from({ length: data.length / 4 }, (_, at) =>
        letterOf([...data.subarray(at * 4, at * 4 + 4)]),
      );
      return (letter: string) => pixels.filter((other) => other === letter).length;
    };
    const [auto, entropy] = [await kept("auto"), await kept("entropy")];
    expect([auto("r") > 40, auto("k")]).toEqual([true, 0]);
    expect([entropy("k") > 300, entropy("r")]).toEqual([true, 0]);
    expect((await exact(scene, { ...image, height: 64, gravity: "auto" })).size).toBe("32×64");
  });

  test.each<[ImageOptions, string, string]>([
    [{ fit: "scale-down" }, "30×6", "wrgbw"],
    [{ fit: "squeeze" }, "30×30", "wrgbw"],
    [{ fit: "cover" }, "30×30", "ggggg"],
    [{ fit: "pad" }, "30×30", "wrgbw"],
  ])("%j of 50×10 in 30×30 is %s, with %s in its middle row (O3)", async (image, size, row) => {
    const made = await exact(await painted("wrgbw"), { ...image, width: 30, height: 30 });
    expect([made.size, made.look(5, 3).split("/")[1]]).toEqual([size, row]);
  });

  test.each<[ImageOptions, string]>([
    [{}, "www/r.b/www"],
    [{ background: "yellow" }, "yyy/ryb/yyy"],
    [{ background: "transparent" }, ".../r.b/..."],
    [{ background: "transparent", format: "jpeg" }, "www/rwb/www"],
  ])("pad centres the image on white or on the background: %j (O3, O12)", async (image, look) => {
    const sides = { fit: "pad", width: 30, height: 30 } as const;
    expect((await exact(await painted("r.b", 20), { ...sides, ...image })).look(3, 3)).toBe(look);
  });

  test.each<[ImageOptions, string, string[]]>([
    [{ fit: "cover", width: 10 }, "10×10", ["cover fit mode needs both width and height"]],
    [{ fit: "cover", height: 40 }, "40×40", ["cover fit mode needs both width and height"]],
    [{ fit: "cover", width: 10, height: 20 }, "10×20", []],
    [{ fit: "cover" }, "20×20", []],
    [{ fit: "crop", width: 10 }, "10×10", []],
  ])("cover with only one side gives a warning: %j (O3, R6)", async (image, size, warnings) => {
    const made = await exact(colours, image);
    expect([made.size, made.warnings]).toEqual([size, warnings]);
  });

  test.each<[ImageOptions, string]>([
    [{ width: 7, dpr: 2 }, "14×14"],
    [{ width: 7, dpr: 3 }, "14×14"],
    [{ fit: "cover", width: 7, height: 3, dpr: 1.5 }, "11×5"],
    [{ dpr: 2 }, "20×20"],
  ])("20×20 with %j is %s (O2)", async (image, size) => {
    expect((await exact(colours, image)).size).toBe(size);
  });

  test.each(["scale-down", "scale-up", "contain", "cover", "crop", "pad", "squeeze"] as const)(
    "%s works for the smallest and the longest images (O3, O4)",
    async (fit) => {
      const [dot, row, column] = [
        [1, 1],
        [900, 1],
        [1, 900],
      ] as const;
      for (const [width, height] of [dot, row, column, [2, 3] as const]) {
        const source = await plain("red", width, height);
        for (const gravity of ["auto", "right"] as const) {
          const sides = { width: 30, height: 30, background: "red" };
          expect((await exact(source, { fit, gravity, ...sides })).look(1, 1)).toBe("r");
        }
      }
    },
  );
});

describe("trim, border and background", () => {
  test.each<[ImageOptions, string, string]>([
    [{ trim: { left: 10 } }, "10×20", "gg/yy"],
    [{ trim: { bottom: 10 } }, "20×10", "rg/rg"],
    [{ trim: { top: 5, right: 10, width: 10, height: 5 } }, "10×5", "rr/rr"],
    [{ trim: { left: 5 }, dpr: 2 }, "10×20", "gg/yy"],
    [{ trim: { left: 10 }, flip: "h" }, "10×20", "gg/yy"],
    [{ trim: { left: 10 }, rotate: 90 }, "20×10", "yg/yg"],
    [{ trim: { left: 10 }, width: 5 }, "5×10", "gg/yy"],
    [{ trim: { left: 99 } }, "1×20", "gg/yy"],
  ])("%j leaves %s of 20×20, before any other step (O12)", async (image, size, look) => {
    const made = await exact(colours, image);
    expect([made.size, made.look(2, 2)]).toEqual([size, look]);
  });

  test.each<[NonNullable<ImageOptions["trim"]>, number, string]>([
    ["border", 1, "20×10"],
    [{ border: true }, 1, "20×10"],
    [{ border: false }, 1, "60×40"],
    [{ border: {} }, 1, "20×10"],
    [{ border: { color: "white" } }, 1, "20×10"],
    [{ border: { color: "white", tolerance: 2 } }, 1, "60×40"],
    [{ border: { color: "#ff0000" } }, 1, "60×40"],
    [{ border: { tolerance: 255 } }, 1, "60×40"],
    [{ border: { keep: 3 } }, 1, "26×16"],
    [{ border: { keep: 3 } }, 2, "32×22"],
    [{ border: { keep: 30 } }, 1, "60×40"],
    [{ left: 25, border: true }, 1, "5×10"],
  ])("trim %j at dpr %d of a block on noisy white (O12)", async (trim, dpr, size) => {
    const { data, info } = await paint("wwwwww/wrrwww/wwwwww/wwwwww")
      .raw()
      .toBuffer({ resolveWithObject: true });
    const noisy = data.map((value, at) => (at % 7 === 3 && at % 4 !== 3 ? value - 5 : value));
    const bytes = await sharp(noisy, { raw: info }).png().toBuffer();
    expect((await exact(await original(bytes, "image/png"), { trim, dpr })).size).toBe(size);
  });

  test("the surroundings may be transparent, or fill the whole image (O12)", async () => {
    const made = await exact(await painted(".../.r./..."), { trim: "border" });
    expect([made.size, made.look(1, 1)]).toEqual(["10×10", "r"]);
    expect((await exact(await painted("www"), { trim: "border" })).size).toBe("30×10");
  });

  test("a border grows the image outwards after resizing, by each side × dpr (O2, O12)", async () => {
    const each = { color: "blue", top: 1, right: 2, bottom: 3, left: 4 };
    const made = await exact(await painted("r"), { width: 3, dpr: 2, border: each });
    expect(made.size).toBe("18×14");
    const letters = (...points: readonly (readonly [number, number])[]) =>
      points.map(([x, y]) => letterOf(made.pixel(x, y))).join("");
    expect(letters([8, 2], [13, 2], [8, 7], [13, 7])).toBe("rrrr");
    expect(letters([7, 2], [14, 2], [8, 1], [8, 8])).toBe("bbbb");
    const even = await exact(colours, { border: { color: "rgb(0,0,0,0)", width: 10 } });
    expect([even.size, even.look(4, 4)]).toEqual(["40×40", "..../.rg./.by./...."]);
  });

  test.each<[ImageOptions, string]>([
    [{}, ".r"],
    [{ background: "yellow" }, "yr"],
    [{ background: "hsl(240deg 100% 50%)" }, "br"],
    [{ background: "#00f", format: "webp" }, "br"],
    [{ background: "#00f", format: "jpeg" }, "br"],
    [{ format: "jpeg" }, "wr"],
    [{ background: "#808080", brightness: 2, blur: 1 }, "-r"],
  ])("%j below .r gives %s (O12)", async (image, expected) => {
    expect((await exact(await painted(".r", 20), image)).look(2, 1)).toBe(expected);
  });

  test("a border is outside of the background (O12)", async () => {
    const border = { color: "transparent", width: 10 };
    const made = await exact(await painted("."), { background: "blue", border });
    expect(made.look(3, 3)).toBe(".../.b./...");
  });

  test("a background may be half transparent (O12)", async () => {
    const made = await exact(await painted(".r"), { background: "rgb(0 0 255 / 50%)" });
    expect([made.pixel(3, 3), made.pixel(15, 3)]).toEqual([
      [0, 0, 255, 128],
      [255, 0, 0, 255],
    ]);
  });
});

test("a broken image is rejected (R3)", async () => {
  const broken = readFileSync(
    join(import.meta.dirname, "../../../fixtures/objects/broken/truncated.jpg"),
  );
  const source = { bytes: broken, type: "image/jpeg", width: 600, height: 400, frames: 1 } as const;
  await expect(render(source, {})).rejects.toThrow();
});

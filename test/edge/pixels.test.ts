// What prints look like: their pixels, frames, bytes and metadata, read back with sharp.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import type { Image } from "./geometry.ts";
import type { Original } from "./original.ts";
import { makePrint, measure, type Overlay, unplayable } from "./pixels.ts";

const QUALITIES = { high: 90, "medium-high": 75, "medium-low": 60, low: 40 };

/** Colours by a letter each; a dot is transparent, and a question mark none of these. */
const COLOURS: Readonly<Record<string, readonly number[]>> = {
  r: [255, 0, 0, 255],
  g: [0, 255, 0, 255],
  b: [0, 0, 255, 255],
  y: [255, 255, 0, 255],
  m: [255, 0, 255, 255],
  k: [0, 0, 0, 255],
  w: [255, 255, 255, 255],
  "-": [128, 128, 128, 255],
  ".": [0, 0, 0, 0],
};

function letterOf(pixel: readonly number[]): string {
  if ((pixel[3] ?? 255) < 30) return ".";
  const near = (colour: readonly number[]) =>
    colour.every((value, channel) => Math.abs(value - (pixel[channel] ?? 255)) < 50);
  return Object.entries(COLOURS).find(([, colour]) => near(colour))?.[0] ?? "?";
}

/** Paints rows of letters, each as a square of so many pixels. */
const paint = (look: string, scale = 10) => {
  const rows = look.split("/");
  const width = rows[0]?.length ?? 0;
  const data = Uint8Array.from(rows.flatMap((row) => [...row].flatMap((c) => COLOURS[c] ?? [])));
  return sharp(data, { raw: { width, height: rows.length, channels: 4 } }).resize({
    width: width * scale,
    height: rows.length * scale,
    kernel: "nearest",
  });
};

async function original(bytes: Uint8Array, type: Original["type"]): Promise<Original> {
  const { width, height, pageHeight = height, pages = 1 } = await sharp(bytes).metadata();
  return { bytes, type, width, height: pageHeight, frames: pages };
}

const painted = async (look: string, scale?: number) =>
  original(await paint(look, scale).png().toBuffer(), "image/png");

const plain = async (background: string, width = 4, height = 4) => {
  const colour = sharp({ create: { width, height, channels: 4, background } });
  return original(await colour.png().toBuffer(), "image/png");
};

/** An animation of painted frames. */
async function moving(looks: readonly string[]): Promise<Original> {
  const pictures = await Promise.all(looks.map((look) => paint(look).png().toBuffer()));
  const gif = sharp(pictures, { join: { animated: true } });
  return original(
    await gif
      .gif({
        delay: looks.map((_, index) => 120 + 220 * index),
        loop: 2,
        keepDuplicateFrames: true,
      })
      .toBuffer(),
    "image/gif",
  );
}

const fixture = (file: string, type: Original["type"]) =>
  original(readFileSync(join(import.meta.dirname, "../../fixtures/objects", file)), type);

/** A print, checked to be what it says it is and as large as was foretold. */
async function print(source: Original, image: Image, overlays: readonly Overlay[] = []) {
  const made = await makePrint(source, image, overlays, { qualities: QUALITIES });
  const { data, info } = await sharp(made.bytes, { animated: true })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const metadata = await sharp(made.bytes, { animated: true }).metadata();
  const { width, height, frames } = {
    width: info.width,
    height: info.pageHeight ?? info.height,
    frames: info.pages ?? 1,
  };
  expect({ width: made.width, height: made.height }).toEqual({ width, height });
  expect(await measure(source, image)).toEqual({ width, height });
  expect(metadata.mediaType).toBe(made.type);
  const pixel = (x: number, y: number, frame = 0) => {
    const at = ((frame * height + y) * width + x) * 4;
    return [...data.subarray(at, at + 4)];
  };
  /** Letters of so many columns and rows of a frame, each from the middle of its cell. */
  const look = (columns: number, rows: number, frame = 0) =>
    Array.from({ length: rows }, (_, row) =>
      Array.from({ length: columns }, (_, column) => {
        const x = Math.floor(((column + 0.5) * width) / columns);
        return letterOf(pixel(x, Math.floor(((row + 0.5) * height) / rows), frame));
      }).join(""),
    ).join("/");
  return { ...made, data, metadata, frames, size: `${width}×${height}`, pixel, look };
}

/** As PNG, so that no pixel changes its colour. */
const exact = (source: Original, image: Image, overlays?: readonly Overlay[]) =>
  print(source, { format: "png", ...image }, overlays);

/** Shrunk, so that there is detail from pixel to pixel. */
let photo: Original;
let colours: Original;

beforeAll(async () => {
  const dandelion = await fixture("photos/fig.jpg", "image/jpeg");
  const small = sharp(dandelion.bytes).resize(120, 90);
  photo = await original(await small.png().toBuffer(), "image/png");
  colours = await painted("rg/by");
});

describe("where pixels go", () => {
  test.each<[Image, string]>([
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
  ])("%j turns rg/by to %s (O11)", async (image, expected) => {
    expect((await exact(colours, image)).look(2, 2)).toBe(expected);
  });

  test("width, height and gravity are of axes after rotation (O4, O11)", async () => {
    const stripes = await painted("rgb");
    const tall = await exact(stripes, { rotate: 90, width: 5 });
    expect([tall.size, tall.look(1, 3)]).toEqual(["5×15", "r/g/b"]);
    const cut = { rotate: 90, fit: "cover", width: 10, height: 10 } as const;
    expect((await exact(stripes, { ...cut, gravity: "bottom" })).look(1, 1)).toBe("b");
  });

  test.each<[Image["gravity"], string, string]>([
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

  test("gravity auto keeps what stands out, entropy what has most detail (O4)", async () => {
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

  test.each<[Image, string, string]>([
    [{ fit: "scale-down" }, "30×6", "wrgbw"],
    [{ fit: "squeeze" }, "30×30", "wrgbw"],
    [{ fit: "cover" }, "30×30", "ggggg"],
    [{ fit: "pad" }, "30×30", "wrgbw"],
  ])("%j of 50×10 in 30×30 is %s, with %s in its middle row (O3)", async (image, size, row) => {
    const made = await exact(await painted("wrgbw"), { ...image, width: 30, height: 30 });
    expect([made.size, made.look(5, 3).split("/")[1]]).toEqual([size, row]);
  });

  test.each<[Image, string]>([
    [{}, "www/r.b/www"],
    [{ background: "yellow" }, "yyy/ryb/yyy"],
    [{ background: "transparent" }, ".../r.b/..."],
    [{ background: "transparent", format: "jpeg" }, "www/rwb/www"],
  ])("pad fills up, centred, with white or the background: %j (O3, O12)", async (image, look) => {
    const sides = { fit: "pad", width: 30, height: 30 } as const;
    expect((await exact(await painted("r.b", 20), { ...sides, ...image })).look(3, 3)).toBe(look);
  });

  test.each<[Image, string, string[]]>([
    [{ fit: "cover", width: 10 }, "10×10", ["cover fit mode needs both width and height"]],
    [{ fit: "cover", height: 40 }, "40×40", ["cover fit mode needs both width and height"]],
    [{ fit: "cover", width: 10, height: 20 }, "10×20", []],
    [{ fit: "cover" }, "20×20", []],
    [{ fit: "crop", width: 10 }, "10×10", []],
  ])(
    "cover with one side only is done with a warning: %j (O3, R6)",
    async (image, size, warnings) => {
      const made = await exact(colours, image);
      expect([made.size, made.warnings]).toEqual([size, warnings]);
    },
  );

  test.each<[Image, string]>([
    [{ width: 7, dpr: 2 }, "14×14"],
    [{ width: 7, dpr: 3 }, "14×14"],
    [{ fit: "cover", width: 7, height: 3, dpr: 1.5 }, "11×5"],
    [{ dpr: 2 }, "20×20"],
  ])("20×20 by %j is %s (O2)", async (image, size) => {
    expect((await exact(colours, image)).size).toBe(size);
  });

  test.each(["scale-down", "scale-up", "contain", "cover", "crop", "pad", "squeeze"] as const)(
    "%s holds for the smallest and the longest images (O3, O4)",
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

describe("what is cut off and put around", () => {
  test.each<[Image, string, string]>([
    [{ trim: { left: 10 } }, "10×20", "gg/yy"],
    [{ trim: { bottom: 10 } }, "20×10", "rg/rg"],
    [{ trim: { top: 5, right: 10, width: 10, height: 5 } }, "10×5", "rr/rr"],
    [{ trim: { left: 5 }, dpr: 2 }, "10×20", "gg/yy"],
    [{ trim: { left: 10 }, flip: "h" }, "10×20", "gg/yy"],
    [{ trim: { left: 10 }, rotate: 90 }, "20×10", "yg/yg"],
    [{ trim: { left: 10 }, width: 5 }, "5×10", "gg/yy"],
    [{ trim: { left: 99 } }, "1×20", "gg/yy"],
  ])("%j leaves %s of 20×20, before all else (O12)", async (image, size, look) => {
    const made = await exact(colours, image);
    expect([made.size, made.look(2, 2)]).toEqual([size, look]);
  });

  test.each<[NonNullable<Image["trim"]>, number, string]>([
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

  test("what surrounds an image may be transparent, or all of it (O12)", async () => {
    const made = await exact(await painted(".../.r./..."), { trim: "border" });
    expect([made.size, made.look(1, 1)]).toEqual(["10×10", "r"]);
    expect((await exact(await painted("www"), { trim: "border" })).size).toBe("30×10");
  });

  test("a border grows the image outwards, after resizing, by each side × dpr (O2, O12)", async () => {
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

  test.each<[Image, string]>([
    [{}, ".r"],
    [{ background: "yellow" }, "yr"],
    [{ background: "hsl(240deg 100% 50%)" }, "br"],
    [{ background: "#00f", format: "webp" }, "br"],
    [{ background: "#00f", format: "jpeg" }, "br"],
    [{ format: "jpeg" }, "wr"],
    [{ background: "#808080", brightness: 2, blur: 1 }, "-r"],
  ])("%j underneath .r is %s (O12)", async (image, expected) => {
    expect((await exact(await painted(".r", 20), image)).look(2, 1)).toBe(expected);
  });

  test("a border is put around the background, and has none underneath (O12)", async () => {
    const border = { color: "transparent", width: 10 };
    const made = await exact(await painted("."), { background: "blue", border });
    expect(made.look(3, 3)).toBe(".../.b./...");
  });

  test("a background may itself be half transparent (O12)", async () => {
    const made = await exact(await painted(".r"), { background: "rgb(0 0 255 / 50%)" });
    expect([made.pixel(3, 3), made.pixel(15, 3)]).toEqual([
      [0, 0, 255, 128],
      [255, 0, 0, 255],
    ]);
  });
});

describe("how pixels change", () => {
  /** How much neighbours differ, 0–255. */
  const detail = ({ data }: { data: Uint8Array }) =>
    data.reduce((sum, value, at) => sum + Math.abs(value - (data[at - 4] ?? value)), 0) /
    data.length;

  test("blur takes detail away, and the more the larger it is (O10)", async () => {
    const blurred = async (blur: number) => detail(await exact(photo, { blur }));
    expect(await blurred(1)).toBeLessThan(detail(await exact(photo, {})) * 0.8);
    expect(await blurred(5)).toBeLessThan((await blurred(1)) * 0.6);
    expect(await blurred(250)).toBeLessThan((await blurred(5)) * 0.6);
  });

  test("sharpen adds detail, and the more the stronger it is (O10)", async () => {
    const sharpened = async (sharpen: number) => detail(await exact(photo, { sharpen }));
    expect(await sharpened(0)).toBe(detail(await exact(photo, {})));
    expect(await sharpened(1)).toBeGreaterThan((await sharpened(0)) * 1.1);
    expect(await sharpened(10)).toBeGreaterThan((await sharpened(1)) * 1.1);
  });

  test("what is blurred is what has been resized, not its border (O10, O12)", async () => {
    const halves = await painted("kw", 100);
    const border = { color: "red", width: 5 };
    const made = await exact(halves, { width: 40, blur: 6, border });
    expect(made.pixel(5 + 15, 10)[0]).toBeGreaterThan(30);
    expect(made.pixel(4, 10)).toEqual([255, 0, 0, 255]);
  });

  test.each<[Image, readonly number[]]>([
    [{ brightness: 0.5 }, [30, 60, 90]],
    [{ brightness: 1.5 }, [90, 180, 255]],
    [{ brightness: 1000 }, [255, 255, 255]],
    [{ contrast: 0.5 }, [94, 124, 154]],
    [{ contrast: 2 }, [0, 113, 233]],
    [{ contrast: 1000 }, [0, 0, 255]],
    [{ gamma: 0.5 }, [14, 56, 127]],
    [{ gamma: 2 }, [124, 175, 214]],
    [{ gamma: 100 }, [251, 253, 254]],
    [{ gamma: 0.01 }, [0, 0, 0]],
    [{ brightness: 0.5, contrast: 2 }, [0, 0, 53]],
    [{ contrast: 2, gamma: 2 }, [0, 169, 244]],
    [{ brightness: 1, contrast: 1, gamma: 1, saturation: 1 }, [60, 120, 180]],
    [{ brightness: 0, contrast: 0, gamma: 0, saturation: 0 }, [60, 120, 180]],
    [{ brightness: 0, contrast: 2, gamma: 0 }, [0, 113, 233]],
    [{ brightness: 0.5, contrast: 0 }, [30, 60, 90]],
  ])("%j makes of 60, 120, 180: %j (O10)", async (image, expected) => {
    const source = await plain("rgb(60,120,180,.5)");
    const found = (await exact(source, image)).pixel(1, 1);
    const off = [...expected, 128].map((value, at) => Math.abs(value - (found[at] ?? 0)));
    expect(Math.max(...off), `${found}`).toBeLessThanOrEqual(1);
  });

  test("what is made lighter is what has been resized (O10)", async () => {
    const [grey = 0] = (await exact(await painted("kw/wk"), { width: 1, gamma: 2 })).pixel(0, 0);
    expect([grey > 160, grey < 200]).toEqual([true, true]);
  });

  test("saturation drives colours apart or together (O10)", async () => {
    const source = await plain("rgb(90,120,150)");
    const spread = async (saturation: number) => {
      const [red = 0, , blue = 0] = (await exact(source, { saturation })).pixel(1, 1);
      return blue - red;
    };
    expect(await spread(0.01)).toBeLessThan(4);
    expect(await spread(0.5)).toBeLessThan(40);
    expect(await spread(0.5)).toBeGreaterThan(20);
    expect(await spread(2)).toBeGreaterThan(100);
    expect(await spread(0)).toBe(60);
    expect((await exact(source, { saturation: 2, gamma: 0.01 })).look(1, 1)).toBe("k");
  });
});

describe("formats", () => {
  /** An original of a type. GIF, PNG and WebP lose nothing of it. */
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

  test.each<[Original["type"], string, Image, string]>([
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
    const made = await print(await encoded(look, type), image);
    expect(made.type).toBe(expected);
  });

  test.each(["png", "webp", "avif"] as const)(
    "of %s only what is transparent has an alpha channel (O6)",
    async (format) => {
      const opaque = await print(await painted(PHOTO), { format });
      const transparent = await print(await painted(HOLES), { format });
      expect([opaque.metadata.hasAlpha, transparent.metadata.hasAlpha]).toEqual([false, true]);
      expect([opaque.look(2, 2), transparent.look(2, 2)]).toEqual(["rg/by", "r./by"]);
    },
  );

  test.each<[Image, string, string]>([
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
    const made = await print(await painted(look), { compression: "fast", ...image });
    expect(made.type).toBe(expected);
  });

  test("a WebP cannot be longer than 16,383 px, and is a JPEG then (R5)", async () => {
    const source = await painted("w", 1);
    const image = { fit: "squeeze", height: 1, format: "webp" } as const;
    expect((await print(source, { ...image, width: 16_383 })).type).toBe("image/webp");
    expect((await print(source, { ...image, width: 16_384 })).type).toBe("image/jpeg");
    expect((await print(source, { ...image, width: 1, height: 16_384 })).type).toBe("image/jpeg");
    const first = await print(await moving(["r", "b"]), { ...image, width: 16_384 });
    expect([first.type, first.size, first.look(1, 1)]).toEqual(["image/jpeg", "16384×1", "r"]);
  });

  test.each<[Image, boolean]>([
    [{ format: "jpeg" }, true],
    [{}, true],
    [{ format: "baseline-jpeg" }, false],
  ])("whether %j is progressive: %s (O6)", async (image, expected) => {
    expect((await print(colours, image)).metadata.isProgressive).toBe(expected);
  });

  test.each(["jpeg", "baseline-jpeg", "webp", "avif"] as const)(
    "of %s quality has an effect, in numbers and names (O5)",
    async (format) => {
      const bytes = async (quality?: Image["quality"]) =>
        (await print(photo, { format, ...(quality !== undefined && { quality }) })).bytes;
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

  test("WebP at 100 is without loss, and not at 99; PNG always (O5)", async () => {
    const source = await print(photo, { format: "png", quality: 1 });
    const pixels = await sharp(photo.bytes).ensureAlpha().raw().toBuffer();
    expect(source.data.equals(pixels)).toBe(true);
    const webp = async (quality: number) => (await print(photo, { format: "webp", quality })).data;
    expect((await webp(100)).equals(pixels)).toBe(true);
    expect((await webp(99)).equals(pixels)).toBe(false);
  });
});

describe("metadata", () => {
  const text = (exif: Uint8Array | undefined) => new TextDecoder("latin1").decode(exif);

  test.each<[Image, readonly string[]]>([
    [{ metadata: "keep" }, ["CC0", "Vitrine", "GPS"]],
    [{ metadata: "copyright" }, ["CC0"]],
    [{}, ["CC0"]],
    [{ metadata: "none" }, []],
    [{ metadata: "keep", format: "baseline-jpeg" }, ["CC0", "Vitrine", "GPS"]],
    [{ metadata: "keep", format: "webp" }, []],
    [{ metadata: "keep", format: "png" }, []],
    [{ metadata: "keep", format: "avif" }, []],
    [{ metadata: "copyright", compression: "fast", format: "webp" }, ["CC0"]],
  ])("%j keeps %j, and turns upright (O9)", async (image, kept) => {
    const made = await print(await fixture("made/rotated-gps.jpg", "image/jpeg"), image);
    const { exif, orientation, icc } = made.metadata;
    const found = text(exif).replace("N\0\0\0", "GPS");
    expect(["CC0", "Vitrine", "GPS"].filter((word) => found.includes(word))).toEqual(kept);
    expect(orientation ?? 1).toBe(1);
    expect(icc).toBeUndefined();
    const [top = 0, bottom = 0] = [made.pixel(50, 90)[0], made.pixel(50, 110 + 200)[0]];
    expect([made.size, top > 150, bottom < 60]).toEqual(["300×400", true, true]);
  });

  /** A JPEG with EXIF data of one's own. */
  const withExif = async (tiff: Uint8Array) => {
    const jpeg = await paint("rg/by").jpeg({ chromaSubsampling: "4:4:4" }).toBuffer();
    const head = Buffer.from("\xff\xe1??Exif\0\0", "latin1");
    head.writeUInt16BE(tiff.length + 8, 2);
    const bytes = Buffer.concat([jpeg.subarray(0, 2), head, tiff, jpeg.subarray(2)]);
    return original(bytes, "image/jpeg");
  };

  /** TIFF's header and a directory of one tag: a short number (3) or a text (2). */
  function directory(littleEndian: boolean, tag: number, type: 2 | 3, value: Uint8Array | number) {
    const text = typeof value === "number" ? new Uint8Array() : value;
    const apart = text.length > 4;
    const bytes = new Uint8Array(26 + (apart ? text.length : 0));
    const view = new DataView(bytes.buffer);
    view.setUint16(0, littleEndian ? 0x4949 : 0x4d4d);
    view.setUint16(2, 42, littleEndian);
    view.setUint32(4, 8, littleEndian);
    view.setUint16(8, 1, littleEndian);
    view.setUint16(10, tag, littleEndian);
    view.setUint16(12, type, littleEndian);
    view.setUint32(14, type === 3 ? 1 : text.length, littleEndian);
    bytes.set(text, apart ? 26 : 18);
    if (typeof value === "number") view.setUint16(18, value, littleEndian);
    else if (apart) view.setUint32(18, 26, littleEndian);
    return bytes;
  }

  test.each([
    [1, "rg/by"],
    [2, "gr/yb"],
    [3, "yb/gr"],
    [4, "by/rg"],
    [5, "rb/gy"],
    [6, "br/yg"],
    [7, "yg/br"],
    [8, "gy/rb"],
  ])("orientation %d of rg/by is %s, and then no more (O9)", async (orientation, expected) => {
    for (const littleEndian of [true, false]) {
      const source = await withExif(directory(littleEndian, 0x0112, 3, orientation));
      const made = await print(source, { metadata: "keep" });
      expect([made.look(2, 2), made.metadata.orientation]).toEqual([expected, 1]);
      const upright = directory(littleEndian, 0x0112, 3, 1);
      expect(made.metadata.exif?.subarray(6)).toEqual(Buffer.from(upright));
      expect((await print(source, {})).metadata.exif).toBeUndefined();
    }
  });

  test("what is turned is turned before trim, flip and rotate (O9, O11, O12)", async () => {
    const source = await withExif(directory(false, 0x0112, 3, 6));
    const made = await exact(source, { trim: { left: 10 }, flip: "v", rotate: 90 });
    expect([made.size, made.look(2, 2)]).toEqual(["20×10", "rg/rg"]);
  });

  test.each<[boolean, string, string]>([
    [true, "\xa9 \xc3\xa9A\0B\0", "\xa9 \xc3\xa9A\0B\0"],
    [false, "\xa9 \xc3\xa9A\0B\0", "\xa9 \xc3\xa9A\0B\0"],
    [false, "ABCD", "ABCD\0"],
  ])("a copyright is kept as it is, little-endian: %s, %j (O9)", async (littleEndian, from, to) => {
    const tiff = directory(littleEndian, 0x8298, 2, Buffer.from(from, "latin1"));
    const kept = directory(false, 0x8298, 2, Buffer.from(to, "latin1"));
    const { exif } = (await print(await withExif(tiff), {})).metadata;
    expect(exif?.subarray(6)).toEqual(Buffer.from(kept));
  });

  test.each(["png", "webp", "avif"] as const)(
    "a copyright comes along from %s (O9)",
    async (type) => {
      const marked = paint("r").withExif({ IFD0: { Copyright: "Ada Lovelace" } });
      const source = await original(await marked.toFormat(type).toBuffer(), `image/${type}`);
      const { exif } = (await print(source, { format: "jpeg" })).metadata;
      expect(text(exif)).toContain("Ada Lovelace");
    },
  );

  test.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["half a header", Buffer.from("II*\0")],
    ["a directory that is not there", Buffer.from("MM\0*\xff\xff\xff\xf0\0\0", "latin1")],
    ["half a directory", directory(true, 0x8298, 2, Buffer.from("ABCDE")).slice(0, 20)],
    ["a text that is not there", directory(true, 0x8298, 2, new Uint8Array(9)).slice(0, 26)],
    ["an empty text", directory(true, 0x8298, 2, new Uint8Array(9))],
  ])("EXIF data that are %s do no harm (O9)", async (_what, tiff) => {
    const source = await withExif(tiff);
    expect((await print(source, {})).metadata.exif).toBeUndefined();
    expect((await print(source, { metadata: "keep" })).look(2, 2)).toBe("rg/by");
  });

  test("EXIF data that are too long for a JPEG are dropped (O9)", async () => {
    const long = new Uint8Array(70_000).fill(65);
    const { bytes: png } = await painted("r");
    // A chunk right after the header, which ends at 33.
    const chunk = Buffer.concat([Buffer.from("eXIf"), directory(false, 0x8298, 2, long)]);
    const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(chunk.length - 4);
    checksum.writeUInt32BE(crc32(chunk));
    const parts = [png.subarray(0, 33), length, chunk, checksum, png.subarray(33)];
    const source = await original(Buffer.concat(parts), "image/png");
    expect((await sharp(source.bytes).metadata()).exif?.length).toBeGreaterThan(70_000);
    for (const metadata of ["keep", "copyright"] as const) {
      expect((await print(source, { metadata })).metadata.exif).toBeUndefined();
    }
  });

  test.each<["b-w" | "cmyk" | "rgb16", "jpeg" | "png"]>([
    ["b-w", "jpeg"],
    ["b-w", "png"],
    ["cmyk", "jpeg"],
    ["rgb16", "png"],
  ])("%s of a %s is made into sRGB of 8 bits (O9)", async (space, type) => {
    const bytes = await paint("-").removeAlpha().toColourspace(space).toFormat(type).toBuffer();
    const made = await exact(await original(bytes, `image/${type}`), {});
    const { space: found, depth } = made.metadata;
    expect([made.look(1, 1), found, depth]).toEqual(["-", "srgb", "uchar"]);
  });

  test("colour profiles are baked in (O9)", async () => {
    const p3 = await paint("r").withIccProfile("p3").png().toBuffer();
    const stored = await sharp(p3, { ignoreIcc: true }).raw().toBuffer();
    expect(stored[0]).toBeLessThan(240);
    const made = await exact(await original(p3, "image/png"), {});
    expect(made.pixel(1, 1)).toEqual([255, 0, 0, 255]);
    expect(made.metadata.hasProfile).toBe(false);
  });
});

describe("animations", () => {
  const FRAMES = ["rg/by", "yb/gr"];

  test.each<[Image, string, number]>([
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
  ])("of a GIF %j keeps frames and their timing: %s, %d (O8)", async (image, type, frames) => {
    const made = await print(await moving(FRAMES), image);
    expect([made.type, made.frames]).toEqual([type, frames]);
    expect(made.look(2, 2)).toBe("rg/by");
    if (frames === 1) return expect(made.metadata.delay).toBeUndefined();
    expect(made.look(2, 2, 1)).toBe("yb/gr");
    expect(made.metadata).toMatchObject({ delay: [120, 340], loop: 2 });
  });

  test.each<[Image, string, number]>([
    [{}, "image/webp", 2],
    [{ format: "webp" }, "image/webp", 2],
    [{ anim: false }, "image/webp", 1],
    [{ format: "png" }, "image/png", 1],
  ])("of an animated WebP %j keeps them too: %s, %d (O8)", async (image, type, frames) => {
    const { bytes } = await print(await moving(FRAMES), { format: "webp" });
    const made = await print(await original(bytes, "image/webp"), image);
    expect([made.type, made.frames]).toEqual([type, frames]);
    if (frames > 1) expect(made.metadata).toMatchObject({ delay: [120, 340], loop: 2 });
  });

  test("frames that are alike all stay (O8)", async () => {
    const made = await print(await moving(["rg", "by", "by"]), {});
    expect([0, 1, 2].map((frame) => made.look(2, 1, frame))).toEqual(["rg", "by", "by"]);
  });

  test.each<[Image, string, string]>([
    [{ rotate: 90 }, "br/yg", "gy/rb"],
    [{ flip: "h", rotate: 90 }, "yg/br", "rb/gy"],
    [{ fit: "cover", width: 10, height: 20, gravity: "left" }, "rr/bb", "yy/gg"],
    [{ fit: "pad", width: 40, height: 20 }, "wrgw/wbyw", "wybw/wgrw"],
    [{ trim: { top: 10 }, width: 10 }, "by", "gr"],
    [{ border: { color: "lime", width: 10 } }, "gggg/grgg/gbyg/gggg", "gggg/gybg/ggrg/gggg"],
    [{ brightness: 0.001 }, "kk/kk", "kk/kk"],
    [{ saturation: 0.001 }, "-w/?w", "w?/w-"],
    [{ width: 2, blur: 20 }, "??/??", "??/??"],
  ])("%j is done to every frame alike (O8)", async (image, first, second) => {
    const made = await print(await moving(FRAMES), image);
    const [columns, rows] = [first.split("/")[0]?.length ?? 0, first.split("/").length];
    expect([made.look(columns, rows), made.look(columns, rows, 1)]).toEqual([first, second]);
    expect(made.frames).toBe(2);
  });

  test("what is seen in the first frame decides for all, so that none jumps (O4, O8, O12)", async () => {
    const source = await moving(["wwwwwwwwwwww/wrrwwwwwwwww", "wwwwwwwwwwww/wwwwwwwwwbbw"]);
    const auto = { fit: "cover", width: 20, height: 20, gravity: "auto" } as const;
    for (const image of [auto, { trim: { border: true } }]) {
      const made = await print(source, image);
      const [first, second] = [made.look(6, 6), made.look(6, 6, 1)];
      expect([/r/.test(first), /[^w/]/.test(second)]).toEqual([true, false]);
    }
  });

  test("holes in frames stay (O8)", async () => {
    const made = await print(await moving(["r./..", "../.b"]), { flip: "h" });
    expect([made.look(2, 2), made.look(2, 2, 1)]).toEqual([".r/..", "../b."]);
    const opening = await print(await moving(["rr", "r."]), {});
    expect([opening.look(2, 1), opening.look(2, 1, 1)]).toEqual(["rr", "r."]);
  });
});

describe("overlays", () => {
  type Options = Partial<RequestInitCfPropertiesImageDraw>;
  const overlay = async (look: string, options: Options = {}) => ({
    options: { url: "https://images.example/o.png", ...options },
    original: await painted(look),
  });
  const CANVAS = "www/www/www";

  test.each<[Options, string]>([
    [{}, "www/wrw/www"],
    [{ left: 0 }, "www/rww/www"],
    [{ right: 0 }, "www/wwr/www"],
    [{ top: 0 }, "wrw/www/www"],
    [{ bottom: 0 }, "www/www/wrw"],
    [{ top: 0, left: 20 }, "wwr/www/www"],
    [{ bottom: 10, right: 20 }, "www/rww/www"],
    [{ right: -10 }, "www/www/www"],
    [{ left: 99 }, "www/www/www"],
    [{ repeat: true }, "rrr/rrr/rrr"],
    [{ repeat: "x" }, "www/rrr/www"],
    [{ repeat: "y" }, "wrw/wrw/wrw"],
    [{ repeat: "x", bottom: 0 }, "www/www/rrr"],
    [{ repeat: "y", left: 0 }, "rww/rww/rww"],
    [{ opacity: 0 }, "www/www/www"],
    [{ width: 5, fit: "scale-down", top: 13, left: 13 }, "www/wrw/www"],
    [{ fit: "squeeze", width: 30, height: 10, bottom: 0 }, "www/www/rrr"],
    [{ border: { color: "blue", width: 10 } }, "bbb/brb/bbb"],
  ])("an overlay %j on white is %s (O12)", async (options, expected) => {
    const made = await exact(await painted(CANVAS), {}, [await overlay("r", options)]);
    expect([made.size, made.look(3, 3)]).toEqual(["30×30", expected]);
  });

  test.each<[Options, string]>([
    [{}, "rg/b."],
    [{ rotate: 90 }, "br/.g"],
    [{ flip: "h" }, "gr/.b"],
    [{ flip: "h", rotate: 90 }, ".g/br"],
    [{ background: "blue" }, "rg/bb"],
    [{ trim: { left: 10 }, fit: "squeeze", width: 20, height: 20 }, "gg/.."],
    [{ trim: { bottom: 10 }, fit: "cover", width: 20, height: 20, gravity: "right" }, "gg/gg"],
    [{ width: 10, dpr: 2, fit: "squeeze", height: 10 }, "rg/b."],
    [{ brightness: 0.001 }, "kk/k."],
  ])("an overlay has options of its own: of rg/b. %j makes %s (O12)", async (options, expected) => {
    const made = await exact(await painted("../.."), { dpr: 2, rotate: 180 }, [
      await overlay("rg/b.", options),
    ]);
    expect(made.look(2, 2)).toBe(expected);
  });

  test("tiles lie edge to edge, on both sides of where they begin (O12)", async () => {
    const tile = await overlay("rg", { repeat: true, left: 30, top: 10 });
    const made = await exact(await painted("wwwwwww/wwwwwww"), {}, [tile]);
    expect(made.look(7, 2)).toBe("grgrgrg/grgrgrg");
  });

  test("opacity lets the image shine through (O12)", async () => {
    const made = await exact(await painted(CANVAS), {}, [await overlay("r", { opacity: 0.5 })]);
    expect(made.pixel(15, 15)).toEqual([255, 128, 128, 255]);
    const bare = await exact(await painted("..."), {}, [await overlay("r", { opacity: 0.5 })]);
    expect(bare.pixel(15, 5)).toEqual([255, 0, 0, 128]);
  });

  test.each<[NonNullable<Options["composite"]> | undefined, string]>([
    [undefined, "bb/r."],
    ["over", "bb/r."],
    ["in", "b./.."],
    ["atop", "b./r."],
    ["out", ".b/.."],
    ["xor", ".b/r."],
    ["lighter", "mb/r."],
  ])("composite %s is %s, and only where the overlay lies (O12)", async (composite, expected) => {
    const top = await overlay("bb/..", composite === undefined ? {} : { composite });
    const made = await exact(await painted("rr../rr../rr../rr.."), {}, [top]);
    const [above, below] = expected.split("/");
    expect(made.look(4, 4)).toBe(`rr../r${above}./r${below}./rr..`);
  });

  test("overlays are drawn in order, after everything else (O12)", async () => {
    const drawn = [
      await overlay("rr/rr", { left: 0, top: 0 }),
      await overlay("b", { left: 10, top: 10 }),
    ];
    const image = { border: { color: "lime", width: 10 }, brightness: 0.001, background: "red" };
    const made = await exact(await painted("."), image, drawn);
    expect(made.look(3, 3)).toBe("rrg/rbg/ggg");
  });

  test("a larger overlay is clipped (O12)", async () => {
    const large = await overlay("rgb/byr/gry");
    expect((await exact(await painted("w"), {}, [large])).look(1, 1)).toBe("y");
    const corner = await overlay("rgb/byr/gry", { right: 0, bottom: 0 });
    const made = await exact(await painted("ww/ww"), {}, [corner]);
    expect([made.size, made.look(2, 2)]).toEqual(["20×20", "yr/ry"]);
  });

  test("an overlay is drawn on every frame, and shows its own first (O8, O12)", async () => {
    const blinking = await moving(["r", "g"]);
    const top = { options: { url: "https://images.example/o.gif", left: 0 }, original: blinking };
    const made = await print(await moving(["bb", "yy"]), {}, [top]);
    expect([made.look(2, 1), made.look(2, 1, 1)]).toEqual(["rb", "ry"]);
  });
});

test("what cannot be decoded, or is no colour, is rejected", async () => {
  const broken = readFileSync(
    join(import.meta.dirname, "../../fixtures/objects/broken/truncated.jpg"),
  );
  const source = { bytes: broken, type: "image/jpeg", width: 600, height: 400, frames: 1 } as const;
  await expect(print(source, {})).rejects.toThrow();
  await expect(print(colours, { background: "reddish" })).rejects.toThrow("colo");
});

test.each<[Image, readonly string[]]>([
  [{ width: 1, gravity: "auto", upscale: "interpolate" }, []],
  [{ gravity: "face" }, ['gravity "face"']],
  [{ gravity: "face", zoom: 0 }, ['gravity "face"', "zoom"]],
  [{ segment: "foreground", upscale: "generate" }, ["segment", 'upscale "generate"']],
  [{ draw: [{ url: "a" }, { url: "b", segment: "foreground" }] }, ["draw[1] segment"]],
])("%j asks for what is left out, and told of: %j (O4, O12)", async (image, expected) => {
  expect(unplayable(image)).toEqual(expected);
  const { gravity: _gravity, ...others } = image;
  expect((await exact(colours, image)).data).toEqual((await exact(colours, others)).data);
});

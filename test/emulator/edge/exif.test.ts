// EXIF data and colour profiles: what stays in a rendition, and what changes its pixels.

import { crc32 } from "node:zlib";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { ImageOptions } from "../../../src/emulator/edge/image-options.ts";
import { exact, fixture, original, paint, painted, render } from "../../support/painting.ts";

describe("metadata", () => {
  const text = (exif: Uint8Array | undefined) => new TextDecoder("latin1").decode(exif);

  test.each<[ImageOptions, readonly string[]]>([
    [{ metadata: "keep" }, ["CC0", "Vitrine", "GPS"]],
    [{ metadata: "copyright" }, ["CC0"]],
    [{}, ["CC0"]],
    [{ metadata: "none" }, []],
    [{ metadata: "keep", format: "baseline-jpeg" }, ["CC0", "Vitrine", "GPS"]],
    [{ metadata: "keep", format: "webp" }, []],
    [{ metadata: "keep", format: "png" }, []],
    [{ metadata: "keep", format: "avif" }, []],
    [{ metadata: "copyright", compression: "fast", format: "webp" }, ["CC0"]],
  ])("%j keeps %j, and the image is upright (O9)", async (image, kept) => {
    const made = await render(await fixture("made/rotated-gps.jpg", "image/jpeg"), image);
    const { exif, orientation, icc } = made.metadata;
    const found = text(exif).replace("N\0\0\0", "GPS");
    expect(["CC0", "Vitrine", "GPS"].filter((word) => found.includes(word))).toEqual(kept);
    expect(orientation ?? 1).toBe(1);
    expect(icc).toBeUndefined();
    const [top = 0, bottom = 0] = [made.pixel(50, 90)[0], made.pixel(50, 110 + 200)[0]];
    expect([made.size, top > 150, bottom < 60]).toEqual(["300×400", true, true]);
  });

  /** A JPEG with the given EXIF data. */
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
  ])(
    "orientation %d turns rg/by into %s, and the tag is then 1 (O9)",
    async (orientation, expected) => {
      for (const littleEndian of [true, false]) {
        const source = await withExif(directory(littleEndian, 0x0112, 3, orientation));
        const made = await render(source, { metadata: "keep" });
        expect([made.look(2, 2), made.metadata.orientation]).toEqual([expected, 1]);
        const upright = directory(littleEndian, 0x0112, 3, 1);
        expect(made.metadata.exif?.subarray(6)).toEqual(Buffer.from(upright));
        expect((await render(source, {})).metadata.exif).toBeUndefined();
      }
    },
  );

  test("the image is made upright before trim, flip and rotate (O9, O11, O12)", async () => {
    const source = await withExif(directory(false, 0x0112, 3, 6));
    const made = await exact(source, { trim: { left: 10 }, flip: "v", rotate: 90 });
    expect([made.size, made.look(2, 2)]).toEqual(["20×10", "rg/rg"]);
  });

  test.each<[boolean, string, string]>([
    [true, "\xa9 \xc3\xa9A\0B\0", "\xa9 \xc3\xa9A\0B\0"],
    [false, "\xa9 \xc3\xa9A\0B\0", "\xa9 \xc3\xa9A\0B\0"],
    [false, "ABCD", "ABCD\0"],
  ])(
    "a copyright is kept unchanged, little-endian: %s, %j (O9)",
    async (littleEndian, from, to) => {
      const tiff = directory(littleEndian, 0x8298, 2, Buffer.from(from, "latin1"));
      const kept = directory(false, 0x8298, 2, Buffer.from(to, "latin1"));
      const { exif } = (await render(await withExif(tiff), {})).metadata;
      expect(exif?.subarray(6)).toEqual(Buffer.from(kept));
    },
  );

  test.each(["png", "webp", "avif"] as const)(
    "a copyright is kept when the original is %s (O9)",
    async (type) => {
      const marked = paint("r").withExif({ IFD0: { Copyright: "Ada Lovelace" } });
      const source = await original(await marked.toFormat(type).toBuffer(), `image/${type}`);
      const { exif } = (await render(source, { format: "jpeg" })).metadata;
      expect(text(exif)).toContain("Ada Lovelace");
    },
  );

  test.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["half a header", Buffer.from("II*\0")],
    ["a directory outside of the data", Buffer.from("MM\0*\xff\xff\xff\xf0\0\0", "latin1")],
    ["half a directory", directory(true, 0x8298, 2, Buffer.from("ABCDE")).slice(0, 20)],
    ["a text outside of the data", directory(true, 0x8298, 2, new Uint8Array(9)).slice(0, 26)],
    ["an empty text", directory(true, 0x8298, 2, new Uint8Array(9))],
  ])("malformed EXIF data are dropped: %s (O9)", async (_what, tiff) => {
    const source = await withExif(tiff);
    expect((await render(source, {})).metadata.exif).toBeUndefined();
    expect((await render(source, { metadata: "keep" })).look(2, 2)).toBe("rg/by");
  });

  test("EXIF data that are too long for a JPEG are dropped (O9)", async () => {
    const long = new Uint8Array(70_000).fill(65);
    const { bytes: png } = await painted("r");
    // A chunk after the header, which ends at byte 33.
    const chunk = Buffer.concat([Buffer.from("eXIf"), directory(false, 0x8298, 2, long)]);
    const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(chunk.length - 4);
    checksum.writeUInt32BE(crc32(chunk));
    const parts = [png.subarray(0, 33), length, chunk, checksum, png.subarray(33)];
    const source = await original(Buffer.concat(parts), "image/png");
    expect((await sharp(source.bytes).metadata()).exif?.length).toBeGreaterThan(70_000);
    for (const metadata of ["keep", "copyright"] as const) {
      expect((await render(source, { metadata })).metadata.exif).toBeUndefined();
    }
  });

  test.each<["b-w" | "cmyk" | "rgb16", "jpeg" | "png"]>([
    ["b-w", "jpeg"],
    ["b-w", "png"],
    ["cmyk", "jpeg"],
    ["rgb16", "png"],
  ])("%s in a %s becomes 8-bit sRGB (O9)", async (space, type) => {
    const bytes = await paint("-").removeAlpha().toColourspace(space).toFormat(type).toBuffer();
    const made = await exact(await original(bytes, `image/${type}`), {});
    const { space: found, depth } = made.metadata;
    expect([made.look(1, 1), found, depth]).toEqual(["-", "srgb", "uchar"]);
  });

  test("the colours of a profile are converted to sRGB (O9)", async () => {
    const p3 = await paint("r").withIccProfile("p3").png().toBuffer();
    const stored = await sharp(p3, { ignoreIcc: true }).raw().toBuffer();
    expect(stored[0]).toBeLessThan(240);
    const made = await exact(await original(p3, "image/png"), {});
    expect(made.pixel(1, 1)).toEqual([255, 0, 0, 255]);
    expect(made.metadata.hasProfile).toBe(false);
  });
});

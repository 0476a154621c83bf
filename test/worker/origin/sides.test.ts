// The sides of originals, as browsers show them. What the first bytes do not tell is not guessed.

import fc from "fast-check";
import sharp from "sharp";
import { expect, test } from "vitest";
import { uprightSides } from "../../../src/worker/origin/sides.ts";
import { sniff } from "../../../src/worker/origin/sniff.ts";
import { growthOf } from "../../support/clock.ts";

const plain = sharp({ create: { width: 30, height: 20, channels: 3, background: "#8a5b3c" } });
const LANDSCAPE = { width: 30, height: 20 };
const PORTRAIT = { width: 20, height: 30 };

function sidesOf(bytes: Uint8Array) {
  return uprightSides(sniff(bytes), bytes);
}

/** EXIF data with an orientation, as a camera writes them in either order of bytes. */
function exifOf(orientation: number, byteOrder: "II" | "MM"): Buffer {
  const isLittleEndian = byteOrder === "II";
  const tiff = Buffer.alloc(8 + 2 + 2 * 12 + 4);
  tiff.write(byteOrder);

  const view = new DataView(tiff.buffer, tiff.byteOffset);
  view.setUint16(2, 42, isLittleEndian);
  view.setUint32(4, 8, isLittleEndian);
  view.setUint16(8, 2, isLittleEndian);
  view.setUint16(10, 0x0100, isLittleEndian); // another tag comes first
  view.setUint16(22, 0x0112, isLittleEndian);
  view.setUint16(24, 3, isLittleEndian);
  view.setUint32(26, 1, isLittleEndian);
  view.setUint16(30, orientation, isLittleEndian);

  return Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff]);
}

/** Puts a segment behind the first marker of a JPEG. */
function withSegment(jpeg: Buffer, marker: number, data: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, data, jpeg.subarray(2)]);
}

/** Puts EXIF data behind the header of a PNG. */
function withExif(png: Buffer, orientation: number): Buffer {
  const tiff = exifOf(orientation, "MM").subarray(6);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(tiff.length);
  head.write("eXIf", 4);
  return Buffer.concat([png.subarray(0, 33), head, tiff, Buffer.alloc(4), png.subarray(33)]);
}

const JPEG = await plain.clone().jpeg().toBuffer();
const SMALL_JPEG = await plain.clone().resize(8, 4).jpeg().toBuffer();
const TURNED_JPEG = withSegment(JPEG, 0xe1, exifOf(6, "II"));
const PNG = await plain.clone().png().toBuffer();

/** Puts bytes behind the first marker of a JPEG. */
function withBytes(jpeg: Buffer, bytes: number[], times = 1): Buffer {
  const inserted = Array<number[]>(times).fill(bytes).flat();
  return Buffer.concat([jpeg.subarray(0, 2), Buffer.from(inserted), jpeg.subarray(2)]);
}

const thumbnail = Buffer.concat([exifOf(6, "II"), SMALL_JPEG]);
const PROFILE = Buffer.concat([Buffer.from("ICC_PROFILE\0"), Buffer.alloc(60_000)]);

test.each<{ title: string; bytes: Uint8Array; sides: object | undefined }>([
  { title: "a JPEG", bytes: JPEG, sides: LANDSCAPE },
  {
    title: "a progressive JPEG",
    bytes: await plain.clone().jpeg({ progressive: true }).toBuffer(),
    sides: LANDSCAPE,
  },
  { title: "a PNG", bytes: PNG, sides: LANDSCAPE },
  { title: "a GIF", bytes: await plain.clone().gif().toBuffer(), sides: LANDSCAPE },
  { title: "a lossy WebP", bytes: await plain.clone().webp().toBuffer(), sides: LANDSCAPE },
  {
    title: "a lossless WebP",
    bytes: await plain.clone().webp({ lossless: true }).toBuffer(),
    sides: LANDSCAPE,
  },
  { title: "a turned JPEG", bytes: TURNED_JPEG, sides: PORTRAIT },
  {
    title: "a picture in EXIF is not the picture",
    bytes: withSegment(JPEG, 0xe1, thumbnail),
    sides: PORTRAIT,
  },
  {
    title: "EXIF behind a profile",
    bytes: withSegment(withSegment(JPEG, 0xe1, thumbnail), 0xe2, PROFILE),
    sides: PORTRAIT,
  },
  {
    title: "an APP1 that is no EXIF",
    bytes: withSegment(JPEG, 0xe1, Buffer.from("http://ns.adobe.com/")),
    sides: LANDSCAPE,
  },
  {
    title: "an EXIF that breaks off",
    bytes: withSegment(JPEG, 0xe1, exifOf(6, "II").subarray(0, 6 + 7)),
    sides: LANDSCAPE,
  },
  { title: "a fill byte before a marker", bytes: withBytes(JPEG, [0xff]), sides: LANDSCAPE },
  {
    title: "a byte between segments, of which decoders differ",
    bytes: withBytes(TURNED_JPEG, [0]),
    sides: undefined,
  },
  {
    title: "a marker without a length before EXIF",
    bytes: withBytes(TURNED_JPEG, [0xff, 0x01]),
    sides: undefined,
  },
  {
    title: "a restart marker before EXIF",
    bytes: withBytes(TURNED_JPEG, [0xff, 0xd0]),
    sides: undefined,
  },
  { title: "255 segments", bytes: withBytes(JPEG, [0xff, 0xe2, 0, 2], 255), sides: LANDSCAPE },
  {
    title: "30,000 segments, for the CPU time",
    bytes: withBytes(JPEG, [0xff, 0xe1, 0, 2], 30_000),
    sides: undefined,
  },
  {
    title: "100 KB of fill bytes, for the CPU time",
    bytes: withBytes(JPEG, [0xff], 100_000),
    sides: undefined,
  },
  {
    title: "a PNG whose first KB alone is searched, for the CPU time",
    bytes: Buffer.concat([PNG, Buffer.alloc(100_000, "eXI"), Buffer.from("eXIf")]),
    sides: LANDSCAPE,
  },
  {
    title: "a WebP that may be turned",
    bytes: await plain
      .clone()
      .withExif({ IFD0: { Artist: "A" } })
      .webp()
      .toBuffer(),
    sides: undefined,
  },
  { title: "a PNG whose EXIF leaves it", bytes: withExif(PNG, 1), sides: LANDSCAPE },
  { title: "a turned PNG", bytes: withExif(PNG, 6), sides: PORTRAIT },
  {
    title: "a PNG that breaks off in its EXIF",
    bytes: withExif(PNG, 6).subarray(0, 50),
    sides: LANDSCAPE,
  },
  {
    title: "an AVIF may be turned by a property",
    bytes: await plain.clone().avif({ effort: 0 }).toBuffer(),
    sides: undefined,
  },
  {
    title: "a square AVIF",
    bytes: await plain.clone().resize(20, 20, { fit: "fill" }).avif({ effort: 0 }).toBuffer(),
    sides: { width: 20, height: 20 },
  },
  {
    title: "a JPEG that breaks off in its EXIF",
    bytes: withSegment(JPEG, 0xe1, thumbnail).subarray(0, 60),
    sides: undefined,
  },
  {
    title: "a JPEG that breaks off before its sides",
    bytes: JPEG.subarray(0, 100),
    sides: undefined,
  },
  { title: "a PDF", bytes: Buffer.from("%PDF-1.7"), sides: undefined },
  { title: "nothing", bytes: new Uint8Array(), sides: undefined },
])("$title (A14, O9)", ({ bytes, sides }) => {
  expect(sidesOf(bytes)).toEqual(sides);
});

test("EXIF exchanges the sides by 5 to 8, whatever the order of its bytes (O9)", () => {
  for (const byteOrder of ["II", "MM"] as const) {
    for (let orientation = 0; orientation <= 9; orientation++) {
      const sides = sidesOf(withSegment(JPEG, 0xe1, exifOf(orientation, byteOrder)));
      const isTurned = orientation >= 5 && orientation <= 8;
      expect(sides, `${byteOrder} ${orientation}`).toEqual(isTurned ? PORTRAIT : LANDSCAPE);
    }
  }
});

const SEEDS = [
  JPEG,
  withSegment(JPEG, 0xe1, thumbnail),
  await plain.clone().png().toBuffer(),
  await plain.clone().webp({ lossless: true }).toBuffer(),
  await plain.clone().avif({ effort: 0 }).toBuffer(),
];

test("damaged bytes are read without an error, and without a side of 0", () => {
  const damage = fc.record({ at: fc.nat(400), value: fc.nat(255), length: fc.nat(1_500) });
  const isHarmless = fc.property(fc.constantFrom(...SEEDS), fc.array(damage), (seed, damages) => {
    const bytes = new Uint8Array(seed);
    for (const { at, value } of damages) if (at < bytes.length) bytes[at] = value;
    const length = damages[0]?.length ?? bytes.length;

    const sides = sidesOf(bytes.subarray(0, length));
    if (sides) expect(Math.min(sides.width, sides.height)).toBeGreaterThan(0);
  });

  fc.assert(isHarmless, { numRuns: 2_000 });
});

test("hostile bytes are read in linear time", () => {
  const cases: [Buffer, string][] = [
    [Buffer.from([0xff, 0xd8, 0xff]), "\xff"],
    [Buffer.from([0xff, 0xd8, 0xff]), "\xff\xe1\0\x08Exif\0\0"],
    [Buffer.from([0xff, 0xd8, 0xff]), "\xff\xe0\0\x02"],
    [Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x1e\0\0\0\x14", "latin1"), "eXI"],
    [Buffer.from("\0\0\0\x18ftypavif\0\0\0\0avifmif1", "latin1"), "\0\0\0\x08free"],
  ];

  for (const [start, repeated] of cases) {
    const read = (times: number) => {
      sidesOf(Buffer.concat([start, Buffer.from(repeated.repeat(times), "latin1")]));
    };
    expect(growthOf(read, 512)).toBeLessThan(16);
  }
});

// Pictures that others made, out of Debian's packages, and what is made of them. None is in this repository.

import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import sharp from "sharp";

export type Original = { readonly set: string; readonly key: string; readonly bytes: Buffer };

const GO = "/usr/share/go{,-*}/src/image"; // its version is in its path
const CODE = "/usr/share/gocode/src";
const GITHUB = `${CODE}/github.com`;

const SETS: readonly (readonly [set: string, debian: string, files: string])[] = [
  ["PngSuite", "golang-src", `${GO}/png/testdata/pngsuite/*.*`],
  ["Go", "golang-src", `${GO}/{,png/}testdata/*.*`],
  ["x-image", "golang-golang-x-image-dev", `${CODE}/golang.org/x/image/**/testdata/**/*.*`],
  ["imaging", "golang-github-disintegration-imaging-dev", `${GITHUB}/disintegration/**/testdata/*`],
  ["goexif", "golang-github-rwcarlsen-goexif-dev", `${GITHUB}/rwcarlsen/goexif/**/*.{jpg,tif}`],
];

/** One of each kind, which is cut off at ten places. */
const CUT = [
  /\/(?:basn6a16|basn3p04-31i|benchRGB-interlace|benchNRGBA-gradient)\.png$/,
  /\/video-001\.(?:(?:progressive\.|restart2\.|cmyk\.)?jpeg|(?:interlaced\.)?gif|lossy\.webp)$/,
  /\/(?:tux\.lossless|yellow_rose\.lossy-with-alpha)\.webp$/,
];

/** @throws with the command that installs what is missing */
export async function readOriginals(): Promise<readonly Original[]> {
  const missing = new Set<string>();
  const all = SETS.flatMap(([set, debian, pattern]) => {
    // By name: there may be several versions of Go.
    const files = new Map(globSync(pattern).map((path) => [basename(path), path]));
    if (files.size === 0) missing.add(debian);
    return [...files].map(([file, path]) => originalOf(set, file, readFileSync(path)));
  });
  const install = `apt-get install --no-install-recommends ${[...missing].join(" ")}`;
  if (missing.size > 0) throw new Error(`Pictures of Debian are missing. Run:\n  ${install}`);
  const cut = all.filter(({ key }) => CUT.some((kind) => kind.test(key))).flatMap(cutOff);
  const photographs = photographsOf(all);
  return [
    ...all,
    ...photographs,
    ...(await Promise.all(photographs.slice(0, 4).map(pngOf))),
    ...cut,
  ];
}

function originalOf(set: string, file: string, bytes: Buffer): Original {
  return { set, key: `${set}/${file}`, bytes };
}

/** goexif has the beginnings of photographs, with all that cameras wrote. Here a picture follows. */
function photographsOf(all: readonly Original[]): readonly Original[] {
  const picture = all.find(({ key }) => key === "Go/video-001.jpeg")?.bytes ?? Buffer.alloc(0);
  const heads = all.filter(({ set, bytes }) => set === "goexif" && bytes[3] === 0xe1);
  return heads.map(({ key, bytes }) => {
    const exif = bytes.subarray(0, 4 + bytes.readUInt16BE(4)); // the first segment
    return originalOf("photographs", basename(key), Buffer.concat([exif, picture.subarray(2)]));
  });
}

/** A transparent PNG with the same EXIF data: it becomes a WebP or a PNG. */
async function pngOf({ set, key, bytes }: Original): Promise<Original> {
  const png = sharp(bytes).autoOrient().ensureAlpha(0.5).keepExif().png({ compressionLevel: 9 });
  return originalOf(set, `${basename(key)}.png`, await png.toBuffer());
}

function cutOff({ key, bytes }: Original): readonly Original[] {
  return Array.from({ length: 10 }, (_, at) => {
    const length = Math.floor((bytes.length * at) / 10);
    return originalOf("cut-off", `${at}-${basename(key)}`, bytes.subarray(0, length));
  });
}

/** The original that has the same picture and is easier to read, or the original itself. */
export function twinOf(original: Original, all: readonly Original[]): Original {
  if (["cut-off", "photographs"].includes(original.set)) return original;
  const name = basename(original.key)
    .replace(/^orientation_\d/, "orientation_0")
    .replace(/^f\d-exif/, "f1-exif")
    .replace(/^(video-001|video-005.gray)\.(?!cmyk|rgb).*(?:gif|jpeg)$/, "$1.png")
    .replace(/^(video|blue.*?)(?:\.\w+-filter)?\.lossy\.webp$/, "$1.png")
    .replace(/\.lossless\.webp$/, ".png");
  return all.find(({ key }) => basename(key) === name) ?? original;
}

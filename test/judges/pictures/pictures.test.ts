// Pictures of others as originals: each engine shows them as sharp sees them, or refuses them. Nothing of an
// original comes out, and the facts of a picture are those of image-size and exifr.

import { isDeepStrictEqual } from "node:util";
import exifr from "exifr";
import { imageSize } from "image-size";
import pMap from "p-map";
import sharp from "sharp";
import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Fact } from "../../../src/client/types.ts";
import { createFolder } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { ENGINES, envOf } from "../../support/engines.ts";
import { SECRETS } from "../../support/env.ts";
import { originalsOf } from "../../support/originals.ts";
import { arrange, disableCache, get, put, stage } from "../../support/run-worker.ts";
import { createTable } from "../table.ts";
import { type Original, readOriginals, twinOf } from "./originals.ts";

/** Here the binding leaves EXIF data in a PNG and a WebP, too: what it leaves is open (B9). */
vi.mock("../../../src/emulator/edge/encode.ts", async (load) => {
  const real = await load<typeof import("../../../src/emulator/edge/encode.ts")>();
  const encodeAs: typeof real.encodeAs = async (format, frames, encoding) => {
    const image = await real.encodeAs(format, frames, encoding);
    const hasExif = "exif" in encoding.metadata && /png|webp/.test(image.type);
    if (!hasExif) return image;
    const withExif = sharp(image.bytes).withExif({ IFD0: { Copyright: "Anna" } });
    return { ...image, bytes: await withExif.toBuffer() };
  };
  return { ...real, encodeAs };
});

type Picture = NonNullable<Awaited<ReturnType<typeof readPicture>>>;
type PictureRequest = (typeof REQUESTS)[number];
type GetPicture = (path: string, accept?: string) => Promise<Response>;

const MODERN = "image/avif,image/webp,*/*";
/** A variant, its width in px, what the browser reads, and what may come. */
const REQUESTS = [
  ["fit", 64, "image/webp", "image/webp"],
  ["fit", 64, "*/*", "image/jpeg image/png"],
  ["card@2x", 80, MODERN, "image/avif"],
  ["plain", 48, MODERN, "image/jpeg"],
  ["whole", 1_000, "*/*", "image/jpeg image/png"],
] as const;
const SETTINGS = {
  ROUTES: [{ path: "/:preset/*", object: "media/*", facts: true }],
  PRESETS: {
    fit: { width: 64 },
    card: { width: 40, height: 24, fit: "cover", dpr: [1, 2] },
    plain: { width: 48, format: "jpeg" },
    whole: { width: 1_000 },
  },
};
const SLOW = { timeout: 300_000 };
const CARD = [80, 48] as const;
/** By what a mean colour of a quarter, 0 to 255, may differ: a small AVIF of low effort is not exact. */
const TOLERANCE = 16;

const ORIGINALS = await readOriginals();
const pictures = new Map<string, Picture>();
const { count } = createTable(
  "Requests by what came: two or five for a picture that sharp reads, one for each other original.",
);
const counts = createTable("Pictures by what image-size and exifr read in them.");

beforeAll(async () => {
  const read = async ({ key, bytes }: Original): Promise<void> => {
    const picture = await readPicture(bytes);
    if (picture) pictures.set(key, picture);
  };
  await pMap(ORIGINALS, read, { concurrency: 8 });
});
beforeEach(() => {
  arrange({ cache: false, quota: 1e6 });
  disableCache();
  stage.s3.objects.clear();
  for (const { key, bytes } of ORIGINALS) put(key, bytes, { type: "application/octet-stream" });
});

/** Reads a picture upright, cropped to a size. Undefined: it is broken, or no engine reads its type. */
async function readPicture(bytes: Buffer, size?: readonly [number, number]) {
  const open = () => sharp(bytes, { failOn: "error" });
  try {
    const { format, compression } = await open().metadata();
    if (!["jpeg", "png", "gif", "webp", "heif"].includes(format)) return undefined;
    const upright = open().autoOrient();
    const sized = size ? upright.resize(...size) : upright;
    const pixels = sized.toColourspace("srgb").ensureAlpha().raw({ depth: "uchar" });
    const { data, info } = await pixels.toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const raw = { width, height, channels };
    const means = await sharp(data, { raw }).resize(2, 2, { fit: "fill" }).raw().toBuffer();
    const type = `image/${compression === "av1" ? "avif" : format}`;
    const isTransparent = data.some((byte, at) => at % 4 === 3 && byte < 255);
    return { type, width, height, isTransparent, means: [...means], colourType: bytes[25] ?? 0 };
  } catch {
    return undefined;
  }
}

/** The largest difference of a quarter: of its colours on white, and of its transparency if that counts. */
function distance(a: Picture, b: Picture, hasAlpha: boolean): number {
  const onWhite = ({ means }: Picture, at: number) =>
    at % 4 === 3 ? (means[at] ?? 0) : 255 + (((means[at] ?? 0) - 255) * (means[at | 3] ?? 0)) / 255;
  const channels = [...a.means.keys()].filter((at) => hasAlpha || at % 4 < 3);
  return Math.max(...channels.map((at) => Math.abs(onWhite(a, at) - onWhite(b, at))));
}

function askOf(engine: (typeof ENGINES)[number]): GetPicture {
  const env = envOf(engine, SETTINGS);
  return (path, accept = MODERN) => get(path, { headers: { accept } }, env);
}

/** The names of the metadata of a picture. */
async function metadataOf(body: Buffer): Promise<string> {
  const { exif, xmp, iptc, icc, comments, orientation } = await sharp(body).metadata();
  const read: object = await exifr.parse(body, { ihdr: false }).catch(() => undefined);
  const all = Object.entries({ exif, xmp, iptc, icc, comments, orientation, ...read });
  return all.flatMap(([name, value]) => (value === undefined ? [] : name)).join(", ");
}

/** Returns what came: "shown", a status, or what is wrong. */
async function judge(get: GetPicture, original: Original, request: PictureRequest) {
  const [variant, side, accept, types] = request;
  const answer = await get(`/${variant}/${original.key}`, accept);
  const body = Buffer.from(await answer.arrayBuffer());
  const type = answer.headers.get("content-type") ?? "";
  const [leak] = originalsOf(new Map([[original.key, { body: original.bytes }]]));
  if (leak?.isIn(body) || (answer.status !== 200 && body.length > 30)) return "a leak";
  if (answer.status !== 200) return type.startsWith("text/plain") ? `${answer.status}` : type;
  const rendition = await readPicture(body);
  const twin = twinOf(original, ORIGINALS);
  const isCrop = variant === "card@2x";
  const expected = isCrop ? await readPicture(twin.bytes, CARD) : pictures.get(twin.key);
  if (!rendition || !expected) return "shown, and cannot be read";
  const metadata = await metadataOf(body);
  if (metadata) return `metadata: ${metadata}`;
  if (rendition.type !== type || !types.includes(type)) return `another type: ${type}`;
  const hasAlpha = variant !== "plain"; // a JPEG is white there (docs/emulator.md)
  const isTransparent = expected.isTransparent && hasAlpha;
  if (rendition.isTransparent !== isTransparent) return "another transparency";
  const scaled = (length: number) =>
    Math.max(1, Math.round(length * Math.min(1, side / expected.width)));
  const { width, height } = rendition;
  // The last rung of the ladder asks for one pixel less (docs/how-it-works.md, Few bytes).
  const isWhole = Math.abs(scaled(expected.width) - width) <= 1;
  const isScaled = isWhole && Math.abs(scaled(expected.height) - height) <= 1;
  if (!isScaled) return `${width} × ${height} px`;
  return distance(rendition, expected, hasAlpha) <= TOLERANCE ? "shown" : "other colours";
}

test.each(ENGINES)("%s shows each picture as it is, or refuses it", SLOW, async (engine) => {
  const getPicture = askOf(engine);
  const mistakes: string[] = [];
  const judgeAll = async (original: Original): Promise<void> => {
    const picture = pictures.get(original.key);
    const many = engine === "R2" || original.set === "photographs" ? 2 : REQUESTS.length;
    for (const request of REQUESTS.slice(0, picture ? many : 1)) {
      const outcome = await judge(getPicture, original, request);
      count(`${engine}, ${original.set}`, outcome);
      // 502: the engine says the same of a damaged picture as of a download that failed.
      const expected = picture ? ["shown"] : ["415", "502"];
      if (!expected.includes(outcome)) mistakes.push(`${original.key} ${request}: ${outcome}`);
    }
  };
  await pMap(ORIGINALS, judgeAll, { concurrency: 8 });
  expect(mistakes).toEqual([]);
});

test("facts are what image-size and exifr say", SLOW, async () => {
  const { code, out } = await vitrine(["facts"], { folder: createFolder(), env: SECRETS });
  const facts: Readonly<Record<string, Fact>> = JSON.parse(out);
  expect([code, Object.keys(facts).sort()]).toEqual([1, [...pictures.keys()].sort()]);
  const workers = [askOf("cf"), askOf("binding")];
  const mistakes: unknown[] = [];
  const compare = async ({ key, bytes }: Original): Promise<void> => {
    const { width, height, type = "" } = imageSize(bytes);
    const orientation = (await exifr.orientation(bytes).catch(() => undefined)) ?? 1;
    const sides = orientation > 4 ? { width: height, height: width } : { width, height };
    const expected = { ...sides, type: `image/${type.replace("jpg", "jpeg")}` };
    const alpha = pictures.get(key)?.isTransparent ? { alpha: true } : {};
    const { color: _color, thumbhash: _hash, version: _version, ...fact } = facts[key] ?? {};
    const answers = workers.map(async (get) => (await get(`/fit/${key}?facts`)).json());
    const originals = (await Promise.all(answers)).map((answer) => Object(answer).original);
    for (const [actual, expectedFact] of [
      [fact, { ...expected, bytes: bytes.length, ...alpha }],
      ...originals.map((actual) => [
        actual,
        "width" in actual ? expected : { type: expected.type },
      ]),
    ]) {
      if (!isDeepStrictEqual(actual, expectedFact)) mistakes.push([key, actual, expectedFact]);
    }
    counts.count("all", "pictures");
    if (orientation > 1) counts.count("turned or mirrored", "pictures");
    if (await exifr.gps(bytes).catch(() => undefined)) counts.count("with a place", "pictures");
    if (originals.every((one) => "width" in one)) counts.count("with sides", "pictures");
  };
  const readable = ORIGINALS.filter(({ key }) => pictures.has(key));
  await pMap(readable, compare, { concurrency: 8 });
  expect(mistakes).toEqual([]);
  expect(Object.keys(counts.rows)).toHaveLength(4); // what is compared occurs
});

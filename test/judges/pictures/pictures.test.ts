// Pictures of others as originals: each engine shows them as sharp sees them, or refuses them. Nothing of an
// original comes out, and what Vitrine says of a picture is what image-size and exifr say.

import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { isDeepStrictEqual } from "node:util";
import exifr from "exifr";
import { imageSize } from "image-size";
import { http, passthrough } from "msw";
import pMap from "p-map";
import sharp from "sharp";
import { afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { Fact } from "../../../src/client/types.ts";
import { listenOn } from "../../../src/emulator/listen.ts";
import { serveS3 } from "../../../src/emulator/serve.ts";
import { buildWorker } from "../../support/built.ts";
import { makeFolder } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { ENGINES, envOf } from "../../support/engines.ts";
import { SECRETS, VARS } from "../../support/env.ts";
import { originalsOf } from "../../support/originals.ts";
import { arrange, get, keepNothingNow, put, stage } from "../../support/play.ts";
import { network } from "../../support/stand.ts";
import { builtWorker, start } from "../../support/workerd.ts";
import { createTable } from "../table.ts";
import { type Original, readOriginals, twinOf } from "./originals.ts";

type Picture = NonNullable<Awaited<ReturnType<typeof readPicture>>>;
type PictureRequest = (typeof REQUESTS)[number];
type Difference = (typeof DIFFERENCES)[number];
type Ask = (path: string, accept?: string) => Promise<Response>;

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
/** With the built Worker, which has its runtime's own client of Images. Of the last two: only some requests. */
const WORKERS = [...ENGINES, "workerd"] as const;

/** What is neither shown nor a 415, and why. Each must occur with each engine. */
const DIFFERENCES = [
  {
    outcome: "502",
    reason: "the original is smaller (R6, B6), may be transparent, and no WebP is read",
    isOf: ({ type, width, isTransparent, colourType }: Picture, [, side, accept]: PictureRequest) =>
      type === "image/png" &&
      width <= side &&
      accept === "*/*" &&
      (isTransparent || colourType > 2),
  },
];

const ORIGINALS = readOriginals();
/** Those that sharp reads: whole, and as `card@2x` crops them. */
const pictures = new Map<string, { readonly whole: Picture; readonly crop: Picture }>();
const { rows, count } = createTable();

beforeAll(async () => {
  await buildWorker();
  for (const { key, bytes } of ORIGINALS) {
    const [whole, crop] = [await readPicture(bytes), await readPicture(bytes, CARD)];
    if (whole && crop) pictures.set(key, { whole, crop });
  }
});
beforeEach(() => {
  arrange({ cache: false, quota: 1e6 });
  keepNothingNow();
  stage.s3.objects.clear();
  for (const { key, bytes } of ORIGINALS) put(key, bytes, { type: "application/octet-stream" });
});
afterEach(() => void vi.restoreAllMocks());

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
function distance(one: Picture, other: Picture, hasAlpha: boolean): number {
  const onWhite = ({ means }: Picture, at: number) =>
    at % 4 === 3 ? (means[at] ?? 0) : 255 + (((means[at] ?? 0) - 255) * (means[at | 3] ?? 0)) / 255;
  const channels = [...one.means.keys()].filter((at) => hasAlpha || at % 4 < 3);
  return Math.max(...channels.map((at) => Math.abs(onWhite(one, at) - onWhite(other, at))));
}

/** Starts the built Worker in front of the emulators of this test. */
async function startBuilt(): Promise<Ask> {
  const server = createServer(async (message, response) => {
    const headers = { "content-type": message.headers["content-type"] ?? "" };
    const form = { method: "POST", headers, body: await buffer(message) };
    const answer = await stage.edge.answerImages(new Request(`http://images${message.url}`, form));
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(await answer.bytes());
  });
  const [images, bucket] = [await listenOn(server, 0), await serveS3(stage.s3)];
  const media = { ...VARS.BUCKETS.media, endpoint: bucket.url, engine: "binding" };
  const script = builtWorker({ ...SECRETS, ...SETTINGS, BUCKETS: { media }, ANSWERS: { keep: 0 } });
  const hostOf = ({ url }: { url: string }) => new URL(url).host;
  const running = await start(script, { outside: hostOf(bucket), images: hostOf(images) });
  onTestFinished(async () => {
    await Promise.all([running.stop(), images.close(), bucket.close()]);
  });
  const url = `http://127.0.0.1:${running.port}`;
  network.use(http.all(`${url}/*`, () => passthrough()));
  return (path, accept = MODERN) => fetch(url + path, { headers: { accept } });
}

function askOf(engine: (typeof ENGINES)[number]): Ask {
  const env = envOf(engine, SETTINGS);
  return (path, accept = MODERN) => get(path, { headers: { accept } }, env);
}

/** The names of all that a picture says besides its pixels. */
async function metadataOf(body: Buffer): Promise<string> {
  const { exif, xmp, iptc, icc, comments, orientation } = await sharp(body).metadata();
  const read: object = await exifr.parse(body, { ihdr: false }).catch(() => undefined);
  const all = Object.entries({ exif, xmp, iptc, icc, comments, orientation, ...read });
  return all.flatMap(([name, value]) => (value === undefined ? [] : name)).join(", ");
}

/** Returns what came: "shown", a status, or what is wrong. */
async function look(ask: Ask, original: Original, request: PictureRequest): Promise<string> {
  const [variant, side, accept, types] = request;
  const answer = await ask(`/${variant}/${original.key}`, accept);
  const body = Buffer.from(await answer.arrayBuffer());
  const type = answer.headers.get("content-type") ?? "";
  const [leak] = originalsOf(new Map([[original.key, { body: original.bytes }]]));
  if (leak?.isIn(body) || (answer.status !== 200 && body.length > 30)) return "it says too much";
  if (answer.status !== 200) return type.startsWith("text/plain") ? `${answer.status}` : type;
  const shown = await readPicture(body);
  const expected = pictures.get(twinOf(original, ORIGINALS).key);
  if (!shown || !expected) return "shown, and cannot be read";
  const metadata = await metadataOf(body);
  if (metadata) return `metadata: ${metadata}`;
  if (shown.type !== type || !types.includes(type)) return `another type: ${type}`;
  const { whole, crop } = expected;
  const hasAlpha = variant !== "plain"; // a JPEG is white there (docs/emulator.md)
  if (shown.isTransparent !== (whole.isTransparent && hasAlpha)) return "another transparency";
  const isCrop = variant === "card@2x";
  const scaled = (length: number) => length * Math.min(1, side / whole.width);
  const sides = isCrop ? CARD : [scaled(whole.width), scaled(whole.height)];
  const size = sides.map((length) => Math.max(1, Math.round(length)));
  if (`${[shown.width, shown.height]}` !== `${size}`) return `${shown.width} × ${shown.height} px`;
  const isSame = distance(shown, isCrop ? crop : whole, hasAlpha) <= TOLERANCE;
  return isSame ? "shown" : "other colours";
}

test.each(WORKERS)("%s shows each picture as it is, or refuses it", SLOW, async (engine) => {
  const ask = engine === "workerd" ? await startBuilt() : askOf(engine);
  const isPart = engine === "R2" || engine === "workerd";
  const wrong: string[] = [];
  const seen = new Set<unknown>();
  const judge = async (original: Original): Promise<void> => {
    const whole = pictures.get(original.key)?.whole;
    for (const request of whole && !isPart ? REQUESTS : REQUESTS.slice(0, 2)) {
      const outcome = await look(ask, original, request);
      count(`${engine}, ${original.set}`, outcome);
      if (outcome === (whole ? "shown" : "415")) continue;
      const isKnown = (one: Difference) =>
        whole && one.outcome === outcome && one.isOf(whole, request);
      const known = DIFFERENCES.find(isKnown);
      if (known) seen.add(known);
      else wrong.push(`${original.key}, ${request}: ${outcome}`);
    }
  };
  await pMap(ORIGINALS, judge, { concurrency: 3 });
  expect(wrong).toEqual([]);
  expect([...seen]).toEqual(DIFFERENCES);
});

test("facts are what image-size and exifr say", SLOW, async () => {
  const { code, out } = await vitrine(["facts"], { folder: makeFolder(), env: SECRETS });
  const facts: Readonly<Record<string, Fact>> = JSON.parse(out);
  expect([code, Object.keys(facts).sort()]).toEqual([1, [...pictures.keys()].sort()]);
  const workers = [askOf("cf"), askOf("binding")];
  const wrong: unknown[] = [];
  for (const { key, bytes } of ORIGINALS.filter(({ key }) => pictures.has(key))) {
    const { width, height, type = "" } = imageSize(bytes);
    const orientation = (await exifr.orientation(bytes).catch(() => undefined)) ?? 1;
    const sides = orientation > 4 ? { width: height, height: width } : { width, height };
    const expected = { ...sides, type: `image/${type.replace("jpg", "jpeg")}` };
    const alpha = pictures.get(key)?.whole.isTransparent ? { alpha: true } : {};
    const { color: _color, thumbhash: _hash, version: _version, ...fact } = facts[key] ?? {};
    const answers = workers.map(async (ask) => (await ask(`/fit/${key}?facts`)).json());
    const originals = (await Promise.all(answers)).map((answer) => Object(answer).original);
    for (const [one, other] of [
      [fact, { ...expected, bytes: bytes.length, ...alpha }],
      ...originals.map((one) => [one, "width" in one ? expected : { type: expected.type }]),
    ]) {
      if (!isDeepStrictEqual(one, other)) wrong.push([key, one, other]);
    }
    count("facts", "pictures");
    if (orientation > 1) count("facts", "turned");
    if (await exifr.gps(bytes).catch(() => undefined)) count("facts", "with GPS");
    for (const one of originals) if ("width" in one) count("facts", "with sides by the Worker");
  }
  expect(wrong).toEqual([]);
  expect(Object.keys(rows["facts"] ?? {})).toHaveLength(4); // what is compared occurs
});

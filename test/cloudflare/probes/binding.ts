// What the Images binding takes, makes and refuses (B1 to B10). What is refused costs nothing.

import { createHash } from "node:crypto";
import sharp from "sharp";
import { type Claim, conclude, listOf, pictureOf } from "../claims.ts";
import type { ImagesOperation, Reply } from "../operation.ts";
import {
  bytesOf,
  type Probe,
  putObject,
  textOf,
  unseen,
  type Verdict,
  type World,
} from "../probe.ts";

/** A file of fixtures/objects, or bytes. */
type Picture = string | Uint8Array;
type Ask = Omit<ImagesOperation, "type" | "key">;

const bytesIn = (picture: Picture) => (typeof picture === "string" ? pictureOf(picture) : picture);

async function put(world: World, picture: Picture): Promise<string> {
  const key = `${world.run}/${crypto.randomUUID()}`;
  await putObject(world, key, bytesIn(picture), "application/octet-stream");
  return key;
}

/** Codes that tell of the account and not of the rule: no access, no quota left, too busy. */
const NOT_OF_RULES = [9422, 9430, 9522, 9527, 9529];

/** @throws if the account cannot use the binding now */
async function ask(world: World, picture: Picture, more: Ask = {}): Promise<Reply> {
  const reply = await world.send({ type: "images", key: await put(world, picture), ...more });
  const { error } = reply;
  if (error?.code !== undefined && NOT_OF_RULES.includes(error.code))
    throw new Error(error.message);
  return reply;
}

/** A step whose options may be wrong. */
const step = (options: object) => ({ transform: JSON.parse(JSON.stringify(options)) });
const codeOf = ({ error }: Reply) => error?.code;

const PHOTO = "made/key.jpg";
const TURNED = "made/rotated-gps.jpg";
const DRAWING = "broken/script.svg";
const [JPEG, PNG] = [{ format: "image/jpeg" }, { format: "image/png" }] as const;
const WEBP = { format: "image/webp" } as const;
const SMALL = [step({ width: 8 })];

const paint = (width: number, height: number, background: string) =>
  sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();

async function sidesOf(reply: Reply): Promise<string> {
  const image = await sharp(bytesOf(reply))
    .metadata()
    .catch(() => undefined);
  return image === undefined ? "no image" : `${image.width} by ${image.height}`;
}

async function limitsBytes(world: World): Promise<Verdict> {
  const send = (size: number) => ask(world, PHOTO, { size, steps: SMALL, output: JPEG });
  const million = await send(20_000_001);
  const larger = await send(20 * 1024 ** 2 + 1);
  const unit = codeOf(million) === 9402 ? "MB are millions" : "MB are 1,048,576 bytes";
  return conclude([
    [codeOf(larger) === 9402, "20,971,521 bytes", larger],
    [undefined, "open: 20,000,001 bytes", million, unit],
  ]);
}

async function chainsSteps(world: World): Promise<Verdict> {
  const wide = await paint(40, 20, "white");
  const [turn, shrink] = [step({ rotate: 90 }), step({ width: 10 })];
  const claims: Claim[] = [];
  for (const [name, steps, sides] of [
    ["turned, then 10 wide", [turn, shrink], "10 by 20"],
    ["10 wide, then turned", [shrink, turn], "5 by 10"],
  ] as const) {
    const reply = await ask(world, wide, { steps, output: PNG });
    const seen = await sidesOf(reply);
    claims.push([seen === sides, name, reply, seen]);
  }
  const twice = await ask(world, wide, { output: PNG, ends: 2 });
  return conclude([...claims, [codeOf(twice) === 9525, "ended twice", twice]]);
}

async function throwsCodes(world: World): Promise<Verdict> {
  const page = await ask(world, "broken/page.jpg", { output: JPEG });
  const wrong = await ask(world, PHOTO, { steps: [step({ width: "wide" })], output: JPEG });
  const isWorded = page.error?.message.startsWith("IMAGES_TRANSFORM_ERROR 9412: ") === true;
  return conclude([
    [codeOf(page) === 9412 && isWorded, "a page of HTML", page],
    [codeOf(wrong) === 9401, "a width in words", wrong],
  ]);
}

async function readsFormats(world: World): Promise<Verdict> {
  const encode = async (format: "webp" | "avif" | "tiff") =>
    sharp(await paint(40, 20, "white"))
      .toFormat(format)
      .toBuffer();
  const claims: Claim[] = [];
  for (const [type, picture] of [
    ["image/jpeg", PHOTO],
    ["image/png", "made/transparent.png"],
    ["image/gif", "made/animated.gif"],
    ["image/webp", await encode("webp")],
  ] as const) {
    const info = await ask(world, picture);
    claims.push([textOf(info).includes(`"${type}"`), type, info]);
  }
  const avif = await ask(world, await encode("avif"));
  const tiff = await ask(world, await encode("tiff"), { output: JPEG });
  const svg = await ask(world, DRAWING, { output: JPEG });
  const large = step({ width: 12_001, height: 1, fit: "squeeze" });
  const wide = await ask(world, PHOTO, { steps: [large, ...SMALL], output: JPEG });
  return conclude([
    ...claims,
    [avif.error ? true : undefined, "AVIF (Enterprise may read it)", avif],
    [tiff.error !== undefined, "TIFF", tiff],
    [codeOf(svg) === 9412, "SVG", svg],
    [codeOf(wide) === 9413, "a step of 12,001 px", wide],
  ]);
}

/** Where a red square is on white: at the middle of its place, and at points that only a larger one would cover. */
const POINTS = { "20,20": "red", "1,1": "red", "6,6": "white", "34,34": "white" };

async function drawsOverlays(world: World): Promise<Verdict> {
  const [canvas, square] = [
    await paint(40, 40, "white"),
    await put(world, await paint(8, 8, "red")),
  ];
  const steps = [
    { draw: square },
    { draw: square, steps: [{ width: 4 }], options: { left: 0, top: 0 } },
  ];
  const drawn = await ask(world, canvas, { steps, output: WEBP }); // a PNG might be the original (B6)
  const both = [{ draw: square, options: { left: 1, right: 1 } }];
  const wrong = await ask(world, canvas, { steps: both, output: PNG });
  const raw = await sharp(bytesOf(drawn))
    .removeAlpha()
    .raw()
    .toBuffer()
    .catch(() => Buffer.of());
  const colours = Object.keys(POINTS).map((point) => {
    const [x = 0, y = 0] = point.split(",").map(Number);
    return (raw.at((y * 40 + x) * 3 + 1) ?? 128) < 128 ? "red" : "white";
  });
  const isDrawn = raw.length > 0 && `${colours}` === `${Object.values(POINTS)}`;
  return conclude([
    [isDrawn, "in the middle, and smaller in a corner", drawn, listOf(colours)],
    [wrong.error !== undefined, "left and right", wrong],
  ]);
}

/** A GIF of 2,000 by 2,000 px, with 14 frames of a pixel each: 56 megapixels. */
const LONG_ANIMATION = (() => {
  const side = [0xd0, 0x07];
  const frame = [0x21, 0xf9, 4, 0, 10, 0, 0, 0, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0];
  const frames = Array.from({ length: 14 }, () => frame).flat();
  const head = [...Buffer.from("GIF89a"), ...side, ...side, 0x80, 0, 0, 255, 255, 255, 0, 0, 0];
  return Uint8Array.of(...head, ...frames, 0x3b);
})();

async function passesThrough(world: World): Promise<Verdict> {
  const claims: Claim[] = [];
  for (const [name, picture, more] of [
    [
      "an animation of 56 megapixels",
      LONG_ANIMATION,
      { steps: SMALL, output: { format: "image/gif" } },
    ],
    [
      ...(["an AVIF of 1,300 px", "photos/fig.jpg"] as const),
      { steps: [step({ width: 1_300 })], output: { format: "image/avif" } },
    ],
    ["the same picture at quality 100", PHOTO, { output: { ...JPEG, quality: 100 } }],
  ] as const) {
    const reply = await ask(world, picture, more);
    const isOriginal = reply.sha256 === createHash("sha256").update(bytesIn(picture)).digest("hex");
    const made = reply.error ? "an error" : `another image, ${reply.headers["content-type"]}`;
    claims.push([true, `open: ${name}`, reply, isOriginal ? "the original" : made]);
  }
  return conclude(claims);
}

/** Options that the binding has not, and values that it does not take. */
const LACKING = [
  ...[{ width: 8, dpr: 2 }, { width: 8, zoom: 0.5 }, { metadata: "none" }, { compression: "fast" }],
  ...[{ width: 8, upscale: "interpolate" }, { width: 8, fit: "scale-up" }, { rotate: 360 }],
  { width: 8, height: 8, fit: "cover", gravity: { x: 0.5, y: 0.5 } },
];

async function lacksOptions(world: World): Promise<Verdict> {
  const claims: Claim[] = [];
  for (const options of LACKING) {
    const reply = await ask(world, PHOTO, { steps: [step(options)], output: JPEG });
    claims.push([reply.error !== undefined, JSON.stringify(options), reply]);
  }
  const none = await ask(world, PHOTO, { output: JSON.parse("{}") });
  const words = await ask(world, PHOTO, {
    output: JSON.parse('{"format":"image/jpeg","quality":"high"}'),
  });
  return conclude([
    ...claims,
    [none.error !== undefined, "no format", none],
    [undefined, "open: a quality in words", words],
  ]);
}

async function tellsFacts(world: World): Promise<Verdict> {
  const photo = await ask(world, PHOTO);
  const drawing = await ask(world, DRAWING);
  const turned = await ask(world, TURNED);
  const { length } = pictureOf(PHOTO);
  const facts = { format: "image/jpeg", fileSize: length, width: 120, height: 120 };
  const isAll = Object.entries(facts).every(([name, value]) =>
    textOf(photo).includes(`${JSON.stringify(name)}:${JSON.stringify(value)}`),
  );
  const sides = /"width":400/.test(textOf(turned)) ? "before" : "after";
  return conclude([
    [isAll, "a JPEG", photo, textOf(photo)],
    [textOf(drawing) === '{"format":"image/svg+xml"}', "an SVG", drawing, textOf(drawing)],
    [undefined, "open: sides of a JPEG with a rotation", turned, `${sides} the rotation`],
  ]);
}

async function keepsMetadata(world: World): Promise<Verdict> {
  const reply = await ask(world, TURNED, { steps: SMALL, output: JPEG });
  const image = await sharp(bytesOf(reply))
    .metadata()
    .catch(() => undefined);
  const kept = image?.exif ? "EXIF data are kept" : "no EXIF data are kept";
  return conclude([[image && true, "open: a JPEG with EXIF data", reply, kept]]);
}

export const BINDING: readonly Probe[] = [
  { rule: "B1", title: "20 MB", run: limitsBytes },
  { rule: "B2", title: "steps apply in order, and a chain ends once", run: chainsSteps },
  { rule: "B3", title: "errors have a code", run: throwsCodes },
  { rule: "B4", title: "formats and sides", run: readsFormats },
  { rule: "B5", title: "overlays", run: drawsOverlays },
  { rule: "B6", title: "what is not transformed", run: passesThrough },
  { rule: "B7", title: "options that it lacks", run: lacksOptions },
  { rule: "B8", title: "info", run: tellsFacts },
  { rule: "B9", title: "metadata", run: keepsMetadata },
  unseen("B10", "the price", "it would need a bill"),
];

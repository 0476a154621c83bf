// What the Images binding takes, makes and refuses (B1 to B10). What is refused costs nothing.

import sharp from "sharp";
import type { ImagesOperation, Reply } from "../operation.ts";
import {
  bytesOf,
  claimsOf,
  hasBytes,
  PHOTO,
  type Probe,
  pictureOf,
  probe,
  textOf,
  unseen,
  type World,
} from "../probe.ts";
import { putObject } from "../sources.ts";

type Picture = string | Uint8Array;
type ImagesCall = Omit<ImagesOperation, "type" | "key">;

const bytesIn = (picture: Picture) => (typeof picture === "string" ? pictureOf(picture) : picture);

async function put(world: World, picture: Picture): Promise<string> {
  const key = `${world.run}/${crypto.randomUUID()}`;
  await putObject(world, key, bytesIn(picture));
  return key;
}

/** Codes that tell of the account and not of the rule: no access, no quota left, too busy. */
const NOT_OF_RULES = [9422, 9430, 9522, 9527, 9529];

/** @throws if the account cannot use the binding now */
async function useBinding(world: World, picture: Picture, more: ImagesCall = {}): Promise<Reply> {
  const reply = await world.send({ type: "images", key: await put(world, picture), ...more });
  const { code = 0, message } = reply.error ?? {};
  if (NOT_OF_RULES.includes(code)) throw new Error(message);
  return reply;
}

const step = (options: object) => ({ transform: JSON.parse(JSON.stringify(options)) });
const SMALL = [step({ width: 8 })];
const TURNED = "made/rotated-gps.jpg";
const DRAWING = "broken/script.svg";
const JPEG = { output: { format: "image/jpeg" } } as const;
const WEBP = { format: "image/webp" } as const;

const paint = (width: number, height: number, background: string) =>
  sharp({ create: { width, height, channels: 3, background } });
const WIDE = await paint(40, 20, "white").png().toBuffer();
const CANVAS = await paint(40, 40, "white").png().toBuffer();
const SQUARE = await paint(8, 8, "red").png().toBuffer();
const TIFF = await paint(40, 20, "white").tiff().toBuffer();
/** What may come out as it came in (B6). */
const UNTOUCHED: readonly (readonly [name: string, picture: Picture, call: ImagesCall])[] = [
  [
    ...(["an AVIF of 1,300 px", "photos/fig.jpg"] as const),
    { steps: [step({ width: 1_300 })], output: { format: "image/avif" } },
  ],
  ["the same picture at quality 100", PHOTO, { output: { ...JPEG.output, quality: 100 } }],
];

/** Options that the binding has not, and values that it does not take (B7). */
const LACKING = [
  ...[{ width: 8, dpr: 2 }, { width: 8, zoom: 0.5 }, { metadata: "none" }, { rotate: 360 }],
  { width: 8, height: 8, fit: "cover", gravity: { x: 0.5, y: 0.5 } },
].map((options): Refused => [JSON.stringify(options), PHOTO, { steps: [step(options)], ...JPEG }]);

const readImage = (reply: Reply) =>
  sharp(bytesOf(reply))
    .metadata()
    .catch(() => undefined);

/** What is refused. @param code of the error; undefined: any */
type Refused = readonly [name: string, picture: Picture, call: ImagesCall, code?: number];

async function tryRefused(world: World, rows: readonly Refused[]) {
  return claimsOf(rows, async ([name, picture, more, code]) => {
    const reply = await useBinding(world, picture, more);
    const { error } = reply;
    const isCode = error?.code === code && `${error?.message}`.includes(`_ERROR ${code}: `);
    return [code === undefined ? error !== undefined : isCode, name, reply];
  });
}

export const BINDING: readonly Probe[] = [
  probe("B1", "20 MB", async (world) => {
    const send = (size: number): ImagesCall => ({ size, steps: SMALL, ...JPEG });
    const million = await useBinding(world, PHOTO, send(20_000_001));
    return [
      ...(await tryRefused(world, [["20,971,521 bytes", PHOTO, send(20 * 1024 ** 2 + 1), 9402]])),
      [undefined, "open: 20,000,001 bytes", million],
    ];
  }),
  probe("B2", "steps apply in order, and a chain ends once", async (world) => {
    const steps = [step({ rotate: 90 }), step({ width: 10 })];
    const reply = await useBinding(world, WIDE, { steps, ...JPEG });
    const image = await readImage(reply);
    const sides = `${image?.width} by ${image?.height}`;
    return [
      [sides === "10 by 20", "turned, then 10 wide", reply, sides],
      ...(await tryRefused(world, [["ended twice", WIDE, { ...JPEG, outputs: 2 }, 9525]])),
    ];
  }),
  probe("B3", "errors have a code", async (world) =>
    tryRefused(world, [
      ["a page of HTML", "broken/page.jpg", JPEG, 9412],
      ["a width in words", PHOTO, { steps: [step({ width: "wide" })], ...JPEG }, 9401],
    ]),
  ),
  probe("B4", "formats and sides", async (world) => {
    const png = await useBinding(world, "made/transparent.png");
    const large = step({ width: 12_001, height: 1, fit: "squeeze" });
    return [
      [textOf(png).includes('"image/png"'), "PNG", png],
      ...(await tryRefused(world, [
        ["TIFF", TIFF, JPEG],
        ["SVG", DRAWING, JPEG, 9412],
        ["a step of 12,001 px", PHOTO, { steps: [large, ...SMALL], ...JPEG }, 9413],
      ])),
    ];
  }),
  probe("B5", "overlays", async (world) => {
    const draw = await put(world, SQUARE);
    const drawn = await useBinding(world, CANVAS, { steps: [{ draw }], output: WEBP }); // no PNG: B6
    const both = [{ draw, options: { left: 1, right: 1 } }];
    const pixels = sharp(bytesOf(drawn)).removeAlpha().raw();
    const raw = await pixels.toBuffer().catch(() => Buffer.of());
    /** How green, and so how white, the middle is, and the points beside the square. */
    const [middle = 255, ...beside] = [20, 14, 25].map((at) => raw[(at * 40 + at) * 3 + 1] ?? 0);
    const isDrawn = middle < 128 && beside.every((green) => green > 128);
    return [
      [isDrawn, "in the middle", drawn],
      ...(await tryRefused(world, [["left and right", CANVAS, { steps: both, ...JPEG }]])),
    ];
  }),
  probe("B6", "what is not transformed", async (world) =>
    claimsOf(UNTOUCHED, async ([name, picture, more]) => {
      const reply = await useBinding(world, picture, more);
      const isOriginal = hasBytes(reply, bytesIn(picture));
      const isAnswered = reply.error === undefined || reply.error.code !== undefined;
      const detail = isOriginal ? "the original" : "not the original";
      return [isAnswered ? "open" : undefined, name, reply, detail];
    }),
  ),
  probe("B7", "options that it lacks", async (world) =>
    tryRefused(world, [...LACKING, ["no format", PHOTO, { output: JSON.parse("{}") }]]),
  ),
  probe("B8", "info", async (world) => {
    const [photo, svg] = [await useBinding(world, PHOTO), await useBinding(world, DRAWING)];
    const turned = await useBinding(world, TURNED);
    const facts = [`"fileSize":${bytesIn(PHOTO).length}`, '"width":120', '"height":120'];
    const isAll = ['"format":"image/jpeg"', ...facts].every((fact) => textOf(photo).includes(fact));
    return [
      [isAll, "a JPEG", photo, textOf(photo)],
      [textOf(svg) === '{"format":"image/svg+xml"}', "an SVG", svg, textOf(svg)],
      [undefined, "open: a JPEG of 400 by 300, turned", turned, textOf(turned)],
    ];
  }),
  probe("B9", "metadata", async (world) => {
    const reply = await useBinding(world, TURNED, { steps: SMALL, ...JPEG });
    const image = await readImage(reply);
    const detail = image?.exif ? "EXIF data are kept" : "no EXIF data are kept";
    return [[image && "open", "a JPEG with EXIF data", reply, detail]];
  }),
  unseen("B10", "the price", "it would need a bill"),
];

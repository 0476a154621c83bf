// The Images binding of the strict edge, as a Worker uses it.

import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createEdge } from "../../../src/emulator/create-edge.ts";
import type { EdgeSettings } from "../../../src/emulator/edge/settings.ts";
import type { Switches } from "../../../src/emulator/edge/switches.ts";
import { type Served, serveEdge } from "../../../src/emulator/serve.ts";
import { throughImages } from "../../../src/emulator/worker.ts";
import { file } from "../../support/emulators.ts";
import * as painting from "../../support/painting.ts";
import { isAmong, isSame, RANGES } from "../../support/tables/ranges.ts";

const edgeWith = (settings: Partial<EdgeSettings> = {}) =>
  createEdge({ zone: "images.example", fetch, ...settings });
const edge = edgeWith();
let served: Served;
let far: ImagesBinding;

beforeAll(async () => {
  served = await serveEdge(edge, { failed: () => {} });
  far = throughImages(fetch, served.url);
});
afterAll(() => served.close());

const JPEG = file("made/key.jpg");
const SVG = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>');
const WEBP: ImageOutputOptions = { format: "image/webp" };
const PNG: ImageOutputOptions = { format: "image/png" };

/** A picture of one colour. */
const plain = async (width: number, height: number, colour = "red") =>
  (await painting.plain(colour, width, height)).bytes;

const streamOf = (bytes: Uint8Array) => new Blob([bytes.slice()]).stream();

async function bytesOf(result: { image(): ReadableStream<Uint8Array> }): Promise<Uint8Array> {
  return new Response(result.image()).bytes();
}

async function codeOf(work: () => Promise<unknown>): Promise<number | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return Object(error).code;
  }
}

/** Calls with what the types forbid: a Worker may be wrong. */
const callUntyped = (
  chain: ImageTransformer,
  name: "transform" | "draw" | "output",
  ...args: unknown[]
) => Reflect.apply(chain[name], chain, args);

test("makes the same image near and far (B2)", async () => {
  const render = async (images: ImagesBinding) => {
    const chain = images.input(streamOf(JPEG)).transform({ width: 20 });
    const result = await chain.draw(streamOf(await plain(4, 4)), { top: 0, left: 0 }).output(WEBP);
    expect(result.contentType()).toBe("image/webp");
    return bytesOf(result);
  };
  const near = await render(edge.images);
  expect(await render(far)).toEqual(near);
  const { format, width } = await sharp(near).metadata();
  expect([format, width]).toEqual(["webp", 20]);
});

test("takes its steps in order, and each chain once (B2)", async () => {
  const sides = async (first: object, second: object) => {
    const chain = edge.images.input(streamOf(await plain(100, 50))).transform(first);
    const result = await chain.transform(second).output(PNG);
    const { width, height } = await sharp(await bytesOf(result)).metadata();
    expect(await codeOf(() => chain.output(PNG))).toBe(9525);
    return [width, height];
  };
  expect(await sides({ width: 40 }, { rotate: 90 })).toEqual([20, 40]);
  expect(await sides({ rotate: 90 }, { width: 40 })).toEqual([40, 80]);
  const drawn = edge.images.input(streamOf(await plain(1, 1)));
  const chain = edge.images.input(streamOf(JPEG)).draw(drawn);
  expect(() => chain.draw(drawn)).toThrow("IMAGES_TRANSFORM_ERROR 9525");
});

test("draws a chain in a chain, with options of its own (B5)", async () => {
  const red = edge.images.input(streamOf(await plain(9, 9))).transform({ width: 2 });
  const blue = edge.images
    .input(streamOf(await plain(4, 4, "blue")))
    .draw(red, { left: 0, top: 0 });
  const result = await edge.images
    .input(streamOf(await plain(8, 8, "white")))
    .draw(blue, { right: 0, bottom: 0 })
    .output({ ...WEBP, quality: 100 });
  const pixels = await sharp(await bytesOf(result))
    .raw()
    .toBuffer();
  const at = (x: number, y: number) => [...pixels.subarray((y * 8 + x) * 3, (y * 8 + x) * 3 + 3)];
  expect([at(0, 0), at(4, 4), at(7, 7)]).toEqual([
    [255, 255, 255],
    [255, 0, 0],
    [0, 0, 255],
  ]);
});

const refusedBy = (work: () => unknown) => codeOf(async () => work());

test.each(Object.entries(RANGES))("%s: what it has, and what not (B3, B7)", async (option, row) => {
  const {
    valid,
    invalid,
    lacking = [],
    ofWorker = [],
    edge: ofEdge,
    isOfVariants,
    notEmulated,
  } = row;
  if (isOfVariants || /quality|format|anim|background|draw/.test(option)) return; // of the output
  const transform = (value: unknown) =>
    refusedBy(() =>
      callUntyped(edge.images.input(streamOf(JPEG)), "transform", { [option]: value }).output(WEBP),
    );
  const point = isSame(valid[0], { x: 0, y: 1 }) ? [valid[0]] : []; // needs a mode
  const notOfEdge = invalid.filter((one) => !isAmong(one, ofEdge));
  const remedy = "correct its row in src/emulator/edge/options.ts, or lacking in tables/ranges.ts";
  for (const value of [...lacking, ...ofWorker, ...point, ...notOfEdge]) {
    expect([value, await transform(value)], remedy).toEqual([value, 9401]);
  }
  for (const value of valid) {
    if (isAmong(value, [...lacking, ...ofWorker, ...point, ...(notEmulated ?? [])])) continue;
    if (option === "metadata") continue;
    expect([value, await transform(value)], remedy).toEqual([value, undefined]);
  }
});

test("refuses options that it does not have, and both sides of an axis (B3, B5, B7)", async () => {
  const url = "https://images.example/a.png";
  const overlay = await plain(2, 2);
  const chain = () => edge.images.input(streamOf(JPEG));
  const steps = [{ width: 20, dpr: 2 }, { format: "webp" }, { draw: [{ url }] }, { widht: 20 }];
  const outputs = [
    ...[{}, { format: "webp" }, { format: "image/svg+xml" }, { ...WEBP, background: "" }],
    ...[0, 101, "high"].map((quality) => ({ ...WEBP, quality })),
    { ...WEBP, anim: "no" },
  ];
  const draws = [
    ...[{ left: 0, right: 0 }, { top: 0, bottom: 0 }, { left: -1 }, { opacity: 2 }],
    ...[{ repeat: "z" }, { width: 20 }, { url }],
  ];
  for (const [options, work] of [
    ...steps.map((one) => [one, () => callUntyped(chain(), "transform", one).output(WEBP)]),
    ...outputs.map((one) => [one, () => callUntyped(chain(), "output", one)]),
    ...draws.map((one) => [
      one,
      () => callUntyped(chain(), "draw", streamOf(overlay), one).output(WEBP),
    ]),
  ] as [object, () => unknown][]) {
    expect([options, await refusedBy(work)]).toEqual([options, 9401]);
  }
});

/** Work that a binding refuses, and what `edge.refusals` says of it. */
type RefusedCase = [
  reason: string,
  rule: string,
  code: number,
  work: (images: ImagesBinding) => unknown,
  settings?: Partial<EdgeSettings>,
];

const startWith = (bytes: Uint8Array) => (images: ImagesBinding) => images.input(streamOf(bytes));
const start = startWith(JPEG);
const transformed = (options: object) => (images: ImagesBinding) =>
  callUntyped(start(images), "transform", options).output(WEBP);
const encoded = (output: object) => (images: ImagesBinding) =>
  callUntyped(start(images), "output", output);
const drawn = (options: object) => (images: ImagesBinding) =>
  callUntyped(start(images), "draw", streamOf(JPEG), options).output(WEBP);

const REFUSED: RefusedCase[] = [
  ["widht is 20: it takes nothing: the binding has no", "B7", 9401, transformed({ widht: 20 })],
  ["dpr is 2: it takes nothing: the binding has no", "B7", 9401, transformed({ dpr: 2 })],
  ["width is 0: it takes a whole number, 1 or more", "O1", 9401, transformed({ width: 0 })],
  ['fit is "scale-up": it takes one of scale-down', "B7", 9401, transformed({ fit: "scale-up" })],
  ["opacity is 2: it takes a number from 0 to 1", "O12", 9401, drawn({ opacity: 2 })],
  ["an overlay has both sides of an axis", "B5", 9401, drawn({ left: 0, right: 0 })],
  ['format is "webp": it takes one of image/jpeg', "B7", 9401, encoded({ format: "webp" })],
  ['quality is "high": it takes a number', "B7", 9401, encoded({ ...WEBP, quality: "high" })],
  ['background is "": it takes a colour', "B7", 9401, encoded({ ...WEBP, background: "" })],
  ['anim is "no": it takes true or false', "B7", 9401, encoded({ ...WEBP, anim: "no" })],
  ["the binding takes 9 at most", "B1", 9402, transformed({}), { bindingBytes: 9 }],
  ["an image is an SVG, or no image", "B4", 9412, (images) => startWith(SVG)(images).output(WEBP)],
  ["cut off", "R3", 9516, (images) => startWith(JPEG.slice(0, 20))(images).output(WEBP)],
  ["or a longer side than limits", "L1", 9413, transformed({ width: 13_000, fit: "pad" })],
  ["the switch quota", "L2", 9422, transformed({}), { quota: 0 }],
  ["the switch bindingAllowed is false", "B3", 9430, transformed({}), { bindingAllowed: false }],
  ["the switch `failure`", "R3", 9412, transformed({}), { failure: { code: 9412, status: 415 } }],
  ["the switch `failure`", "R3", 9522, transformed({}), { failure: { code: 9522, status: 503 } }],
];

test.each(REFUSED)(
  "edge.refusals says why: %s (%s)",
  async (reason, rule, code, work, settings) => {
    const { images, refusals } = edgeWith(settings);
    await images.info(streamOf(SVG)).catch(() => undefined);
    const before = refusals.length;
    expect(await refusedBy(() => work(images))).toBe(code);
    const fault = { code, status: expect.any(Number) };
    const refusal = {
      url: "IMAGES.output()",
      fault,
      reason: expect.stringContaining(reason),
      rule,
    };
    expect(refusals.slice(before)).toEqual([refusal]);
  },
);

test("edge.refusals names a refused info(), near and far", async () => {
  const before = edge.refusals.length;
  for (const images of [edge.images, far]) {
    expect(await codeOf(() => images.info(streamOf(Buffer.from("hello"))))).toBe(9412);
  }
  const refusal = { url: "IMAGES.info()", fault: { code: 9412, status: 415 }, rule: "B4" };
  expect(edge.refusals.slice(before)).toMatchObject([refusal, refusal]);
});

test("tells its code in the Error, and refuses a form that is broken (B3)", async () => {
  const work = edge.images.input(streamOf(SVG)).output(WEBP);
  await expect(work).rejects.toThrow(/^IMAGES_TRANSFORM_ERROR 9412: ./);
  const url = "https://js.images.cloudflare.com/transform";
  const request = new Request(url, { method: "POST", body: "a" });
  const answer = await edge.answerImages(request);
  expect([answer.status, answer.headers.get("cf-images-binding")]).toEqual([400, "err=9432"]);
  const off = edgeWith({ bindingAllowed: false });
  expect(await codeOf(() => off.images.info(streamOf(JPEG)))).toBe(9430);
  const busy = edgeWith({ failure: { code: 9522, status: 503 } });
  expect(await codeOf(() => busy.images.input(streamOf(JPEG)).output(WEBP))).toBe(9522);
});

test("takes no image of more than 20 MB, drawn or not (B1)", async () => {
  const limited = edgeWith({ bindingBytes: JPEG.length });
  const longer = streamOf(new Uint8Array([...JPEG, 0]));
  await limited.images.input(streamOf(JPEG)).output(WEBP);
  expect(await codeOf(() => limited.images.input(longer).output(WEBP))).toBe(9402);
  const drawn = streamOf(new Uint8Array([...JPEG, 0]));
  expect(await codeOf(() => limited.images.input(streamOf(JPEG)).draw(drawn).output(WEBP))).toBe(
    9402,
  );
  expect(edge.switches.bindingBytes).toBe(20_000_000);
});

test("an image that fails midway fails the call, near and far (B2)", async () => {
  for (const images of [edge.images, far]) {
    const failing = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error("the object is too long"));
      },
    });
    await expect(images.input(failing).output(WEBP)).rejects.toThrow();
  }
});

test.each([
  ["a text", () => new TextEncoder().encode("hello"), 9412],
  ["nothing", () => new Uint8Array(), 9412],
  ["an SVG", () => SVG, 9412],
  ["a TIFF", () => sharp(JPEG).tiff().toBuffer(), 9520],
  ["an AVIF", () => sharp(JPEG).avif({ effort: 0 }).toBuffer(), 9520],
  ["a JPEG XL", () => Buffer.from("\xff\n\xfa\x7f", "latin1"), 9420],
  ["half a head", () => JPEG.slice(0, 20), 9516],
  ["a side that is too long", () => plain(12_001, 1), 9413],
] as const)("reads %s not (B4)", async (_name, encode, code) => {
  const bytes = new Uint8Array(await encode());
  expect(await codeOf(() => edge.images.input(streamOf(bytes)).output(WEBP))).toBe(code);
  const draw = () => edge.images.input(streamOf(JPEG)).draw(streamOf(bytes)).output(WEBP);
  expect(await codeOf(draw)).toBe(code);
});

test("reads HEIC, so such an image throws, unless a switch has it refused (B4)", async () => {
  const heic = new TextEncoder().encode("\0\0\0\x18ftypheic\0\0\0\0");
  const make = (to: typeof edge) => to.images.input(streamOf(heic)).output(WEBP);
  await expect(make(edge)).rejects.toThrow("cannot read HEIC");
  expect(await codeOf(() => make(edgeWith({ heicInput: false })))).toBe(9412);
});

test("reads AVIF where the zone may, and makes nothing that is too large (B4)", async () => {
  const avif = new Uint8Array(await sharp(JPEG).avif({ effort: 0 }).toBuffer());
  const limits = { bytes: 1e6, pixels: 20_000, side: 300, animation: 1e6 };
  const limited = edgeWith({ avifInput: true, limits });
  await limited.images.input(streamOf(avif)).transform({ width: 9 }).output(WEBP);
  const small = await plain(100, 100);
  const work = (width: number, height: number) => () =>
    limited.images.input(streamOf(small)).transform({ width, height, fit: "squeeze" }).output(WEBP);
  expect(await codeOf(work(301, 1))).toBe(9413);
  expect(await codeOf(work(200, 101))).toBe(9413);
  expect(await codeOf(work(200, 100))).toBeUndefined();
});

test("may pass on an original in place of what was asked for (B6)", async () => {
  const { bytes: moving } = await painting.moving(["rr/rr", "bb/bb"]);
  const limits = { bytes: 1e6, pixels: 1e6, side: 12_000, animation: 700 };
  const large = await plain(1201, 2);
  // A JPEG of low quality grows if it is encoded anew.
  const poor = await sharp(JPEG).jpeg({ quality: 5 }).toBuffer();
  const render = async (
    switches: Partial<Switches>,
    bytes: Uint8Array,
    output: ImageOutputOptions,
  ) => {
    const switched = edgeWith({ limits, ...switches });
    try {
      const result = await switched.images.input(streamOf(bytes)).output(output);
      const sent = Buffer.compare(await bytesOf(result), bytes) === 0 ? "original" : "rendition";
      return `${result.contentType()} ${sent}`;
    } catch (error) {
      return Object(error).code;
    }
  };
  const gif: ImageOutputOptions = { format: "image/gif" };
  const jpeg: ImageOutputOptions = { format: "image/jpeg", quality: 100 };
  const avif: ImageOutputOptions = { format: "image/avif" };
  expect(await render({}, moving, gif)).toBe("image/gif original");
  expect(await render({}, moving, WEBP)).toBe("image/gif original");
  expect(await render({}, moving, { ...gif, anim: false })).toBe("image/gif rendition");
  expect(await render({ bindingAnimation: "error" }, moving, gif)).toBe(9413);
  expect(await render({}, poor, jpeg)).toBe("image/jpeg original");
  expect(await render({ bindingSmaller: "rendition" }, poor, jpeg)).toBe("image/jpeg rendition");
  expect(await render({}, large, avif)).toBe("image/png original");
  expect(await render({ bindingAvif: "error" }, large, avif)).toBe(9413);
  expect(await render({ bindingAvif: "webp" }, large, avif)).toBe("image/webp rendition");
});

test.each([
  ["kept", true],
  ["dropped", false],
] as const)("metadata that is %s (B9)", async (bindingMetadata, isKept) => {
  const exif = { IFD0: { Copyright: "Anna" }, IFD3: { GPSLatitudeRef: "N" } };
  const original = await sharp(JPEG).withExif(exif).jpeg().toBuffer();
  const switched = edgeWith({ bindingMetadata });
  const result = await switched.images
    .input(streamOf(original))
    .transform({ width: 9 })
    .output({ format: "image/jpeg" });
  const { exif: metadata = Buffer.alloc(0) } = await sharp(await bytesOf(result)).metadata();
  expect([metadata.includes("Anna"), metadata.includes("N\0")]).toEqual([isKept, isKept]);
});

test("tells the facts of an image for nothing (B8)", async () => {
  const withoutQuota = edgeWith({ quota: 0 });
  const turned = await sharp(JPEG)
    .resize(30, 20)
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  const fileSize = turned.length;
  const info = await withoutQuota.images.info(streamOf(turned));
  expect(info).toEqual({ format: "image/jpeg", fileSize, width: 30, height: 20 });
  withoutQuota.switches.originalSides = "upright";
  expect(await withoutQuota.images.info(streamOf(turned))).toMatchObject({ width: 20, height: 30 });
  expect(await far.info(streamOf(SVG))).toEqual({ format: "image/svg+xml" });
  const work = withoutQuota.images.info(streamOf(new Uint8Array(3)));
  await expect(work).rejects.toThrow(/^IMAGES_INFO_ERROR 9412: /);
  expect(withoutQuota.transformations.size).toBe(0);
});

test.each([
  ["call", 3],
  ["bytes", 2],
] as const)("bills each %s once (B10)", async (bindingSame, billed) => {
  const limited = edgeWith({ bindingSame, quota: billed });
  const render = (width: number, output: ImageOutputOptions) =>
    limited.images.input(streamOf(JPEG)).transform({ width }).output(output);
  await render(9, WEBP);
  await render(9, PNG); // the format does not count
  await render(10, WEBP);
  expect(limited.transformations.size).toBe(billed);
  expect(await codeOf(() => render(11, WEBP))).toBe(9422);
});

test("fails as the switch says, near and far (B3)", async () => {
  const render = (images: ImagesBinding) =>
    images.input(streamOf(JPEG)).transform({ width: 9 }).output(WEBP);
  try {
    for (const images of [edge.images, far]) {
      edge.switches.bindingFault = "throws";
      await expect(render(images)).rejects.toThrow();
      edge.switches.bindingFault = "breaks-off";
      await expect(render(images).then(bytesOf)).rejects.toThrow();
      edge.switches.bindingFault = "lies";
      const mislabelled = await render(images);
      expect(mislabelled.contentType()).toBe("image/webp");
      expect((await sharp(await bytesOf(mislabelled)).metadata()).format).toBe("gif");
      edge.switches.bindingFault = "original";
      expect(await bytesOf(await render(images))).toEqual(JPEG);
      edge.switches.bindingFault = "stalls-midway";
      const reader = (await render(images)).image().getReader();
      expect((await reader.read()).value?.length).toBeGreaterThan(0);
      await reader.cancel();
    }
  } finally {
    edge.switches.bindingFault = undefined;
  }
});

// A binding and origins that fail or lie: a clear refusal in bounded time, and nothing of an original out.

import { HttpResponse, http } from "msw";
import sharp from "sharp";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { createR2, type R2 } from "../../../src/emulator/r2/r2.ts";
import { runFast } from "../../support/clock.ts";
import { file, network } from "../../support/emulators.ts";
import { type EngineName, envOf } from "../../support/engines.ts";
import { BUCKET_URL } from "../../support/env.ts";
import {
  disableCacheInEachTest,
  failures,
  get,
  lines,
  MODERN,
  put,
  stage,
} from "../../support/run-worker.ts";
import { EDGE_CODES, type EdgeCode, REFUSALS } from "../../support/tables/edge-codes.ts";

disableCacheInEachTest();

const IMAGES_ROUTE = [{ path: "/images/:preset/*", object: "media/*" }];

/** A binding whose output is this, whatever it is asked for. */
function imagesThat(output: (options: ImageOutputOptions, original: Uint8Array) => unknown) {
  return {
    info: async () => ({}),
    input(stream: ReadableStream<Uint8Array>) {
      const chain = {
        transform: () => chain,
        draw: () => chain,
        output: async (options: ImageOutputOptions) =>
          output(options, await new Response(stream).bytes()),
      };

      return chain;
    },
  };
}

const sent = (image: ReadableStream<Uint8Array>) => ({ image: () => image });
const whole = (bytes: Uint8Array) => sent(new Blob([bytes.slice()]).stream());
const text = (latin1: string) => Uint8Array.from(latin1, (letter) => letter.charCodeAt(0));

const ENDLESS = (first: Uint8Array) =>
  new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(first) });

async function getOutcome(images: object, headers: Record<string, string> = {}) {
  const vars = { IMAGES: images, ANSWERS: { timeout: 1 } };
  const answer = await get("/images/card/key.jpg", { headers }, envOf("binding", vars));
  const [{ event, reason } = {}] = lines();
  return [answer.status, event, reason];
}

describe("a binding that", () => {
  const TOO_MUCH = "the picture has over 25 MB";
  const stalling = () => new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
  const throwsCode = () => Promise.reject(Object.assign(new Error("x"), { code: "9412; " }));
  const throwsAtOnce = () => {
    throw new Error("gone");
  };

  type Output = Parameters<typeof imagesThat>[0];

  test.each<{ title: string; output: Output; event?: string; status?: number; reason?: string }>([
    {
      title: "returns the original",
      output: (_, original) => whole(original),
      event: "original-is-smaller",
    },
    { title: "returns a page", output: () => whole(text("<html>")) },
    { title: "returns nothing", output: () => whole(new Uint8Array()) },
    { title: "returns another type", output: () => whole(file("made/animated.gif")) },
    { title: "returns no image", output: () => ({ image: () => null }) },
    { title: "returns no result", output: () => undefined, event: "edge-failed" },
    {
      title: "never ends",
      output: () => sent(ENDLESS(new Uint8Array(1e6))),
      event: "edge-failed",
      status: 502,
      reason: TOO_MUCH,
    },
    { title: "stalls", output: () => sent(stalling()), event: "timed-out", status: 504 },
    {
      title: "never answers",
      output: () => new Promise(() => {}),
      event: "timed-out",
      status: 504,
    },
    { title: "throws text", output: () => Promise.reject("out of order"), event: "edge-failed" },
    { title: "throws nothing", output: () => Promise.reject(undefined), event: "edge-failed" },
    { title: "throws a code that is none", output: throwsCode, event: "edge-failed" },
    { title: "throws at once", output: throwsAtOnce, event: "edge-failed" },
  ])("$title", async ({ title, output, event = "wrong-type", status = 502, reason }) => {
    if (status === 504) runFast();

    const images = imagesThat(output);
    const outcome = await getOutcome(
      title === "throws at once" ? { ...images, input: output } : images,
    );

    expect(outcome.slice(0, 2)).toEqual([status, event]);
    if (reason) expect(outcome[2]).toBe(reason);

    // The gateway answers in time. The cached entrypoint says so too, at times a moment later.
    await vi.waitUntil(() => failures().length === 1);
  });

  test("returns a JPEG of the original's length is asked for a lower quality, which has fewer bytes (R6)", async () => {
    const qualities: (number | undefined)[] = [];
    const jpeg = await sharp(file("made/key.jpg")).resize(3).jpeg().toBuffer();
    const images = imagesThat(({ quality }, original) => {
      qualities.push(quality);
      return whole(quality === undefined ? original : jpeg);
    });

    expect((await getOutcome(images))[0]).toBe(200);
    expect(qualities).toEqual([undefined, 38]);
  });

  test("returns a WebP that is broken off is asked for a JPEG, which every browser reads (B9)", async () => {
    const formats: string[] = [];
    const picture = sharp(file("made/transparent.png")).resize(3);
    const webp = await picture.clone().webp().toBuffer();
    const jpeg = await picture.clone().jpeg().toBuffer();
    const images = imagesThat(({ format }) => {
      formats.push(format);
      return whole(format === "image/webp" ? webp.subarray(0, -9) : jpeg);
    });

    expect((await getOutcome(images, { accept: "image/webp" }))[0]).toBe(200);
    expect(formats).toEqual(["image/webp", "image/jpeg"]);
  });

  type Thrown = Pick<EdgeCode, "code" | "event" | "isTransient">;

  const ofBinding: readonly Thrown[] = EDGE_CODES.filter(({ engine }) => engine === "both");

  // The binding fetches nothing. So what it says of S3 is no reason to show another bucket's object, or a 404.
  const ofS3 = ["9404", "9421", "9519"].map((code): Thrown => ({ code, event: "edge-failed" }));

  test.each([...ofBinding, ...ofS3])("throws $code (B3)", async ({ code, event, isTransient }) => {
    const error = Object.assign(new Error(`IMAGES_TRANSFORM_ERROR ${code}: why`), {
      code: Number(code),
    });
    const output = vi.fn(() => Promise.reject(error));

    const answered = await getOutcome(imagesThat(output));
    expect(answered.slice(0, 2)).toEqual([REFUSALS[event].answered, event]);
    expect(lines()).toMatchObject([{ edge: code }]);
    expect(output.mock.calls.length, code).toEqual(isTransient ? 2 : 1);
  });
});

const JPEG = file("made/key.jpg");

function answerWith(
  body: ConstructorParameters<typeof Response>[0],
  headers: Record<string, string>,
) {
  return () => new HttpResponse(body, { headers });
}

const streamOf = (...pieces: (Uint8Array | "stall" | "break")[]) =>
  new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces.shift();
      if (piece === "stall") return new Promise<never>(() => {});
      if (piece === "break") controller.error(new Error("connection lost"));
      else if (piece) controller.enqueue(piece);
      else controller.close();
      return undefined;
    },
  });

describe("an S3 that", () => {
  let readCount = 0;
  beforeEach(() => {
    readCount = 0;
  });

  const endless = () => {
    let isBegun = false;
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        readCount += 1;
        controller.enqueue(isBegun ? new Uint8Array(65_536) : JPEG.slice());
        isBegun = true;
      },
    });
  };

  const length = (bytes: number | string) => ({ "content-length": `${bytes}` });
  const encoded = { ...length(JPEG.length), "content-encoding": "aws-chunked" };
  const svg = answerWith(text("<svg xmlns='http://www.w3.org/2000/svg'/>"), {
    "content-type": "image/jpeg",
    "content-length": "41",
  });
  const partial = () => {
    const headers = { "content-range": `bytes 0-${JPEG.length - 1}/${JPEG.length}` };
    return new HttpResponse(JPEG.slice(), { status: 206, headers });
  };
  const redirect = () =>
    new HttpResponse(null, { status: 302, headers: { location: "https://other.example/" } });

  test.each<{ title: string; answer: () => Response; status: number; event: string }>([
    { title: "lies about the type", answer: svg, status: 415, event: "source-unreadable" },
    {
      title: "says no length",
      answer: answerWith(streamOf(JPEG), {}),
      status: 415,
      event: "source-unreadable",
    },
    {
      title: "says no true length",
      answer: answerWith(JPEG.slice(), length(-5)),
      status: 415,
      event: "source-unreadable",
    },
    {
      title: "has 100 MB",
      answer: () => answerWith(endless(), length(1e8))(),
      status: 415,
      event: "source-unreadable",
    },
    {
      title: "sends more than it said",
      answer: () => answerWith(endless(), length(2e5))(),
      status: 502,
      event: "origin-failed",
    },
    {
      title: "breaks off",
      answer: () => answerWith(streamOf(JPEG, "break"), length(5e4))(),
      status: 502,
      event: "origin-failed",
    },
    {
      title: "stalls at once",
      answer: () => answerWith(streamOf("stall"), length(5e4))(),
      status: 504,
      event: "timed-out",
    },
    {
      title: "stalls midway",
      answer: () => answerWith(streamOf(JPEG, "stall"), length(5e4))(),
      status: 504,
      event: "timed-out",
    },
    {
      title: "encodes what it sends",
      answer: answerWith(JPEG.slice(), encoded),
      status: 415,
      event: "source-unreadable",
    },
    {
      title: "sends a part of what is asked for whole",
      answer: partial,
      status: 502,
      event: "origin-failed",
    },
    {
      title: "is busy",
      answer: () => new HttpResponse(null, { status: 429 }),
      status: 502,
      event: "origin-failed",
    },
    { title: "redirects", answer: redirect, status: 502, event: "origin-denied" },
    {
      title: "cannot be reached",
      answer: () => HttpResponse.error(),
      status: 502,
      event: "origin-failed",
    },
  ])("$title", async ({ answer, status, event }) => {
    if (status === 504) runFast();
    network.use(http.get(`${BUCKET_URL}published/key.jpg`, answer));
    const outcome = await getOutcome(stage.edge.images);
    expect(outcome.slice(0, 2)).toEqual([status, event]);
    expect(readCount).toBeLessThan(20);
  });
});

test.each<{ engine: EngineName; fault: string; status: number; event: string }>([
  { engine: "binding", fault: "cut-short", status: 502, event: "origin-failed" },
  { engine: "binding", fault: "stall", status: 504, event: "timed-out" },
  { engine: "binding", fault: "stall-midway", status: 504, event: "timed-out" },
  { engine: "binding", fault: "reset", status: 502, event: "origin-failed" },
  { engine: "R2", fault: "throws", status: 502, event: "origin-failed" },
  { engine: "R2", fault: "stall", status: 504, event: "timed-out" },
  { engine: "R2", fault: "stall-midway", status: 504, event: "timed-out" },
  { engine: "R2", fault: "cut-short", status: 502, event: "origin-failed" },
  { engine: "R2", fault: "says-less", status: 502, event: "origin-failed" },
  { engine: "R2", fault: "says-more", status: 502, event: "origin-failed" },
])(
  "the bucket of the engine $engine with the fault $fault",
  async ({ engine, fault, status, event }) => {
    if (status === 504) runFast();
    const env = envOf(engine, { ANSWERS: { timeout: 1 } });
    Object(env["MEDIA_BUCKET"] ?? stage.s3).faults.add(fault);
    expect((await get("/images/card/key.jpg", { headers: MODERN }, env)).status).toBe(status);
    expect(lines()).toMatchObject([{ event }]);
  },
);

test.each(["nothing.png", "broken/page.jpg"])(
  "an overlay %s that cannot be drawn is not left out",
  async (key) => {
    const PRESETS = { one: { width: 100, draw: [{ key }] } };
    const ROUTES = [{ path: "/images/:preset/*", object: "media/*" }];
    const answer = await get("/images/one/key.jpg", {}, envOf("binding", { PRESETS, ROUTES }));
    expect(answer.status).toBe(502);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const reason = expect.stringContaining(`the overlay ${key}`);
    expect(lines()).toMatchObject([{ event: "origin-failed", reason }]);
  },
);

test.each<{ title: string; change: (bucket: R2) => void }>([
  { title: "an overlay is gone", change: ({ objects }) => objects.delete("published/b.png") },
  { title: "an overlay is no picture any more", change: putPage("published/b.png") },
])("where $title, no body of the bucket stays open", async ({ change }) => {
  for (const key of ["a.png", "b.png"]) put(key, padded("made/transparent.png"));
  put("key.jpg", padded("made/key.jpg"));
  const bucket = createR2(Object.fromEntries(stage.s3.objects));
  const open = new Set<string>();

  const MEDIA_BUCKET = {
    ...bucket,
    get: async (key: string, options?: R2GetOptions) => {
      const object = await bucket.get(key, options);
      if (!object) return null;

      open.add(key);
      const bytes = await object.bytes();
      let sent = 0;
      const body = new ReadableStream(
        {
          pull(stream) {
            stream.enqueue(bytes.slice(sent, sent + 512));
            sent += 512;
            if (sent < bytes.length) return;
            open.delete(key);
            stream.close();
          },
          cancel: () => void open.delete(key),
        },
        { highWaterMark: 0 },
      );
      return { ...object, body };
    },
  };
  const PRESETS = { one: { width: 100, draw: [{ key: "a.png" }, { key: "b.png" }] } };
  const env = envOf("R2", { PRESETS, ROUTES: IMAGES_ROUTE, MEDIA_BUCKET });

  expect((await get("/images/one/key.jpg", {}, env)).status).toBe(200);
  change(bucket);
  expect((await get("/images/one/key.jpg", {}, env)).status).not.toBe(200);
  expect([...open]).toEqual([]);
});

/** A file with so many bytes behind its end that no buffer takes all of it. */
function padded(path: string): Uint8Array {
  return Buffer.concat([file(path), new Uint8Array(300_000)]);
}

/** Puts a page into a bucket, in the place of an object. */
function putPage(key: string) {
  const body = padded("broken/page.jpg");
  return ({ objects }: R2) => void objects.set(key, { body, type: "image/jpeg" });
}

test("an overlay that breaks off fails the picture, also where the binding goes on without it", async () => {
  const overlay = file("made/transparent.png");
  const headers = { "content-length": `${overlay.length}`, "content-type": "image/png" };
  const breaksOff = () => answerWith(streamOf(overlay.subarray(0, 6_000), "break"), headers)();
  network.use(http.get(`${BUCKET_URL}published/transparent.png`, breaksOff));

  const reading: Promise<unknown>[] = [];
  const goOn = async () => {
    await Promise.all(reading);
    return whole(overlay);
  };
  const chain = { transform: () => chain, draw: () => chain, output: goOn };
  const input = (stream: ReadableStream) => {
    reading.push(new Response(stream).bytes().catch(() => {}));
    return chain;
  };
  const PRESETS = { one: { width: 100, format: "png", draw: [{ key: "transparent.png" }] } };
  const ROUTES = [{ path: "/images/:preset/*", object: "media/*" }];
  const IMAGES = { info: async () => ({}), input };
  const env = envOf("binding", { PRESETS, ROUTES, IMAGES });

  expect((await get("/images/one/key.jpg", {}, env)).status).toBe(502);
  expect(lines()).toMatchObject([{ event: "origin-failed" }]);
});

test.each<[what: string, first: (original: Uint8Array) => unknown]>([
  ["the binding is busy", () => Promise.reject(Object.assign(new Error("busy"), { code: 9522 }))],
  ["the binding returns the original", (original) => whole(original)],
])("an object that is replaced while %s is rendered at its own size", async (_what, first) => {
  const small = await sharp(file("made/key.jpg")).resize(40, 30).jpeg().toBuffer();
  const large = await sharp(file("made/key.jpg")).resize(900, 675).jpeg().toBuffer();
  put("replaced.jpg", small);

  const widths: (number | undefined)[] = [];
  const input = (stream: ReadableStream) => {
    const chain = {
      transform(options: ImageTransform) {
        widths.push(options.width);
        return chain;
      },
      draw: () => chain,
      async output() {
        const original = await new Response(stream).bytes();
        if (widths.length > 1) return whole(large.subarray());
        put("replaced.jpg", large);
        return first(original);
      },
    };

    return chain;
  };

  const env = envOf("binding", { IMAGES: { info: async () => ({}), input } });
  await get("/images/wide/replaced.jpg", {}, env);
  expect(widths).toEqual([40, 900]);
});

test("an animation that is too large for the binding is asked for still (B6)", async () => {
  stage.edge.switches.bindingAnimation = "error";
  stage.edge.switches.limits = { ...stage.edge.switches.limits, animation: 100 };
  const answer = await get("/images/moving/animated.gif", { headers: MODERN }, envOf("binding"));
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("image/webp");
  expect((await sharp(await answer.bytes()).metadata()).pages ?? 1).toBe(1);
});

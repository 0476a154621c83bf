// A binding and origins that fail or lie: a clear refusal in bounded time, and nothing of an original out.

import { HttpResponse, http } from "msw";
import sharp from "sharp";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { S3Fault } from "../../../src/emulator/s3/s3.ts";
import { runFast } from "../../support/clock.ts";
import { envOf } from "../../support/engines.ts";
import { BASE } from "../../support/env.ts";
import { failures, get, keepNothing, lines, MODERN, stage } from "../../support/play.ts";
import { file, network } from "../../support/stand.ts";
import { EDGE_CODES, REFUSALS } from "../../support/tables/edge-codes.ts";

keepNothing();

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
const text = (words: string) => Uint8Array.from(words, (letter) => letter.charCodeAt(0));

const ENDLESS = (first: Uint8Array) =>
  new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(first),
  });

async function ask(images: object, headers: Record<string, string> = {}) {
  const vars = { IMAGES: images, ANSWERS: { timeout: 1 } };
  const answer = await get("/images/card/key.jpg", { headers }, envOf("binding", vars));
  const [{ event, reason } = {}] = lines();
  return [answer.status, event, reason];
}

describe("a binding that", () => {
  test.each<[what: string, images: () => object, status: number, event: string, reason?: string]>([
    ["returns the original", () => imagesThat((_, it) => whole(it)), 502, "wrong-type"],
    ["returns a page", () => imagesThat(() => whole(text("<html>"))), 502, "wrong-type"],
    ["returns nothing", () => imagesThat(() => whole(new Uint8Array())), 502, "wrong-type"],
    ["returns no result", () => imagesThat(() => undefined), 502, "edge-failed"],
    [
      "returns another type",
      () => imagesThat(() => whole(file("made/animated.gif"))),
      502,
      "wrong-type",
    ],
    ["returns no image", () => imagesThat(() => ({ image: () => null })), 502, "wrong-type"],
    [
      "never ends",
      () => imagesThat(() => sent(ENDLESS(new Uint8Array(1_000_000)))),
      502,
      "edge-failed",
      "the picture has over 25 MB",
    ],
    [
      "stalls",
      () => imagesThat(() => sent(new ReadableStream({ pull: () => new Promise(() => {}) }))),
      504,
      "timed-out",
    ],
    ["never answers", () => imagesThat(() => new Promise(() => {})), 504, "timed-out"],
    ["throws text", () => imagesThat(() => Promise.reject("out of order")), 502, "edge-failed"],
    ["throws nothing", () => imagesThat(() => Promise.reject(undefined)), 502, "edge-failed"],
    [
      "throws a code that is none",
      () => imagesThat(() => Promise.reject(Object.assign(new Error("x"), { code: "9412; " }))),
      502,
      "edge-failed",
    ],
    [
      "throws at once",
      () => ({
        input: () => {
          throw new Error("gone");
        },
        info: () => {},
      }),
      502,
      "edge-failed",
    ],
  ])("%s", async (_what, images, status, event, reason) => {
    if (status === 504) runFast();
    const found = await ask(images());
    expect(found.slice(0, 2)).toEqual([status, event]);
    if (reason) expect(found[2]).toBe(reason);
    // The gateway answers in time. The cached entrypoint says so too, at times a moment later.
    await vi.waitUntil(() => failures().length === 1);
  });

  test("returns a JPEG of the original's length is asked for a PNG, which proves who made it (R6)", async () => {
    const asked: string[] = [];
    const png = await sharp(file("made/transparent.png")).resize(3).png().toBuffer();
    const images = imagesThat(({ format }, original) => {
      asked.push(format);
      return whole(format === "image/jpeg" ? original : png);
    });
    expect((await ask(images))[0]).toBe(200);
    expect(asked).toEqual(["image/jpeg", "image/png"]);
  });

  const ofBinding = EDGE_CODES.filter(({ engine }) => engine !== undefined);
  test.each(ofBinding)("throws $code (B3)", async ({ code, event }) => {
    const error = Object.assign(new Error(`IMAGES_TRANSFORM_ERROR ${code}: why`), {
      code: Number(code),
    });
    const answered = await ask(imagesThat(() => Promise.reject(error)));
    expect(answered.slice(0, 2)).toEqual([REFUSALS[event].answered, event]);
    expect(lines()).toMatchObject([{ edge: code }]);
  });
});

/** S3 answers every request for the object like this. */
function s3Sends(answer: () => Response): void {
  network.use(http.get(`${BASE}published/key.jpg`, answer));
}

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
  let reads = 0;
  beforeEach(() => {
    reads = 0;
  });
  const endless = () => {
    let isBegun = false;
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        reads += 1;
        controller.enqueue(isBegun ? new Uint8Array(65_536) : JPEG.slice());
        isBegun = true;
      },
    });
  };

  test.each<[what: string, answer: () => Response, status: number, event: string]>([
    [
      "lies about the type",
      answerWith(text("<svg xmlns='http://www.w3.org/2000/svg'/>"), {
        "content-type": "image/jpeg",
        "content-length": "41",
      }),
      415,
      "source-unreadable",
    ],
    ["says no length", answerWith(streamOf(JPEG), {}), 415, "source-unreadable"],
    [
      "says a length that is none",
      answerWith(JPEG.slice(), { "content-length": "-5" }),
      415,
      "source-unreadable",
    ],
    [
      "has an object of 100 MB",
      () => answerWith(endless(), { "content-length": "100000000" })(),
      415,
      "source-unreadable",
    ],
    [
      "sends more than it said",
      () => answerWith(endless(), { "content-length": "200000" })(),
      502,
      "origin-failed",
    ],
    [
      "breaks off",
      () => answerWith(streamOf(JPEG, "break"), { "content-length": "50000" })(),
      502,
      "origin-failed",
    ],
    [
      "stalls before the first byte",
      () => answerWith(streamOf("stall"), { "content-length": "50000" })(),
      504,
      "timed-out",
    ],
    [
      "stalls midway",
      () => answerWith(streamOf(JPEG, "stall"), { "content-length": "50000" })(),
      504,
      "timed-out",
    ],
    [
      "encodes what it sends",
      answerWith(JPEG.slice(), {
        "content-length": `${JPEG.length}`,
        "content-encoding": "aws-chunked",
      }),
      415,
      "source-unreadable",
    ],
    [
      "sends a part of what is asked for whole",
      () => {
        const headers = { "content-range": `bytes 0-${JPEG.length - 1}/${JPEG.length}` };
        return new HttpResponse(JPEG.slice(), { status: 206, headers });
      },
      502,
      "origin-failed",
    ],
    ["is busy", () => new HttpResponse(null, { status: 429 }), 502, "origin-failed"],
    [
      "redirects",
      () =>
        new HttpResponse(null, { status: 302, headers: { location: "https://other.example/" } }),
      502,
      "origin-denied",
    ],
    ["cannot be reached", () => HttpResponse.error(), 502, "origin-failed"],
  ])("%s", async (_what, answer, status, event) => {
    if (status === 504) runFast();
    s3Sends(answer);
    const found = await ask(stage.edge.images);
    expect(found.slice(0, 2)).toEqual([status, event]);
    expect(reads).toBeLessThan(20);
  });
});

test.each<[what: string, fault: S3Fault, status: number, event: string]>([
  ["breaks off", "cut-short", 502, "origin-failed"],
  ["stalls", "stall", 504, "timed-out"],
  ["stalls midway", "stall-midway", 504, "timed-out"],
  ["closes the connection", "reset", 502, "origin-failed"],
])("the strict S3, where it %s", async (_what, fault, status, event) => {
  if (status === 504) runFast();
  const env = envOf("binding", { ANSWERS: { timeout: 1 } });
  stage.s3.faults.add(fault);
  expect((await get("/images/card/key.jpg", { headers: MODERN }, env)).status).toBe(status);
  expect(lines()).toMatchObject([{ event }]);
});

test.each<[what: string, fault: string, status: number, event: string]>([
  ["throws", "throws", 502, "origin-failed"],
  ["stalls", "stall", 504, "timed-out"],
  ["stalls midway", "stall-midway", 504, "timed-out"],
  ["breaks off", "cut-short", 502, "origin-failed"],
  ["says less", "says-less", 502, "origin-failed"],
  ["says more", "says-more", 502, "origin-failed"],
])("an R2 bucket that %s", async (_what, fault, status, event) => {
  if (status === 504) runFast();
  const env = envOf("R2", { ANSWERS: { timeout: 1 } });
  const bucket = env["MEDIA_BUCKET"] as { faults: Set<string> };
  bucket.faults.add(fault);
  expect((await get("/images/card/key.jpg", { headers: MODERN }, env)).status).toBe(status);
  expect(lines()).toMatchObject([{ event }]);
});

test.each<[key: string, status: number, event: string]>([
  ["nothing.png", 502, "origin-failed"],
  ["broken/page.jpg", 502, "origin-failed"],
])("an overlay %s that cannot be drawn is not left out", async (key, status, event) => {
  const PRESETS = { one: { width: 100, draw: [{ key }] } };
  const ROUTES = [{ path: "/images/:preset/*", object: "media/*" }];
  const answer = await get("/images/one/key.jpg", {}, envOf("binding", { PRESETS, ROUTES }));
  expect([answer.status, answer.headers.get("cache-control")]).toEqual([status, "no-store"]);
  expect(lines()).toMatchObject([{ event, reason: expect.stringContaining(`the overlay ${key}`) }]);
});

test("an expired session token is told as such, and the next slot takes over (A11)", async () => {
  let times = 0;
  network.use(
    http.get(`${BASE}published/key.jpg`, () => {
      times += 1;
      if (times > 1)
        return new HttpResponse(JPEG.slice(), { headers: { "content-length": `${JPEG.length}` } });
      return new HttpResponse("<Error><Code>ExpiredToken</Code></Error>", { status: 400 });
    }),
  );
  const next = {
    AWS_ACCESS_KEY_ID_NEXT: "AKIAI44QH8DHBNEXTKEY",
    AWS_SECRET_ACCESS_KEY_NEXT: "n".repeat(40),
  };
  const answer = await get("/images/card/key.jpg", {}, envOf("binding", next));
  expect(answer.status).toBe(200);
  expect(lines()).toMatchObject([
    { event: "slot-refused", slot: "current", origin: "ExpiredToken" },
    { event: "slot-in-use", slot: "next" },
  ]);
});

// One deadline for a whole request: however many requests to the edge and S3 it needs, a visitor waits `timeout` at most.

import { beforeEach, expect, test, vi } from "vitest";
import { type Fault, faultAnswer } from "../../src/emulator/edge/faults.ts";
import { stopTimers } from "../support/clock.ts";
import { IMPATIENT, NEXT, VARS } from "../support/env.ts";
import { get, logged, MODERN, stage } from "../support/run-worker.ts";

/** The answer of the edge, or of S3, to one request, and after how many ms. */
type Turn = { readonly after: number; readonly answer: () => Response };
const NEVER: Turn = { after: 1e9, answer: () => Response.error() };

const inMs = (after: number, answer: () => Response): Turn => ({ after, answer });
const fault = (after: number, name: Fault) => inMs(after, () => faultAnswer(name));
const renditionInit = (type: string, more: object = {}) => ({
  headers: { "cf-resized": "internal=ok/m", "content-type": type, ...more },
});
const image = (after: number, more: object = {}) =>
  inMs(after, () => new Response("a rendition", renditionInit("image/webp", more)));
const object = (after: number, beginning = "\xff\xd8\xff") =>
  inMs(after, () => new Response(Buffer.from(beginning, "latin1"), { status: 206 }));
const s3 = (after: number, code: string, status = 403) =>
  inMs(after, () => new Response(`<Error><Code>${code}</Code></Error>`, { status }));

const ROUTES = VARS.ROUTES.map((route) => ({ ...route, fallback: "media/photos/fig.jpg" }));
const PRESETS = { ...VARS.PRESETS, small: { width: 100, format: "webp" } };
/** New ones each time, so the Worker knows nothing of earlier tests. */
const ENVS = {
  one: () => ({ ...IMPATIENT, PRESETS }),
  two: () => ({ ...IMPATIENT, PRESETS, ...NEXT }),
  fallback: () => ({ ...IMPATIENT, PRESETS, ROUTES }),
};
const PICTURE = "/images/small/key.jpg";
const ANIMATION = "/images/moving/animated.gif";

const DENIED = { code: 9408, status: 403 };
const DEAD = "SignatureDoesNotMatch";

let calls: string[];
let finish: ReturnType<typeof stopTimers>;

beforeEach(() => {
  calls = [];
  finish = stopTimers();
  const wait = (ms: number) => new Promise<void>((settle) => setTimeout(settle, ms));
  vi.stubGlobal("scheduler", { wait });
});

/** Answers the Worker's requests in turn, all later ones with the last answer. */
function answerInTurn(turns: readonly Turn[]): void {
  vi.mocked(fetch).mockImplementation((url, init) => {
    const turn = turns[Math.min(calls.length, turns.length - 1)] ?? NEVER;
    calls.push(`${init?.cf ? "edge" : "S3"} ${`${url}`.replace(/^.*\/published\/|\?.*/g, "")}`);

    return new Promise((settle) => setTimeout(() => settle(turn.answer()), turn.after));
  });
}

type Row = readonly [
  what: string,
  /** In the order of the calls. */
  turns: readonly Turn[],
  times: number,
  status?: number,
  /** ms */
  took?: number,
  event?: string | null,
  env?: keyof typeof ENVS,
  path?: string,
];

/** When the cached entrypoint gives up, so that its reason reaches the visitor within the second: ms. */
const OVER = 900;

/** What the visitor gets then. */
const TIMED_OUT = [504, OVER, "timed-out"] as const;

const BUSY = s3(150, "SlowDown", 503);
const MISSING = s3(600, "NoSuchKey", 404);
const SMALLER = { warning: 'cf-images 299 "original is smaller"' };
const busyEdge = (after: number) => fault(after, { code: 9509, status: 502 });

const TWICE = [object(200), fault(200, DENIED)];
const LOST = "origin-failed";
const GONE = ["object-missing", "fallback"] as const;

/** Without more, the visitor gets a 504 when the time is over. */
const ROWS: readonly Row[] = [
  ["S3 never answers", [NEVER], 1],
  ["the edge never answers", [object(0), NEVER], 2],
  ["S3 is late, and the edge hangs", [object(800), NEVER], 2],
  ["S3 is busy, then hangs", [{ ...BUSY, after: 500 }, NEVER], 2],
  ["a slot is refused, the other hangs", [s3(400, DEAD), NEVER], 2, ...TIMED_OUT, "two"],
  ["two slots, slow", [s3(300, DEAD), object(300), image(400)], 3, ...TIMED_OUT, "two"],
  ["the edge is busy, then hangs", [object(100), busyEdge(400), NEVER], 3],
  ["a smaller original", [object(0), image(600, SMALLER), NEVER], 3],
  ["a contradiction", [...TWICE, NEVER], 3],
  ["all comes in time", [object(400, "GIF89a"), image(400)], 2, 200, 800, null, "one", ANIMATION],
  ["S3 is busy for long", [{ ...BUSY, after: 650 }], 1, 502, 650, LOST],
  ["S3 is busy in all calls", [BUSY], 3, 502, 750, "origin-failed", "fallback", ANIMATION],
  ["S3 refuses the key in time", [s3(800, DEAD)], 1, 502, 800, "slots-refused"],
  ["a pause has no time", [object(100), busyEdge(550), image(1)], 2, 502, 650, LOST],
  ["the edge contradicts S3 twice", [...TWICE, ...TWICE], 4, 502, 800, "edge-contradicts"],
  ["a missing object, and its fallback hangs", [MISSING, NEVER], 2, 404, OVER, ...GONE],
  ["a fallback is in time", [MISSING, object(100), image(100)], 3, 404, 800, ...GONE],
];

test.for(ROWS)("%s: the visitor has an answer in time", async ([, turns, times, ...row]) => {
  const [status = 504, took = OVER, event = "timed-out", env = "one", path = PICTURE] = row;
  answerInTurn(turns);
  const { value, took: ms } = await finish(get(path, { headers: MODERN }, ENVS[env]()));

  expect(value.status).toEqual(status);
  expect(ms).toEqual(took);
  expect(calls.length).toEqual(times);
  expect(logged().at(-1)?.line["event"] ?? null).toBe(event);

  stage.pendingWork = []; // the work after the answer may take longer
});

test("a fallback for which no time is left is not requested, and is logged as timed out", async () => {
  const body = () => new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array(9)) });
  const stalls = { status: 404 };
  answerInTurn([inMs(100, () => new Response(body(), stalls)), NEVER]);

  const { value: answer, took } = await finish(get(PICTURE, {}, ENVS.fallback()));
  expect(answer.status).toBe(404);
  expect(await answer.text()).toBe("Not found\n");
  expect(took).toEqual(OVER);
  expect(calls).toEqual(["S3 key.jpg"]);
  expect(logged()[0]?.line).toMatchObject({ event: "object-missing", fallback: "timed-out" });
});

test("a limiter that takes all the time leaves none for a request to the edge", async () => {
  answerInTurn([image(1)]);
  const env = { ...ENVS.one(), RATE_LIMITER: { limit: () => new Promise<never>(() => {}) } };
  const { value: answer, took } = await finish(get(PICTURE, {}, env));

  expect(answer.status).toBe(504);
  expect(took).toBe(1000);
  expect(calls).toEqual([]);
  expect(logged().map(({ line }) => line["event"])).toEqual(["limiter-failed", "timed-out"]);
});

test("a slot that was not tried for lack of time is not logged as working (A7)", async () => {
  const two = ENVS.two();

  // S3 refuses both keys.
  answerInTurn([s3(10, DEAD)]);
  await finish(get(PICTURE, {}, two));

  expect(logged().at(-1)?.line["event"]).toBe("slots-refused");

  await vi.advanceTimersByTimeAsync(10_000);
  calls = [];
  answerInTurn([s3(800, DEAD), NEVER]);

  const { value } = await finish(get(PICTURE, {}, two));
  expect(value.status).toBe(504);
  expect(logged().map(({ line }) => line["event"])).not.toContain("slot-in-use");
});

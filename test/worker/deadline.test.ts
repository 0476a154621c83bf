// One deadline for a whole request: however often the edge and S3 are asked, a visitor waits `timeout` at most.

import { beforeEach, expect, test, vi } from "vitest";
import { type Fault, faultAnswer } from "../../src/emulator/edge/faults.ts";
import { finish, watchWork } from "../support/clock.ts";
import { IMPATIENT, NEXT, VARS } from "../support/env.ts";
import { get, logged, MODERN, stage } from "../support/play.ts";

/** What the edge, or S3 where it is asked itself, answers to a call, and after how many ms. */
type Turn = { readonly after: number; readonly answer: () => Response };
const NEVER: Turn = { after: 1e9, answer: () => Response.error() };

const inMs = (after: number, answer: () => Response): Turn => ({ after, answer });
const fault = (after: number, name: Fault) => inMs(after, () => faultAnswer(name));
const made = (type: string, more: object = {}) => ({
  headers: { "cf-resized": "internal=ok/m", "content-type": type, ...more },
});
const image = (after: number, more: object = {}) =>
  inMs(after, () => new Response("a rendition", made("image/webp", more)));
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
const STILL = "/images/small/key.jpg";
const MOVING = "/images/moving/animated.gif";

const DENIED = { code: 9408, status: 403 };
const DEAD = "SignatureDoesNotMatch";

let calls: string[];
/** Lets the work that needs no timer run. */
let turn: () => Promise<void>;

beforeEach(() => {
  calls = [];
  turn = watchWork();
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  const wait = (ms: number) => new Promise<void>((settle) => setTimeout(settle, ms));
  vi.stubGlobal("scheduler", { wait });
  return () => vi.useRealTimers();
});

/** Answers the Worker's calls in turn. The last answer is given to all later ones. */
function play(turns: readonly Turn[]): void {
  vi.mocked(fetch).mockImplementation((url, init) => {
    const turn = turns[Math.min(calls.length, turns.length - 1)] ?? NEVER;
    calls.push(`${init?.cf ? "edge" : "S3"} ${`${url}`.replace(/^.*\/published\/|\?.*/g, "")}`);
    return new Promise((settle) => setTimeout(() => settle(turn.answer()), turn.after));
  });
}

type Row = [
  what: string,
  env: keyof typeof ENVS,
  path: string,
  /** In the order of the calls. */
  turns: Turn[],
  status: number,
  took: number,
  event: string | undefined,
  calls: number,
];

/** When the cached entrypoint gives up, so that its reason reaches the visitor within the second: ms. */
const OVER = 900;

const BUSY = "SlowDown";

const ROWS: Row[] = [
  ["S3 never answers", "one", STILL, [NEVER], 504, OVER, "timed-out", 1],
  ["the edge never answers", "one", STILL, [object(0), NEVER], 504, OVER, "timed-out", 2],
  ["S3 is late, and the edge hangs", "one", STILL, [object(800), NEVER], 504, OVER, "timed-out", 2],
  ["all comes in time", "one", MOVING, [object(400, "GIF89a"), image(400)], 200, 800, undefined, 3],
  ["S3 is busy, then hangs", "one", STILL, [s3(500, BUSY, 503), NEVER], 504, OVER, "timed-out", 2],
  ["S3 is busy for long", "one", STILL, [s3(650, BUSY, 503)], 502, 650, "origin-failed", 1],
  [
    "S3 is busy in all calls",
    "fallback",
    MOVING,
    [s3(150, BUSY, 503)],
    502,
    750,
    "origin-failed",
    3,
  ],
  ["S3 refuses the key in time", "one", STILL, [s3(800, DEAD)], 502, 800, "slots-refused", 1],
  [
    "S3 refuses the key, and the other slot's call hangs",
    "two",
    STILL,
    [s3(400, DEAD), NEVER],
    504,
    OVER,
    "timed-out",
    2,
  ],
  [
    "each step of two slots is slow",
    "two",
    STILL,
    [s3(300, DEAD), object(300), image(400)],
    504,
    OVER,
    "timed-out",
    3,
  ],
  [
    "a failure of the edge is over, and the second call hangs",
    "one",
    STILL,
    [object(100), fault(400, { code: 9509, status: 502 }), NEVER],
    504,
    OVER,
    "timed-out",
    3,
  ],
  [
    "a failure of the edge leaves no time for a pause",
    "one",
    STILL,
    [object(100), fault(550, { code: 9509, status: 502 }), image(1)],
    502,
    650,
    "origin-failed",
    2,
  ],
  [
    "a smaller original is asked after too late",
    "one",
    STILL,
    [object(0), image(600, { warning: 'cf-images 299 "original is smaller"' }), NEVER],
    504,
    OVER,
    "timed-out",
    3,
  ],
  [
    "the edge contradicts S3, which hangs then",
    "one",
    STILL,
    [object(200), fault(200, DENIED), NEVER],
    504,
    OVER,
    "timed-out",
    3,
  ],
  [
    "the edge contradicts S3 twice",
    "one",
    STILL,
    [object(200), fault(200, DENIED), object(200), fault(200, DENIED)],
    502,
    800,
    "edge-contradicts",
    4,
  ],
  [
    "a missing object, and its fallback hangs",
    "fallback",
    STILL,
    [s3(600, "NoSuchKey", 404), NEVER],
    404,
    OVER,
    "object-missing",
    2,
  ],
  [
    "a missing object, and its fallback is in time",
    "fallback",
    STILL,
    [s3(600, "NoSuchKey", 404), object(100), image(100)],
    404,
    800,
    "object-missing",
    4,
  ],
];

test.each(ROWS)(
  "%s (%s, %s): the visitor has an answer in time",
  async (_what, env, path, turns, status, took, event, times) => {
    play(turns);
    const found = await finish(get(path, { headers: MODERN }, ENVS[env]()), turn);
    expect([found.value.status, found.took, calls.length]).toEqual([status, took, times]);
    expect(logged().at(-1)?.line["event"]).toBe(event);
    stage.after = []; // what nobody waits for may take longer
  },
);

test("a fallback that there is no time for is not asked for, and the log says so", async () => {
  const body = () => new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array(9)) });
  const stalls = { status: 404 };
  play([inMs(100, () => new Response(body(), stalls)), NEVER]);
  const { value: answer, took } = await finish(get(STILL, {}, ENVS.fallback()), turn);
  expect([answer.status, await answer.text(), took]).toEqual([404, "Not found\n", OVER]);
  expect(calls).toEqual(["S3 key.jpg"]);
  expect(logged()[0]?.line).toMatchObject({ event: "object-missing", fallback: "timed-out" });
});

test("a limiter that takes all the time leaves none for the edge, which is not asked", async () => {
  play([image(1)]);
  const env = { ...ENVS.one(), RATE_LIMITER: { limit: () => new Promise<never>(() => {}) } };
  const { value: answer, took } = await finish(get(STILL, {}, env), turn);
  expect([answer.status, took, calls]).toEqual([504, 1000, []]);
  expect(logged().map(({ line }) => line["event"])).toEqual(["limiter-failed", "timed-out"]);
});

test("a slot that was not asked for lack of time is not taken for one that serves (A7)", async () => {
  const two = ENVS.two();
  // Both keys are dead, and S3 has said so of both.
  play([s3(10, DEAD)]);
  await finish(get(STILL, {}, two), turn);
  expect(logged().at(-1)?.line["event"]).toBe("slots-refused");
  await vi.advanceTimersByTimeAsync(10_000);
  calls = [];
  play([s3(800, DEAD), NEVER]);
  const { value } = await finish(get(STILL, {}, two), turn);
  expect(value.status).toBe(504);
  expect(logged().map(({ line }) => line["event"])).not.toContain("slot-in-use");
});

// One deadline for a whole request: however often the edge and S3 are asked, a visitor waits `timeout` at most.

import { beforeEach, expect, test, vi } from "vitest";
import { type Fault, faultAnswer } from "../../src/emulator/edge/faults.ts";
import { stopTimers } from "../support/clock.ts";
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
let finish: ReturnType<typeof stopTimers>;

beforeEach(() => {
  calls = [];
  finish = stopTimers();
  const wait = (ms: number) => new Promise<void>((settle) => setTimeout(settle, ms));
  vi.stubGlobal("scheduler", { wait });
});

/** Answers the Worker's calls in turn. The last answer is given to all later ones. */
function play(turns: readonly Turn[]): void {
  vi.mocked(fetch).mockImplementation((url, init) => {
    const turn = turns[Math.min(calls.length, turns.length - 1)] ?? NEVER;
    calls.push(`${init?.cf ? "edge" : "S3"} ${`${url}`.replace(/^.*\/published\/|\?.*/g, "")}`);
    return new Promise((settle) => setTimeout(() => settle(turn.answer()), turn.after));
  });
}

type Row = {
  readonly what: string;
  readonly env?: keyof typeof ENVS;
  readonly path?: string;
  /** In the order of the calls. */
  readonly turns: readonly Turn[];
  readonly status?: number;
  /** ms */
  readonly took?: number;
  readonly event?: string;
  readonly times: number;
};

/** When the cached entrypoint gives up, so that its reason reaches the visitor within the second: ms. */
const OVER = 900;

const BUSY = s3(150, "SlowDown", 503);
const MISSING = s3(600, "NoSuchKey", 404);
const SMALLER = { warning: 'cf-images 299 "original is smaller"' };
const busyEdge = (after: number) => fault(after, { code: 9509, status: 502 });

/** Without more, the visitor gets a 504 when the time is over. */
const ROWS: Row[] = [
  { what: "S3 never answers", turns: [NEVER], times: 1 },
  { what: "the edge never answers", turns: [object(0), NEVER], times: 2 },
  { what: "S3 is late, and the edge hangs", turns: [object(800), NEVER], times: 2 },
  { what: "S3 is busy, then hangs", turns: [{ ...BUSY, after: 500 }, NEVER], times: 2 },
  {
    what: "a slot is refused, the other hangs",
    env: "two",
    turns: [s3(400, DEAD), NEVER],
    times: 2,
  },
  {
    what: "two slots, slow",
    env: "two",
    turns: [s3(300, DEAD), object(300), image(400)],
    times: 3,
  },
  { what: "the edge is busy, then hangs", turns: [object(100), busyEdge(400), NEVER], times: 3 },
  { what: "a smaller original", turns: [object(0), image(600, SMALLER), NEVER], times: 3 },
  { what: "a contradiction", turns: [object(200), fault(200, DENIED), NEVER], times: 3 },
];

const IN_TIME: Row[] = [
  {
    what: "all comes in time",
    path: MOVING,
    turns: [object(400, "GIF89a"), image(400)],
    ...{ status: 200, took: 800, times: 3 },
  },
  {
    what: "S3 is busy for long",
    turns: [{ ...BUSY, after: 650 }],
    ...{ status: 502, took: 650, event: "origin-failed", times: 1 },
  },
  {
    what: "S3 is busy in all calls",
    ...{ env: "fallback", path: MOVING, turns: [BUSY] },
    ...{ status: 502, took: 750, event: "origin-failed", times: 3 },
  },
  {
    what: "S3 refuses the key in time",
    turns: [s3(800, DEAD)],
    ...{ status: 502, took: 800, event: "slots-refused", times: 1 },
  },
  {
    what: "a failure of the edge leaves no time for a pause",
    turns: [object(100), busyEdge(550), image(1)],
    ...{ status: 502, took: 650, event: "origin-failed", times: 2 },
  },
  {
    what: "the edge contradicts S3 twice",
    turns: [object(200), fault(200, DENIED), object(200), fault(200, DENIED)],
    ...{ status: 502, took: 800, event: "edge-contradicts", times: 4 },
  },
  {
    what: "a missing object, and its fallback hangs",
    ...{ env: "fallback", turns: [MISSING, NEVER] },
    ...{ status: 404, took: OVER, event: "object-missing", times: 2 },
  },
  {
    what: "a missing object, and its fallback is in time",
    ...{ env: "fallback", turns: [MISSING, object(100), image(100)] },
    ...{ status: 404, took: 800, event: "object-missing", times: 4 },
  },
];

test.each([
  ...ROWS.map((row) => ({ ...row, status: 504, took: OVER, event: "timed-out" })),
  ...IN_TIME,
])("$what: the visitor has an answer in time", async (row) => {
  const { env = "one", path = STILL, turns, status, took, event, times } = row;
  play(turns);
  const found = await finish(get(path, { headers: MODERN }, ENVS[env]()));
  expect([found.value.status, found.took, calls.length]).toEqual([status, took, times]);
  expect(logged().at(-1)?.line["event"]).toBe(event);
  stage.after = []; // what nobody waits for may take longer
});

test("a fallback that there is no time for is not asked for, and the log says so", async () => {
  const body = () => new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array(9)) });
  const stalls = { status: 404 };
  play([inMs(100, () => new Response(body(), stalls)), NEVER]);
  const { value: answer, took } = await finish(get(STILL, {}, ENVS.fallback()));
  expect([answer.status, await answer.text(), took]).toEqual([404, "Not found\n", OVER]);
  expect(calls).toEqual(["S3 key.jpg"]);
  expect(logged()[0]?.line).toMatchObject({ event: "object-missing", fallback: "timed-out" });
});

test("a limiter that takes all the time leaves none for the edge, which is not asked", async () => {
  play([image(1)]);
  const env = { ...ENVS.one(), RATE_LIMITER: { limit: () => new Promise<never>(() => {}) } };
  const { value: answer, took } = await finish(get(STILL, {}, env));
  expect([answer.status, took, calls]).toEqual([504, 1000, []]);
  expect(logged().map(({ line }) => line["event"])).toEqual(["limiter-failed", "timed-out"]);
});

test("a slot that was not asked for lack of time is not taken for one that serves (A7)", async () => {
  const two = ENVS.two();
  // Both keys are dead, and S3 has said so of both.
  play([s3(10, DEAD)]);
  await finish(get(STILL, {}, two));
  expect(logged().at(-1)?.line["event"]).toBe("slots-refused");
  await vi.advanceTimersByTimeAsync(10_000);
  calls = [];
  play([s3(800, DEAD), NEVER]);
  const { value } = await finish(get(STILL, {}, two));
  expect(value.status).toBe(504);
  expect(logged().map(({ line }) => line["event"])).not.toContain("slot-in-use");
});

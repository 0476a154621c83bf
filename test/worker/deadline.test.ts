// One deadline for a whole request: however often the edge and S3 are asked, a visitor waits `timeout` at most.

import { beforeEach, expect, test, vi } from "vitest";
import { type Fault, faultAnswer } from "../../src/emulator/edge/faults.ts";
import { watchWork } from "../support/clock.ts";
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
const facts = (after: number) =>
  inMs(after, () => Response.json({ original: { format: "image/gif" } }, made("application/json")));
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

const DENIED = "9408/403";
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
    const way =
      init?.cf === undefined ? "S3" : Object(init.cf.image).format === "json" ? "facts" : "edge";
    calls.push(`${way} ${`${url}`.replace(/^.*\/published\//, "")}`);
    return new Promise((settle) => setTimeout(() => settle(turn.answer()), turn.after));
  });
}

/** Lets the time pass until a visitor has the answer. @returns the answer, and how long it took */
async function answerTo(asked: Promise<Response>) {
  const began = Date.now();
  const settled = vi.fn();
  asked.finally(settled);
  await turn();
  while (settled.mock.calls.length === 0) {
    await vi.advanceTimersToNextTimerAsync();
    await turn();
  }
  return { answer: await asked, took: Date.now() - began };
}

type Row = [
  what: string,
  env: keyof typeof ENVS,
  path: string,
  turns: Turn[],
  status: number,
  took: number,
  event: string | undefined,
  calls: number,
];

/** When the cached entrypoint gives up, so that its reason reaches the visitor within the second: ms. */
const OVER = 900;

const ROWS: Row[] = [
  ["the edge never answers", "one", STILL, [NEVER], 504, OVER, "timed-out", 1],
  ["the facts never come", "one", MOVING, [NEVER], 504, OVER, "timed-out", 1],
  ["the facts come late", "one", MOVING, [facts(800), NEVER], 504, OVER, "timed-out", 2],
  ["all comes in time", "one", MOVING, [facts(400), image(400)], 200, 800, undefined, 2],
  [
    "a failure is over, and the second call hangs",
    "one",
    STILL,
    [fault(500, "9509/502"), NEVER],
    504,
    OVER,
    "timed-out",
    2,
  ],
  [
    "a failure leaves no time for a pause",
    "one",
    STILL,
    [fault(750, "9509/502"), image(1)],
    502,
    750,
    "origin-failed",
    1,
  ],
  [
    "a smaller original is asked after too late",
    "one",
    STILL,
    [image(600, { warning: 'cf-images 299 "original is smaller"' }), NEVER],
    504,
    OVER,
    "timed-out",
    2,
  ],
  [
    "S3 does not say in time why it denied",
    "one",
    STILL,
    [fault(600, DENIED), s3(600, DEAD)],
    504,
    OVER,
    "timed-out",
    2,
  ],
  [
    "S3 refuses the key in time",
    "one",
    STILL,
    [fault(500, DENIED), s3(300, DEAD)],
    502,
    800,
    "slots-refused",
    2,
  ],
  [
    "S3 refuses the key, and the other slot's call hangs",
    "two",
    STILL,
    [fault(400, DENIED), s3(400, DEAD), NEVER],
    504,
    OVER,
    "timed-out",
    3,
  ],
  [
    "each step of two slots is slow",
    "two",
    MOVING,
    [facts(250), fault(250, DENIED), s3(250, DEAD), facts(250), image(250)],
    504,
    OVER,
    "timed-out",
    4,
  ],
  [
    "S3 gives what the edge is denied, and the call after that hangs",
    "one",
    STILL,
    [fault(400, DENIED), inMs(400, () => new Response("x", { status: 206 })), NEVER],
    504,
    OVER,
    "timed-out",
    3,
  ],
  [
    "a missing object, and its fallback hangs",
    "fallback",
    STILL,
    [fault(600, "9404/404"), NEVER],
    404,
    OVER,
    "object-missing",
    2,
  ],
  [
    "a missing object, and its fallback is in time",
    "fallback",
    STILL,
    [fault(600, "9404/404"), image(200)],
    404,
    800,
    "object-missing",
    2,
  ],
  [
    "a missing animation whose facts are slow, and its fallback hangs",
    "fallback",
    MOVING,
    [fault(250, "9404/404"), fault(250, "9404/404"), facts(250), NEVER],
    404,
    OVER,
    "object-missing",
    4,
  ],
  [
    "a failure in all calls",
    "fallback",
    MOVING,
    [fault(150, "9509/502")],
    502,
    750,
    "origin-failed",
    3,
  ],
];

test.each(ROWS)(
  "%s (%s, %s): the visitor has an answer in time",
  async (_what, env, path, turns, status, took, event, times) => {
    play(turns);
    const found = await answerTo(get(path, { headers: MODERN }, ENVS[env]()));
    expect([found.answer.status, found.took, calls.length]).toEqual([status, took, times]);
    expect(logged().at(-1)?.line["event"]).toBe(event);
    stage.after = []; // what nobody waits for may take longer
  },
);

test("a fallback that there is no time for is not asked for, and the log says so", async () => {
  const body = () => new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array(9)) });
  const stalls = { status: 404, headers: { "cf-resized": "err=9404" } };
  play([inMs(100, () => new Response(body(), stalls)), NEVER]);
  const { answer, took } = await answerTo(get(STILL, {}, ENVS.fallback()));
  expect([answer.status, await answer.text(), took]).toEqual([404, "Not found\n", OVER]);
  expect(calls).toEqual(["edge key.jpg"]);
  expect(logged()[0]?.line).toMatchObject({ event: "object-missing", fallback: "timed-out" });
});

test("a limiter that takes all the time leaves none for the edge, which is not asked", async () => {
  play([image(1)]);
  const env = { ...ENVS.one(), RATE_LIMITER: { limit: () => new Promise<never>(() => {}) } };
  const { answer, took } = await answerTo(get(STILL, {}, env));
  expect([answer.status, took, calls]).toEqual([504, 1000, []]);
  expect(logged().map(({ line }) => line["event"])).toEqual(["limiter-failed", "timed-out"]);
});

test("a limiter that hangs has the time that a slow Secrets Store left (S1)", async () => {
  const later = (value: string) =>
    new Promise<string>((settle) => setTimeout(() => settle(value), 700));
  const one = ENVS.one();
  const stored = { get: () => later(one.AWS_ACCESS_KEY_ID) };
  const limiter = { limit: () => new Promise<never>(() => {}) };
  const env = { ...one, AWS_ACCESS_KEY_ID: stored, RATE_LIMITER: limiter };
  play([image(1)]);
  const { answer, took } = await answerTo(get(STILL, {}, env));
  expect([answer.status, took, calls]).toEqual([504, 1000, []]);
});

test("who waits for the probe of another visitor waits no longer than their own time (A7)", async () => {
  const one = ENVS.one();
  play([fault(100, DENIED), NEVER, fault(100, DENIED)]);
  const sent = async (times: number) => {
    while (calls.length < times) await turn();
  };
  const first = get(STILL, {}, one);
  await sent(1);
  await vi.advanceTimersByTimeAsync(500);
  await sent(2);
  const second = get("/images/small/photos/fig.jpg", {}, one);
  await sent(3);
  expect(await answerTo(second)).toMatchObject({ took: OVER, answer: { status: 504 } });
  expect((await first).status).toBe(504);
  expect(calls).toEqual(["edge key.jpg", "S3 key.jpg", "edge photos/fig.jpg"]);
  stage.after = [];
});

test("a probe whose request has died holds others up for five seconds, not for all their time (A6)", async () => {
  const patient = { ...ENVS.one(), ANSWERS: { timeout: 15 } };
  play([fault(10, DENIED), NEVER, fault(10, DENIED), s3(10, "AccessDenied")]);
  get(STILL, {}, patient);
  while (calls.length < 1) await turn();
  await vi.advanceTimersByTimeAsync(10);
  while (calls.length < 2) await turn();
  vi.clearAllTimers();
  stage.after = [];
  const other = await answerTo(get("/images/small/photos/fig.jpg", {}, patient));
  expect([other.answer.status, other.took]).toEqual([404, 5_020]);
  expect(calls.slice(2)).toEqual(["edge photos/fig.jpg", "S3 photos/fig.jpg"]);
});

test("what S3 says after the visitor has gone is known to the next one (A7)", async () => {
  const two = ENVS.two();
  play([fault(600, DENIED), s3(600, DEAD), image(100)]);
  const { answer } = await answerTo(get(STILL, {}, two));
  expect(answer.status).toBe(504);
  await vi.advanceTimersByTimeAsync(1000);
  await Promise.all(stage.after);
  const next = await answerTo(get(STILL, {}, two));
  expect([next.answer.status, next.took]).toEqual([200, 100]);
  expect(logged().map(({ line }) => line["event"])).toContain("slot-refused");
});

test("a slot that was not asked for lack of time is not taken for one that serves (A7)", async () => {
  const two = ENVS.two();
  // Both keys are dead, and S3 has said so of both.
  play([fault(10, DENIED), s3(10, DEAD), fault(10, DENIED), s3(10, DEAD), fault(10, DENIED)]);
  await answerTo(get(STILL, {}, two));
  expect(logged().at(-1)?.line["event"]).toBe("slots-refused");
  await vi.advanceTimersByTimeAsync(10_000);
  calls = [];
  play([fault(800, DENIED), s3(90, DEAD), NEVER]);
  const { answer } = await answerTo(get(STILL, {}, two));
  expect(answer.status).toBe(504);
  expect(logged().map(({ line }) => line["event"])).not.toContain("slot-in-use");
});

// How often an origin is asked for one visitor while it fails, and when.

import sharp from "sharp";
import { expect, test } from "vitest";
import type { Fault } from "../../../src/emulator/edge/faults.ts";
import { BASE, ENV, NEXT, NEXT_CREDENTIALS, VARS } from "../../support/env.ts";
import { get, MODERN, stage } from "../../support/play.ts";

type Trouble = Fault | undefined;

const ROUTES = VARS.ROUTES.map((route) => ({ ...route, fallback: "media/photos/fig.jpg" }));
const SHOWN = "photos/fig.jpg";

const STILL = "/images/card/key.jpg";
const MOVING = "/images/moving/animated.gif";
const BOTH = { ...ENV, ...NEXT };

/** Lets the edge answer its calls with these failures in turn, and with the last one from then on. */
function fail(...troubles: readonly Trouble[]): void {
  stage.before = (times) => {
    stage.edge.switches.trouble = troubles[Math.min(times, troubles.length - 1)];
  };
}

/** Returns the calls of the edge: `key.jpg`, or `key.jpg?` for its facts. */
const calls = () =>
  stage.asked.map(({ request: { url }, image }) => {
    return url.slice(`${BASE}published/`.length) + (image.format === "json" ? "?" : "");
  });

type Case = [what: string, path: string, env: object, calls: string[], pauses: number];

const CASES: Case[] = [
  ["a still", STILL, ENV, ["key.jpg", "key.jpg"], 1],
  ["a still, with two slots", STILL, BOTH, ["key.jpg", "key.jpg"], 1],
  ["an animation", MOVING, ENV, ["animated.gif?", "animated.gif"], 1],
  ["an animation, with two slots", MOVING, BOTH, ["animated.gif?", "animated.gif"], 1],
  ["a still with a fallback", STILL, { ...ENV, ROUTES }, ["key.jpg", "key.jpg", SHOWN, SHOWN], 2],
  [
    "an animation with two slots and a fallback",
    MOVING,
    { ...BOTH, ROUTES },
    ["animated.gif?", "animated.gif", `${SHOWN}?`, SHOWN],
    2,
  ],
];

const TROUBLES = ["9505/502", "9509/502", "9510/523", "9522/503", "9527/503", "9528/502"] as const;

test.each(TROUBLES.flatMap((trouble) => CASES.map((row) => [trouble, ...row] as const)))(
  "%s: %s is asked for twice at most, with a pause, and without a second question (A9, R3)",
  async (trouble, _what, path, env, expected, pauses) => {
    fail(trouble);
    const answer = await get(path, { headers: MODERN }, env);
    expect(answer.status).toBe(502);
    expect(calls()).toEqual(expected);
    expect(stage.pauses).toEqual(Array(pauses).fill(300));
    expect(stage.probes).toEqual([]);
  },
);

test.each(CASES)(
  "a 503 of S3: %s is asked for twice at most (A9)",
  async (_what, path, env, expected) => {
    stage.s3.faults.add("SlowDown");
    await get(path, { headers: MODERN }, env);
    expect(calls()).toEqual(expected);
    expect(stage.s3.requests).toHaveLength(expected.length);
  },
);

test.each(CASES)("a lost connection: %s is asked for twice at most", async (_what, path, env) => {
  stage.edge.fetch = async () => {
    throw new TypeError("network connection lost");
  };
  expect((await get(path, { headers: MODERN }, env)).status).toBe(502);
  for (const key of ["key.jpg", "animated.gif", SHOWN]) {
    expect(calls().filter((call) => call.startsWith(key)).length).toBeLessThanOrEqual(2);
  }
});

const DENIED = "9408/403";
const BUSY = "9509/502";

test.each<[string, string, Trouble[], string[]]>([
  ["after a denial", STILL, [DENIED, BUSY], ["key.jpg", "key.jpg", "key.jpg"]],
  [
    "then it denies, and fails again",
    STILL,
    [BUSY, DENIED, BUSY],
    ["key.jpg", "key.jpg", "key.jpg"],
  ],
  [
    "an animation, then it denies, and fails again",
    MOVING,
    [BUSY, DENIED, BUSY],
    ["animated.gif?", "animated.gif", "animated.gif"],
  ],
])(
  "an origin that fails, %s: at most two failures (A7, A9)",
  async (_what, path, troubles, expected) => {
    const answered: Trouble[] = [];
    fail(...troubles);
    const { before } = stage;
    stage.before = (times) => {
      before(times);
      answered.push(stage.edge.switches.trouble);
    };
    stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
    expect((await get(path, { headers: MODERN }, BOTH)).status).toBe(502);
    expect(answered.filter((trouble) => trouble === BUSY)).toHaveLength(2);
    expect(calls()).toEqual(expected);
  },
);

test.each<[string, string, Trouble[], string]>([
  ["a still", STILL, [BUSY, undefined], "image/avif"],
  ["a still in place of an animation", MOVING, [BUSY, undefined], "image/webp"],
])(
  "a failure that is over after the pause is not seen: %s is shown (A9)",
  async (_what, path, troubles, type) => {
    fail(...troubles);
    const answer = await get(path, { headers: MODERN });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, type]);
    expect([stage.asked.length, stage.pauses]).toEqual([2, [300]]);
    expect(stage.logged).toEqual([]);
  },
);

test("a smaller original is not asked after once its origin has failed (R6, A9)", async () => {
  const square = { create: { width: 90, height: 90, channels: 3, background: "red" } } as const;
  const body = new Uint8Array(await sharp(square).jpeg({ quality: 5 }).toBuffer());
  stage.s3.objects.set("published/key.jpg", { body, type: "image/jpeg" });
  fail(BUSY, undefined);
  const answer = await get("/images/tall/key.jpg", { headers: { accept: "*/*" } });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "image/png"]);
  expect(calls()).toEqual(["key.jpg", "key.jpg", "key.jpg"]);
});

test("a failure that lasts is not asked about again (R3)", async () => {
  fail("9516/500");
  expect((await get(STILL)).status).toBe(502);
  expect([stage.asked.length, stage.pauses]).toEqual([1, []]);
});

// A flood of refused requests, or of failures behind the cache: a few lines of each event in a minute, then their number.

import { http } from "msw";
import { expect, test } from "vitest";
import { type Refusal, UPSTREAM_EVENTS } from "../../../src/worker/http/refusal.ts";
import { shouldLog } from "../../../src/worker/log/flood.ts";
import { refusalAnswer } from "../../../src/worker/response/answer.ts";
import { readPage } from "../../docs/pages.ts";
import { network } from "../../support/emulators.ts";
import { ENV, PURGE_TOKEN } from "../../support/env.ts";
import { s3Error } from "../../support/network.ts";
import { failures, get, lines, logged, stage, stopDates, wait } from "../../support/run-worker.ts";

const BEGAN = Date.UTC(2026, 10, 24, 9);

stopDates(BEGAN);

/** Sends requests with different paths. @returns their statuses */
async function flood(times: number, path: string, init: RequestInit = {}, env?: object) {
  const statuses = new Set<number>();
  for (let at = 0; at < times; at++) statuses.add((await get(path + at, init, env)).status);
  return [...statuses];
}

/** How often the log has each event. */
function counts(): Record<string, number> {
  const times: Record<string, number> = {};
  for (const { event } of lines()) times[`${event}`] = (times[`${event}`] ?? 0) + 1;
  return times;
}

/** The limiter lets nobody pass on the route of avatars. */
const LIMITED = {
  ...ENV,
  PURGE_TOKEN,
  RATE_LIMITER: {
    limit: async ({ key }: { key: string }) => ({ success: !key.includes("avatars") }),
  },
};

const VIA = { via: "1.1 image-resizing-proxy", authorization: "AWS4-HMAC-SHA256 Credential=" };

type Free = [event: string, status: number, path: string, init?: RequestInit];

const FREE: Free[] = [
  ["no-such-route", 404, "/favicon-"],
  ["no-such-variant", 404, "/images/huge/"],
  ["impossible-key", 404, "/images/card//"],
  ["signature-wrong", 404, "/private/card/"],
  ["method-not-allowed", 405, "/images/card/", { method: "POST" }],
  ["foreign-page", 403, "/app/card/", { headers: { origin: "https://other.example" } }],
  ["loop-detected", 508, "/images/card/", { headers: VIA }],
  ["health-denied", 401, "/healthz?", { headers: { authorization: "Bearer guess" } }],
  ["purge-denied", 401, "/purge?", { method: "POST", headers: { authorization: "Bearer guess" } }],
  ["rate-limited", 429, "/avatars/ada/card?"],
];

/** Crawlers request these again and again. The last two come from Workers Cache. */
const CRAWLED: Free[] = [
  ["object-missing", 404, "/images/card/nothing-"],
  ["object-denied", 404, "/images/card/nothing-"],
  ["object-missing", 404, "/images/card/nothing?"],
  ["source-unreadable", 415, "/images/card/broken/page.jpg?"],
];

/** Visits to one odd object. */
const ODD: Free[] = [
  ["edge-failed", 502, "/images/card/key.jpg?"], // the edge cannot read it
  ["origin-denied", 502, "/images/card/key.jpg?"], // S3 has an odd answer for its key
];

/** What makes a request fail with the event, where its URL alone does not. */
const BEGIN: Readonly<Record<string, () => void>> = {
  "object-denied": () => void stage.s3.faults.add("no-list-bucket"),
  "edge-failed": () => void Object.assign(stage.edge.switches, { failure: UNREADABLE }),
  "origin-denied": () => network.use(http.get(/amazonaws/, () => s3Error("Weird", 400))),
};
const UNREADABLE = { code: 9516, status: 500 };

test.each([...FREE, ...CRAWLED, ...ODD])(
  "a flood of %s, with %d for %s, is ten lines and their number",
  async (event, status, path, init) => {
    BEGIN[event]?.();
    const env = { ...LIMITED };
    expect(await flood(200, path, init, env)).toEqual([status]);
    expect(counts()).toEqual({ [event]: 10 });

    wait(59);
    expect(await flood(1, path, init, env)).toEqual([status]);
    expect(lines()).toHaveLength(10);

    wait(1);
    expect(await flood(20, path, init, env)).toEqual([status]);

    const since = new Date(BEGAN).toISOString();
    const line = { event: "lines-left-out", of: event, times: 191, since };
    expect(logged()[10]).toEqual({ level: "warn", line });
    expect(counts()).toEqual({ [event]: 20, "lines-left-out": 1 });
  },
);

test("a flood of one event hides no line of another one", async () => {
  const env = { ...LIMITED };
  for (const [, , path, init] of FREE) await flood(30, path, init, env);
  expect(counts()).toEqual(Object.fromEntries(FREE.map(([event]) => [event, 10])));

  wait(60);
  await get("/nothing", {}, env);
  const leftOut = lines().slice(FREE.length * 10, -1);
  const counted = leftOut.map((line) => [line["of"], line["times"]]);

  expect(counted).toEqual(FREE.map(([event]) => [event, 20]));
});

test("ten lines in a minute leave nothing out", async () => {
  for (const _minute of [1, 2, 3]) {
    await flood(10, "/favicon-");
    wait(60);
  }
  expect(counts()).toEqual({ "no-such-route": 30 });
});

test("after a clock is set back, lines are still logged", async () => {
  await flood(15, "/favicon-");
  wait(-3600);
  await flood(1, "/favicon-");
  expect(counts()).toEqual({ "no-such-route": 11, "lines-left-out": 1 });
});

const PAGE = readPage("docs/errors.md");
const [, NAMED = ""] = /each event below 500, (.*?) has at most/.exec(PAGE) ?? [];

test.each([...UPSTREAM_EVENTS, "configuration-broken", "slots-refused"] as const)(
  "%s has ten lines in a minute if docs/errors.md says so, else all: it may need an operator",
  (event) => {
    const { status } = refusalAnswer({ event } as Refusal, {}, BEGAN);
    const isBounded = status < 500 || NAMED.includes(`\`${event}\``);
    const env = {};
    const logged = Array.from({ length: 15 }, () => shouldLog(env, event, status, BEGAN));
    expect(logged.filter(Boolean)).toHaveLength(isBounded ? 10 : 15);
  },
);

test("a failure behind the cache is one line a minute for its bucket, which counts those since the line before", async () => {
  stage.s3.faults.add("SlowDown");
  for (let second = 0; second < 180; second++) {
    expect((await get(`/images/card/${second}.jpg`)).status).toBe(502);
    wait(1);
  }

  const line = { event: "rendition-failed", bucket: "media", failure: "origin-failed" };
  const reply = { origin: "SlowDown", status: 503 };
  expect(failures()).toMatchObject([
    { ...line, ...reply, key: "published/0.jpg", times: 1 },
    { ...line, ...reply, key: "published/60.jpg", times: 60 },
    { ...line, ...reply, key: "published/120.jpg", times: 60 },
  ]);
});

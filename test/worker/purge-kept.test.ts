// What visitors see after a purge: the whole Worker behind the strict cache, in 30 places.

import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createCloudflare, ZONE_ID } from "../support/cli/cloudflare.ts";
import { CLOUDFLARE_API_TOKEN, ENV, PURGE_TOKEN } from "../support/env.ts";
import { bridgeEvent, envelope, notification, snsHeaders } from "../support/events.ts";
import { get, lines, stage, wait } from "../support/play.ts";
import { file, network } from "../support/stand.ts";

const WEEK = { ...ENV.ANSWERS, keep: 604_800 };
const FULL = { ...ENV, ANSWERS: WEEK, PURGE_TOKEN, CLOUDFLARE_API_TOKEN, ZONE_ID };
const PLACES = Array.from({ length: 30 }, (_, at) => `place-${at}`);
const OLD = "made/key.jpg";
const NEW = "made/rotated-gps.jpg";

let env: object = FULL;
/** Called when the edge is to be purged, and not yet is. */
let between = async () => {};

beforeEach(() => {
  env = { ...FULL };
  between = async () => {};
  const cloudflare = createCloudflare(async ({ files }) => {
    await between();
    for (const url of files) stage.edge.purge(url);
    return Response.json({ success: true });
  });
  network.use(...cloudflare.handlers);
});

const put = (key: string, name: string) =>
  stage.s3.objects.set(`published/${key}`, { body: file(name), type: "image/jpeg" });

async function show(key: string, place: string): Promise<string | null> {
  const path = key.split("/").map(encodeURIComponent).join("/");
  const answer = await get(`/images/card/${path}`, {}, env, place);
  expect([key, answer.status]).toEqual([key, 200]);
  return answer.headers.get("etag");
}

/** What the next visitor sees in each place: all the same. */
async function showEverywhere(key: string): Promise<string | null> {
  const tags = new Set<string | null>();
  for (const place of PLACES) tags.add(await show(key, place));
  expect([...tags]).toHaveLength(1);
  return [...tags][0] ?? null;
}

async function purge(body: object, others: Record<string, string> = {}) {
  const headers = { authorization: `Bearer ${PURGE_TOKEN}`, ...others };
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  const answer = await get("/purge", init, env);
  const report: {
    purged: string[];
    not_purged: { object: string; reason: string }[];
    edge: string;
  } = JSON.parse(await answer.text());
  return { status: answer.status, wait: answer.headers.get("retry-after"), report };
}

/** The event of an object that changes now. EventBridge's times have no fraction of a second. */
const changed = (key: string, type?: string) => ({
  ...bridgeEvent("acme-media", `published/${key}`, type),
  time: `${new Date().toISOString().slice(0, 19)}Z`,
});

const KEY = "keys/who? #1 100% a+b/日本.jpg";
const FORM = encodeURIComponent(`published/${KEY}`).replaceAll("%2F", "/").replaceAll("%20", "+");

const NO_SNS = {};
test.each<[string, object, Record<string, string>]>([
  ["an event of EventBridge", bridgeEvent("acme-media", `published/${KEY}`), NO_SNS],
  ["a notification of S3", notification("acme-media", FORM), NO_SNS],
  ["an event by SNS", envelope(bridgeEvent("acme-media", `published/${KEY}`)), snsHeaders()],
  ["a notification by SNS", envelope(notification("acme-media", FORM)), snsHeaders()],
  ["its name", { objects: [`media/${KEY}`] }, NO_SNS],
])(
  "after %s, the next visitor of 30 places sees the new object (W10, C3)",
  async (_what, body, headers) => {
    put(KEY, OLD);
    put("other.jpg", OLD);
    const old = await showEverywhere(KEY);
    await showEverywhere("other.jpg");
    put(KEY, NEW);
    expect(await showEverywhere(KEY)).toBe(old); // it is kept
    expect(await purge(body, headers)).toMatchObject({
      status: 200,
      report: { purged: [`media/${KEY}`] },
    });
    expect(await showEverywhere(KEY)).not.toBe(old);
    const runs = stage.cache.runs.length;
    await showEverywhere("other.jpg");
    expect(stage.cache.runs).toHaveLength(runs); // others are still kept
  },
);

test("an event purges the facts of an object, too (W10, C3)", async () => {
  const ROUTES = [{ path: "/facts/:preset/*", object: "media/*", facts: true }];
  env = { ...FULL, ROUTES };
  const told = async () => {
    const sizes = new Set<unknown>();
    for (const place of PLACES.slice(0, 3)) {
      const answer = await get("/facts/tall/a.jpg?facts", {}, env, place);
      expect(answer.status).toBe(200);
      sizes.add(JSON.stringify(Object(await answer.json()).original));
    }
    return [...sizes];
  };
  put("a.jpg", "made/transparent.png");
  const old = await told();
  put("a.jpg", NEW);
  expect(await told()).toEqual(old); // they are kept
  expect(await purge(bridgeEvent("acme-media", "published/a.jpg"))).toMatchObject({ status: 200 });
  expect(await told()).toEqual(['{"width":300,"height":400,"type":"image/jpeg"}']);
});

test("an event that is sent again needs no call, if its object was purged since (W10)", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 24, 9) });
  onTestFinished(() => void vi.useRealTimers());
  const calls = vi.fn();
  between = async () => calls();
  const event = changed(KEY);
  const times = async () => {
    expect(await purge(event)).toMatchObject({ status: 200, report: { purged: [`media/${KEY}`] } });
    return calls.mock.calls.length;
  };
  expect(await times()).toBe(1);
  expect(await times()).toBe(2); // clocks differ by seconds
  wait(10);
  expect(await times()).toBe(3);
  expect(await times()).toBe(3);
  expect((await purge(changed(KEY))).status).toBe(200); // another change
  expect(calls).toHaveBeenCalledTimes(4);
});

test("a deleted object is 404 for the next visitor, and a new one is shown (W10)", async () => {
  put(KEY, OLD);
  await showEverywhere(KEY);
  stage.s3.objects.delete(`published/${KEY}`);
  await purge(changed(KEY, "Object Deleted"));
  const path = `/images/card/${KEY.split("/").map(encodeURIComponent).join("/")}`;
  expect((await get(path, {}, env, "here")).status).toBe(404);
  put(KEY, NEW);
  await purge(changed(KEY));
  await showEverywhere(KEY);
});

test("what a visitor asks for between the two caches is not kept: the edge goes first (C3)", async () => {
  put(KEY, OLD);
  const old = await showEverywhere(KEY);
  put(KEY, NEW);
  const seen: (string | null)[] = [];
  between = async () => {
    seen.push(await show(KEY, "place-0"), await show(KEY, "a new place"));
  };
  expect((await purge({ objects: [`media/${KEY}`] })).status).toBe(200);
  expect(seen).toEqual([old, old]);
  expect(await showEverywhere(KEY)).not.toBe(old);
  expect(await show(KEY, "a new place")).not.toBe(old);
});

test("where the edge cannot be purged, the old picture is not kept anew (C3)", async () => {
  put(KEY, OLD);
  const old = await showEverywhere(KEY);
  put(KEY, NEW);
  const refusing = createCloudflare(() => Response.json({ success: false }, { status: 403 }));
  network.use(...refusing.handlers);
  expect((await purge({ objects: [`media/${KEY}`] })).status).toBe(502);
  const runs = stage.cache.runs.length;
  expect(await showEverywhere(KEY)).toBe(old);
  expect(stage.cache.runs).toHaveLength(runs);
});

test.each<[string, object]>([
  ["a bucket", { bucket: "media" }],
  ["everything", { everything: true }],
])(
  "%s is purged in the Worker's cache, and the edge is told as not purged (W10)",
  async (_what, body) => {
    put(KEY, OLD);
    await showEverywhere(KEY);
    const runs = stage.cache.runs.length;
    const { status, report } = await purge(body);
    expect([status, report.edge]).toEqual([200, expect.stringContaining("not purged")]);
    await showEverywhere(KEY);
    expect(stage.cache.runs.length).toBeGreaterThan(runs);
  },
);

describe("10,000 objects that are replaced in a minute", () => {
  const KEYS = Array.from({ length: 10_000 }, (_, at) => `photos/${at}.jpg`);
  const SHOWN = KEYS.filter((_key, at) => at % 97 === 0);
  const nameOf = (key: string) => `media/${key}`;
  const old = new Map<string, string | null>();

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    stage.clock.now = Date.now();
    for (const key of SHOWN) {
      put(key, OLD);
      old.set(key, await show(key, "here"));
      put(key, NEW);
    }
  });

  /** Which of the objects that are shown are not fresh. */
  async function stale(): Promise<string[]> {
    const found: string[] = [];
    for (const key of SHOWN) if ((await show(key, "here")) === old.get(key)) found.push(key);
    return found;
  }

  /** Sends the names, 1,000 a request. @returns those that are not purged */
  async function purgeAll(names: readonly string[]): Promise<string[]> {
    const left: string[] = [];
    for (let at = 0; at < names.length; at += 1_000) {
      const sent = names.slice(at, at + 1_000);
      const { report } = await purge({ objects: sent });
      const named = report.not_purged.map(({ object }) => object);
      expect([...report.purged, ...named].toSorted()).toEqual(sent.toSorted());
      left.push(...named);
    }
    return left;
  }

  test("in requests of 1,000: each is purged, or named; given again, all are purged (W10)", async () => {
    let left = await purgeAll(KEYS.map(nameOf));
    expect(left).toHaveLength(7_500); // the burst: 25 calls with 100 tags
    expect((await stale()).map(nameOf).filter((name) => !left.includes(name))).toEqual([]);
    for (let round = 0; left.length > 0 && round < 20; round++) {
      wait(60);
      left = await purgeAll(left);
    }
    expect(left).toEqual([]);
    expect(await stale()).toEqual([]);
  });

  test("in 10,000 events: each is purged, or named to who sent it (W10)", async () => {
    const calls = vi.fn();
    between = async () => calls();
    const verified = vi.spyOn(crypto.subtle, "verify");
    const purged = new Set<string>();
    const named = new Set<string>();
    for (let at = 0; at < KEYS.length; at += EVENTS_A_SECOND) {
      const window = Promise.withResolvers<void>();
      vi.stubGlobal("scheduler", { wait: () => window.promise });
      const sent = KEYS.slice(at, at + EVENTS_A_SECOND).map(async (key) => ({
        ...{ key, name: nameOf(key) },
        ...(await purge(changed(key))),
      }));
      while (verified.mock.calls.length < sent.length) await turn();
      await Promise.all(verified.mock.results.splice(0).map(({ value }) => value));
      verified.mockClear();
      for (let turns = 0; turns < 20; turns++) await turn();
      window.resolve();
      for (const { key, name, status, report, wait: seconds } of await Promise.all(sent)) {
        if (status === 200) {
          expect(report.purged).toEqual([name]);
          purged.add(key);
        } else {
          expect([status, seconds, report.purged]).toEqual([429, "60", []]);
          expect(report.not_purged).toMatchObject([{ object: name }]);
          named.add(key);
        }
      }
      wait(1);
    }
    expect(purged.size + named.size).toBe(KEYS.length);
    expect(purged.size).toBeGreaterThan(2_000);
    expect(calls.mock.calls.length).toBeLessThan(200); // not 10,000
    expect(lines().length).toBeLessThan(70); // one a second
    expect((await stale()).filter((key) => purged.has(key))).toEqual([]);
  });
});

test("twenty changes a minute, one at a time, for half an hour: each is purged within minutes (W10)", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 24, 9) });
  onTestFinished(() => void vi.useRealTimers());
  stage.clock.now = Date.now();
  /** As EventBridge: it sends an event again, when the answer says. */
  const due: { at: number; event: ReturnType<typeof changed> }[] = [];
  const delays: number[] = [];
  for (let second = 0; second < 1_800; second++) {
    if (second % 3 === 0) due.push({ at: Date.now(), event: changed(`photos/${second}.jpg`) });
    for (const one of due.splice(0)) {
      if (one.at > Date.now()) due.push(one);
      else {
        const { status, wait: seconds } = await purge(one.event);
        if (status === 200) delays.push(Date.now() - Date.parse(one.event.time));
        else due.push({ ...one, at: Date.now() + Number(seconds) * 1000 });
      }
    }
    wait(1);
    expect(due.length).toBeLessThan(100); // those of the last minutes
  }
  expect(delays.length + due.length).toBe(600);
  expect(Math.max(...delays)).toBeLessThan(600_000);
});

const EVENTS_A_SECOND = 167;

/** Lets everything go on that waits for no timer. */
const turn = () => new Promise<void>((end) => setImmediate(end));

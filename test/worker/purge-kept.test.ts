// What visitors see after a purge: the whole Worker behind the strict cache, in 30 places.

import { beforeEach, expect, test } from "vitest";
import { ENV, PURGE_TOKEN } from "../support/env.ts";
import { bridgeEvent, minioNotification, notification } from "../support/events.ts";
import { get, lines, postPurge, put, stage, stopDate, wait } from "../support/play.ts";

const WEEK = { ...ENV.ANSWERS, keep: 604_800 };
const FULL = { ...ENV, ANSWERS: WEEK, PURGE_TOKEN };
const PLACES = Array.from({ length: 30 }, (_, at) => `place-${at}`);
const OLD = "made/key.jpg";
const NEW = "made/rotated-gps.jpg";

let env: object = FULL;

beforeEach(() => {
  env = { ...FULL };
});

/** Counts the calls of Workers Cache that it took, and those that it refused. */
function countCalls() {
  const counted = { taken: 0, refused: 0 };
  const { exported } = stage;
  stage.exported = (own) => {
    const loopback = exported(own);
    return (
      loopback && {
        fetch: loopback.fetch,
        purge: async (options) => {
          const result = await loopback.purge(options);
          if (result.success) counted.taken++;
          else counted.refused++;
          return result;
        },
      }
    );
  };
  return counted;
}

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

async function purge(body: object) {
  const answer = await postPurge(body, env);
  const report: { purged: string[]; not_purged: { object: string; reason: string }[] } = JSON.parse(
    await answer.text(),
  );
  return { status: answer.status, wait: answer.headers.get("retry-after"), report };
}

const changed = (key: string, type = "Object Created") =>
  bridgeEvent("acme-media", `published/${key}`, type);

const KEY = "keys/who? #1 100% a+b/日本.jpg";
const FORM = encodeURIComponent(`published/${KEY}`).replaceAll("%2F", "/").replaceAll("%20", "+");

test.each<[string, object]>([
  ["an event of EventBridge", bridgeEvent("acme-media", `published/${KEY}`)],
  ["a notification of S3", notification("acme-media", FORM)],
  ["a notification of MinIO", minioNotification("acme-media", `published/${KEY}`)],
  ["its name", { objects: [`media/${KEY}`] }],
])("after %s, the next visitor of 30 places sees the new object (W10)", async (_what, body) => {
  put(KEY, OLD);
  put("other.jpg", OLD);
  const old = await showEverywhere(KEY);
  await showEverywhere("other.jpg");
  put(KEY, NEW);
  expect(await showEverywhere(KEY)).toBe(old); // it is kept
  const purged = [`media/${KEY}`];
  expect(await purge(body)).toMatchObject({ status: 200, report: { purged } });
  expect(await showEverywhere(KEY)).not.toBe(old);
  const runs = stage.cache.runs.length;
  await showEverywhere("other.jpg");
  expect(stage.cache.runs).toHaveLength(runs); // others are still kept
});

test("an event purges the facts of an object, too (W10)", async () => {
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

/**
 * Sends events as EventBridge does: one at a time, and again when the answer says.
 * @param gap the seconds between two changes
 */
async function sendEvents(keys: readonly string[], gap: number) {
  const began = Date.now();
  const due = keys.map((key, index) => ({ at: began + index * gap * 1000, event: changed(key) }));
  const purged = new Set<string>();
  for (let requests = 0; due.length > 0 && requests < keys.length * 20; requests++) {
    due.sort((one, other) => one.at - other.at);
    const next = due.shift();
    if (!next) break;
    if (next.at > Date.now()) wait((next.at - Date.now()) / 1000);
    const ended = await purge(next.event);
    if (ended.status === 200) for (const name of ended.report.purged) purged.add(name);
    else {
      expect([ended.status, ended.report.purged]).toEqual([429, []]);
      due.push({ ...next, at: Date.now() + Number(ended.wait) * 1000 });
    }
  }
  return { purged: purged.size, minutes: (Date.now() - began) / 60_000 };
}

test.each<[string, number]>([
  ["all at once", 0],
  ["ten a second", 0.1],
  ["twenty a minute", 3],
])("a burst of changes, %s, comes to an end with everything purged (W10)", async (_pace, gap) => {
  stopDate(Date.UTC(2026, 10, 24, 9));
  const counted = countCalls();
  const keys = Array.from({ length: 100 }, (_, at) => `photos/${at}.jpg`);
  const shown = keys.filter((_key, at) => at % 29 === 0);
  const old = new Map<string, string | null>();
  for (const key of shown) {
    put(key, OLD);
    old.set(key, await show(key, "here"));
    put(key, NEW);
  }
  const { purged, minutes } = await sendEvents(keys, gap);
  expect([purged, counted.taken]).toEqual([100, 100]);
  expect(minutes).toBeLessThan(17); // 25 calls at once, and five a minute
  for (const key of shown) expect(await show(key, "here")).not.toBe(old.get(key));
  expect(lines()).toHaveLength(counted.refused);
});

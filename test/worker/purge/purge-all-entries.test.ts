// What visitors see after a purge: the whole Worker behind the strict cache, in 30 places.

import { beforeEach, expect, test } from "vitest";
import { ENV, PURGE_TOKEN } from "../../support/env.ts";
import { bridgeEvent, minioNotification, notification } from "../../support/events.ts";
import { DATA_CENTERS, get, postPurge, put, stage } from "../../support/run-worker.ts";

const WEEK = { ...ENV.ANSWERS, keep: 604_800 };
const FULL = { ...ENV, ANSWERS: WEEK, PURGE_TOKEN };
const OLD = "made/key.jpg";
const NEW = "made/rotated-gps.jpg";

let env: object;
beforeEach(() => {
  env = { ...FULL };
});

async function show(key: string, place: string): Promise<string | null> {
  const path = key.split("/").map(encodeURIComponent).join("/");
  const answer = await get(`/images/card/${path}`, {}, env, place);
  expect([key, answer.status]).toEqual([key, 200]);
  return answer.headers.get("etag");
}

/** What the next visitor sees in each place: all the same. */
async function showEverywhere(key: string): Promise<string | null> {
  const tags = new Set<string | null>();
  for (const place of DATA_CENTERS) tags.add(await show(key, place));
  expect([...tags]).toHaveLength(1);
  return [...tags][0] ?? null;
}

async function purge(body: object) {
  const answer = await postPurge(body, env);
  return { status: answer.status, report: await answer.json() };
}

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

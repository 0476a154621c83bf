// An edge that keeps every original and rendition for a year, and is never purged: what visitors see of an object
// that was replaced or deleted, in 30 places.

import { hash } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { ENV, PURGE_TOKEN } from "../support/env.ts";
import { bridgeEvent } from "../support/events.ts";
import {
  DATA_CENTERS,
  get,
  getAndSettle,
  postPurge,
  put,
  stage,
  stopDate,
  wait,
} from "../support/run-worker.ts";

const KEEP = 300;
const KEY = "photos/one.jpg";
const PATH = `/images/card/${KEY}`;
const YEAR = "public, max-age=31536000, immutable";

let env: object;

beforeEach(() => {
  stopDate();
  env = { ...ENV, ANSWERS: { ...ENV.ANSWERS, keep: KEEP }, PURGE_TOKEN };
  replace("made/key.jpg");
});

const replace = (name: string) => put(KEY, name, { cacheControl: YEAR, lastModified: new Date() });

const remove = () => void stage.s3.objects.delete(`published/${KEY}`);

async function visitAll(): Promise<Response[]> {
  const answers = [];
  for (const place of DATA_CENTERS) answers.push(await getAndSettle(PATH, {}, env, place));
  return answers;
}

/** What a visitor in each place gets: all the same, the hash of a picture or a status. */
async function seen(): Promise<unknown> {
  const found = new Set<unknown>();
  for (const answer of await visitAll()) {
    const bytes = new Uint8Array(await answer.arrayBuffer());
    found.add(answer.status === 200 ? hash("sha1", bytes) : answer.status);
  }
  expect([...found]).toHaveLength(1);
  return [...found][0];
}

/** S3 tells of a change. */
async function sendEvent(type?: string): Promise<void> {
  const time = new Date().toISOString();
  const event = { ...bridgeEvent("acme-media", `published/${KEY}`, type), time };
  expect((await postPurge(event, env)).status).toBe(200);
}

/** What each place has is not fresh any more, and a visitor comes. */
function findAfterKeep(): Promise<unknown> {
  wait(KEEP + 1);
  return visitAll();
}

describe("a replaced object", () => {
  test.each<[getAndSettle: string, find: () => Promise<unknown>]>([
    ["second visit of each place after `keep`, without an event (A15, W8)", findAfterKeep],
    ["first visit of each place after an event (A15, W10)", () => sendEvent()],
  ])("shows at the %s", async (_visit, find) => {
    const old = await seen();
    replace("made/rotated-gps.jpg");
    await find();
    expect(await seen()).not.toBe(old);
  });

  test("that gets its old bytes again shows these (C1)", async () => {
    const old = await seen();
    replace("made/rotated-gps.jpg");
    await sendEvent();
    await seen();
    replace("made/key.jpg");
    await sendEvent();
    expect(await seen()).toBe(old);
  });
});

test("an object that was another one while the edge fetched it shows once it is back (C1)", async () => {
  stage.beforeEdgeRequest = (times) => {
    if (times > 0) return;
    wait(2);
    replace("made/rotated-gps.jpg");
  };
  await get(PATH, {}, env);
  wait(2);
  replace("made/key.jpg");
  await sendEvent();
  expect((await get(PATH, {}, env)).status).toBe(200);
});

test("an event of a deletion is no proof: an object that is there is shown (A19)", async () => {
  replace("made/key.jpg");
  await get(PATH, {}, env);
  await sendEvent("Object Deleted");
  expect((await get(PATH, {}, env)).status).toBe(200);
});

test.each<[getAndSettle: string, find: () => Promise<unknown>]>([
  ["first visit of each place after an event (A15, W10)", () => sendEvent("Object Deleted")],
  ["second visit of each place after `keep` (A15, W8)", findAfterKeep],
])("a deleted object is a 404, and stays one, at the %s", async (_visit, find) => {
  await seen();
  remove();
  await find();
  for (const _ of [1, 2, 3]) {
    expect(await seen()).toBe(404);
    wait(61);
  }
});

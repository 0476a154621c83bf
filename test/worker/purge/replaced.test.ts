// What visitors in 30 data centres see of an object that was replaced, deleted or purged. The edge caches every original
// and rendition for a year, and is never purged.

import { hash } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { createCache } from "../../../src/emulator/cache/cache.ts";
import { createR2, type R2 } from "../../../src/emulator/r2/r2.ts";
import type { PurgeOptions } from "../../../src/worker/cache/loopback.ts";
import { objectTag } from "../../../src/worker/cache/rendition-url.ts";
import { seeded } from "../../bench/random.ts";
import { BUCKET_URL, ENV, PURGE_TOKEN } from "../../support/env.ts";
import { bridgeEvent, minioNotification, notification } from "../../support/events.ts";
import {
  DATA_CENTERS,
  get,
  getAndSettle,
  postPurge,
  put,
  stage,
  stopDate,
  wait,
} from "../../support/run-worker.ts";

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

async function visitAll(path = PATH): Promise<Response[]> {
  const answers = [];
  for (const dataCenter of DATA_CENTERS)
    answers.push(await getAndSettle(path, {}, env, dataCenter));
  return answers;
}

/** What all visitors get, in each data centre the same: the hash of a picture, or a status. */
async function pictureOf(path = PATH): Promise<unknown> {
  const results = new Set<unknown>();
  for (const answer of await visitAll(path)) {
    const bytes = new Uint8Array(await answer.arrayBuffer());
    results.add(answer.status === 200 ? hash("sha1", bytes) : answer.status);
  }

  expect([...results]).toHaveLength(1);

  return [...results][0];
}

/** S3 sends an event. */
async function sendEvent(type?: string): Promise<void> {
  const time = new Date().toISOString();
  const event = { ...bridgeEvent("acme-media", `published/${KEY}`, type), time };
  expect((await postPurge(event, env)).status).toBe(200);
}

/** A visitor comes to each data centre when nothing there is fresh any more. */
function visitAfterKeep(): Promise<unknown> {
  wait(KEEP + 1);
  return visitAll();
}

describe("a replaced object", () => {
  test.each<[when: string, visitFirst: () => Promise<unknown>]>([
    ["second visit of each place after `keep`, without an event (A15, W8)", visitAfterKeep],
    ["first visit of each place after an event (A15, W10)", () => sendEvent()],
  ])("shows at the %s", async (_when, visitFirst) => {
    const old = await pictureOf();
    replace("made/rotated-gps.jpg");
    await visitFirst();
    expect(await pictureOf()).not.toBe(old);
  });

  test("that gets its old bytes again shows these (C1)", async () => {
    const old = await pictureOf();
    replace("made/rotated-gps.jpg");
    await sendEvent();
    await pictureOf();
    replace("made/key.jpg");

    await sendEvent();
    expect(await pictureOf()).toBe(old);
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

test.each<[when: string, visitFirst: () => Promise<unknown>]>([
  ["first visit of each place after an event (A15, W10)", () => sendEvent("Object Deleted")],
  ["second visit of each place after `keep` (A15, W8)", visitAfterKeep],
])("a deleted object is a 404, and stays one, at the %s", async (_when, visitFirst) => {
  await pictureOf();
  remove();
  await visitFirst();

  for (const _ of [1, 2, 3]) {
    expect(await pictureOf()).toBe(404);
    wait(61);
  }
});

const ODD_KEY = "keys/who? #1 100% a+b/日本.jpg";
const FORM = encodeURIComponent(`published/${ODD_KEY}`)
  .replaceAll("%2F", "/")
  .replaceAll("%20", "+");

test.each<[form: string, object]>([
  ["an event of EventBridge", bridgeEvent("acme-media", `published/${ODD_KEY}`)],
  ["a notification of S3", notification("acme-media", FORM)],
  ["a notification of MinIO", minioNotification("acme-media", `published/${ODD_KEY}`)],
  ["its name", { objects: [`media/${ODD_KEY}`] }],
])("after %s, the next visitor in each place sees the new object (W10)", async (_form, body) => {
  const path = `/images/card/${ODD_KEY.split("/").map(encodeURIComponent).join("/")}`;
  put(ODD_KEY, "made/key.jpg");
  const old = await pictureOf(path);
  await pictureOf();
  put(ODD_KEY, "made/rotated-gps.jpg");

  expect(await pictureOf(path)).toBe(old); // it is cached

  const answer = await postPurge(body, env);
  expect([answer.status, await answer.json()]).toMatchObject([
    200,
    { purged: [`media/${ODD_KEY}`] },
  ]);
  expect(await pictureOf(path)).not.toBe(old);

  const runs = stage.cache.runs.length;
  await pictureOf();
  expect(stage.cache.runs).toHaveLength(runs); // other objects are still cached
});

describe("the last moment at which somebody sees a replaced picture", () => {
  const STALE = 604_800;
  const MAX_AGE = 3600;

  beforeEach(() => {
    env = { ...ENV, ANSWERS: { keep: KEEP, stale: STALE, max_age: MAX_AGE }, PURGE_TOKEN };
  });

  /** A browser, which shows its own copy for the `max-age` of the answer. @returns what it shows */
  function openBrowser(dataCenter = "place-0"): () => Promise<string> {
    let picture = "";
    let etag = "";
    let freshUntil = 0;

    return async () => {
      if (Date.now() < freshUntil) return picture;

      const init = etag === "" ? {} : { headers: { "if-none-match": etag } };
      const answer = await getAndSettle(PATH, init, env, dataCenter);
      const maxAge = /max-age=(\d+)/.exec(answer.headers.get("cache-control") ?? "");
      freshUntil = Date.now() + Number(maxAge?.[1]) * 1000;
      etag = answer.headers.get("etag") ?? "";

      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (answer.status === 200) picture = hash("sha1", bytes);

      return picture;
    };
  }

  test("is `max_age` after a purge: no purge reaches a browser (W10)", async () => {
    const loaded = openBrowser();
    const old = await loaded();
    replace("made/rotated-gps.jpg");
    await sendEvent();

    expect(await openBrowser()()).not.toBe(old);

    wait(MAX_AGE - 1);
    expect(await loaded()).toBe(old);

    wait(1);
    expect(await loaded()).not.toBe(old);
  });

  test("is `keep`, `stale` and `max_age` after S3 was last asked, without a purge (W8)", async () => {
    const old = await openBrowser()();
    replace("made/rotated-gps.jpg");
    wait(KEEP + STALE - 1);

    const late = openBrowser();
    expect(await late()).toBe(old);
    expect(await openBrowser()()).not.toBe(old);

    // A stale picture is kept like any other.
    wait(MAX_AGE - 1);
    expect(await late()).toBe(old);

    wait(1);
    expect(await late()).not.toBe(old);
  });

  test("is never later, whoever comes when and where (W5, W8)", async () => {
    const random = seeded(20_261_202);
    for (let run = 0; run < 3; run += 1) {
      stage.cache = createCache({ now: () => stage.clock.now });
      replace("made/key.jpg");
      const old = await openBrowser()();
      replace("made/rotated-gps.jpg");

      const latest = Date.now() + (KEEP + STALE + MAX_AGE) * 1000;

      const dataCenters = [...DATA_CENTERS.slice(0, 4), ...DATA_CENTERS.slice(0, 4)];
      const browsers = dataCenters.map((dataCenter) => openBrowser(dataCenter));

      while (Date.now() < latest) {
        const browser = browsers[Math.floor(random() * browsers.length)];
        await browser?.();
        // Seconds, minutes and days are as likely.
        wait(Math.ceil(4 ** (random() * 9.5)));
      }

      for (const browser of browsers) expect(await browser()).not.toBe(old);
    }
  });
});

test("an object is replaced while the gateway itself renders and stores it: the cache of the entrypoint is purged (W10, W13)", async () => {
  const purged: PurgeOptions[] = [];
  stage.exported = (loopback) => ({
    fetch: () => Promise.reject(new Error("overloaded")),
    purge: (options) => {
      purged.push(options);
      return loopback.purge(options);
    },
  });

  const store = createR2();
  const put = (...args: Parameters<R2["put"]>) => {
    replace("made/rotated-gps.jpg");
    return store.put(...args);
  };
  const ANSWERS = { ...ENV.ANSWERS, store: "RENDITIONS" };

  await getAndSettle(PATH, {}, { ...env, ANSWERS, RENDITIONS: { ...store, put } });
  const tag = await objectTag({ baseUrl: BUCKET_URL }, `published/${KEY}`);
  expect(purged).toEqual([{ tags: [tag] }]);
});

// Attacks on the store of renditions: pictures that S3 does not give any more, entries that stay, and waits that are too
// long.

import { beforeEach, describe, expect, test, vi } from "vitest";
import type { R2, R2Fault } from "../../../src/emulator/r2/r2.ts";
import { stopTimers } from "../../support/clock.ts";
import { bridgeEvent } from "../../support/events.ts";
import { get, MODERN, postPurge, stage, wait } from "../../support/run-worker.ts";
import {
  ANSWERS,
  envWith,
  getAsBrowser,
  KEY,
  PATH,
  remove,
  replace,
  store,
  storedEntry,
  storedNames,
} from "../../support/worker-with-store.ts";

const DIRECT = { ANSWERS: { ...ANSWERS, keep: 0 } };

let env: object;
beforeEach(() => {
  env = envWith();
  vi.stubGlobal("scheduler", { wait: async (ms: number) => wait(ms / 1000) });
});

const requestPicture = (path = PATH, variables = env) => getAsBrowser(variables, path);

describe("a visitor who has no time left", () => {
  test("after a contradiction does not get the stored picture: S3 works", async () => {
    env = envWith(DIRECT);
    await requestPicture();
    replace("made/rotated-gps.jpg");
    wait(3_600);
    stage.beforeEdgeRequest = () => {
      remove();
      wait(15);
    };

    expect((await requestPicture()).status).toBe(504);
  });

  test("does not make S3 a silent one for others", async () => {
    env = envWith(DIRECT);
    await requestPicture();
    replace("made/rotated-gps.jpg", "other.jpg");
    wait(3_600);
    stage.beforeEdgeRequest = () => {
      stage.s3.objects.delete("published/other.jpg");
      wait(15);
    };

    await requestPicture("/images/card/other.jpg");
    remove();
    expect((await requestPicture()).status).toBe(404);
  });
});

describe("/purge answers within four seconds", () => {
  test.each<R2Fault>(["stall-list", "stall-delete"])("%s", async (fault) => {
    await requestPicture();
    remove();
    store.faults.add(fault);

    const finish = stopTimers();
    const { value, took } = await finish(postPurge({ objects: [`media/${KEY}`] }, env));
    expect(value.status).toBeGreaterThanOrEqual(500);
    expect(took).toBeLessThan(4_000);
  });
});

describe("the object is deleted while its rendition is stored:", () => {
  test("a put that fails after it has written leaves nothing", async () => {
    const slowStore = {
      ...store,
      put: async (...args: Parameters<R2["put"]>) => {
        remove();
        await store.put(...args);
        throw new Error("put: network connection lost");
      },
    };

    await requestPicture(PATH, envWith({ RENDITIONS: slowStore }));
    expect(storedNames().length).toBe(0);
  });

  test("an event without s3:ListBucket, and a put after it: nothing is left", async () => {
    stage.s3.faults.add("no-list-bucket");
    const slowStore = {
      ...store,
      put: async (...args: Parameters<R2["put"]>) => {
        remove();
        const event = bridgeEvent("acme-media", `published/${KEY}`, "Object Deleted");
        expect((await postPurge(event, env)).status).toBe(200);
        return store.put(...args);
      },
    };

    await requestPicture(PATH, envWith({ RENDITIONS: slowStore }));
    expect(storedNames().length).toBe(0);
    expect((await requestPicture()).status).toBe(404);
  });
});

test.each<{ title: string; answers: object; ms: number }>([
  { title: "nobody waits longer than the timeout", answers: { timeout: 2 }, ms: 2_000 },
  {
    title: "the store has one second more than S3, also while S3 is known to be silent",
    answers: {},
    ms: 6_000,
  },
])("S3 and the store are silent: $title", async ({ answers, ms }) => {
  env = envWith({ ANSWERS: { ...DIRECT.ANSWERS, ...answers } });
  store.faults.add("stall");
  stage.s3.faults.add("stall");

  const finish = stopTimers();
  for (let at = 0; at < 2; at++) {
    const { value, took } = await finish(get(PATH, { headers: MODERN }, env));
    expect(value.status).toBe(504);
    expect(took).toEqual(ms);
  }

  await vi.advanceTimersByTimeAsync(10_000);
});

test("junk in the metadata breaks no answer", async () => {
  env = envWith(DIRECT);
  await requestPicture();
  const [name, entry] = storedEntry();
  const customMetadata = { ...entry.customMetadata, etag: "✓\n" };

  store.objects.set(name, { ...entry, customMetadata });
  wait(60); // an entry that was just written is not shown yet
  stage.s3.faults.add("ServiceUnavailable");

  const answer = await requestPicture();
  expect(answer.status).toBe(200);
  expect(answer.headers.get("etag")).toBe(null);
});

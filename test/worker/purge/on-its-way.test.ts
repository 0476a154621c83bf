// Answers that are on their way to Workers Cache while their object is replaced or deleted, and purged: none of them stays.
// The purge cannot reach them, so each run asks once more when its answer has come.

import { beforeEach, expect, test, vi } from "vitest";
import { ENV, PURGE_TOKEN, VARS } from "../../support/env.ts";
import { bridgeEvent } from "../../support/events.ts";
import {
  forgetCached,
  get,
  MODERN,
  postPurge,
  settle,
  stage,
  wait,
} from "../../support/run-worker.ts";
import { createTwoBuckets, KEY as TRIP } from "../../support/two-buckets.ts";
import {
  envWith,
  getAsBrowser,
  KEY,
  PATH,
  remove,
  replace,
  store,
  storedNames,
} from "../../support/worker-with-store.ts";

const WEEK = 604_800;
const DAY = 86_400;
const ANSWERS = { ...VARS.ANSWERS, keep: WEEK, stale: WEEK, store: "RENDITIONS" };

beforeEach(() => {
  vi.stubGlobal("scheduler", { wait: async (ms: number) => wait(ms / 1000) });
  replace("made/key.jpg");
});

async function purgeByEvent(env: object, key = KEY): Promise<void> {
  const answer = await postPurge(
    bridgeEvent("acme-media", `published/${key}`, "Object Deleted"),
    env,
  );
  expect(await answer.json()).toMatchObject({ ok: true });
  wait(2); // between two writes of a name (T3)
}

/** Has something happen after S3 has answered the Worker, and before the answer arrives, once. */
function afterNextAnswerOfS3(happen: () => Promise<void>): void {
  const { fetch } = stage.s3;
  let isDone = false;

  stage.s3.fetch = async (...args) => {
    const answer = await fetch(...args);
    if (!isDone) {
      isDone = true;
      await happen();
    }
    return answer;
  };
}

const bytesOf = async (answer: Response) =>
  Buffer.from(await answer.arrayBuffer()).toString("base64");

test("a 304 confirms no picture that was deleted and purged meanwhile (W10, W18)", async () => {
  const env = envWith({ ANSWERS });
  await getAsBrowser(env);
  wait(WEEK + 10);
  afterNextAnswerOfS3(async () => {
    remove();
    await purgeByEvent(env);
  });

  await getAsBrowser(env);
  wait(5 * DAY);
  expect((await getAsBrowser(env)).status).toBe(404);
});

test("a picture that is not stored is asked about when all of it has come (W10)", async () => {
  const { store: _unused, ...withoutStore } = ANSWERS;
  const env = { ...ENV, ANSWERS: withoutStore, PURGE_TOKEN };
  const gate = Promise.withResolvers<void>();
  const { fetch } = stage.edge;

  stage.edge.fetch = async (...args) => {
    stage.edge.fetch = fetch;
    const answer = await fetch(...args);
    const bytes = await answer.bytes();

    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(bytes.subarray(0, 100));
        await gate.promise;
        controller.enqueue(bytes.subarray(100));
        controller.close();
      },
    });

    return new Response(body, answer);
  };

  const first = get(PATH, { headers: MODERN }, env);
  await vi.waitUntil(() => stage.edgeRequests.length === 1);

  for (let times = 0; times < 40; times++) await new Promise(setImmediate);

  remove();
  await purgeByEvent(env);
  gate.resolve();
  await first;
  await settle();
  wait(5 * DAY);

  expect((await getAsBrowser(env)).status).toBe(404);
});

test.each(["stored", "cached"])(
  "a %s picture of the second bucket does not hide one that came into the first (W10)",
  async (source) => {
    const world = createTwoBuckets(["cf", "cf"]);
    const { media, archive } = world;
    media.remove();
    archive.put("made/rotated-gps.jpg");

    const env = { ...world.env, ANSWERS, RENDITIONS: store, PURGE_TOKEN };
    const path = `/images/card/${TRIP}`;
    const old = await bytesOf(await getAsBrowser(env, path));
    wait(60);

    if (source === "stored") forgetCached();
    else wait(WEEK + 10);

    afterNextAnswerOfS3(async () => {
      media.put();
      wait(2);
      await purgeByEvent(env, TRIP);
    });

    await getAsBrowser(env, path);
    wait(DAY);
    const now = await bytesOf(await getAsBrowser(env, path));

    expect(now === old).toBe(false);
  },
);

test("a stored picture on its way does not outlive a purge after which another run stores the new one", async () => {
  const env = envWith({ ANSWERS });
  const old = await bytesOf(await getAsBrowser(env));
  forgetCached();
  wait(60);

  let isDone = false;
  const elsewhere = envWith({ ANSWERS: { ...ANSWERS, keep: 0 } });

  const racing = envWith({
    ANSWERS,
    RENDITIONS: {
      ...store,
      get: async (name: string) => {
        const entry = await store.get(name);
        if (isDone) return entry;

        isDone = true;
        for (let times = 0; times < 40; times++) await new Promise(setImmediate); // S3 has answered

        replace("made/rotated-gps.jpg");
        await purgeByEvent(env);
        await get(PATH, { headers: MODERN }, elsewhere, "elsewhere");
        await vi.waitUntil(() => storedNames().length === 1);

        return entry;
      },
    },
  });

  await getAsBrowser(racing);
  const now = await bytesOf(await getAsBrowser(env));
  expect(now === old).toBe(false);
});

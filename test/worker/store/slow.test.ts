// An S3 that is slow, and says something all the same: what is stored is not shown in place of its word.

import { beforeEach, expect, test, vi } from "vitest";
import { createR2 } from "../../../src/emulator/r2/r2.ts";
import { stopTimers } from "../../support/clock.ts";
import { file } from "../../support/emulators.ts";
import { CREDENTIALS, NEXT, NEXT_CREDENTIALS } from "../../support/env.ts";
import { forgetCached, get, MODERN, put, settle, stage, wait } from "../../support/run-worker.ts";
import { ANSWERS, envWith, getAsBrowser, replace } from "../../support/worker-with-store.ts";

/** Workers Cache keeps nothing: each request runs to the store. */
const UNCACHED = { ...ANSWERS, keep: 0 };

const pathOf = (key: string) => `/images/card/${key}`;
const denial = () => new Response("<Error><Code>AccessDenied</Code></Error>", { status: 403 });

beforeEach(() => {
  vi.stubGlobal("scheduler", { wait: async () => {} });
  replace("made/key.jpg");
});

/** Stores a picture of each object, as a minute ago. */
async function storeAll(env: object, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    put(key, "made/key.jpg", { lastModified: new Date() });
    await getAsBrowser(env, pathOf(key));
  }
  forgetCached();
  wait(60);
}

/** S3 answers some objects after a time. @returns visits one of them, while the timers run as fast as they can */
function slowDown(isSlow: RegExp, ms: number, answer?: () => Response) {
  const { fetch } = stage.s3;
  stage.s3.fetch = async (input, init) => {
    const { url } = new Request(input, init);
    if (!isSlow.test(url)) return fetch(input, init);
    await new Promise((resolve) => setTimeout(resolve, ms));
    return answer ? answer() : fetch(input, init);
  };

  const finish = stopTimers();
  return async (env: object, key: string) => {
    const { value } = await finish(get(pathOf(key), { headers: MODERN }, env));
    await finish(settle());
    return value.status;
  };
}

test("a denial that comes after two seconds ends the picture at the next visit", async () => {
  const env = envWith({ ANSWERS: UNCACHED });
  await storeAll(env, ["slow.jpg"]);
  const visit = slowDown(/slow\.jpg/, 2_100, denial);

  expect(await visit(env, "slow.jpg")).toBe(200); // what is stored: nobody knows of a denial yet
  expect(await visit(env, "slow.jpg")).toBe(404);

  await vi.advanceTimersByTimeAsync(600_000);
  expect(await visit(env, "slow.jpg")).toBe(404);
});

test("two objects that S3 answers late do not make it silent: a deleted one is not shown", async () => {
  const env = envWith({ ANSWERS: UNCACHED });
  await storeAll(env, ["slow-1.jpg", "slow-2.jpg", "deleted.jpg"]);
  stage.s3.objects.delete("published/deleted.jpg");

  const visit = slowDown(/slow-/, 2_200);
  expect(await visit(env, "slow-1.jpg")).toBe(200);
  expect(await visit(env, "slow-2.jpg")).toBe(200);
  expect(await visit(env, "deleted.jpg")).toBe(404);
});

test("a denial by one slot stays where S3 is busy for the other one, and then for both", async () => {
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  const env = envWith({ ...NEXT, ANSWERS: UNCACHED });
  await storeAll(env, ["a.jpg"]);

  let isAsked = false;
  stage.s3.fetch = async (input, init) => {
    const authorization = new Request(input, init).headers.get("authorization") ?? "";
    const isFirst = authorization.includes(CREDENTIALS.accessKeyId) && !isAsked;
    if (!isFirst) return new Response("", { status: 503 });
    isAsked = true;
    return denial();
  };

  expect((await getAsBrowser(env, pathOf("a.jpg"))).status).toBe(404);
});

test("an R2 bucket that was deleted is no outage: its pictures are not shown", async () => {
  const media = createR2({ "key.jpg": { body: file("made/key.jpg"), type: "image/jpeg" } });
  const env = envWith({
    ANSWERS: UNCACHED,
    ROUTES: [{ path: "/images/:preset/*", object: "media/*" }],
    BUCKETS: { media: { binding: "MEDIA" } },
    IMAGES: stage.edge.images,
    MEDIA: media,
  });

  expect((await getAsBrowser(env)).status).toBe(200);

  wait(60);
  media.faults.add("gone");
  expect((await getAsBrowser(env)).status).toBe(502);
});

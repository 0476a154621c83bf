// What is gone from the first bucket is not shown while the second one fails, whatever Workers Cache has of it.

import { beforeEach, describe, expect, test } from "vitest";
import { createR2 } from "../../../src/emulator/r2/r2.ts";
import { aMinuteAgo } from "../../support/clock.ts";
import { ENV, PURGE_TOKEN, VARS } from "../../support/env.ts";
import {
  forgetCached,
  getAndSettle,
  MODERN,
  postPurge,
  put,
  stage,
  stopDate,
  wait,
} from "../../support/run-worker.ts";
import { createTwoBuckets, KEY, WORLDS } from "../../support/two-buckets.ts";

const KEEP = 300;
const ANSWERS = { ...VARS.ANSWERS, keep: KEEP, stale: 0 };

beforeEach(() => stopDate());

async function statusOf(env: object): Promise<number> {
  const answer = await getAndSettle(`/images/card/${KEY}`, { headers: MODERN }, env);
  await answer.arrayBuffer();
  return answer.status;
}

/** What the second and the third visitor get, each after the time for which a picture is fresh. */
async function statusesLater(env: object): Promise<number[]> {
  wait(KEEP + 1);
  await statusOf(env);
  wait(KEEP + 1);
  return [await statusOf(env), await statusOf(env)];
}

describe("two folders of one S3 bucket", () => {
  const { media } = VARS.BUCKETS;
  test.each([
    { name: "side by side", first: "published/a/", second: "published/b/", third: {} },
    { name: "one below the other", first: "published/", second: "published/old/", third: {} },
    {
      name: "below a third one",
      first: "published/a/",
      second: "published/b/",
      third: { all: media },
    },
  ])("$name", async ({ first, second, third }) => {
    const BUCKETS = {
      ...third,
      media: { ...media, prefix: first },
      archive: { ...media, prefix: second },
    };

    const ROUTES = [{ path: "/images/:preset/*", object: ["media/*", "archive/*"] }];
    const env = { ...ENV, BUCKETS, ROUTES, ANSWERS };
    const below = (prefix: string) => prefix.slice(media.prefix.length) + KEY;
    put(below(first), "made/key.jpg");
    put(below(second), "made/rotated-gps.jpg");

    expect(await statusOf(env)).toBe(200);

    stage.s3.objects.delete(first + KEY);
    const { fetch } = stage.s3;

    stage.s3.fetch = async (input, init) => {
      const url = input instanceof Request ? input.url : `${input}`;
      return url.includes(second + KEY)
        ? new Response("busy", { status: 503 })
        : fetch(input, init);
    };

    expect(await statusesLater(env)).toEqual([502, 502]);
  });
});

test.each(WORLDS)("what was shown in an outage of the first: %s, %s", async (...kinds) => {
  const world = createTwoBuckets(kinds);
  const env = {
    ...world.env,
    ANSWERS: { ...ANSWERS, store: "RENDITIONS" },
    RENDITIONS: createR2({}, { now: aMinuteAgo }),
  };

  expect(await statusOf(env)).toBe(200);

  forgetCached();
  world.media.setState("reset");
  expect(await statusOf(env)).toBe(200);

  world.media.setState("missing");
  world.archive.setState("reset");
  expect(await statusesLater(env)).toEqual([502, 502]);
});

test("forty pictures, in two places, without a purge", async () => {
  const world = createTwoBuckets(["cf", "cf"]);
  const env = { ...world.env, PURGE_TOKEN, ANSWERS };
  const keys = Array.from({ length: 40 }, (_, at) => `${at}/${KEY}`);

  const showAll = async () => {
    const statuses = new Set<number>();
    for (const dataCenter of ["a", "b"]) {
      for (const key of keys) {
        const path = `/images/card/${key}`;
        const answer = await getAndSettle(path, { headers: MODERN }, env, dataCenter);
        statuses.add(answer.status);
      }
      wait(10);
    }

    return [...statuses];
  };
  for (const key of keys) world.media.put("made/key.jpg", key);

  expect(await showAll()).toEqual([200]);

  for (const key of keys) world.media.remove(key);

  world.archive.setState("busy");
  wait(KEEP + 1);
  expect(await showAll()).toEqual([502]);
  expect(await showAll()).toEqual([502]);
  expect((await postPurge({ bucket: "media" }, env)).status).toBe(200);
});

test("what S3 gave without an ETag and a date", async () => {
  const world = createTwoBuckets(["binding", "cf"]);
  const env = { ...world.env, ANSWERS };
  const { fetch } = stage.s3;

  stage.s3.fetch = async (...args) => {
    const { body, status, headers } = await fetch(...args);
    const withoutValidators = [...headers].filter(
      ([name]) => !/^(?:etag|last-modified)$/.test(name),
    );
    return new Response(body, { status, headers: withoutValidators });
  };

  expect(await statusOf(env)).toBe(200);

  world.media.remove();
  world.archive.setState("reset");
  expect(await statusesLater(env)).toEqual([502, 502]);
});

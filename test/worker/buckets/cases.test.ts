// A route with two buckets: which picture is shown, whatever each of the two answers. The second is asked only where
// the first says for certain that the object is missing.

import { beforeEach, describe, expect, test, vi } from "vitest";
import { createR2 } from "../../../src/emulator/r2/r2.ts";
import { aMinuteAgo, stopTimers } from "../../support/clock.ts";
import { VARS } from "../../support/env.ts";
import { forgetCached, get, getAndSettle, MODERN, stopDate } from "../../support/run-worker.ts";
import { createTwoBuckets, KEY, type Kind, type State } from "../../support/two-buckets.ts";

const PATH = `/images/card/${KEY}`;

/** What is shown: the picture of a bucket, with `*` as it was stored before an outage; or a status. */
type Expected = "media" | "archive" | "media*" | "archive*" | number;

/** What each answers, and what is shown: with nothing stored, with both stored, and with that of the second stored. */
type Row = readonly [
  media: State,
  archive: State,
  none: Expected,
  both: Expected,
  second: Expected,
];

const ROWS: readonly Row[] = [
  ["has", "has", "media", "media", "media"],
  ["has", "missing", "media", "media", "media"],
  ["has", "busy", "media", "media", "media"],
  ["has", "reset", "media", "media", "media"],
  ["missing", "has", "archive", "archive", "archive"],
  ["missing", "missing", 404, 404, 404],
  ["missing", "denied", 404, 404, 404],
  ["missing", "busy", 502, "archive*", "archive*"],
  ["missing", "reset", 502, "archive*", "archive*"],
  ["denied", "has", 404, 404, 404],
  ["denied", "busy", 404, 404, 404],
  ["404", "has", 404, 404, 404],
  ["404", "reset", 404, 404, 404],
  ["busy", "has", 502, "media*", "archive*"],
  ["busy", "denied", 502, "media*", "archive*"],
  ["busy", "busy", 502, "media*", "archive*"],
  ["reset", "has", 502, "media*", "archive*"],
  ["reset", "reset", 502, "media*", "archive*"],
];

/** Each row once behind Workers Cache and once without it, by an S3 and by an R2 in each place. */
const MODES = [
  ["cf", "cf", 600],
  ["R2", "R2", 600],
  ["cf", "R2", 0],
  ["R2", "cf", 0],
] as const;

/** A binding denies nothing, and answers no status. */
const isPossible = (kind: string, state: State) =>
  kind !== "R2" || !["denied", "404"].includes(state);

beforeEach(() => stopDate());

/** Visits the route of one bucket alone. @returns the picture, and its tag */
async function showAlone(path: string, env: object) {
  const answer = await getAndSettle(path, { headers: MODERN }, env);
  expect(answer.status).toBe(200);
  return { bytes: await answer.bytes(), etag: answer.headers.get("etag") };
}

/** The pictures of both buckets, as the route of each alone shows them. */
async function showBoth(kinds: readonly [Kind, Kind]) {
  const { env } = createTwoBuckets(kinds);
  const direct = { ...env, ANSWERS: { ...VARS.ANSWERS, keep: 0 } };
  const media = await showAlone(`/media/card/${KEY}`, direct);
  const archive = await showAlone(`/archive/card/${KEY}`, direct);
  expect(media.bytes).not.toEqual(archive.bytes);
  return { media, archive };
}

describe.each(MODES)("%s, then %s, keep %d:", (first, second, keep) => {
  const rows = ROWS.filter(([one, two]) => isPossible(first, one) && isPossible(second, two));

  let separate: Awaited<ReturnType<typeof showBoth>>;
  beforeEach(async () => {
    separate ??= await showBoth([first, second]);
  });

  test.each(rows)("media %s, archive %s", async (media, archive, ...expected) => {
    for (const [at, stored] of [[], ["media", "archive"], ["archive"]].entries()) {
      const world = createTwoBuckets([first, second]);
      const ANSWERS = { ...VARS.ANSWERS, keep, store: "RENDITIONS" };
      const env = { ...world.env, ANSWERS, RENDITIONS: createR2({}, { now: aMinuteAgo }) };
      for (const name of stored) await showAlone(`/${name}/card/${KEY}`, env);

      forgetCached();
      world.media.setState(media);
      world.archive.setState(archive);

      const counts = world.archive.requestCount();

      const answer = await getAndSettle(PATH, { headers: MODERN }, env);
      const bytes = await answer.bytes();
      const picture = expected[at] ?? expect.unreachable();
      const [name] = `${picture}`.split("*");
      const isOutage = picture !== name && typeof picture === "string";
      const context = `stored: ${stored}`;

      expect(answer.status, context).toEqual(typeof picture === "number" ? picture : 200);
      if (name === "media" || name === "archive") {
        expect(Buffer.compare(bytes, separate[name].bytes), context).toBe(0);
        // As a route with that bucket alone names it.
        expect(answer.headers.get("etag")).toBe(isOutage ? null : separate[name].etag);
        expect(answer.headers.get("cache-control")).toBe(
          `public, max-age=${isOutage ? 60 : VARS.ANSWERS.max_age}`,
        );
      }
      if (media !== "missing") expect(world.archive.requestCount()).toBe(counts);
    }
  });
});

describe.each(["cf", "R2"] as const)("a silent first bucket (%s)", (kind) => {
  const ANSWERS = { ...VARS.ANSWERS, keep: 0 };

  test("with the second's picture stored, keeps one visitor in five seconds waiting", async () => {
    const world = createTwoBuckets([kind, kind]);
    const stored = {
      ANSWERS: { ...ANSWERS, store: "RENDITIONS" },
      RENDITIONS: createR2({}, { now: aMinuteAgo }),
    };
    const env = { ...world.env, ...stored };

    const { bytes } = await showAlone(`/archive/card/${KEY}`, env);
    world.media.setState("silent");
    const finish = stopTimers();
    const counts = world.archive.requestCount();

    // One object alone does not make it a silent bucket.
    const { took: first } = await finish(get("/images/card/other.jpg", {}, env));
    expect(first).toBe(5_000);

    for (const ms of [5_000, 0]) {
      const { value, took } = await finish(get(PATH, { headers: MODERN }, env));
      expect(value.status).toBe(200);
      expect(await value.bytes()).toEqual(bytes);
      expect(took).toEqual(ms);
    }

    expect(world.archive.requestCount()).toBe(counts);

    await vi.advanceTimersByTimeAsync(10_000);
  });

  test("with nothing stored, is a 504, whatever the second has", async () => {
    const world = createTwoBuckets([kind, kind]);
    world.media.setState("silent");
    const finish = stopTimers();
    const { value } = await finish(get(PATH, { headers: MODERN }, { ...world.env, ANSWERS }));
    expect(value.status).toBe(504);
    expect(world.archive.requestCount()).toBe(0);
  });
});

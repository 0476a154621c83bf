// The properties of cache lifetimes. They know ANSWERS, the replies of the edge and S3, and nothing of the code that
// they check.

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  callsFor,
  failing,
  GET,
  KEEP,
  OUTAGES,
  outage,
  sendAt,
  step,
  WEEK,
  working,
} from "./cache-visits.ts";
import { mood } from "./inputs.ts";
import { namesObject, property } from "./property.ts";
import { browser, EQUAL, healthy, rendition, variation } from "./rendition-requests.ts";
import { CONFIG, createIsolate, emptyCache } from "./world.ts";

/** The longest time for which the answer to a missing or broken object may be cached: s. */
const SHORT = 60;

/** For so long, S3's word that is not certain takes the place of an older picture: s. */
const WORD = 1;

const failure = fc.record({
  ...{ mood, step, key: fc.constantFrom("b.jpg", "c.jpg") },
  is: fc.oneof(failing, outage, healthy, working),
});
const answers = fc.constantFrom(
  ...[{}, {}, { keep: 60 }, { keep: 60, stale: 0 }, { keep: 60, stale: 0, stale_if_error: 30 }],
  ...[
    { keep: 60, stale: 0, stale_if_error: 0 },
    { keep: 1, stale: 90, stale_if_error: 30 },
  ],
);
const later = fc.constantFrom(
  ...[0, 0.5, 1, 29, 59, 61, 89, 91, 3599, 3601, 86_400, 500_000, 608_399],
);

export const ofLifetimes = {
  short: property(
    "no failure is cached, except what is no image, or is missing as S3 says: for a minute at most",
    fc.record({
      ...{
        variant: fc.constantFrom("card", "hero", "plain", "moving"),
        ...{ browser, slots: fc.constantFrom(...EQUAL.slice(2, 4)) },
      },
      visits: fc.array(failure, { minLength: 2, maxLength: 5 }),
    }),
    async (suspect, { variant, browser, slots, visits }) => {
      const scene = { isolate: createIsolate(slots), cache: emptyCache() };
      /** By source: for how long the last answer may be cached, and since when, in seconds. */
      const lifetimes = new Map<string, { readonly max: number; readonly since: number }>();
      let seconds = 0;
      for (const { mood: any, is, key, step: elapsed } of visits) {
        seconds += elapsed;
        if (seconds >= KEEP) return; // an outage then shows an older image: see "outages"
        const rendition = { route: "/app/:preset/*", variant, key, version: null } as const;
        const now = { ...any, replaced: undefined, ...is };
        const visited = await sendAt(suspect, [rendition, GET, browser], now, scene, seconds);
        const { status } = visited.answer;
        const calls = callsFor(visited, rendition);
        if (calls.length === 0) {
          const { max, since } = lifetimes.get(key) ?? { max: 0, since: seconds };
          assert.ok(seconds - since < max, `${status} is shown after ${seconds - since} s`);
          continue;
        }
        const isOutage = OUTAGES.some(({ code }) => code === now.failure?.code);
        if (isOutage) assert.ok(status >= 500, `${status} while all fails`);
        const isShort = status === 404 ? calls.some(namesObject) : status === 415;
        const failureMax = isShort ? SHORT : WORD;
        lifetimes.set(key, { max: status === 200 ? WEEK : failureMax, since: seconds });
      }
    },
  ),
  outages: property(
    "what was shown within the week is shown while all fails, and nothing is shown for longer",
    fc.record({
      ...{ rendition, browser, mood: healthy, outage, answers },
      visits: fc.array(fc.record({ variation, step: later }), { minLength: 1, maxLength: 4 }),
    }),
    async (suspect, { rendition, browser, mood: now, outage: is, answers, visits }) => {
      const { keep = KEEP, stale = WEEK, stale_if_error = WEEK }: Answers = answers;
      const isolate = createIsolate({ ...CONFIG, ANSWERS: answers });
      const scene = { isolate, cache: emptyCache() };
      const rendered = await sendAt(suspect, [rendition, GET, browser], now, scene);
      assert.equal(rendered.answer.status, 200);
      let seconds = 0;
      for (const { variation, step: elapsed } of visits) {
        seconds += elapsed;
        const failed = await sendAt(
          suspect,
          [rendition, variation, browser],
          { ...now, ...is },
          scene,
          seconds,
        );
        const { status } = failed.answer;
        const isShown = seconds < keep + Math.max(stale, stale_if_error);
        assert.ok(isShown ? status === 200 : status >= 500, `${status} after ${seconds} s`);
        if (isShown && variation.method === "GET") assert.equal(failed.body, rendered.body);
        const isNeeded = seconds >= keep && isShown;
        if (isNeeded) assert.ok(callsFor(failed, rendition).length > 0, "it is not tried");
      }
    },
  ),
};

type Answers = { keep?: number; stale?: number; stale_if_error?: number };

// The simulation of `keep` and of events: what must hold whatever the figures are, and that the pages have the figures.

import { describe, expect, test } from "vitest";
import {
  EMPTY_QUEUE,
  type EventQueue,
  nextPurge,
  sendEvent,
  settlePurge,
} from "./cost/event-queue.ts";
import { AFTER } from "./cost/rules.ts";
import { createAlbum, type Scenario, SEED, simulate } from "./cost/simulate.ts";
import { elementAt } from "./cost/site.ts";
import { countFirstViews, DAY, HOUR, MONTH } from "./cost/trace.ts";
import {
  type CacheRules,
  createWorkersCache,
  EVICTS_NOTHING,
  keepVersion,
  lookUp,
  renewVersion,
} from "./cost/workers-cache.ts";
import { seeded } from "./random.ts";

const MINUTE = 60;
const KEEPS = [300, HOUR, DAY, 7 * DAY, MONTH];

const EVICTIONS = {
  "nothing is evicted": {},
  "what nobody asks for in a day is evicted": { evictUnusedAfter: DAY },
  "all is evicted after a day": { evictAllAfter: DAY },
} satisfies Record<string, Partial<CacheRules>>;

describe("a month", () => {
  const SITE = { views: 8_000, objects: 60, replacements: 20 };
  const ALBUM = createAlbum(SITE);

  /** Returns what is counted in the second month. */
  const run = (keep: number, eviction: Partial<CacheRules>, change: Partial<Scenario> = {}) => {
    const cache = { ...EVICTS_NOTHING, keep, stale: 7 * DAY, ...eviction };
    const settings = { site: SITE, months: 2, rules: AFTER, hasStore: true, hasEvents: true };
    const { months } = simulate({ ...settings, cache, ...change }, ALBUM);
    return elementAt(months, 1);
  };

  test.each(Object.entries(EVICTIONS))(
    "where %s, a longer keep never asks S3 more, and each view is counted once",
    (_, eviction) => {
      const { anywhere } = countFirstViews(SITE, SEED, 2);
      for (const hasEvents of [false, true]) {
        const results = KEEPS.map((keep) => run(keep, eviction, { hasEvents }));
        const runs = results.map((counts) => counts.runs);
        expect(runs).toEqual(runs.toSorted((a, b) => b - a));
        expect(elementAt(runs, KEEPS.length - 1)).toBeLessThan(elementAt(runs, 0));

        for (const { views, fresh, stale, waitedForS3, waitedForEdge, refused } of results) {
          expect(fresh + stale + waitedForS3 + waitedForEdge + refused).toBe(views);

          // Of a replaced picture, its older one is shown first, if no event ends it.
          if (hasEvents) expect(waitedForEdge).toBeGreaterThanOrEqual(anywhere);
        }
      }
    },
  );

  test("where nothing is evicted, a longer keep makes nobody wait more", () => {
    const waited = KEEPS.map((keep) => {
      const { waitedForS3, waitedForEdge } = run(keep, EVICTIONS["nothing is evicted"]);
      return waitedForS3 + waitedForEdge;
    });
    expect(waited).toEqual(waited.toSorted((a, b) => b - a));
    expect(elementAt(waited, KEEPS.length - 1)).toBeLessThan(elementAt(waited, 0));
  });

  test("where nothing ends or is replaced, first views alone ask S3", () => {
    const site = { ...SITE, replacements: 0 };
    const { anywhere } = countFirstViews(site, SEED, 2);
    expect(run(Number.POSITIVE_INFINITY, {}, { site }).runs).toBe(anywhere);
  });

  test("no fewer wait where all is evicted after a day than where only the unused is", () => {
    for (const keep of [300, MONTH]) {
      const all = run(keep, EVICTIONS["all is evicted after a day"]);
      const unused = run(keep, EVICTIONS["what nobody asks for in a day is evicted"]);
      const nothing = run(keep, EVICTIONS["nothing is evicted"]);
      expect(all.waitedForS3).toBeGreaterThanOrEqual(unused.waitedForS3);
      expect(unused.waitedForS3).toBeGreaterThan(nothing.waitedForS3);
    }
  });

  test("an event is four operations of the queue or more, and four lists of the store", () => {
    const { queueOperations, storeLists } = run(300, {});
    expect(queueOperations / SITE.replacements).toBeGreaterThanOrEqual(4);
    expect(storeLists / SITE.replacements).toBeGreaterThanOrEqual(4);

    const without = run(300, {}, { hasEvents: false });
    expect([without.queueOperations, without.storeLists]).toEqual([0, 0]);
  });
});

test("evicted after a day is an entry that S3 has confirmed each hour", () => {
  const rules = { ...EVICTS_NOTHING, keep: 300, stale: DAY, evictAllAfter: DAY };
  const cache = createWorkersCache(rules, 1);
  keepVersion(cache, 0, 0, 1, 1);

  const kinds = Array.from({ length: 24 }, (_, hour) => {
    const now = 1 + (hour + 1) * HOUR;
    const { kind } = lookUp(cache, 0, 0, now);
    if (kind === "shown-and-checked") renewVersion(cache, 0, 0, 1, now);
    return kind;
  });
  expect(kinds.slice(0, -1)).toEqual(Array(23).fill("shown-and-checked"));
  expect(kinds.at(-1)).toBe("missed");
});

test("a replaced picture is gone within a minute of its event, and not without (W8)", () => {
  // Somebody asks for it every ten seconds. Nothing is evicted, which shows older ones for the longest time.
  const site = { views: 260_000, objects: 1, replacements: 1_000 };
  const cache = { ...EVICTS_NOTHING, keep: MONTH, stale: 7 * DAY };
  const longestOld = (hasEvents: boolean) => {
    const settings = { site, months: 1, rules: AFTER, hasStore: true };
    const { oldFor } = simulate({ ...settings, cache, hasEvents });
    return elementAt(oldFor, 0).at(-1);
  };
  expect(longestOld(true)).toBeLessThanOrEqual(MINUTE);
  expect(longestOld(false)).toBeGreaterThan(DAY);
});

describe("the queue", () => {
  /** Sends the events at their seconds, and takes purges until none is left. */
  const playQueue = (sentAt: readonly number[]) => {
    let queue: EventQueue = EMPTY_QUEUE;
    const purges: { at: number; objects: number[]; longestWait: number }[] = [];
    const until = Math.max(...sentAt) + 5 * MINUTE;
    for (let now = 1; now <= until; now++) {
      for (const [object, at] of sentAt.entries()) {
        if (at === now) queue = sendEvent(queue, object, now);
      }
      const purge = nextPurge(queue, now);
      if (!purge) continue;
      const objects = purge.messages.map(({ object }) => object);
      purges.push({ at: now, objects, longestWait: purge.longestWait ?? 0 });
      queue = settlePurge(purge, new Set());
    }
    return { queue, purges };
  };
  const random = seeded(3);
  const times = (count: number, within: number) =>
    Array.from({ length: count }, () => 1 + Math.floor(random() * within));

  test.each([
    ["one event", [1], 15],
    ["a hundred at once", times(100, 1), 5],
    ["four hundred at once", times(400, 1), 50],
    ["one each second for ten minutes", Array.from({ length: 600 }, (_, second) => second + 1), 60],
    ["six hundred within ten minutes", times(600, 600), 60],
  ])(
    "%s: each is purged within a minute, and once more when all older runs have ended",
    (_, sentAt, limit) => {
      const { queue, purges } = playQueue(sentAt);
      expect(queue.messages).toEqual([]);
      expect(Math.max(...purges.map(({ longestWait }) => longestWait))).toBeLessThanOrEqual(limit);

      for (const [index, { at, objects }] of purges.entries()) {
        expect(objects.length).toBeLessThanOrEqual(100);
        const before = purges[index - 1];
        const isHeld = before && before.objects.length > 1;
        if (isHeld) expect(at - before.at).toBeGreaterThanOrEqual(15);
      }
      for (const [object, at] of sentAt.entries()) {
        const passes = purges.filter(({ objects }) => objects.includes(object));
        expect(passes.length).toBe(2);
        expect(elementAt(passes, 1).at - at).toBeGreaterThanOrEqual(50);
      }
    },
  );

  test("an event comes again as long as its late purges find something in the store", () => {
    let queue = sendEvent(EMPTY_QUEUE, 7, 1);
    const stored = new Set([7]);
    let passes = 0;
    for (let now = 1; now < HOUR && queue.messages.length > 0; now++) {
      const purge = nextPurge(queue, now);
      if (!purge) continue;
      passes += 1;
      queue = settlePurge(purge, passes < 4 ? stored : new Set());
    }
    expect([passes, queue.messages.length]).toEqual([4, 0]);
  });
});

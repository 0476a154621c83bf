// `vitrine rotate` in all orders within large bounds; each invariant fails where a mistake is planted; and the command goes
// on from a moment alike, however it came there.

import { beforeEach, expect, onTestFinished, test } from "vitest";
import { STEPS } from "../../../src/cli/rotate/steps.ts";
import "../../support/cli/rotating-site.ts";
import { disableCacheInEachTest, stopDates } from "../../support/run-worker.ts";
import { actedOn, createCommandTable } from "./rotate-command.ts";
import { explore, walk } from "./rotate-explore.ts";
import { arrangeVisits, createVisits, type KeyName } from "./rotate-visits.ts";
import type { Bounds } from "./rotate-world.ts";

disableCacheInEachTest(); // what was kept would hide that nothing serves
stopDates();
beforeEach(arrangeVisits);

const visits = createVisits();

/** @param minute how many polls there are in a minute */
const createTable = (minute: number) =>
  createCommandTable({ intervalS: 1, watchS: minute, maxBlocked: minute + 1 });

const ALL = { isNewKeySlow: true, isLeaked: true, mayBeUndeployed: true };

test.each<[title: string, keys: readonly KeyName[], bounds: Bounds]>([
  ["alone", ["1"], { minute: 2, lagging: 2, interruptions: 3, ...ALL }],
  ["two with one new key", ["1", "1"], { minute: 1, lagging: 2, interruptions: 3, ...ALL }],
  ["two with one new key, slowly", ["1", "1"], { minute: 2, lagging: 1, interruptions: 2 }],
  ["two with a new key each", ["1", "2"], { minute: 1, lagging: 1, interruptions: 2 }],
  ["two with a new key each, slowly", ["1", "2"], { minute: 2, lagging: 1, interruptions: 0 }],
])(
  "%s: no visitor's request fails, whatever dies, and no advice is wrong (S1, S3, S7)",
  async (_, keys, bounds) => {
    const table = await createTable(bounds.minute);
    const { story } = await explore(keys, bounds, table, visits);
    expect(story).toEqual([]);
  },
  300_000,
);

const [, PROMOTE, , DEACTIVATE] = STEPS;

type Planted = {
  readonly step?: object | undefined;
  readonly change?: object;
  readonly keys?: readonly KeyName[];
  readonly bounds?: Partial<Bounds>;
};

test.each<[mistake: string, says: RegExp, planted: Planted]>([
  [
    "the new key is promoted before all of S3 knows it",
    /a visitor of .* fails/,
    { step: PROMOTE, change: { isWatched: false }, bounds: { isNewKeySlow: true } },
  ],
  [
    "a put changes the ids of both slots, and no secret",
    /both slots have the id of one key/,
    { bounds: { interruptions: 0, planted: { put: () => "1.1." } } },
  ],
  [
    "the end is not watched, while old versions run",
    /it says that . may be deactivated, but a visitor/,
    {
      ...{ step: DEACTIVATE, change: { isWatched: false }, keys: ["1", "2"] },
      bounds: { interruptions: 0, planted: { isEndUnchecked: true } },
    },
  ],
  [
    "it says that it is done before the key is promoted",
    /it says that o may be deactivated, but a visitor/,
    {
      ...{ step: DEACTIVATE, change: { before: {}, isWatched: false } },
      bounds: { interruptions: 0, planted: { isEndUnchecked: true } },
    },
  ],
  [
    "it says that it is done before the next slot is empty",
    /the slots were never so/,
    {
      ...{ step: DEACTIVATE, change: { before: { current: "new" } } },
      bounds: { interruptions: 0 },
    },
  ],
  [
    "it never ends",
    /no end after/,
    { step: DEACTIVATE, change: { before: { current: "empty" } }, bounds: { interruptions: 0 } },
  ],
  [
    "the advice empties the current slot in place of the next one",
    /no end after .* as printed/,
    { keys: ["1", "2"], bounds: { planted: { printed: (text) => text.replaceAll("_NEXT", "") } } },
  ],
])(
  "it is found that %s",
  async (_, says, { step, change, keys = ["1"], bounds }) => {
    if (step !== undefined) {
      const before = { ...step };
      Object.assign(step, change);
      onTestFinished(() => void Object.assign(step, { isWatched: undefined }, before));
    }
    const usual = { minute: 1, lagging: 1, interruptions: 1 } as const;
    const table = await createTable(usual.minute);
    const { story } = await explore(keys, { ...usual, ...bounds }, table, visits);
    expect(story.at(-1)).toMatch(says);
  },
  120_000,
);

test("beyond the bounds, too, and from the same moment the command goes on alike, however it came there", async () => {
  const table = await createTable(1);
  const bounds = { minute: 1, lagging: 2, interruptions: 20, ...ALL, isLeaked: false } as const;
  for (let seed = 1; seed <= 200; seed += 1) {
    const { history, moment, story } = await walk(
      ["1", "2"],
      bounds,
      table,
      visits,
      randomFrom(seed),
    );
    expect([seed, ...story]).toEqual([seed]);
    const again = await table.replay(history);
    expect([seed, actedOn(again)]).toEqual([seed, actedOn(moment.call)]);
  }
}, 300_000);

/** Numbers from 0 to 1: the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

// `vitrine rotate` in all orders in which it may be killed, lose an answer, or meet a second one, within small bounds.
// rotate-long.test.ts has larger ones.

import { beforeEach, expect, test } from "vitest";
import "../../support/cli/rotating-site.ts";
import { disableCacheInEachTest, stopDates } from "../../support/run-worker.ts";
import { type CommandTable, createCommandTable } from "./rotate-command.ts";
import { explore } from "./rotate-explore.ts";
import { arrangeVisits, createVisits, type KeyName } from "./rotate-visits.ts";
import type { Bounds } from "./rotate-world.ts";

disableCacheInEachTest(); // what was kept would hide that nothing serves
stopDates();
beforeEach(arrangeVisits);

const visits = createVisits();
let table: CommandTable | undefined;

test.each<[title: string, keys: readonly KeyName[], bounds: Bounds]>([
  ["alone", ["1"], { minute: 1, lagging: 2, interruptions: 3, isNewKeySlow: true }],
  ["two with a new key each", ["1", "2"], { minute: 1, lagging: 1, interruptions: 0 }],
])(
  "%s: no visitor's request fails, whatever dies, and no advice is wrong (S1, S3, S7)",
  async (_, keys, bounds) => {
    table ??= await createCommandTable({ intervalS: 1, watchS: 1, maxBlocked: 2 });
    const { story } = await explore(keys, bounds, table, visits);
    expect(story).toEqual([]);
  },
  60_000,
);

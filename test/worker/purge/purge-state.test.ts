// What an isolate learns of the purges of a bucket: the limit refused a call, or the bucket was dropped.

import { expect, test } from "vitest";
import { advance, isDroppedSince, NO_PURGES } from "../../../src/worker/purge/purge-cache.ts";

const AT = Date.UTC(2026, 10, 24, 9);
const dropped = { type: "dropped", at: AT } as const;
const limited = { type: "limited" } as const;

test("a refusal by the limit lasts until the bucket is dropped (W10)", () => {
  const refused = advance(NO_PURGES, limited);
  expect(refused.isLimited).toBe(true);
  const done = advance(refused, dropped);
  expect([done.isLimited, done.droppedAt]).toEqual([false, AT]);
  const again = advance(done, limited);
  expect([again.isLimited, again.droppedAt]).toEqual([true, AT]); // the drop still counts
});

test.each<[string, number | undefined, boolean]>([
  ["an hour before", AT - 3_600_000, true],
  ["more than five seconds before", AT - 5_001, true],
  ["five seconds before: clocks differ", AT - 5_000, false],
  ["at that moment", AT, false],
  ["after it", AT + 1, false],
  ["at a time that nobody knows", undefined, false],
])("an object that was changed %s", (_when, changed, isDropped) => {
  expect(isDroppedSince(advance(NO_PURGES, dropped), changed)).toBe(isDropped);
  expect(isDroppedSince(NO_PURGES, changed)).toBe(false);
  expect(isDroppedSince(advance(NO_PURGES, limited), changed)).toBe(false);
});

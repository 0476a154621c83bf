// What an isolate remembers of purges that a rate limit held up.

import { expect, test } from "vitest";
import {
  type Backlog,
  fillUp,
  isPurgedSince,
  NO_BACKLOG,
  remember,
} from "../../../src/worker/purge/backlog.ts";
import { type Hindrance, hindrance } from "../../../src/worker/purge/hindrance.ts";
import type { Target } from "../../../src/worker/purge/targets.ts";

const target = (key: string, changed?: number): Target => {
  const name = `media/${key}`;
  const bucket = { base: "https://x/", engines: ["cf"] } as const;
  return { name, bucket, key, url: `https://x/${key}`, ...(changed !== undefined && { changed }) };
};
const many = (count: number) => Array.from({ length: count }, (_, at) => target(`${at}`));
const fatesOf = (targets: readonly Target[], fate?: Hindrance) =>
  new Map(targets.map(({ url }) => [url, fate]));
const limited = hindrance("limited", "too many");
const keys = (targets: Iterable<Target>) => [...targets].map(({ key }) => key);

/** What is remembered after these objects met this fate. */
const after = (
  targets: readonly Target[],
  fate?: Hindrance,
  before: Backlog = NO_BACKLOG,
  at = 0,
) => remember(before, targets, fatesOf(targets, fate), at);

test.each<[string, number | undefined, number | undefined, number, boolean]>([
  ["an event that is sent again", 1_000, 1_000, 10_000, true],
  ["an event of an earlier change", 1_000, 900, 10_000, true],
  ["an event that is sent again at once, by clocks that differ", 6_000, 6_000, 10_000, false],
  ["a change at the same time", 10_000, 10_000, 10_000, false],
  ["a change after the purge", 1_000, 11_000, 10_000, false],
  ["a later change", 1_000, 2_000, 10_000, false],
  // The clock of such an S3 may be 15 minutes behind, and its requests are still accepted.
  ["a later change, where S3's clock is a minute behind", 40_000, 70_000, 100_000, false],
  ["a change where the object was purged by its name", undefined, 1_000, 10_000, false],
  ["a change at an unknown time", 1_000, undefined, 10_000, false],
])("%s counts as purged only if the same S3 said so", (_what, known, changed, began, counts) => {
  const backlog = after([target("a", known)], undefined, NO_BACKLOG, began);
  expect(isPurgedSince(backlog, target("a", changed))).toBe(counts);
  expect(isPurgedSince(backlog, target("b", changed))).toBe(false);
});

test("a purge by name keeps what is known of changes before it", () => {
  const first = after([target("a", 1_000)], undefined, NO_BACKLOG, 10_000);
  const second = after([target("a")], undefined, first, 20_000);
  const third = after([target("a", 500)], undefined, second, 30_000);
  for (const backlog of [first, second, third]) {
    expect(isPurgedSince(backlog, target("a", 1_000))).toBe(true);
    expect(isPurgedSince(backlog, target("a", 1_001))).toBe(false);
  }
});

test("what a limit holds up is waiting, until it is purged; other failures are not", () => {
  const [a, b] = [target("a"), target("b")];
  for (const cause of ["failed", "late"] as const) {
    expect(after([a], hindrance(cause, "")).waiting.size).toBe(0);
  }
  const waiting = after([a, b], limited);
  expect(keys(waiting.waiting.values())).toEqual(["a", "b"]);
  expect(waiting.purged.size).toBe(0);
  const purged = after([a], undefined, waiting, 5);
  expect(keys(purged.waiting.values())).toEqual(["b"]);
  expect([...purged.purged]).toEqual([[a.url, { began: 5, changed: Number.NEGATIVE_INFINITY }]]);
});

test("a call is filled with what is waiting, each object once, and no call is added", () => {
  const backlog = after(many(250), limited);
  expect(keys(fillUp(backlog, [target("x"), target("1")], 4))).toEqual(["x", "1", "0", "2"]);
  expect(fillUp(backlog, many(100), 100)).toHaveLength(100);
  expect(fillUp(backlog, many(101), 100)).toHaveLength(200);
  expect(fillUp(NO_BACKLOG, many(3), 100)).toHaveLength(3);
});

test("the memory is bounded, and the newest purges stay", () => {
  expect(after(many(3_000), limited).waiting.size).toBe(2_500);
  const full = after(many(12_000), undefined, NO_BACKLOG, 1);
  expect([full.purged.size, full.purged.has("https://x/11999")]).toEqual([10_000, true]);
  const again = after([target("2000")], undefined, full, 2);
  expect(again.purged.get("https://x/2000")?.began).toBe(2);
  expect([...again.purged.keys()].at(-1)).toBe("https://x/2000");
});

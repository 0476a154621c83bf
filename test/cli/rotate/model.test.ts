// The decisions of `vitrine rotate`, for all contents of the slots, all answers of S3 and all steps: no put and no
// advice takes a key away that visitors need, and a rotation that stopped anywhere goes on from there. Nothing is
// sent: rotate.test.ts runs the command.

import { beforeEach, expect, test } from "vitest";
import { isFault } from "../../../src/cli/command.ts";
import { blockedFault } from "../../../src/cli/rotate/advice.ts";
import { readNewKey } from "../../../src/cli/rotate/new-key.ts";
import { type KeyedRotation, openRotation } from "../../../src/cli/rotate/rotation.ts";
import { decideStep, STEPS, type Step } from "../../../src/cli/rotate/steps.ts";
import { maskKeyId } from "../../../src/worker/config/slot.ts";
import type { BucketHealth } from "../../../src/worker/operator.ts";
import { site, TOOLS } from "../../support/cli/rotating-site.ts";
import { createWorld } from "../../support/cli/vitrine.ts";
import { HEALTH_TOKEN } from "../../support/env.ts";

const KEYS = ["old", "new", "third"] as const;
type Key = (typeof KEYS)[number];
const CONTENTS = ["empty", "half", ...KEYS] as const;
type Slots = { readonly [Name in "current" | "next"]: (typeof CONTENTS)[number] };

const REPLIES = ["ok", "InvalidAccessKeyId", "ServiceUnavailable"] as const;
/** What the S3 of a bucket answers for each key. */
type S3 = Readonly<Record<Key, (typeof REPLIES)[number]>>;
const WELL: S3 = { old: "ok", new: "ok", third: "ok" };

const ALL_SLOTS: readonly Slots[] = CONTENTS.flatMap((current) =>
  CONTENTS.map((next) => ({ current, next })),
);
const ALL_S3: readonly S3[] = REPLIES.flatMap((old) =>
  REPLIES.flatMap((fresh) => REPLIES.map((third) => ({ old, new: fresh, third }))),
);
/** The steps after which something may be put; undefined: before the first one. */
const PUTS_FOLLOW = [undefined, ...STEPS.slice(0, -1)];
const ENDS = { old: "…MPLE", new: "…TKEY", third: "…IRD3" };

let rotation: KeyedRotation;
beforeEach(() => {
  const { world } = createWorld({ folder: site.folder, env: { HEALTH_TOKEN } });
  const opened = openRotation(world, { keyFile: "key.json" }, TOOLS);
  const key = readNewKey(site.folder, "key.json");
  if (isFault(opened) || isFault(key)) throw new Error("there is nothing to rotate");
  rotation = { ...opened, key, newMaskedId: maskKeyId(key) };
});

/** What /healthz says of buckets that share the slots, each in its own S3. */
function healthOf(slots: Slots, buckets: readonly S3[], edge = "on"): BucketHealth[] {
  return buckets.map((s3, index) => ({
    ...{ bucket: `bucket${index}`, edge },
    slots: (["current", "next"] as const).flatMap((slot) => {
      const content = slots[slot];
      if (content === "empty") return [];
      if (content === "half") return [{ slot, state: "incomplete" }];
      return [{ slot, access_key: ENDS[content], state: s3[content] }];
    }),
  }));
}

const replyFor = (content: Slots["current"], s3: S3) =>
  content === "empty" || content === "half" ? "no key" : s3[content];

/** Whether visitors of a bucket may get images: S3 accepts a slot, or is down and may accept it later. */
function mayServe({ current, next }: Slots, s3: S3): boolean {
  return [current, next].some((content) => /^ok|^Service/.test(replyFor(content, s3)));
}

function decide(
  slots: Slots,
  buckets: readonly S3[],
  last: Step | undefined,
  key: Key = "new",
  edge = "on",
) {
  return decideStep(ENDS[key], healthOf(slots, buckets, edge), last);
}

function putInto(slots: Slots, { puts }: Step, key: Key = "new"): Slots {
  return puts ? { ...slots, [puts.slot]: puts.value === "new" ? key : "empty" } : slots;
}

/** Runs a rotation to its end, in front of an S3 where all is well. @returns the slots after each put */
function complete(from: Slots, buckets: readonly S3[] = [WELL]): Slots[] {
  const after = [from];
  let slots = from;
  let last: Step | undefined;
  while (after.length < 9) {
    const decided = decide(slots, buckets, last);
    if (decided.kind === "blocked" || decided.step.puts === undefined) break;
    slots = putInto(slots, decided.step);
    last = decided.step;
    after.push(slots);
  }
  return after;
}
const DONE: Slots = { current: "new", next: "empty" };

test("no put, after any step, replaces or deletes a key that alone serves, nor one of another rotation", () => {
  const wrong: unknown[] = [];
  let puts = 0;
  for (const slots of ALL_SLOTS) {
    const others = ALL_S3.filter(({ third }) => third === "ok");
    for (const [first, second, last] of product(ALL_S3, others, PUTS_FOLLOW)) {
      const both = [first, second];
      const decided = decide(slots, both, last);
      if (decided.kind === "blocked" || decided.step.puts === undefined) continue;
      const { step } = decided;
      puts += 1;
      const after = putInto(slots, step);
      const broken = both.flatMap((s3) => {
        const replies = [slots.current, slots.next].map((content) => replyFor(content, s3));
        return [
          ...(mayServe(slots, s3) && !mayServe(after, s3) ? ["takes the last key away"] : []),
          ...(after.current === "new" && slots.current !== "new" && s3.new !== "ok"
            ? ["promotes a key that S3 does not take"]
            : []),
          ...(after.next === "empty" && s3.new !== "ok" ? ["leaves a refused key alone"] : []),
          ...(replies.includes("ServiceUnavailable") ? ["puts while S3 is down"] : []),
        ];
      });
      if (slots.next === "old" || slots.next === "third") broken.push("overwrites another key");
      if (after.current !== slots.current && slots.next !== "new") broken.push("promotes unseen");
      if (broken.length > 0) wrong.push({ slots, first, second, after: last?.title, broken });
    }
  }
  expect(wrong).toEqual([]);
  expect(puts).toBeGreaterThan(1000);
});

test("nothing is put while images fail for another reason, or while the state is unknown", () => {
  for (const [slots, last] of product(ALL_SLOTS, PUTS_FOLLOW)) {
    if (mayServe(slots, WELL)) {
      expect(decide(slots, [WELL], last, "new", "off")).toHaveProperty("cause");
    }
    expect(decideStep(ENDS.new, { fault: "no answer" }, last)).toHaveProperty("cause", "no-health");
  }
});

test("killed anywhere and started again it goes on, with at most three puts, unless another key is in the way", () => {
  const replies = ALL_S3.filter(
    (s3) => s3.new === "ok" && !Object.values(s3).includes("ServiceUnavailable"),
  );
  for (const [slots, s3] of product(ALL_SLOTS, replies)) {
    const after = complete(slots, [s3, WELL]);
    const isTaken = slots.next === "old" || slots.next === "third";
    expect([slots, after.at(-1)]).toEqual([slots, isTaken ? slots : DONE]);
    expect(after.length).toBeLessThanOrEqual(4);
    expect(new Set(after).size).toBe(after.length);
  }
});

test("a put that does not show, or that S3 forgets, is not followed by another one (S1)", () => {
  for (const last of STEPS.filter(({ puts }) => puts)) {
    for (const before of ALL_SLOTS) {
      const first = decide(before, [WELL], undefined);
      if (first.kind === "blocked" || first.step !== last) continue;
      expect(decide(before, [WELL], last)).toMatchObject({ cause: "absent" });
      const forgotten: S3 = { ...WELL, new: "InvalidAccessKeyId" };
      const decided = decide(putInto(before, last), [WELL, forgotten], last);
      expect(decided).toMatchObject({ cause: "refused" });
    }
  }
});

type Rotating = {
  readonly key: Key;
  readonly last: Step | undefined;
  readonly step?: Step;
  readonly isOver?: true;
};

test("two at a time, each killed and started again at any point, always leave a key that serves", () => {
  for (const other of ["new", "third"] as const) {
    const begin = (key: Key): Rotating => ({ key, last: undefined });
    const queue: [Slots, readonly Rotating[]][] = [
      [{ current: "old", next: "empty" }, [begin("new"), begin(other)]],
    ];
    const seen = new Set<string>();
    for (const [slots, both] of queue) {
      const name = JSON.stringify([slots, both]);
      if (seen.has(name)) continue;
      seen.add(name);
      expect(mayServe(slots, WELL)).toBe(true);
      expect(["old", "new", "third"]).toContain(slots.current);
      const go = (one: Rotating, changed: Rotating, after = slots) =>
        queue.push([after, both.map((each) => (each === one ? changed : each))]);
      for (const one of both.filter(({ isOver }) => !isOver)) {
        const { key, last, step } = one;
        go(one, begin(key)); // killed
        if (step) {
          go(one, { key, last: step }, putInto(slots, step, key));
          continue;
        }
        const decided = decide(slots, [WELL], last, key);
        if (decided.kind === "blocked") continue; // it waits
        if (decided.step.puts) go(one, { ...one, step: decided.step });
        else go(one, { ...one, isOver: true });
      }
    }
    expect(seen.size).toBeGreaterThan(20);
  }
});

/** Does what an advice prints for wrangler, one command after the other. @returns the slots after each */
function follow(advice: string, from: Slots): Slots[] {
  const after = [from];
  for (const [, verb, name = ""] of advice.matchAll(/wrangler secret (put|delete) (\w+)/g)) {
    const slot = name.endsWith("_NEXT") ? "next" : "current";
    const key = advice.includes("Put the old key") ? "old" : from.next;
    const whole = verb === "put" ? key : "empty";
    // The id comes first. Half a key serves nobody.
    after.push({ ...(after.at(-1) ?? from), [slot]: name.includes("SECRET") ? whole : "half" });
  }
  return after;
}

test("each advice, done as it is printed, takes nothing from visitors, and the rotation goes on after it", async () => {
  const wrong: unknown[] = [];
  const printed = new Map<string, string>();
  const elsewhere: S3 = { old: "InvalidAccessKeyId", new: "ok", third: "ok" };
  for (const [slots, s3, last] of product(ALL_SLOTS, ALL_S3, PUTS_FOLLOW)) {
    for (const [buckets, isAccepted] of product([[s3], [s3, elsewhere]], [true, false])) {
      const blocked = decide(slots, buckets, last);
      if (blocked.kind === "ready") continue;
      const { fault } = blockedFault(rotation, last, blocked, { maskedId: ENDS.old, isAccepted });
      const lines = fault.split("\n").slice(1 + blocked.details.length);
      const advice = lines.join("\n");
      if (!printed.has(advice)) printed.set(advice, fault);
      const after = follow(advice, slots);
      const result = after.at(-1) ?? slots;
      const isLost = buckets.some(
        (one) => mayServe(slots, one) && !after.every((each) => mayServe(each, one)),
      );
      const isStuck =
        result !== slots && result.next === "empty" && complete(result).at(-1)?.current !== "new";
      if (isLost || isStuck) wrong.push({ slots, buckets, last: last?.title, advice, after });
    }
  }
  expect(wrong).toEqual([]);
  await expect(`${[...printed.values()].join("\n\n")}\n`).toMatchFileSnapshot("advice.txt");
});

/** All combinations of one member of each list. */
function product<A, B>(first: readonly A[], second: readonly B[]): [A, B][];
function product<A, B, C>(...lists: [readonly A[], readonly B[], readonly C[]]): [A, B, C][];
function product(...lists: (readonly unknown[])[]): unknown[][] {
  return lists.reduce<unknown[][]>(
    (rows, list) => rows.flatMap((row) => list.map((one) => [...row, one])),
    [[]],
  );
}

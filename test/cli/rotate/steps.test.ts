// Which step of a rotation is next, or what is wrong: from the record and the slots alone.

import { expect, test } from "vitest";
import { serving } from "../../../src/cli/rotate/slots.ts";
import { deviations, nextMove, STEPS } from "../../../src/cli/rotate/steps.ts";

const RECORD = {
  ...{ word: "AWS", url: "https://images.example.com", told: false, hash: "", worked: true },
  ...{ new: "…NEW1", old: "…OLD1" },
};

type Slot = readonly ["current" | "next", end: string | undefined, state: string];

function bucket(name: string, ...slots: readonly Slot[]) {
  return { bucket: name, slots: slots.map(([slot, end, state]) => ({ slot, end, state })) };
}

const old: Slot = ["current", RECORD.old, "ok"];
const dead: Slot = ["current", RECORD.old, "InvalidAccessKeyId"];
const promoted: Slot = ["current", RECORD.new, "ok"];
const third: Slot = ["current", "…IRD3", "ok"];
const next: Slot = ["next", RECORD.new, "ok"];
const refused: Slot = ["next", RECORD.new, "InvalidAccessKeyId"];
const half: Slot = ["next", undefined, "incomplete"];
const other: Slot = ["next", "…IRD3", "ok"];

test.each<[what: string, step: number | undefined, Slot[], expected: string]>([
  ["nothing has begun", undefined, [old], "do 1"],
  ["nothing has begun, and no slot works", undefined, [dead], "do 1"],
  ["nothing has begun, and the next slot is full", undefined, [old, other], "next not-empty"],
  ["nothing has begun, and the next slot is half full", undefined, [old, half], "next not-empty"],
  ["the next slot is empty", 2, [old], "do 2"],
  ["the next slot is half full", 2, [old, half], "do 2"],
  ["the new key may be there already, with another secret", 2, [old, next], "do 2"],
  ["somebody else filled the next slot", 2, [old, other], "next unknown-key"],
  ["the new key is there", 3, [old, next], "do 3"],
  ["S3 refuses the new key", 3, [old, refused], "next refused"],
  ["the next slot is empty, and must be full", 3, [old], "next not-new"],
  ["both keys are there", 4, [old, next], "do 4"],
  ["the current slot is empty", 4, [next], "do 4"],
  ["somebody else filled the current slot", 4, [third, next], "current unknown-key"],
  ["it was interrupted after it was promoted", 4, [promoted, next], "done 4"],
  ["both slots have the new key", 5, [promoted, next], "do 5"],
  ["the old key is back", 5, [old, next], "current not-new"],
  ["somebody else filled the next slot again", 5, [promoted, other], "next unknown-key"],
  ["it was interrupted after the next slot was emptied", 5, [promoted], "done 5"],
  ["only the old key is left", 6, [promoted], "do 6"],
  ["the next slot is full again", 6, [promoted, next], "next not-empty"],
])("%s (step %s)", (_what, step, slots, expected) => {
  const record = step === undefined ? undefined : { ...RECORD, step };
  const move = nextMove([bucket("media", ...slots)], record);
  const wrong = move.wrong.map(({ slot, cause }) => `${slot} ${cause}`);
  expect(move.step.number).toBe(step ?? 1);
  expect(wrong.join() || `${move.isDone ? "done" : "do"} ${move.step.number}`).toBe(expected);
});

test.each<[what: string, current: Slot, causes: string[]]>([
  ["while the current slot works", old, []],
  ["but not once it alone serves", dead, ["serves-alone"]],
])("the key that --restart may replace is replaced, %s", (_what, current, causes) => {
  const record = { ...RECORD, step: 2, replaces: "…IRD3" };
  const { wrong } = nextMove([bucket("media", current, other)], record);
  expect(wrong.map(({ cause }) => cause)).toEqual(causes);
});

test("one bucket that is not ready holds a step back, and is named with what was found", () => {
  const health = [bucket("media", promoted, next), bucket("extra", old, next)];
  expect(nextMove(health, { ...RECORD, step: 5 })).toEqual({
    step: STEPS[4],
    isDone: false,
    wrong: [
      {
        ...{ bucket: "extra", slot: "current", cause: "not-new" },
        found: { slot: "current", end: RECORD.old, state: "ok" },
      },
    ],
  });
});

test("what a step leaves behind is what the next one needs", () => {
  const left: Record<number, Slot[]> = {
    ...{ 1: [old], 2: [old, next], 3: [old, next] },
    ...{ 4: [promoted, next], 5: [promoted] },
  };
  for (const { number, after } of STEPS.slice(0, -1)) {
    const health = [bucket("media", ...(left[number] ?? []))];
    expect([number, deviations(health, after, RECORD)]).toEqual([number, []]);
    expect(nextMove(health, { ...RECORD, step: number + 1 }).wrong).toEqual([]);
  }
});

test("which slot serves is said once if it is the same everywhere", () => {
  expect(serving([bucket("media", old), bucket("extra", old)])).toBe(
    "the current slot (…OLD1) serves",
  );
  expect(serving([bucket("media", dead), bucket("extra", dead, next)])).toBe(
    "media: no slot serves; extra: the next slot (…NEW1) serves",
  );
});

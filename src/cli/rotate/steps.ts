// The runbook of docs/rotate.md as data, and the one function that says what is next. No I/O.

import { SLOT_NAMES, type SlotName } from "../../worker/base/refusal.ts";
import { secretNames } from "../../worker/config/read-secrets.ts";
import type { Slot } from "../../worker/config/slot.ts";
import type { Change } from "../secrets/dev-vars.ts";
import type { RotationRecord } from "./record.ts";
import { type BucketSeen, type Health, onlyNextServes, type SlotSeen, slotOf } from "./slots.ts";

type Put = "new" | "empty";

/**
 * What a slot must be in every bucket. `new`: S3 accepts the new key in it. `free`: it may be overwritten; it
 * is empty or incomplete, or holds the new key or one that may go. `known`: it is empty or incomplete, or
 * holds the old key or the new one.
 */
type Want = Put | "free" | "known";

type Wanted = { readonly [Name in SlotName]?: Want };

export type Step = {
  readonly number: number;
  readonly title: string;
  /** The slot that it changes. */
  readonly puts?: { readonly slot: SlotName; readonly value: Put };
  readonly byHand?: true;
  readonly before: Wanted;
  /** What must be true before the next step begins. */
  readonly after: Wanted;
  /** Whether `after` must stay true for a while, until no old version of the Worker runs. */
  readonly waits?: true;
};

export const STEPS = [
  { number: 1, title: "Make a new key", before: { next: "empty" }, after: {} },
  {
    number: 2,
    title: "Put it into the next slot",
    puts: { slot: "next", value: "new" },
    before: { next: "free" },
    after: { next: "new" },
  },
  {
    number: 3,
    title: "Check that it works",
    before: { next: "new" },
    after: { next: "new" },
    waits: true,
  },
  {
    number: 4,
    title: "Promote it into the current slot",
    puts: { slot: "current", value: "new" },
    before: { current: "known", next: "new" },
    after: { current: "new", next: "new" },
    waits: true,
  },
  {
    number: 5,
    title: "Empty the next slot",
    puts: { slot: "next", value: "empty" },
    before: { current: "new", next: "free" },
    after: { current: "new", next: "empty" },
    waits: true,
  },
  {
    number: 6,
    title: "Deactivate the old key",
    byHand: true,
    before: { current: "new", next: "empty" },
    after: { current: "new", next: "empty" },
    waits: true,
  },
] as const satisfies readonly Step[];

export function stepOf(record: RotationRecord | undefined): Step {
  return STEPS.find(({ number }) => number === record?.step) ?? STEPS[0];
}

/** The keys that a rotation knows, by the ends of their ids. */
export type Ends = Pick<RotationRecord, "new" | "old" | "replaces">;

export type Deviation = {
  readonly bucket: string;
  readonly slot: SlotName;
  readonly cause: "not-empty" | "not-new" | "refused" | "unknown-key" | "serves-alone";
  /** What is in the slot; undefined: nothing. */
  readonly found: SlotSeen | undefined;
};

/** Which step is next, whether only the check after it is left (`isDone`), and what is wrong. */
export function nextMove(health: Health, record: RotationRecord | undefined) {
  const step = stepOf(record);
  // Step 2 is never known to be done: only the end of the id in the next slot can be seen.
  const shows = step.puts !== undefined && step.number > 2;
  const isDone = shows && deviations(health, step.after, record).length === 0;
  return { step, isDone, wrong: isDone ? [] : deviations(health, step.before, record) };
}

export function deviations(
  buckets: Health,
  wanted: Wanted,
  ends: Ends = { new: "", old: "" },
): Deviation[] {
  return buckets.flatMap((bucket) =>
    SLOT_NAMES.flatMap((slot) => {
      const want = wanted[slot];
      const cause = want && causeOf(bucket, slot, want, ends);
      const found = slotOf(bucket, slot);
      return cause === undefined ? [] : [{ bucket: bucket.bucket, slot, cause, found }];
    }),
  );
}

function causeOf(
  bucket: BucketSeen,
  name: SlotName,
  want: Want,
  ends: Ends,
): Deviation["cause"] | undefined {
  const found = slotOf(bucket, name);
  const end = found?.end;
  switch (want) {
    case "empty":
      return found && "not-empty";
    case "new":
      if (end !== ends.new) return "not-new";
      return found?.state === "ok" ? undefined : "refused";
    case "known": {
      const isKnown = ends.old === "" || [undefined, ends.old, ends.new].includes(end);
      return isKnown ? undefined : "unknown-key";
    }
    case "free":
      if (end === undefined || end === ends.new) return undefined;
      if (end !== ends.replaces) return "unknown-key";
      return onlyNextServes(bucket) ? "serves-alone" : undefined;
  }
}

/** What the names of the secrets begin with, and whether a slot may hold a session token, too. */
type Secrets = { readonly word: string; readonly hasSessions: boolean };

/**
 * The secrets that a step changes. Without a key, their values are empty. A session token goes at once with
 * its key: S3 refuses a token beside another key. It does no harm if there is none.
 */
export function changeOf(
  { puts }: Pick<Step, "puts">,
  { word, hasSessions }: Secrets,
  key?: Slot,
): Change {
  if (puts === undefined) return {};
  const { accessKeyId, secretAccessKey, sessionToken } = secretNames(word, puts.slot);
  const token = hasSessions ? { [sessionToken]: null } : {};
  if (puts.value === "empty") return { [accessKeyId]: null, [secretAccessKey]: null, ...token };
  return {
    ...token,
    [accessKeyId]: key?.credentials.accessKeyId ?? "",
    [secretAccessKey]: key?.credentials.secretAccessKey ?? "",
  };
}

// The runbook of README.md, “Rotate the keys”, as data: what each step changes, what must be seen before
// it and after it, and how to go back.

import { secretNames } from "../secret-names.ts";
import type { Slot, SlotName } from "../slot.ts";
import type { Change } from "./dev-vars.ts";
import type { BucketSeen } from "./health-check.ts";

/** What is to be seen of a slot in every bucket: the new key, which S3 accepts, or no key at all. */
type Want = "new" | "empty";

export type Wanted = { readonly [Name in SlotName]?: Want };

export type Step = {
  readonly number: number;
  readonly title: string;
  /** Which slot it changes, and to what. */
  readonly puts?: { readonly slot: SlotName; readonly value: Want };
  /** What must be so before it is begun. */
  readonly before: Wanted;
  /** What must be so before the next one may be begun. */
  readonly after: Wanted;
  /** True where that has to last, until no old version runs any more. */
  readonly waits: boolean;
  readonly back: string;
};

const EMPTY = "To go back, empty the next slot: the current one is as it was.";
const OLD =
  "To go back, put the old key into the current slot again while the next one serves, then empty that.";

export const STEPS = [
  { number: 1, title: "Make a new key", before: {}, after: {}, waits: false, back: "" },
  {
    number: 2,
    title: "Put it into the next slot",
    puts: { slot: "next", value: "new" },
    before: {},
    after: { next: "new" },
    waits: false,
    back: EMPTY,
  },
  {
    number: 3,
    title: "See that it works",
    before: { next: "new" },
    after: { next: "new" },
    waits: true,
    back: EMPTY,
  },
  {
    number: 4,
    title: "Promote it into the current slot",
    puts: { slot: "current", value: "new" },
    before: { next: "new" },
    after: { current: "new", next: "new" },
    waits: true,
    back: OLD,
  },
  {
    number: 5,
    title: "Empty the next slot",
    puts: { slot: "next", value: "empty" },
    before: { current: "new" },
    after: { current: "new", next: "empty" },
    waits: true,
    back: "To go back, put the old key into the next slot: it serves where S3 refuses the current one.",
  },
  {
    number: 6,
    title: "Deactivate the old key",
    before: { current: "new", next: "empty" },
    after: { current: "new", next: "empty" },
    waits: true,
    back: "To go back, activate the old key again: --status Active.",
  },
] as const satisfies readonly Step[];

/** The secrets that a step changes; without the key, each has an empty value. */
export function changeOf({ puts }: Step, word: string, key?: Slot): Change {
  if (puts === undefined) return {};
  const { accessKeyId, secretAccessKey } = secretNames(word, puts.slot);
  if (puts.value === "empty") return { [accessKeyId]: null, [secretAccessKey]: null };
  return {
    [accessKeyId]: key?.credentials.accessKeyId ?? "",
    [secretAccessKey]: key?.credentials.secretAccessKey ?? "",
  };
}

/**
 * What is not as it must be, a line each.
 * @param end of the new key's id
 */
export function unmet(buckets: readonly BucketSeen[], wanted: Wanted, end: string): string[] {
  return buckets.flatMap(({ bucket, slots }) => {
    return Object.entries(wanted).flatMap(([name, want]) => {
      const seen = slots.find(({ slot }) => slot === name);
      if (want === "empty") {
        return seen === undefined ? [] : [`${bucket}: the ${name} slot is not empty`];
      }
      if (seen?.end !== end) {
        const has = seen === undefined ? "is empty" : `has ${seen.end ?? "half a key"}`;
        return [`${bucket}: the ${name} slot ${has}, and not the new key, ${end}`];
      }
      return seen.state === "ok" ? [] : [`${bucket}: S3 says ${seen.state} of the ${name} slot`];
    });
  });
}

/** Which slot serves: the current one unless S3 refuses it. */
export function serving(buckets: readonly BucketSeen[]): string {
  const each = buckets.map(({ bucket, slots }) => {
    const slot = slots.find(({ state }) => state === "ok");
    const one = slot === undefined ? "no slot serves" : `${slot.slot} (${slot.end}) serves`;
    return { bucket, one };
  });
  const [first] = each;
  if (each.every(({ one }) => one === first?.one)) return first?.one ?? "no slot serves";
  return each.map(({ bucket, one }) => `${bucket}: ${one}`).join("; ");
}

// The runbook of docs/rotate.md, as data: what each step changes, and what must be seen
// before it and after it.

import type { SlotName } from "../../worker/base/slot-name.ts";
import { secretNames } from "../../worker/config/secret-names.ts";
import type { Slot } from "../../worker/config/slot.ts";
import type { Change } from "../project/dev-vars.ts";
import type { BucketSeen, SlotSeen } from "./health-check.ts";
import type { RotationRecord } from "./record.ts";

/** What a step puts into a slot: the new key, or no key at all. */
type Put = "new" | "empty";

/**
 * What is to be seen of a slot in every bucket. `new`: the new key, which S3 accepts. `empty`: no key at
 * all. `free`: nothing that anybody would miss. `known`: the old key, the new one, or half of one.
 */
type Want = Put | "free" | "known";

export type Wanted = { readonly [Name in SlotName]?: Want };

/** The ends of the keys that a rotation knows. */
export type Ends = Pick<RotationRecord, "new" | "old" | "replaces">;

export type Step = {
  readonly number: number;
  readonly title: string;
  /** Which slot it changes, and to what. */
  readonly puts?: { readonly slot: SlotName; readonly value: Put };
  /** What must be so before it is begun. */
  readonly before: Wanted;
  /** What must be so before the next one may be begun. */
  readonly after: Wanted;
  /** True where that has to last, until no old version runs any more. */
  readonly waits: boolean;
};

export const STEPS = [
  { number: 1, title: "Make a new key", before: {}, after: {}, waits: false },
  {
    number: 2,
    title: "Put it into the next slot",
    puts: { slot: "next", value: "new" },
    before: { next: "free" },
    after: { next: "new" },
    waits: false,
  },
  {
    number: 3,
    title: "See that it works",
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
    before: { current: "new", next: "empty" },
    after: { current: "new", next: "empty" },
    waits: true,
  },
] as const satisfies readonly Step[];

/** The secrets that a step changes; without the key, each has an empty value. */
export function changeOf({ puts }: Pick<Step, "puts">, word: string, key?: Slot): Change {
  if (puts === undefined) return {};
  const { accessKeyId, secretAccessKey } = secretNames(word, puts.slot);
  if (puts.value === "empty") return { [accessKeyId]: null, [secretAccessKey]: null };
  return {
    [accessKeyId]: key?.credentials.accessKeyId ?? "",
    [secretAccessKey]: key?.credentials.secretAccessKey ?? "",
  };
}

/** A slot of a bucket, if there is anything in it. */
export function slotOf({ slots }: BucketSeen, name: SlotName): SlotSeen | undefined {
  return slots.find(({ slot }) => slot === name);
}

/** A9, and what other S3s say. */
const OUTAGE =
  /^(?:unreachable|408|429|5\d\d|SlowDown.*|ServiceUnavailable|InternalError|InternalFailure|TooManyRequests|RequestTimeout|OperationAborted|Throttling.*|RequestLimitExceeded|GatewayTimeout|BadGateway|Busy)$/;

/** True of what S3 says where it is down or busy, which tells nothing of a key. */
export function isOutage(state: string): boolean {
  return OUTAGE.test(state);
}

/** The buckets of which S3, down or busy, does not say that any slot works. */
export function outages(buckets: readonly BucketSeen[]): BucketSeen[] {
  return buckets.filter(
    ({ slots }) =>
      slots.every(({ state }) => state !== "ok") && slots.some(({ state }) => isOutage(state)),
  );
}

/** True where without the next slot no image might come any more. */
export function nextAlone(bucket: BucketSeen): boolean {
  const next = slotOf(bucket, "next")?.state;
  const works = next === "ok" || (next !== undefined && isOutage(next));
  return works && slotOf(bucket, "current")?.state !== "ok";
}

/** What is not as it must be, a line each. */
export function unmet(buckets: readonly BucketSeen[], wanted: Wanted, ends: Ends): string[] {
  return buckets.flatMap((bucket) => {
    const check = (name: SlotName) => {
      const want = wanted[name];
      const fault = want && faultOf(bucket, name, want, ends);
      return fault === undefined ? [] : [`${bucket.bucket}: ${fault}`];
    };
    return [...check("current"), ...check("next")];
  });
}

function faultOf(bucket: BucketSeen, name: SlotName, want: Want, ends: Ends): string | undefined {
  const seen = slotOf(bucket, name);
  const has = seen === undefined ? "is empty" : `has ${seen.end ?? "half a key"}`;
  switch (want) {
    case "empty":
      return seen && `the ${name} slot is not empty`;
    case "new":
      if (seen?.end !== ends.new)
        return `the ${name} slot ${has}, and not the new key, ${ends.new}`;
      return seen.state === "ok" ? undefined : `S3 says ${seen.state} of the ${name} slot`;
    case "known": {
      const any = ends.old === "" || [undefined, ends.old, ends.new].includes(seen?.end);
      return any ? undefined : `the ${name} slot ${has}: neither ${ends.old} nor ${ends.new}`;
    }
    case "free": {
      if (seen?.end === undefined || seen.end === ends.new) return undefined;
      if (seen.end !== ends.replaces)
        return `the ${name} slot ${has}, and not ${ends.new} or no key`;
      return nextAlone(bucket) ? `the ${name} slot ${has}, which alone serves` : undefined;
    }
  }
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

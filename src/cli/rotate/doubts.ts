// What keeps a rotation from being begun, or taken up: where it could not be told what is done, or where
// the only key that serves might be lost.

import { keyEnd, type Slot } from "../../worker/config/slot.ts";
import { type Fault, isFault } from "../command.ts";
import type { BucketSeen } from "./health-check.ts";
import { commandOf, type Plan } from "./plan.ts";
import { commandsFor } from "./put-secrets.ts";
import { hashOf, type RotationRecord } from "./record.ts";
import { changeOf, nextAlone, outages, STEPS, slotOf } from "./steps.ts";

const [, , , PROMOTES, EMPTIES] = STEPS;

/** Refuses a record of another rotation, and one whose two keys look alike. */
export function refuseRecord(known: RotationRecord, plan: Plan): Fault | undefined {
  if (known.word !== plan.word || known.url !== plan.base) {
    const what = `${known.word} at ${known.url}, in step ${known.step}`;
    return {
      fault: `Another rotation is under way here: ${what}. End that first, or forget it with --restart`,
    };
  }
  if (known.old !== known.new) return undefined;
  return {
    fault: `The rotation that is under way here is to a key that ends like the old one, ${known.new}, so that it cannot be seen which of them a slot has: begin anew with another key, --restart`,
  };
}

/** Refuses to begin, or to go on, where something else is wrong than a key. */
export function refuseTrouble(
  health: readonly BucketSeen[],
  failed: readonly string[],
  broken: boolean,
): Fault | undefined {
  const silent = outages(health).map(({ bucket, slots }) => {
    return `${bucket}: S3 says ${slots.map(({ slot, state }) => `${state} of the ${slot} slot`).join(", ")}`;
  });
  if (silent.length > 0) {
    const fault = "S3 itself is down or busy, which says nothing of a key. Wait until it is not";
    return { fault: [...silent, fault].join("\n") };
  }
  if (failed.length === 0 || broken) return undefined;
  return { fault: `${failed.join("\n")}\nThe key is not at fault: S3 accepts it. Mend that first` };
}

/** Refuses a next slot that is full where no rotation is known. */
export function refuseFull(plan: Plan, health: readonly BucketSeen[]): Fault | undefined {
  const next = health.map((bucket) => slotOf(bucket, "next")).find((slot) => slot !== undefined);
  if (next === undefined) return undefined;
  const has = `The next slot is not empty (${next.end ?? "half a key"}, ${next.state})`;
  const alone = health.find(nextAlone);
  const ways = [
    "Where another rotation is under way, go on with that one, where it was begun.",
    alone
      ? goOn(plan, next.end)
      : `Where what is in it may be replaced: ${commandOf(plan, "--restart")}`,
  ];
  return { fault: [`${has}, and no rotation is under way here.`, ...ways].join("\n") };
}

/**
 * Refuses to replace what is in the next slot where it alone serves.
 * @param end of the new key's id
 * @param written the record that is to be forgotten
 */
export function refuseReplacing(
  plan: Plan,
  end: string,
  health: readonly BucketSeen[],
  written: RotationRecord | Fault | undefined,
): Fault | undefined {
  const alone = health.find((bucket) => nextAlone(bucket) && slotOf(bucket, "next")?.end !== end);
  if (alone === undefined) return undefined;
  const has = slotOf(alone, "next")?.end;
  const known =
    written !== undefined && !isFault(written) && refuseRecord(written, plan) === undefined;
  const way =
    known && written.new === has
      ? `Go on with the rotation that put it there: ${commandOf(plan)}`
      : goOn(plan, has);
  return {
    fault: `${alone.bucket}: only the next slot (${has}) serves, since S3 refuses the current one: it is not replaced.\n${way}`,
  };
}

function goOn(plan: Plan, end = "half a key"): string {
  return [
    `Where that key works, promote it: ${commandOf(plan, "--restart")}, with that same key, ${end}.`,
    "Or put it into the current slot by hand:",
    ...byHand(plan, PROMOTES),
  ].join("\n");
}

/** What to type, or to write, in place of a step. */
function byHand(plan: Plan, step: typeof PROMOTES | typeof EMPTIES): string[] {
  const change = changeOf(step, plan.word);
  if (!plan.local) return commandsFor(change).map((line) => `  ${line}`);
  const does = step === EMPTIES ? "take out" : "set";
  return [`  in .dev.vars, ${does} ${Object.keys(change).join(" and ")}`];
}

/** Refuses another key than the one that a rotation began with. */
export function refuseOther(key: Slot, known: RotationRecord): Fault | undefined {
  if (known.hash === hashOf(key.credentials.accessKeyId)) return undefined;
  const given = `That key (${keyEnd(key)}) is not the one that this rotation began with, ${known.new}`;
  return { fault: `${given}: give that one, or begin anew with --restart` };
}

/**
 * Refuses a key that S3 refuses.
 * @param said what it says, a line for each bucket
 */
export function refuseUnknown(
  plan: Plan,
  said: readonly string[],
  known: RotationRecord | undefined,
): Fault {
  const after = known
    ? `If it stays so, make another key, and begin anew: ${commandOf(plan, "--restart")}`
    : "Nothing has been changed.";
  return { fault: `${["S3 does not take the new key:", ...said].join("\n  ")}\n${after}` };
}

/**
 * Refuses a key whose end is the current one's: of the keys in the slots no more than the end is seen, and
 * to rotate to the key that serves would end with the only one deactivated.
 */
export function refuseSame(
  plan: Plan,
  end: string,
  health: readonly BucketSeen[],
): Fault | undefined {
  const current = health.flatMap(({ slots }) => slots.filter(({ slot }) => slot === "current"));
  const same = current.filter((slot) => slot.end === end);
  if (same.length === 0) return undefined;
  const refused = same.find(({ state }) => state !== "ok");
  const serves = same.some(({ state }) => state === "ok");
  const full = health.some((bucket) => slotOf(bucket, "next") !== undefined);
  const that = serves
    ? [
        "If it is that key, there is nothing to rotate.",
        ...(full && !refused
          ? ["  If the next slot is full still, empty it:", ...byHand(plan, EMPTIES)]
          : []),
      ]
    : [
        "If it is that key, put both of it right there, without a rotation:",
        ...byHand(plan, PROMOTES),
      ];
  const said = refused === undefined ? ", and it serves" : `; S3 says ${refused.state} of it`;
  return {
    fault: [
      `The current slot has that key (${end}) already, or one that ends like it${said}.`,
      ...that,
      end === "…"
        ? "If it is another key, the two cannot be told apart, since of ids so short no part is shown: rotate by hand, docs/rotate.md"
        : `If it is another key, the two cannot be told apart: delete the new one, and make one that ends otherwise, aws iam create-access-key --user-name ${plan.options.userName}`,
    ].join("\n"),
  };
}

// What keeps a rotation from beginning, or from continuing: it could not tell what is done, or the only key
// that serves might be lost. No I/O.

import { keyEnd, type Slot } from "../../worker/config/slot.ts";
import { type Fault, isFault } from "../command.ts";
import { changeLines, commandOf, createKey } from "./command-lines.ts";
import type { KeyRefused, Plan } from "./plan.ts";
import { hashOf, type RotationRecord } from "./record.ts";
import { undoAdvice } from "./report.ts";
import { type Health, isOutage, isServed, OUTAGE, onlyNextServes, slotOf } from "./slots.ts";
import { STEPS, type Step, stepOf } from "./steps.ts";

const [, , , PROMOTE, EMPTY] = STEPS;

const refuse = (...lines: readonly string[]): Fault => ({ fault: lines.join("\n") });

/** Refuses the record of another rotation, and one whose two keys look the same. */
export function refuseRecord(plan: Plan, known: RotationRecord): Fault | undefined {
  if (known.word !== plan.word || known.url !== plan.base) {
    const which = `${known.word} at ${known.url}, in step ${known.step}`;
    const remedy = "Finish it first, or discard it with --restart";
    return refuse(`Another rotation is under way in this folder: ${which}. ${remedy}`);
  }
  if (known.old !== known.new) return undefined;
  const what = `The new key of the rotation in this folder ends like the old one, ${known.new}`;
  return refuse(`${what}. The two cannot be told apart. Start again with another key: --restart`);
}

/** Refuses to continue if S3 is down, or if images fail although it accepts the keys. */
export function refuseTrouble(
  plan: Plan,
  health: Health,
  failed: readonly string[],
  known: RotationRecord | undefined,
): Fault | undefined {
  const down = health.filter((bucket) => !isServed(bucket) && bucket.slots.some(isOutage));
  if (down.length > 0) {
    const lines = down.map(({ bucket, slots }) => {
      const states = slots.map(({ slot, state }) => `${state} for the ${slot} slot`);
      return `${bucket}: S3 answers ${states.join(", ")}`;
    });
    return refuse(...lines, `${OUTAGE} Wait until S3 works again`);
  }
  if (failed.length === 0 || !health.every(isServed)) return undefined;
  // The operator may have done the step since the last run.
  const undone = known?.told && known.worked ? undoAdvice(plan, stepOf(known)) : [];
  return refuse(...failed, "S3 accepts the keys in the slots. Fix this first", ...undone);
}

/** Refuses a next slot that holds something, although no rotation is under way. */
export function refuseFull(plan: Plan, health: Health): Fault {
  const next = health.map((bucket) => slotOf(bucket, "next")).find((slot) => slot !== undefined);
  const holds = `${next?.end ?? "half a key"}, ${next?.state}`;
  return refuse(
    `The next slot is not empty (${holds}), and no rotation is under way in this folder.`,
    "If a rotation is under way in another folder, continue it there.",
    ...(health.some(onlyNextServes)
      ? promote(plan, next?.end)
      : [`If the key in the next slot may be replaced: ${commandOf(plan, true)}`]),
  );
}

/**
 * @param known the record of the rotation that is continued
 * @param written the record that --restart discards
 */
export function refuseKey(
  plan: Plan,
  key: Slot,
  health: Health,
  known: RotationRecord | undefined,
  written: RotationRecord | Fault | undefined,
): Fault | undefined {
  const end = keyEnd(key);
  if (known === undefined) {
    return refuseSame(plan, end, health) ?? refuseReplacing(plan, end, health, written);
  }
  if (known.hash === hashOf(key.credentials.accessKeyId)) return undefined;
  const other = `This rotation began with the key ${known.new}, and this is another key (${end})`;
  return refuse(`${other}. Give the first one, or start again with --restart`);
}

/** Refuses to replace the key in the next slot while it alone serves. */
function refuseReplacing(
  plan: Plan,
  end: string,
  health: Health,
  written: RotationRecord | Fault | undefined,
): Fault | undefined {
  const alone = health.filter(onlyNextServes).find((one) => slotOf(one, "next")?.end !== end);
  if (alone === undefined) return undefined;
  const held = slotOf(alone, "next")?.end;
  const keyless = { ...plan, options: { ...plan.options, keyFile: undefined } }; // it has another key
  const own = isFault(written) || !written || refuseRecord(plan, written) ? undefined : written;
  return refuse(
    `${alone.bucket}: only the next slot (${held}) serves, because S3 refuses the current one. So it is not replaced.`,
    ...(own !== undefined && own.new === held
      ? [`Continue the rotation that put it there, with that key: ${commandOf(keyless)}`]
      : promote(plan, held)),
  );
}

function promote(plan: Plan, end = "half a key"): string[] {
  return [
    `If that key works, promote it: give the same key, ${end}, to ${commandOf(plan, true)}`,
    "Or put it into the current slot by hand:",
    ...byHand(plan, PROMOTE),
  ];
}

function byHand(plan: Plan, step: Step): string[] {
  return changeLines(plan, step, true).map((line) => `  ${line}`);
}

/**
 * Refuses a key that ends like the current one. Of the keys in the slots only the end can be seen, and a
 * rotation to the key that serves would end with the deactivation of the only key.
 */
function refuseSame(plan: Plan, end: string, health: Health): Fault | undefined {
  const current = health.flatMap((bucket) => slotOf(bucket, "current") ?? []);
  const same = current.filter((slot) => slot.end === end);
  if (same.length === 0) return undefined;
  const refused = same.find(({ state }) => state !== "ok");
  const isFull = health.some((bucket) => slotOf(bucket, "next") !== undefined);
  const said = refused === undefined ? ", and it serves" : `. S3 answers ${refused.state} for it`;
  const put = "put its id and its secret into the current slot. No rotation is needed:";
  const ifSame = same.some(({ state }) => state === "ok")
    ? ["there is nothing to rotate."]
    : [put, ...byHand(plan, PROMOTE)];
  if (refused === undefined && isFull) {
    ifSame.push("  If the next slot is still full, empty it:", ...byHand(plan, EMPTY));
  }
  const ifOther =
    end === "…"
      ? "its id is too short to tell it from the current one. Rotate by hand: docs/rotate.md"
      : `the two cannot be told apart. Delete the new one, and make one that ends differently: ${createKey(plan)}`;
  return refuse(
    `The current slot already holds this key (${end}), or one that ends like it${said}.`,
    `If it is the same key, ${ifSame.join("\n")}`,
    ...(plan.played ? [] : [`If it is another key, ${ifOther}`]),
  );
}

const UNKNOWN_ID = "S3 does not know this id. Is it complete, active, and of the right account?";
const HINTS: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: UNKNOWN_ID,
  Unauthorized: UNKNOWN_ID,
  SignatureDoesNotMatch: "the secret does not belong to this id, or S3 does not know it",
  AccessDenied:
    "its policy does not allow it to read the canary (or the image of --key), or that object does not exist: docs/deploy.md, step 4",
  unreachable: "S3 does not answer this machine",
};

export function refuseUnknown(
  plan: Plan,
  refused: readonly KeyRefused[],
  known: RotationRecord | undefined,
): Fault {
  const lines = refused.map(({ bucket, state }) => {
    return `  ${[bucket, state, HINTS[state]].filter(Boolean).join(": ")}`;
  });
  const after = known
    ? `If this does not change, make another key, and start again: ${commandOf(plan, true)}`
    : "Nothing has been changed.";
  return refuse("S3 does not accept the new key:", ...lines, after);
}

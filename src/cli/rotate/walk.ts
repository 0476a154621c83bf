// One step of a rotation: what must be so before it, who does it, and what must be so after it.

import type { Slot } from "../../worker/config/slot.ts";
import { EXIT, type Exit, type Fault, isFault, type World } from "../command.ts";
import { type Change, putDevVars } from "../project/dev-vars.ts";
import { askYes, hasTerminal } from "../terminal/prompts.ts";
import { shellQuote } from "../terminal/shell.ts";
import type { BucketSeen } from "./health-check.ts";
import { look, type Patience, type Sleep, settle } from "./look.ts";
import { commandOf, type Plan } from "./plan.ts";
import { BULK, commandsFor, putByWrangler, type RunWrangler } from "./put-secrets.ts";
import { forgetRecord, type RotationRecord, writeRecord } from "./record.ts";
import { changeOf, STEPS, type Step, serving, unmet } from "./steps.ts";
import { announce, contradiction, failure, progress, stop, tell, tellDone } from "./words.ts";

export type Rotation = {
  readonly world: World;
  readonly plan: Plan;
  readonly tools: Tools;
  /** The new key; undefined once it is in the current slot. */
  readonly key: Slot | undefined;
  /** True where images failed before it began, since no slot worked. */
  readonly broken: boolean;
};

/** What reaches out, so that tests can put something else there. */
export type Tools = {
  readonly run: RunWrangler;
  readonly sleep: Sleep;
  /** How many looks after a step may find something wrong. */
  readonly looks: number;
};

/** How many looks may find something wrong before a step. */
const FEW = 5;

/**
 * Walks one step.
 * @returns the record as it is after it; a fault, or an exit where it stopped in between
 */
export async function walk(
  rotation: Rotation,
  step: Step,
  record: RotationRecord,
): Promise<RotationRecord | Exit | Fault> {
  const { world, plan } = rotation;
  if (world.interrupted.aborted) return stop(rotation, step);
  announce(world, step);
  const before = await seeBefore(rotation, step, record);
  if (typeof before === "number" || isFault(before)) return before;
  const stopped = isDone(step, record, before) ? undefined : await act(rotation, step, record);
  if (stopped !== undefined) return stopped;
  if (world.interrupted.aborted) return stop(rotation, step);

  const patience: Patience = {
    ...{
      lasting: step.waits ? plan.options.wait : 0,
      tries: rotation.tools.looks,
      tell: progress(world),
    },
    ...{ images: isMending(rotation, step) ? "will come" : "come", sleep: rotation.tools.sleep },
  };
  const after = await settle(world, plan, step.after, record, patience);
  if (world.interrupted.aborted) return stop(rotation, step);
  if (isFault(after)) return { fault: failure(plan, step, record, after) };
  return finish(world, step, record, after);
}

/** True where no slot worked, until the new key does. */
function isMending({ broken }: Rotation, { number }: Step): boolean {
  return broken && number === 2;
}

/** Sees whether all is as it must be before a step. */
async function seeBefore(
  rotation: Rotation,
  step: Step,
  record: RotationRecord,
): Promise<readonly BucketSeen[] | Exit | Fault> {
  const { world, plan, tools } = rotation;
  const patience: Patience = {
    ...{ lasting: 0, tries: FEW, tell: progress(world), sleep: tools.sleep },
    images: isMending(rotation, step) ? "may fail" : "come",
  };
  const seen = await settle(world, plan, step.before, record, patience);
  if (world.interrupted.aborted) return stop(rotation, step);
  return isFault(seen) ? { fault: contradiction(plan, step, record, seen) } : seen;
}

/** True where it was interrupted only after it was done. */
function isDone(step: Step, record: RotationRecord, seen: readonly BucketSeen[]): boolean {
  // Of step 2 it is not known: only the end of the key in the next slot is seen.
  return step.puts !== undefined && step.number > 2 && unmet(seen, step.after, record).length === 0;
}

async function act(rotation: Rotation, step: Step, record: RotationRecord) {
  const { world, plan, key } = rotation;
  const change = changeOf(step, plan.word, key);
  if (step.number === STEPS.length) await warnOfOthers(world, plan, record);
  if (step.number === STEPS.length || (step.puts && plan.options.print)) {
    return leave(rotation, step, record, byHandLines(plan, step, change, record));
  }
  return step.puts && put(rotation, step, record, change);
}

/** Tells which other buckets the old key opens, too: they would be without images. */
async function warnOfOthers(world: World, plan: Plan, { old }: RotationRecord): Promise<void> {
  const { elsewhere } = await look(world, plan);
  for (const { bucket, slots } of elsewhere) {
    const slot = slots.find(({ end }) => end === old);
    if (slot === undefined) continue;
    const has = `${bucket}: its ${slot.slot} slot has a key that ends in ${old}, too`;
    const first = `npx vitrine rotate --bucket ${shellQuote(bucket)} --restart`;
    tell(world.stderr, `  ${has}. If it is the same one, rotate that first: ${first}`);
  }
}

function finish(
  world: World,
  step: Step,
  record: RotationRecord,
  after: readonly BucketSeen[],
): RotationRecord | Fault {
  const { replaces: _replaced, ...kept } = record;
  const next = { ...kept, step: step.number + 1, told: false };
  if (step.number === STEPS.length) forgetRecord(world.folder);
  else {
    const fault = writeRecord(world.folder, next);
    if (fault !== undefined) return fault;
  }
  tellDone(world, step, `${serving(after)}.`);
  return next;
}

/** What is to be typed or done for a step, without what is secret. */
export function linesOf(plan: Plan, change: Change): string[] {
  if (plan.options.print) return commandsFor(change);
  const names = Object.keys(change).join(", ");
  const does = Object.values(change).includes(null) ? "removes" : "sets";
  const where = plan.local ? ".dev.vars" : `npx wrangler ${BULK.join(" ")}, by its stdin,`;
  return [`${where} ${does} ${names}`];
}

/** What only the operator can do. */
export function byHandLines(
  plan: Plan,
  step: Step,
  change: Change,
  { old, new: end }: Pick<RotationRecord, "old" | "new">,
): string[] {
  if (step.puts) return linesOf(plan, change);
  const which = old === "" || old === end ? `not ${end}` : `it ends in ${old}`;
  if (plan.local) {
    return [`for the S3 of npm start, nothing; at another one, deactivate the old key (${which})`];
  }
  const key = `aws iam update-access-key --user-name ${plan.options.userName} --access-key-id`;
  return [`${key} <the old id> --status Inactive   # ${which}`];
}

/** Has a step done by this program, if whoever sits there agrees. */
async function put(
  rotation: Rotation,
  step: Step,
  record: RotationRecord,
  change: Change,
): Promise<Exit | Fault | undefined> {
  const { world, plan, tools } = rotation;
  tell(world.stderr, ...linesOf(plan, change).map((line) => `  ${line}`));
  if (!plan.options.yes) {
    const answer = await askYes(world, `${step.title}?`);
    if (answer !== true) return stop(rotation, step, answer === false);
    // An hour may have passed, and somebody else may have been there.
    const still = await seeBefore(rotation, step, record);
    if (typeof still === "number" || isFault(still)) return still;
  }
  const unsaved = writeRecord(world.folder, record);
  if (unsaved !== undefined) return unsaved;
  if (Object.values(change).includes("")) throw new Error("there is no key to put");
  const fault = plan.local
    ? putDevVars(world.folder, change)
    : await putByWrangler(world, change, tools.run);
  return fault && { fault: `${fault.fault}\nGo on with: ${commandOf(plan)}` };
}

/** Leaves a step to the operator, and goes on once it is done. */
async function leave(
  rotation: Rotation,
  step: Step,
  record: RotationRecord,
  lines: readonly string[],
): Promise<Exit | Fault | undefined> {
  const { world, plan } = rotation;
  const asks = hasTerminal(world) && !plan.options.yes;
  if (!asks && record.told) return undefined; // run again, as it was told to be
  tell(world.stdout, "Do this, and nothing else:", ...lines.map((line) => `  ${line}`));
  // Who is asked says himself that it is done.
  const unsaved = writeRecord(world.folder, { ...record, told: !asks });
  if (unsaved !== undefined) return unsaved;
  if (!asks) {
    tell(world.stderr, `Stopped in step ${step.number}. When that is done: ${commandOf(plan)}`);
    return EXIT.partly;
  }
  const answer = await askYes(world, "Is it done?");
  return answer === true ? undefined : stop(rotation, step, answer === false);
}

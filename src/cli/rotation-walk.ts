// One step of a rotation: what must be so before it, who does it, and what must be so after it.

import type { Slot } from "../slot.ts";
import { type Change, putDevVars } from "./dev-vars.ts";
import { askYes, hasTerminal } from "./prompts.ts";
import { BULK, commandsFor, putByWrangler, type RunWrangler } from "./put-secrets.ts";
import { type Patience, type Sleep, settle } from "./rotation-look.ts";
import { commandOf, type Plan } from "./rotation-plan.ts";
import { forgetRecord, type RotationRecord, writeRecord } from "./rotation-record.ts";
import { changeOf, STEPS, type Step, serving, unmet } from "./rotation-steps.ts";
import {
  announce,
  contradiction,
  failure,
  progress,
  stop,
  tell,
  tellDone,
} from "./rotation-words.ts";
import { EXIT, type Exit, type Fault, isFault, type World } from "./world.ts";

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
export type Tools = { readonly run: RunWrangler; readonly sleep: Sleep };

/** How many looks may find something wrong: two minutes of them, or a few to see how things are. */
const MANY = 60;
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
  const { world, plan, key } = rotation;
  const { interrupted, folder } = world;
  if (interrupted.aborted) return stop(rotation, step);
  announce(world, step);
  const watch = { ...rotation.tools, broken: rotation.broken && step.number === 2 };
  let done = false;
  if (Object.keys(step.before).length > 0) {
    const patience = { ...watch, lasting: 0, tries: FEW, tell: progress(world) };
    const before = await settle(world, plan, step.before, record.new, patience);
    if (interrupted.aborted) return stop(rotation, step);
    if (isFault(before)) return { fault: contradiction(plan, step, before) };
    // It was interrupted only after it was done.
    done = step.puts !== undefined && unmet(before, step.after, record.new).length === 0;
  }
  const change = changeOf(step, plan.word, key);
  const byHand = step.number === STEPS.length || (step.puts && plan.options.print);
  const act = () =>
    byHand
      ? leave(rotation, step, record, byHandLines(plan, step, change, record))
      : step.puts && put(rotation, step, record, change);
  const stopped = done ? undefined : await act();
  if (stopped !== undefined) return stopped;
  if (interrupted.aborted) return stop(rotation, step);

  const lasting = step.waits ? plan.options.wait : 0;
  const patience: Patience = { ...watch, lasting, tries: MANY, tell: progress(world) };
  const after = await settle(world, plan, step.after, record.new, patience);
  if (interrupted.aborted) return stop(rotation, step);
  if (isFault(after)) return { fault: failure(plan, step, after) };

  const next = { ...record, step: step.number + 1, told: false };
  if (step.number === STEPS.length) forgetRecord(folder);
  else {
    const fault = writeRecord(folder, next);
    if (fault !== undefined) return fault;
  }
  tellDone(world, step, `${serving(after)}.`);
  return next;
}

/** What is to be typed or done for a step, without what is secret. */
export function linesOf(plan: Plan, change: Change): string[] {
  if (plan.options.print) return commandsFor(change);
  const names = Object.entries(change).map(
    ([name, value]) => name + (value === null ? "=null" : ""),
  );
  const where = plan.local ? ".dev.vars" : `npx wrangler ${BULK.join(" ")}`;
  return [`${where} < ${names.join(", ")}`];
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
  const key = `aws iam update-access-key --user-name ${plan.options.userName} --access-key-id`;
  return [`${key} <the old id> --status Inactive   # ${which}`];
}

/** Has a step done by this program, if whoever sits there agrees. */
async function put(
  { world, plan, tools }: Rotation,
  step: Step,
  record: RotationRecord,
  change: Change,
): Promise<Exit | Fault | undefined> {
  tell(world.stderr, ...linesOf(plan, change).map((line) => `  ${line}`));
  if (!plan.options.yes) {
    const answer = await askYes(world, `${step.title}?`);
    if (answer !== true) return stop({ world, plan }, step, answer === false);
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
  { world, plan }: Rotation,
  step: Step,
  record: RotationRecord,
  lines: readonly string[],
): Promise<Exit | Fault | undefined> {
  const asks = hasTerminal(world) && !plan.options.yes;
  if (!asks && record.told) return undefined; // run again, as it was told to be
  tell(world.stdout, "Do this, and nothing else:", ...lines.map((line) => `  ${line}`));
  const unsaved = writeRecord(world.folder, { ...record, told: true });
  if (unsaved !== undefined) return unsaved;
  if (!asks) {
    tell(world.stderr, `Stopped in step ${step.number}. When that is done: ${commandOf(plan)}`);
    return EXIT.partly;
  }
  const answer = await askYes(world, "Is it done?");
  return answer === true ? undefined : stop({ world, plan }, step, answer === false);
}

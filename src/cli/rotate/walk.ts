// Does one step of a rotation: checks what must be true before it, does it, and checks what must be true after
// it. All effects on secrets and on the record are here.

import { type End, EXIT, type Exit, type Fault, isFault } from "../command.ts";
import { putDevVars } from "../secrets/dev-vars.ts";
import { askYes, hasTerminal } from "../terminal/prompts.ts";
import { commandOf, linesOf } from "./command-lines.ts";
import { observe } from "./observe.ts";
import type { Begun, Rotation } from "./plan.ts";
import { putByWrangler } from "./put-secrets.ts";
import { forgetRecord, type RotationRecord, writeRecord } from "./record.ts";
import { announce, createWaiting, explain, stop, tell, tellDone } from "./report.ts";
import { settle } from "./settle.ts";
import { type Health, serving } from "./slots.ts";
import { changeOf, deviations, nextMove, STEPS, stepOf } from "./steps.ts";

/** How many looks before a step may find something wrong. */
const FEW = 5;

export function isEnd(value: object | Exit): value is End {
  return typeof value === "number" || isFault(value);
}

type Walk = Rotation & Omit<Begun, "record">;

/** @returns the record after the step; an exit or a fault if it stopped */
export async function walk(rotation: Walk, record: RotationRecord): Promise<RotationRecord | End> {
  const { world } = rotation;
  const step = stepOf(record);
  if (world.interrupted.aborted) return stop(rotation, step);
  announce(world, step);
  const before = await check(rotation, record, "before");
  if (isEnd(before)) return before;
  const end = nextMove(before, record).isDone ? undefined : await act(rotation, record);
  if (end !== undefined) return end;
  const after = await check(rotation, record, "after");
  return isEnd(after) ? after : finish(rotation, record, after);
}

async function check(
  rotation: Walk,
  record: RotationRecord,
  when: "before" | "after",
): Promise<Health | End> {
  const { world, plan, tools, broken } = rotation;
  const step = stepOf(record);
  const isAfter = when === "after";
  // If no slot works, images fail until the new key is in the next slot.
  const repairs = broken && step.number === 2;
  const seen = await settle(rotation, {
    wrongIn: (health) =>
      isAfter ? deviations(health, step.after, record) : nextMove(health, record).wrong,
    lasting: isAfter && step.waits ? plan.options.wait : 0,
    looks: isAfter ? tools.looks : FEW,
    images: !repairs ? "must come" : isAfter ? "will come" : "may fail",
    tell: createWaiting(world, record),
  });
  if (seen === undefined) return stop(rotation, step);
  return "cause" in seen ? explain(plan, record, seen, when) : seen;
}

async function act(rotation: Walk, record: RotationRecord): Promise<End | undefined> {
  const { world, plan } = rotation;
  const step = stepOf(record);
  const { byHand, puts } = step;
  if (byHand && plan.played) {
    tell(world.stderr, ...linesOf(plan, step, record).map((line) => `  ${line}`));
    return undefined;
  }
  if (byHand) await warnOfOthers(rotation, record);
  if (byHand || (puts && plan.options.print)) return leave(rotation, record);
  return puts && put(rotation, record);
}

/** Names other buckets, and perhaps environments, with the old key: their images would fail when it is deactivated. */
async function warnOfOthers({ world, plan }: Walk, { old }: RotationRecord): Promise<void> {
  if (plan.place.environments.length > 0 && !plan.local) {
    const which = `the key ${old === "" ? "that is deactivated" : old}`;
    const remedy = "rotate it there first: its images would fail.";
    tell(world.stderr, `  If another environment has ${which}, too, ${remedy}`);
  }
  const { elsewhere } = await observe(world, plan);
  for (const { bucket, slots } of elsewhere) {
    const slot = slots.find(({ end }) => end === old);
    if (slot === undefined) continue;
    const has = `${bucket}: its ${slot.slot} slot holds a key that ends in ${old}, too`;
    const { key: _key, keyFile: _file, credentials: _word, yes: _yes, ...same } = plan.options;
    const first = commandOf({ ...plan, options: { ...same, bucket } }, true);
    tell(world.stderr, `  ${has}. If it is the same key, rotate that one first: ${first}`);
  }
}

async function put(rotation: Walk, record: RotationRecord): Promise<End | undefined> {
  const { world, plan, tools, key } = rotation;
  const step = stepOf(record);
  tell(world.stderr, ...linesOf(plan, step, record).map((line) => `  ${line}`));
  if (!plan.options.yes) {
    const answer = await askYes(world, `${step.title}?`);
    if (answer !== true) return stop(rotation, step, answer === false);
    // The question may have waited for an hour. Check again.
    const still = await check(rotation, record, "before");
    if (isEnd(still)) return still;
  }
  const unsaved = writeRecord(world.folder, plan.place, record);
  if (unsaved !== undefined) return unsaved;
  const change = changeOf(step, plan, key);
  if (Object.values(change).includes("")) throw new Error("there is no key to put");
  const fault = plan.local
    ? putDevVars(world.folder, change, plan.place.devVars)
    : await putByWrangler(world, change, tools.run, plan.place);
  return fault && { fault: `${fault.fault}\nContinue with: ${commandOf(plan)}` };
}

/** Leaves a step to the operator, and returns when it is done. */
async function leave(rotation: Walk, record: RotationRecord): Promise<End | undefined> {
  const { world, plan } = rotation;
  const step = stepOf(record);
  const asks = hasTerminal(world) && !plan.options.yes;
  // The operator was told, and runs this again: take it as done.
  if (!asks && record.told) return undefined;
  const lines = linesOf(plan, step, record).map((line) => `  ${line}`);
  tell(world.stdout, "Do this, and nothing else:", ...lines);
  const unsaved = writeRecord(world.folder, plan.place, { ...record, told: !asks });
  if (unsaved !== undefined) return unsaved;
  if (!asks) {
    tell(world.stderr, `Stopped in step ${step.number}. When that is done: ${commandOf(plan)}`);
    return EXIT.partly;
  }
  const answer = await askYes(world, "Is it done?");
  return answer === true ? undefined : stop(rotation, step, answer === false);
}

function finish(
  { world, plan }: Rotation,
  record: RotationRecord,
  after: Health,
): RotationRecord | Fault {
  const step = stepOf(record);
  const { replaces: _replaced, ...kept } = record;
  const next = { ...kept, step: step.number + 1, told: false };
  if (step.number === STEPS.length) forgetRecord(world.folder, plan.place);
  else {
    const fault = writeRecord(world.folder, plan.place, next);
    if (fault !== undefined) return fault;
  }
  // Nothing that was looked at shows whether the operator did it.
  if (!step.byHand) tellDone(world, step, serving(after));
  return next;
}

// Runs one execution of a world, step by step, and offers at each point what may come next: by default only what leads to
// an order that no other one stands for.
//
// What is no choice, since each order has a twin that differs only in steps on different objects, with no more
// interruptions:
// - An answer arrives at once if its isolate waits for nothing else: it changes only what that isolate knows, and its code
//   then only asks for more, in steps of their own.
// - What begins goes on to its first step at once: the later a visit or a purge begins, the more is promised to it.
// - The world's own steps (an object changes, a purge reaches a tier) interrupt nobody, and come just before a step of a
//   run that touches the same. They could be moved there.
// - An isolate dies just after a step of its own: until then, it might as well have lived.
// - A run that was interrupted goes on with a step that touches what was touched meanwhile. It could have taken any other
//   step before the interruption.
// - A time is over only when no run could go on, except in worlds with early timers.
// Each of these moves lets steps of runs come earlier, so to move what can be moved comes to an end.

import type { Violation } from "./invariants.ts";
import { drain } from "./runtime.ts";
import { EVERYTHING, type Step } from "./scheduler.ts";
import type { Stage } from "./stage.ts";

export type Option = {
  readonly step: Step;
  /** Whether it interrupts a run that could go on. */
  readonly isInterruption: boolean;
};

/** What came of an execution. `cut`: the chooser ended it. */
export type Execution = {
  readonly isCut: boolean;
  readonly violations: readonly Violation[];
  /** The lines of the story. */
  readonly story: readonly string[];
  readonly steps: number;
};

/** Chooses among several options. @returns undefined to end the execution */
export type Choose = (options: readonly Option[], position: Position) => Option | undefined;

export type Rules = {
  /** Whether the answers to calls of one isolate arrive in any order, or each at once. */
  readonly hasAnswerOrders: boolean;
  readonly hasEarlyTimers: boolean;
  /** Whether each step is a choice, also where it only leads to the twin of another order. */
  readonly isFree: boolean;
};

/** What of the way to a state decides which steps may follow. */
export type Position = {
  /** The run that took the last step of one. */
  readonly current: string;
  readonly isolate: string | undefined;
  /** The world's own steps since then: the next step must touch the same. */
  readonly moved: readonly Step[];
  /** The last step of a run, and what could have come in its place. */
  readonly last?: { readonly step: Step; readonly others: ReadonlySet<string> } | undefined;
  /** What was touched since each run was interrupted. */
  readonly interrupted: ReadonlyMap<string, ReadonlySet<string>>;
};

const START: Position = { current: "", isolate: undefined, moved: [], interrupted: new Map() };

/** Longer than any execution: only a loop without end has more. */
const MAX_STEPS = 2_000;

export async function execute(stage: Stage, rules: Rules, choose: Choose): Promise<Execution> {
  const { checker } = stage;
  const story: string[] = [];
  let position = START;
  let last: Step | undefined;

  stage.begin();
  for (;;) {
    await drain();
    if (checker.violations.length > 0) break;

    let step = rules.isFree ? undefined : forcedStep(stage, last, rules);
    if (!step) {
      const all = optionsOf(stage, position, rules);
      if (all.length === 0) break;
      const options = rules.isFree ? all : neededOptions(all, stage, position);
      const [first] = options;
      const option = options.length > 1 ? choose(options, position) : first;
      if (!option) return { isCut: true, violations: [], story, steps: story.length };

      step = option.step;
      position = advance(position, option, all);
    }

    story.push(`${step.id}: ${stage.take(step)}`);
    last = step;
    if (story.length > MAX_STEPS) throw new Error(`no end:\n${story.slice(-40).join("\n")}`);
  }

  if (checker.violations.length === 0) stage.checkQuiet();
  return { isCut: false, violations: checker.violations, story, steps: story.length };
}

function forcedStep({ scheduler }: Stage, last: Step | undefined, rules: Rules): Step | undefined {
  const pending = scheduler.pending();
  if (last?.kind === "start") {
    const first = pending.find(({ actor }) => actor.process === last.actor.process);
    if (first) return first;
  }

  if (rules.hasEarlyTimers) return undefined;
  return pending.find((step) => {
    if (step.kind !== "delivery") return false;
    if (!rules.hasAnswerOrders) return true;

    const { isolate } = step.actor;
    return pending.every((other) => other === step || other.actor.isolate !== isolate);
  });
}

/** All that may come next. First what interrupts nothing. */
function optionsOf(stage: Stage, { current }: Position, rules: Rules): Option[] {
  const { scheduler } = stage;
  const pending = scheduler.pending();
  const canGoOn = pending.some(({ actor }) => actor.process === current);
  const ready = pending.filter(({ isReady }) => isReady?.() ?? true);
  const options = ready.map((step): Option => {
    const { isRun, process } = step.actor;
    return { step, isInterruption: canGoOn && isRun && process !== current };
  });
  options.sort((a, b) => Number(a.isInterruption) - Number(b.isInterruption));
  for (const step of stage.deaths()) options.push({ step, isInterruption: false });

  const timer = scheduler.nextTimer();
  if (!timer) return options;
  const isBusy = pending.some(({ actor, kind }) => actor.isRun && kind !== "start");
  if (!isBusy) options.push({ step: timer, isInterruption: false });
  else if (rules.hasEarlyTimers && stage.mayBeEarly(timer.actor)) {
    options.push({ step: timer, isInterruption: true });
  }
  return options;
}

/** Returns the options that lead to an order that no twin stands for. */
function neededOptions(all: readonly Option[], stage: Stage, position: Position): Option[] {
  const runs = all.filter(({ step }) => step.actor.isRun);
  const [first] = all;
  if (runs.length === 0 && first) return [first]; // what is left changes nothing for any run

  const pending = stage.scheduler.pending();
  const nextRuns = runs.filter((option) => mayGoOn(option, pending, position));
  const { moved, isolate } = position;
  return all.filter((option) => {
    const { step } = option;
    if (step.kind === "death") return moved.length === 0 && step.touches.includes(isolate ?? "");

    if (step.actor.isRun) {
      return (
        nextRuns.includes(option) && touchesAll(step, moved) && !hasEarlierTwin(step, position)
      );
    }

    // Of two that do not touch the same, the order does not matter.
    const last = moved.at(-1);
    if (last && !touchesSame(step.touches, last.touches) && step.id < last.id) return false;
    return nextRuns.some((run) => touchesAll(run.step, [...moved, step]));
  });
}

/** Returns whether the same run could have taken this step and the last one in the other order. */
function hasEarlierTwin(step: Step, { last, moved }: Position): boolean {
  if (!last || last.step.actor.process !== step.actor.process) return false;
  if (!last.others.has(step.id) || step.id > last.step.id) return false;

  const isSameAnswer = last.step.kind === "delivery" && step.kind === "delivery";
  if (isSameAnswer || touchesSame(step.touches, last.step.touches)) return false;
  return moved.every((other) => !touchesSame(other.touches, last.step.touches));
}

function touchesAll({ touches }: Step, others: readonly Step[]): boolean {
  return others.every((other) => touchesSame(touches, other.touches));
}

/** Returns whether a run may go on with a step. */
function mayGoOn(
  { step, isInterruption }: Option,
  pending: readonly Step[],
  { interrupted, current }: Position,
): boolean {
  // Whoever is interrupted must later go on with something that another run can touch, too.
  if (isInterruption) {
    const left = pending.filter(({ actor }) => actor.process === current);
    const isShared = left.some(({ touches }) => touches.some((object) => !isOfWorld(object)));
    if (!isShared) return false;
  }

  const meanwhile = interrupted.get(step.actor.process);
  return meanwhile === undefined || touchesSame(step.touches, [...meanwhile]);
}

/** Only the world's own steps change these, and they interrupt nobody. */
function isOfWorld(object: string): boolean {
  return object.startsWith("S3 ") || object === "the epochs";
}

function touchesSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.includes(EVERYTHING) || b.includes(EVERYTHING)) return true;
  return a.some((object) => b.includes(object));
}

function advance(
  position: Position,
  { step, isInterruption }: Option,
  all: readonly Option[],
): Position {
  const { current, interrupted } = position;
  const { actor, touches, kind } = step;
  const nextInterrupted = new Map<string, ReadonlySet<string>>();
  for (const [process, objects] of interrupted) {
    if (process !== actor.process) nextInterrupted.set(process, objects.union(new Set(touches)));
  }
  if (isInterruption) nextInterrupted.set(current, new Set(touches));

  if (kind === "death")
    return { ...position, isolate: undefined, last: undefined, interrupted: nextInterrupted };
  if (!actor.isRun) {
    return { ...position, moved: [...position.moved, step], interrupted: nextInterrupted };
  }
  const others = new Set(all.map((option) => option.step.id));
  const last = { step, others };
  const { process, isolate } = actor;
  return { current: process, isolate, moved: [], last, interrupted: nextInterrupted };
}

/** Writes what of a position decides which steps may follow. */
export function describePosition(position: Position, stage: Stage): string {
  const { current, isolate, moved, interrupted } = position;
  const pending = stage.scheduler.pending();
  const canGoOn = pending.some(({ actor }) => actor.process === current);
  const held: string[] = [];
  for (const step of pending) {
    const meanwhile = interrupted.get(step.actor.process);
    if (meanwhile && !touchesSame(step.touches, [...meanwhile])) held.push(step.id);
    if (hasEarlierTwin(step, { ...position, moved: [] })) held.push(`${step.id} twin`);
  }
  const movedIds = moved.map(({ id }) => id).toSorted();
  const processes = [...interrupted.keys()].toSorted();
  const runs = [canGoOn && current, stage.deaths().length > 0 && isolate];
  return JSON.stringify([runs, movedIds, held.toSorted(), processes]);
}

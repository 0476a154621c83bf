// Explores all orders of a world within its bounds: depth first, each execution replayed from the start. A run is
// interrupted three times at most. Of orders that differ only in steps on different objects, execution.ts offers one. A
// state that was seen before, with as many interruptions left, is not followed again: it is everything that decides what
// can happen, which is the models, what each isolate has seen (its code is a function of that), what is on its way, and
// what the invariants remember.
//
// A random walk takes any step at any time, without these bounds.

import { hash } from "node:crypto";
import type { ExploredWorker } from "./deliveries.ts";
import {
  describePosition,
  type Execution,
  execute,
  type Option,
  type Position,
  type Rules,
} from "./execution.ts";
import type { Plant } from "./plants.ts";
import { createStage, type Stage } from "./stage.ts";
import { snapshotOf } from "./start.ts";
import type { Finding, Report } from "./thread.ts";
import type { World } from "./worlds.ts";

export const MAX_INTERRUPTIONS = 3;

/** A way to a state that is still to be explored. */
type Branch = { readonly choices: readonly string[]; readonly left: number };

export async function explore(
  world: World,
  worker: ExploredWorker,
  { maxExecutions }: { readonly maxExecutions: number },
  plant?: Plant,
): Promise<Report> {
  const snapshot = await snapshotOf(world, worker);
  const { maxInterruptions = MAX_INTERRUPTIONS } = world;
  /** The most interruptions that were left in each state. */
  const seen = new Map<string, number>();
  const branches: Branch[] = [{ choices: [], left: maxInterruptions }];
  const report = emptyReport(world);

  while (report.executions < maxExecutions) {
    const branch = branches.pop();
    if (!branch) break;

    const stage = createStage(world, worker, snapshot, plant);
    const choices: string[] = [];
    let { left } = branch;
    const choose = (options: readonly Option[], position: Position): Option | undefined => {
      const planned = branch.choices[choices.length];
      if (planned !== undefined) {
        choices.push(planned);
        return findOption(options, planned);
      }

      if (isSeen(stage, position, left)) return undefined;
      const allowed = options.filter(({ isInterruption }) => !isInterruption || left > 0);
      const [first, ...others] = allowed;
      for (const { step, isInterruption } of others.toReversed()) {
        const nextLeft = left - Number(isInterruption);
        branches.push({ choices: [...choices, step.id], left: nextLeft });
      }
      if (!first) return undefined;
      left -= Number(first.isInterruption);
      choices.push(first.step.id);
      return first;
    };

    const execution = await execute(stage, rulesOf(world), choose);
    note(report, stage, execution, choices);
    if (report.finding) return { ...report, states: seen.size };
  }
  return { ...report, states: seen.size, leftOut: branches.length };

  function isSeen(stage: Stage, position: Position, left: number): boolean {
    const state = `${describePosition(position, stage)}\n${stage.describe()}`;
    const key = hash("sha1", state, "base64");
    const mostLeft = seen.get(key) ?? -1;
    if (mostLeft >= left) return true;
    seen.set(key, left);
    return false;
  }
}

/** Takes random steps, in one execution after the other. The same seed takes the same ones. */
export async function walk(
  world: World,
  worker: ExploredWorker,
  { seed, steps }: { readonly seed: number; readonly steps: number },
  plant?: Plant,
): Promise<Report> {
  const snapshot = await snapshotOf(world, worker);
  const random = createRandom(seed);
  const report = emptyReport(world);
  const rules = { ...rulesOf(world), isFree: true, hasEarlyTimers: true };

  while (report.steps < steps && !report.finding) {
    const stage = createStage(world, worker, snapshot, plant);
    const choices: string[] = [];
    const choose = (options: readonly Option[]): Option | undefined => {
      const option = options[Math.floor(random() * options.length)];
      if (option) choices.push(option.step.id);
      return option;
    };
    const execution = await execute(stage, rules, choose);
    note(report, stage, execution, choices);
  }
  return report;
}

/** Takes the steps of a finding again. */
export async function replay(
  world: World,
  worker: ExploredWorker,
  choices: readonly string[],
  plant?: Plant,
): Promise<Report> {
  const snapshot = await snapshotOf(world, worker);
  const report = emptyReport(world);
  const stage = createStage(world, worker, snapshot, plant);
  const rest = [...choices];
  const choose = (options: readonly Option[]): Option | undefined => {
    const id = rest.shift();
    return id === undefined ? options[0] : findOption(options, id);
  };
  const execution = await execute(stage, rulesOf(world), choose);
  note(report, stage, execution, choices);
  return report;
}

function rulesOf({ hasAnswerOrders = false, hasEarlyTimers = false }: World): Rules {
  return { hasAnswerOrders, hasEarlyTimers, isFree: false };
}

type Counts = { -readonly [Name in keyof Report]: Report[Name] };

function emptyReport({ name }: World): Counts {
  const accepted = { deaths: 0, unanswered: 0 };
  return { world: name, executions: 0, steps: 0, states: 0, leftOut: 0, accepted };
}

function note(
  report: Counts,
  { checker }: Stage,
  execution: Execution,
  choices: readonly string[],
): void {
  const { violations, story, steps } = execution;
  const { deaths, unanswered } = checker.accepted;
  const { accepted } = report;
  report.executions++;
  report.steps += steps;
  report.accepted = {
    deaths: accepted.deaths + deaths,
    unanswered: accepted.unanswered + unanswered,
  };
  const finding: Finding = { violations, story, choices };
  if (violations.length > 0) report.finding = finding;
}

function findOption(options: readonly Option[], id: string): Option {
  const option = options.find(({ step }) => step.id === id);
  if (option) return option;

  const ids = options.map(({ step }) => step.id);
  throw new Error(`the replay has no step "${id}", but ${ids.join("; ")}`);
}

/** Numbers from 0 to 1 by a seed: xorshift. */
function createRandom(seed: number): () => number {
  let state = Math.imul(seed, 2_654_435_761) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

// Starts and controls threads that explore. Each has its own clock, timers and fetch.

import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Violation } from "./invariants.ts";
import type { PlantName } from "./plants.ts";

/** The task of a thread. */
export type Exploration = {
  readonly world: string;
  /** A bug to put around the Worker. */
  readonly plant?: PlantName | undefined;
  /** How often the event loop turns after each step: by default once. */
  readonly turns?: number | undefined;
} & (
  | { readonly kind: "all"; readonly maxExecutions: number }
  | { readonly kind: "walk"; readonly seed: number; readonly steps: number }
  | { readonly kind: "replay"; readonly choices: readonly string[] }
);

export type Finding = {
  readonly violations: readonly Violation[];
  /** What happened, a line a step. */
  readonly story: readonly string[];
  /** The choices that lead there. */
  readonly choices: readonly string[];
};

export type Report = {
  readonly world: string;
  readonly executions: number;
  readonly steps: number;
  readonly states: number;
  /** Branches that the limit of executions left out. 0: the world was explored wholly within its bounds. */
  readonly leftOut: number;
  /** What is accepted, by the number of executions' ends: see invariants.ts. */
  readonly accepted: { readonly deaths: number; readonly unanswered: number };
  readonly finding?: Finding | undefined;
};

export function startThread(): Worker {
  return new Worker(join(import.meta.dirname, "explorer.ts"));
}

/** Gives a task to a thread. A thread does one task at a time. @throws what the thread throws */
export async function runExploration(thread: Worker, exploration: Exploration): Promise<Report> {
  thread.postMessage(exploration);
  const [message] = await once(thread, "message");
  if (message.error !== undefined) throw new Error(message.error);
  return message.report;
}

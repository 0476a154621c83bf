// Starts and controls threads that attack.

import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Engine } from "./engines.ts";
import type { PropertyName } from "./properties.ts";

/** The task of a thread: to try inputs from a seed, or one given input. */
export type Attack = {
  readonly property: PropertyName;
  /** The engine of the attacked Worker; undefined: "cf". */
  readonly engine?: Engine | undefined;
  /** Which misbehaviour of sabotage.ts the attacked Worker has, so that the property should fail; undefined: none. */
  readonly sabotaged?: number;
} & (
  | {
      readonly seed: number;
      readonly runs: number;
      /** Whether to look for the smallest finding. */
      readonly shrink?: boolean;
    }
  | { readonly input: unknown }
);

export type Outcome = {
  readonly property: PropertyName;
  readonly runs: number;
  /** Counts since the last attack: requests, and answers by status. */
  readonly tally: Readonly<Record<string, number>>;
  /** The smallest input that breaks the property, and how. */
  readonly finding?: { readonly input: unknown; readonly error: string; readonly shrinks: number };
};

export function startThread(): Worker {
  return new Worker(join(import.meta.dirname, "attack.ts"));
}

/**
 * Gives a task to a thread. A thread does one task at a time.
 * @param signal ends the wait
 * @throws if the thread ends, or has ended: it would never answer
 */
export async function runAttack(
  thread: Worker,
  attack: Attack,
  signal?: AbortSignal,
): Promise<Outcome> {
  if (thread.threadId < 0)
    throw new Error("the thread has ended: see why the attack before failed");
  thread.postMessage(attack);
  try {
    const [outcome] = await once(thread, "message", signal && { signal });
    return outcome;
  } catch (error) {
    if (!signal?.aborted) await thread.terminate(); // it is ending
    throw error;
  }
}

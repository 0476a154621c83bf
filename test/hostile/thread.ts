// Threads that attack, seen from outside.

import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { BrokenName } from "./broken.ts";
import type { PropertyName } from "./properties.ts";

/** What a thread is to do: try inputs made from a seed, or one that is known. */
export type Attack = {
  readonly property: PropertyName;
  /** The bug of the Worker that is attacked; undefined: the project's own. */
  readonly bug?: BrokenName;
} & (
  | {
      readonly seed: number;
      readonly runs: number;
      /** False: the first finding will do. */
      readonly shrink?: boolean;
    }
  | { readonly input: unknown }
);

/** What came of it. */
export type Outcome = {
  readonly property: PropertyName;
  /** How many inputs were tried. */
  readonly runs: number;
  /** What was seen since the last attack: statuses, and how many requests there were. */
  readonly tally: Readonly<Record<string, number>>;
  /** The smallest input found that breaks the property, and how. */
  readonly finding?: { readonly input: unknown; readonly error: string; readonly shrinks: number };
};

/** Starts a thread that attacks. */
export function startThread(): Worker {
  return new Worker(join(import.meta.dirname, "attack.ts"));
}

/**
 * Has a thread attack. One thing at a time.
 * @param signal ends the waiting
 */
export async function ask(thread: Worker, attack: Attack, signal?: AbortSignal): Promise<Outcome> {
  thread.postMessage(attack);
  const [outcome] = await once(thread, "message", signal && { signal });
  return outcome;
}

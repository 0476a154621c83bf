// The code of an attacking thread: see thread.ts.

import { parentPort } from "node:worker_threads";
import fc from "fast-check";
import { PROPERTIES } from "./properties.ts";
import type { Property, Suspect } from "./property.ts";
import { loadSuspect } from "./suspect.ts";
import type { Attack, Outcome } from "./thread.ts";
import { tally, useEngine } from "./world.ts";

/** An input that takes longer than this is a finding, in ms. */
const HANG_MS = 5_000;

parentPort?.on("message", async (attack: Attack) => {
  const outcome = await attackWith(attack, await loadSuspect(attack.bug));
  parentPort?.postMessage({ ...outcome, tally: { ...tally } } satisfies Outcome);
  for (const seen of Object.keys(tally)) delete tally[seen];
});

async function attackWith(attack: Attack, of: Suspect): Promise<Omit<Outcome, "tally">> {
  const { property, engine = "cf" } = attack;
  useEngine(engine);
  // Each property reads its own kind of input, also from findings.json.
  const { input, holds } = PROPERTIES[property] as Property<unknown>;
  if ("input" in attack) {
    try {
      await holds(of, attack.input);
      return { property, runs: 1 };
    } catch (error) {
      return { property, runs: 1, finding: { input: attack.input, error: `${error}`, shrinks: 0 } };
    }
  }
  const { seed, runs, shrink = true } = attack;
  const tried = await fc.check(
    fc.asyncProperty(input, (value) => holds(of, value)),
    { seed, numRuns: runs, timeout: HANG_MS, endOnFailure: !shrink },
  );
  if (!tried.failed) return { property, runs: tried.numRuns };
  const [found] = tried.counterexample ?? [];
  const error = `${tried.errorInstance}`.slice(0, 2000);
  return {
    property,
    runs: tried.numRuns,
    finding: { input: found, error, shrinks: tried.numShrinks },
  };
}

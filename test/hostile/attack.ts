// The code of an attacking thread: see thread.ts.

import { registerHooks } from "node:module";
import { parentPort } from "node:worker_threads";
import fc from "fast-check";
import { PROPERTIES } from "./properties.ts";
import type { Property, Suspect } from "./property.ts";
import { sabotagesOf } from "./sabotage.ts";
import type { Attack, Outcome } from "./thread.ts";
import { install, tally, useEngine } from "./world.ts";

/** An input that takes longer than this is a finding, in ms. */
const HANG_MS = 5_000;
const RUNTIME = new URL("../../src/emulator/cloudflare-workers.ts", import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier === "cloudflare:workers" ? RUNTIME : specifier, context),
});
const suspect = await loadSuspect();

parentPort?.on("message", async (attack: Attack) => {
  const { property, sabotaged } = attack;
  const sabotage = sabotaged === undefined ? undefined : sabotagesOf(property)[sabotaged];
  const outcome = await attackWith(attack, sabotage ? sabotage(suspect) : suspect);
  parentPort?.postMessage({ ...outcome, tally: { ...tally } } satisfies Outcome);
  for (const name of Object.keys(tally)) delete tally[name];
});

/** Loads the Worker, after the hooks. */
async function loadSuspect(): Promise<Suspect> {
  install();
  const { default: gateway, Renditions } = await import("../../src/worker/index.ts");
  const { signGrant } = await import("../../src/url/grant.ts");
  return { worker: { ...gateway, Renditions }, signGrant };
}

async function attackWith(attack: Attack, suspect: Suspect): Promise<Omit<Outcome, "tally">> {
  const { property, engine = "cf" } = attack;
  useEngine(engine);
  // Each property reads its own kind of input, also from findings.json.
  const { input, holds } = PROPERTIES[property] as Property<unknown>;
  if ("input" in attack) {
    try {
      await holds(suspect, attack.input);
      return { property, runs: 1 };
    } catch (error) {
      return { property, runs: 1, finding: { input: attack.input, error: `${error}`, shrinks: 0 } };
    }
  }
  const { seed, runs, shrink = true } = attack;
  const tried = await fc.check(
    fc.asyncProperty(input, (value) => holds(suspect, value)),
    { seed, numRuns: runs, timeout: HANG_MS, endOnFailure: !shrink },
  );
  if (!tried.failed) return { property, runs: tried.numRuns };
  const [counterexample] = tried.counterexample ?? [];
  const error = `${tried.errorInstance}`.slice(0, 2000);
  return {
    property,
    runs: tried.numRuns,
    finding: { input: counterexample, error, shrinks: tried.numShrinks },
  };
}

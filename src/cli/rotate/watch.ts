// Polls /healthz of a Vitrine until its report has shown for long enough which step is next. Changes nothing.

import type { BucketHealth } from "../../worker/operator.ts";
import { type CommandFault, logInColour } from "../command.ts";
import { fetchHealth } from "../http/ask-health.ts";
import { isNoAnswer } from "../http/body.ts";
import { commandFor } from "../wrangler/config-file.ts";
import type { KeyedRotation, Rotation } from "./rotation.ts";
import { CREATE, decideStep, EMPTY, isBlocked, type Step } from "./steps.ts";

export async function pollHealth(rotation: Rotation): Promise<BucketHealth[] | CommandFault> {
  const { world, baseUrl, healthToken, envConfig } = rotation;
  const url = `${baseUrl}/healthz`;
  const tail = commandFor(envConfig, "npx wrangler tail");
  const result = await fetchHealth(baseUrl, healthToken, tail, world.interrupted);
  if (isNoAnswer(result)) return { fault: `${url}: ${result.reason}` };

  const names = rotation.buckets.map(({ name }) => name);
  const buckets = result.buckets.filter(({ bucket }) => names.includes(bucket));
  const missing = names.find((name) => !buckets.some(({ bucket }) => bucket === name));
  if (missing === undefined) return buckets;

  return { fault: `${url} has no bucket "${missing}". Deploy this ${envConfig.file} first` };
}

/**
 * Polls /healthz until a step may begin. A watched step must stay the next one for a while.
 * @param last the step that was done last
 * @returns the step, or why none may begin; undefined: interrupted
 */
export async function waitForStep(rotation: KeyedRotation, last: Step) {
  const { world, tools, polling, newMaskedId } = rotation;
  let blockedPolls = 0;
  let watchedS = 0;
  let step = CREATE;
  let reported = "";
  const report = (line: string) => {
    if (line !== reported) logInColour(world, "dim", line);
    reported = line;
  };
  for (;;) {
    const decision = decideStep(newMaskedId, await pollHealth(rotation), last);
    if (world.interrupted.aborted) return undefined;
    if (isBlocked(decision)) {
      blockedPolls += 1;
      watchedS = 0;
      if (blockedPolls >= polling.maxBlocked) return decision;
      report(`  Waiting: ${decision.details.join("; ")}`);
    } else {
      if (decision.step !== step) watchedS = 0;
      step = decision.step;
      // Before this run emptied the next slot, it has watched: since then, no version that runs has the old key.
      const isWatched = step.isWatched && last !== EMPTY;
      if (!isWatched || watchedS >= polling.watchS) return decision;
      report(`  Everything works; watching for ${polling.watchS} s`);
      watchedS += polling.intervalS;
    }
    await tools.sleep(polling.intervalS * 1000, world.interrupted);
  }
}

export function servingText(buckets: readonly BucketHealth[]): string {
  const each = buckets.map(({ bucket, slots }) => {
    const slot = slots.find(({ state }) => state === "ok");
    if (slot === undefined) return `no slot serves ${bucket}`;
    return `the ${slot.slot} slot (${slot.access_key}) serves ${bucket}`;
  });
  return each.join(", ");
}

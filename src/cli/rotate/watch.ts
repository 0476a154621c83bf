// Polls /healthz of a Vitrine until its report has shown for long enough which step is next. Changes nothing.

import type { BucketHealth } from "../../worker/operator.ts";
import { type CommandFault, logInColour } from "../command.ts";
import { fetchHealth } from "../http/ask-health.ts";
import { isNoAnswer } from "../http/body.ts";
import { commandFor } from "../wrangler/config-file.ts";
import type { KeyedRotation, Rotation } from "./rotation.ts";
import { type Decision, decideStep, EMPTY, type Step } from "./steps.ts";

/** Asks /healthz about the buckets of a rotation. @returns a fault if it does not report all of them */
export async function pollHealth(rotation: Rotation): Promise<BucketHealth[] | CommandFault> {
  const { world, baseUrl, healthToken, envConfig } = rotation;
  const url = `${baseUrl}/healthz`;
  const tail = commandFor(envConfig, "npx wrangler tail");
  const health = await fetchHealth(baseUrl, healthToken, tail, world.interrupted);
  if (isNoAnswer(health)) {
    const advice = health.status === undefined ? `. ${unreachableAdvice(rotation)}` : "";
    return { fault: `${url}: ${health.reason}${advice}` };
  }

  const names = rotation.buckets.map(({ name }) => name);
  const buckets = health.buckets.filter(({ bucket }) => names.includes(bucket));

  const reportedNames = buckets.map(({ bucket }) => bucket);
  const missing = names.find((name) => !reportedNames.includes(name));
  if (missing !== undefined) {
    return { fault: `${url} has no bucket "${missing}". Deploy this ${envConfig.file} first` };
  }

  return buckets;
}

function unreachableAdvice({ isLocalRun, envConfig }: Rotation): string {
  if (isLocalRun) return `Start the local run: ${commandFor(envConfig, "npx vitrine dev")}`;
  return `Get this machine online, and look whether ${envConfig.file} is deployed at that host`;
}

/**
 * Polls /healthz until a step may begin. A watched step must stay the next one for a while.
 * @param last the step that this run has done last; undefined: it has done none
 * @returns the step, or why none may begin; undefined: interrupted
 */
export async function waitForStep(
  rotation: KeyedRotation,
  last: Step | undefined,
): Promise<Decision | undefined> {
  const { world, tools, polling, newMaskedId } = rotation;
  let blockedPolls = 0;
  let watchedStep: Step | undefined;
  let watchedS = 0;

  // The same line is printed once.
  let printed: string | undefined;
  const report = (line: string) => {
    if (line !== printed) logInColour(world, "dim", line);
    printed = line;
  };

  for (;;) {
    const health = await pollHealth(rotation);
    if (world.interrupted.aborted) return undefined;

    const decision = decideStep(newMaskedId, health, last);
    switch (decision.kind) {
      case "blocked":
        blockedPolls += 1;
        watchedS = 0;
        if (blockedPolls >= polling.maxBlocked) return decision;
        report(`  Waiting: ${decision.details.join("; ")}`);
        break;

      case "ready": {
        const { step } = decision;
        if (step !== watchedStep) watchedS = 0;
        watchedStep = step;

        // EMPTY is watched. If this run has done it, no version of the Worker that runs has the old key, and the step that follows
        // (DEACTIVATE) needs no watch.
        const needsWatch = step.isWatched && last !== EMPTY;
        if (!needsWatch || watchedS >= polling.watchS) return decision;

        report(`  Everything works; watching for ${polling.watchS} s`);
        watchedS += polling.intervalS;
        break;
      }

      default:
        return decision satisfies never;
    }

    await tools.sleep(polling.intervalS * 1000, world.interrupted);
  }
}

/** Returns which slot serves each bucket: `the current slot (…MPLE) serves media`. */
export function servingText(buckets: readonly BucketHealth[]): string {
  const texts = buckets.map(({ bucket, slots }) => {
    const slot = slots.find(({ state }) => state === "ok");
    if (slot === undefined) return `no slot serves ${bucket}`;
    return `the ${slot.slot} slot (${slot.access_key}) serves ${bucket}`;
  });
  return texts.join(", ");
}

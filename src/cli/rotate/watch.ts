// Looks at /healthz of a Vitrine until it says which step is next, and has said so for long enough. Changes
// nothing.

import type { BucketHealth } from "../../worker/operator.ts";
import { type CommandFault, isFault, log, paint } from "../command.ts";
import { fetchHealth } from "../http/ask-health.ts";
import { visible } from "../terminal/shell.ts";
import { hintFor } from "../wrangler/config-file.ts";
import type { KeyedRotation, Rotation } from "./rotation.ts";
import { type Deviation, isOutage, isServed, MAKE, nextStep, type Step } from "./steps.ts";

/** Causes in the order in which they are to be reported. */
const CAUSES = ["outage", "taken", "absent", "refused", "images"] as const;

export type Trouble = {
  readonly cause: "no-health" | (typeof CAUSES)[number];
  readonly details: readonly string[];
  readonly buckets: readonly BucketHealth[];
};

/** Asks /healthz once. @returns the health of the buckets of this rotation */
export async function look(rotation: Rotation): Promise<BucketHealth[] | CommandFault> {
  const { world, baseUrl, healthToken, envConfig } = rotation;
  const health = await fetchHealth(baseUrl, healthToken, world.interrupted);
  if (!("buckets" in health))
    return { fault: hintFor(envConfig, `${baseUrl}/healthz: ${health.reason}`) };
  const names = rotation.buckets.map(({ name }) => name);
  const buckets = health.buckets.filter(({ bucket }) => names.includes(bucket));
  const missing = names.find((name) => !buckets.some(({ bucket }) => bucket === name));
  if (missing === undefined) return buckets;
  return {
    fault: `${baseUrl}/healthz has no bucket "${missing}". Deploy this ${envConfig.file} first`,
  };
}

/** Returns the step that may begin after a look, or why none may. @param last the step that was done last */
export function judge(
  { newEnd }: KeyedRotation,
  buckets: BucketHealth[] | CommandFault,
  last: Step,
) {
  if (isFault(buckets)) {
    return { cause: "no-health", details: [buckets.fault], buckets: [] } satisfies Trouble;
  }
  const { step, wrong } = nextStep(buckets, newEnd, last);
  const troubles: (Deviation | { cause: "outage" | "images"; text: string })[] = [...wrong];
  for (const health of buckets) {
    const { bucket, edge, slots } = health;
    for (const { slot, state } of slots.filter(isOutage)) {
      troubles.push({ cause: "outage", text: `${bucket}: S3 answers ${state} for ${slot}` });
    }
    if (isServed(health) && edge !== "on") {
      troubles.push({ cause: "images", text: `${bucket}: no image of its canary: ${edge}` });
    }
  }
  const cause = CAUSES.find((one) => troubles.some((trouble) => trouble.cause === one));
  if (cause === undefined) return { step, buckets };
  const details = troubles.filter((one) => one.cause === cause).map(({ text }) => text);
  return { cause, details, buckets } satisfies Trouble;
}

/**
 * Looks until a step may begin. A watched one must stay the next one for a while.
 * @param last the step that was done last
 * @returns undefined if it was interrupted
 */
export async function watch(rotation: KeyedRotation, last: Step) {
  const { world, tools, patience } = rotation;
  let { attempts } = patience;
  let watched = 0;
  let step = MAKE;
  let reported = "";
  const report = (line: string) => {
    if (line !== reported) log(world.stderr, paint(world, world.stderr, "dim", visible(line)));
    reported = line;
  };
  for (;;) {
    const judged = judge(rotation, await look(rotation), last);
    if (world.interrupted.aborted) return undefined;
    if (judged.cause) {
      attempts -= 1;
      watched = 0;
      if (attempts <= 0) return judged;
      report(`  Waiting: ${judged.details.join("; ")}`);
    } else {
      if (judged.step !== step) watched = 0;
      step = judged.step;
      if (!step.isWatched || watched >= patience.watched) return judged;
      report(`  Everything works; watching for ${patience.watched} s`);
      watched += patience.every;
    }
    await tools.sleep(patience.every * 1000, world.interrupted);
  }
}

/** Says which slot serves each bucket: the current one, unless S3 refuses it. */
export function serving(buckets: readonly BucketHealth[]): string {
  const each = buckets.map(({ bucket, slots }) => {
    const slot = slots.find(({ state }) => state === "ok");
    if (slot === undefined) return `no slot serves ${bucket}`;
    return `the ${slot.slot} slot (${slot.access_key}) serves ${bucket}`;
  });
  return each.join(", ");
}

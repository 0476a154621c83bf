// Looks at /healthz of a Vitrine until it says which step is next, and has said so for long enough. Changes
// nothing.

import type { BucketHealth } from "../../worker/health.ts";
import { type Fault, isFault, paint, say } from "../command.ts";
import { askHealth } from "../http/ask-health.ts";
import { visible } from "../terminal/shell.ts";
import type { KeyedRotation, Rotation } from "./rotation.ts";
import { type Deviation, isOutage, isServed, MAKE, nextStep, type Step } from "./steps.ts";

/** How many looks in a row may find that images fail. After more, visitors would miss them. */
const MAX_FAILED = 3;

/** The buckets of this rotation, and all others. */
export type Seen = Readonly<Record<"buckets" | "others", readonly BucketHealth[]>>;

/** The step that may begin. */
export type Next = { readonly step: Step; readonly seen: Seen };

/** Why no step may begin. */
export type Trouble = {
  readonly cause: "no-health" | "outage" | Deviation["cause"] | "images";
  readonly details: readonly string[];
  readonly buckets: readonly BucketHealth[];
};

/** Asks /healthz once. */
export async function look(rotation: Rotation): Promise<Seen | Fault> {
  const { world, base, healthToken, known } = rotation;
  const health = await askHealth(base, healthToken, world.interrupted);
  if (!("buckets" in health)) return { fault: `${base}/healthz: ${health.reason}` };
  const names = rotation.buckets.map(({ name }) => name);
  const buckets = health.buckets.filter(({ bucket }) => names.includes(bucket));
  const missing = names.find((name) => !buckets.some(({ bucket }) => bucket === name));
  if (missing !== undefined) {
    return { fault: `${base}/healthz has no bucket "${missing}". Deploy this ${known.file} first` };
  }
  return { buckets, others: health.buckets.filter((bucket) => !buckets.includes(bucket)) };
}

/** Says what follows from a look. @param last the step that was done last */
export function judge(rotation: KeyedRotation, seen: Seen | Fault, last: Step): Next | Trouble {
  if (isFault(seen)) return { cause: "no-health", details: [seen.fault], buckets: [] };
  const { buckets } = seen;
  const { step, wrong } = nextStep(buckets, rotation.newEnd, last);
  const outages = buckets.flatMap(({ bucket, slots }) =>
    slots.filter(isOutage).map(({ slot, state }) => `${bucket}: S3 answers ${state} for ${slot}`),
  );
  const failures = buckets
    .filter((bucket) => isServed(bucket) && bucket.edge !== "on")
    .map(({ bucket, edge }) => `${bucket}: no image of its canary: ${edge}`);
  const textsOf = (cause: Trouble["cause"]) =>
    wrong.filter((one) => one.cause === cause).map(({ text }) => text);
  const troubles: Trouble[] = [
    { cause: "outage", details: outages, buckets },
    { cause: "taken", details: textsOf("taken"), buckets },
    { cause: "absent", details: textsOf("absent"), buckets },
    { cause: "refused", details: textsOf("refused"), buckets },
    { cause: "images", details: failures, buckets },
  ];
  return troubles.find(({ details }) => details.length > 0) ?? { step, seen };
}

/**
 * Looks until a step may begin. A watched one must stay the next one for a while.
 * @param last the step that was done last
 * @returns undefined if it was interrupted
 */
export async function watch(rotation: KeyedRotation, last: Step) {
  const { world, tools } = rotation;
  const { patience } = tools;
  let { attempts } = patience;
  let [failed, watched] = [0, 0];
  let step = MAKE;
  let reported = "";
  const report = (line: string) => {
    if (line !== reported) say(world.stderr, paint(world, world.stderr, "dim", visible(line)));
    reported = line;
  };
  for (;;) {
    const judged = judge(rotation, await look(rotation), last);
    if (world.interrupted.aborted) return undefined;
    if ("cause" in judged) {
      attempts -= 1;
      failed = judged.cause === "images" ? failed + 1 : 0;
      watched = 0;
      if (attempts <= 0 || failed >= MAX_FAILED) return judged;
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

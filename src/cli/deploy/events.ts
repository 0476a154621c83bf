// The queue of events, and the rules by which R2 writes into it: what a deploy makes of them, if they are missing. The order
// is queue, deploy, rule: wrangler deploys no consumer of a queue that is not there, and a bucket that is new is made by the
// deploy. A rule that is there is never changed. What is not known keeps no deploy from its work. What is certain does: a
// Worker that keeps pictures for long, and hears of no change, would show old ones to everybody.

import { type CommandFault, isFault, log, print, type World } from "../command.ts";
import { type EventQueue, eventQueueOf, r2BucketNamesOf } from "../config/event-queue.ts";
import { type Coverage, coverageOf } from "../config/event-rules.ts";
import { type EventsSeen, observeEvents, type R2BucketSeen } from "../config/observe-events.ts";
import { type LongKeep, longKeepsOf } from "../config/policy-warnings.ts";
import { count } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";
import { hintFor } from "../wrangler/config-file.ts";
import {
  type QueueAnswer,
  type RulesAnswer,
  readRules,
  ruleArgs,
  wranglerLine,
} from "../wrangler/queues.ts";
import { askWrangler, type RunWrangler, showWrangler, targetOf } from "../wrangler/run-wrangler.ts";
import type { Deployment } from "./check-s3.ts";

const PAGE = "docs/events.md";

/** Asks wrangler what is there. It changes nothing. @returns undefined if events do not come by a queue */
export function seeEvents(
  world: World,
  run: RunWrangler,
  deployment: Deployment,
): Promise<EventsSeen | undefined> {
  return observeEvents(world, run, deployment, ({ isBound }) => isBound);
}

/** What a deploy does about events, for its plan. */
export function eventLines({ envConfig, config }: Deployment, seen?: EventsSeen): string[] {
  if (seen === undefined) return [];

  const { queue } = seen;
  const queueTexts = queuesOf(seen).map(({ name, answer }) => queueText(name, answer));
  const lines = [`queue: ${queueTexts.join("; ")}`];
  if (!queue.isConsumed) return lines;

  for (const { name, bucket, prefix, isBound } of r2BucketNamesOf(envConfig, config)) {
    const answer = seen.r2Buckets.find(({ r2Bucket }) => r2Bucket.name === name)?.answer;
    const text =
      isBound && answer !== undefined
        ? rulesText(queue, bucket, prefix, answer)
        : `${bucket} is read by S3's API, so no rule is made: ${PAGE}`;
    lines.push(`events of ${name}: ${text}`);
  }
  return lines;
}

type NamedAnswer = { readonly name: string; readonly answer: QueueAnswer };

/** The queue, and its dead-letter queue. */
function queuesOf({ queue, answer, deadLetterAnswer }: EventsSeen): NamedAnswer[] {
  const { name, deadLetterQueue } = queue;
  const first = { name, answer };
  if (deadLetterQueue === undefined || deadLetterAnswer === undefined) return [first];
  return [first, { name: deadLetterQueue, answer: deadLetterAnswer }];
}

function queueText(name: string, answer: QueueAnswer): string {
  switch (answer.kind) {
    case "there":
      return `${name} is there`;
    case "missing":
      return `${name} is made`;
    case "forbidden":
    case "unknown":
      return `Warning: whether there is a queue ${name} is not known: ${answer.reason}`;
    default:
      return answer satisfies never;
  }
}

function rulesText(queue: EventQueue, bucket: string, prefix: string, answer: RulesAnswer): string {
  if (answer.kind === "unknown") {
    return `Warning: whether R2 writes those of ${bucket} into ${queue.name} is not known: ${answer.reason}. A rule for that is made after the deploy, if ${bucket} is there and has none`;
  }
  const coverage = coverageOf(answer.rules, queue.consumed, prefix);
  if (coverage.kind !== "none") return coverageText(coverage, bucket);
  return `R2 writes those of ${bucket} into ${queue.name}. A rule for that is made`;
}

/**
 * Finds what would leave visitors with old pictures, or fail halfway: wrangler uploads the Worker before it touches the
 * queue.
 * @param isAccepted whether the operator says that events come another way than by R2's rules
 * @returns why nothing may be deployed
 */
export function refuseEvents(
  deployment: Deployment,
  seen: EventsSeen | undefined,
  isAccepted: boolean,
): CommandFault | undefined {
  if (seen === undefined) return undefined;

  const { envConfig, config } = deployment;
  for (const { name, answer } of queuesOf(seen)) {
    if (answer.kind === "forbidden") return { fault: forbiddenText(name) };
  }

  const { queue, answer } = seen;
  const workers = answer.kind === "there" ? answer.workers : undefined;
  const other = otherWorkerOf(envConfig.worker, workers);
  if (queue.isConsumed && other !== undefined) {
    return { fault: otherWorkerText(envConfig, queue.name, other) };
  }

  if (isAccepted) return undefined;
  const keeps = longKeepsOf(config);
  const faults = seen.r2Buckets.flatMap((r2Bucket) => lostEventsText(queue, r2Bucket, keeps) ?? []);
  if (faults.length === 0) return undefined;

  const command = hintFor(envConfig, "npx vitrine deploy --events-elsewhere");
  const remedy = `Follow ${PAGE}, “If there is a rule already”, or write a keep of at most an hour. Where events do come, because that queue passes them on: ${command}`;
  return { fault: `${faults.join(". ")}. ${remedy}. Nothing is deployed` };
}

function forbiddenText(queue: string): string {
  return `wrangler may not see the queue ${queue}: its token needs Account → Queues: Edit (docs/environments.md lists all permissions). Without a token: npx wrangler login. Nothing is deployed`;
}

/** @returns undefined if the events of the bucket come, may come, or are not waited for */
function lostEventsText(
  queue: EventQueue,
  { r2Bucket, answer }: R2BucketSeen,
  keeps: readonly LongKeep[],
): string | undefined {
  const keep = keeps.find(({ buckets }) => buckets.has(r2Bucket.name));
  if (keep === undefined || answer.kind === "unknown") return undefined;

  const { bucket, prefix } = r2Bucket;
  const coverage = coverageOf(answer.rules, queue.consumed, prefix);
  if (coverage.kind === "none" || coverage.kind === "covered") return undefined;

  const harm = `${keep.path} is ${count(keep.keep)} s: without its event, a picture that is replaced, deleted or denied is shown for so long`;
  return `${coverageFact(coverage, bucket)}, and ${harm}`;
}

/** Makes the queues that are certainly missing. @returns why nothing can be deployed */
export async function makeQueues(
  world: World,
  run: RunWrangler,
  { envConfig }: Deployment,
  seen: EventsSeen | undefined,
): Promise<CommandFault | undefined> {
  if (seen === undefined) return undefined;

  for (const { name, answer } of queuesOf(seen)) {
    if (world.interrupted.aborted) return { fault: "interrupted: nothing is deployed" };
    if (answer.kind !== "missing") continue;

    // wrangler's hints name a binding that the Worker does not use: they are shown only beside a failure.
    const created = await askWrangler(world, run, envConfig, ["queues", "create", name]);
    if (created.code !== 0) {
      print(world.stderr, visible(created.output.trim()));
      const fault = `the queue ${name} could not be made: ${created.reason}`;
      return { fault: `${fault}. Nothing is deployed` };
    }
    log(world.stderr, `The queue ${name} is made`);
  }
  return undefined;
}

/** A Worker that reads the queue, and is not this one. */
function otherWorkerOf(worker: string | undefined, workers: readonly string[] = []) {
  return workers.find((name) => name !== worker);
}

function otherWorkerText(
  envConfig: Deployment["envConfig"],
  queue: string,
  worker: string,
): string {
  const reason = `the queue ${queue} is read by the Worker ${worker}, and a queue has one consumer Worker`;
  const remove = wranglerLine(envConfig, ["queues", "consumer", "remove", queue, worker]);
  return `${reason}: name another queue in wrangler.toml. If ${worker} is an old name of this Worker: ${remove}. Nothing is deployed`;
}

/** `failed`: a rule could not be made, and the command for it is shown. */
export type RulesMade = "done" | "failed";

/** Makes the rules of R2 that are certainly missing. */
export async function makeRules(
  world: World,
  run: RunWrangler,
  { envConfig, config }: Deployment,
): Promise<RulesMade> {
  const queue = eventQueueOf(envConfig);
  if (queue?.isConsumed !== true) return "done";

  // Ctrl-C: the doctor names what is missing.
  if (world.interrupted.aborted) return "done";

  let result: RulesMade = "done";
  const say = (text: string) => log(world.stderr, text);
  for (const r2Bucket of r2BucketNamesOf(envConfig, config)) {
    const { name, bucket, prefix, isBound } = r2Bucket;
    const args = ruleArgs(r2Bucket, prefix, queue.name);
    const command = wranglerLine(envConfig, args);
    if (!isBound) {
      say(`If ${bucket} has no rule for its events yet: ${command} (${PAGE})`);
      continue;
    }

    const answer = await readRules(world, run, envConfig, r2Bucket);
    if (answer.kind === "unknown") {
      say(
        `Warning: whether R2 writes the events of ${name} into ${queue.name} is not known: ${answer.reason}. If ${bucket} has no rule: ${command}`,
      );
      continue;
    }

    const coverage = coverageOf(answer.rules, queue.consumed, prefix);
    if (coverage.kind !== "none") {
      say(coverageText(coverage, bucket));
      continue;
    }

    const allArgs = [...args, ...targetOf(envConfig)];
    const fault = await showWrangler(world, run, allArgs, { config: envConfig, secrets: [] });
    if (isFault(fault)) {
      result = "failed";
      say(
        `It is deployed, and R2 writes no events of ${bucket} into ${queue.name}: ${fault.fault}. Then: ${command}`,
      );
      continue;
    }
    say(`R2 writes the events of ${bucket} into ${queue.name} from now on`);
  }
  return result;
}

/** What is left as it is. */
function coverageText(coverage: Exclude<Coverage, { kind: "none" }>, bucket: string) {
  const page = `${PAGE}, “If there is a rule already”`;
  switch (coverage.kind) {
    case "covered":
      return `R2 writes the events of ${bucket} into ${coverage.queues.join(" and ")} already`;
    case "elsewhere":
      return `Warning: ${coverageFact(coverage, bucket)}: nothing is changed. ${page}, says how that queue passes them on`;
    case "some-keys":
    case "some-actions":
      return `Warning: ${coverageFact(coverage, bucket)}: nothing is changed. ${page}`;
    default:
      return coverage satisfies never;
  }
}

type Hindrance = Exclude<Coverage, { kind: "none" | "covered" }>;

/** Why not all events of a bucket come into a queue of this Worker. */
function coverageFact(coverage: Hindrance, bucket: string): string {
  switch (coverage.kind) {
    case "elsewhere":
      return `R2 writes the events of ${bucket} into ${coverage.queues.join(", ")}, and takes no second rule`;
    case "some-keys":
      return `a rule of ${bucket} writes events of some keys alone into a queue of this Worker`;
    case "some-actions":
      return `a rule of ${bucket} leaves ${coverage.missing.join(", ")} out`;
    default:
      return coverage satisfies never;
  }
}

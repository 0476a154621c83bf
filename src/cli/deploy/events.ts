// The queue of events, and the rules by which R2 writes into it: what a deploy makes of them, if they are missing. The order
// is queue, deploy, rule: wrangler deploys no consumer of a queue that is not there, and a bucket that is new is made by the
// deploy. A rule that is there is never changed. What is not known keeps no deploy from its work. What is certain does: a
// Worker that keeps pictures for long, and hears of no change, would show old ones to everybody.

import { type CommandFault, log, page, print, type World } from "../command.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import {
  type EventQueue,
  eventQueueOf,
  type R2BucketName,
  r2BucketNamesOf,
} from "../config/event-queue.ts";
import { type Coverage, coverageOf } from "../config/event-rules.ts";
import { type EventsSeen, observeEvents, type R2BucketSeen } from "../config/observe-events.ts";
import { type LongKeep, longKeepsOf } from "../config/policy-warnings.ts";
import { count } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";
import { commandFor } from "../wrangler/config-file.ts";
import {
  type QueueAnswer,
  type RulesAnswer,
  readRules,
  ruleArgs,
  wranglerLine,
} from "../wrangler/queues.ts";
import { askWrangler, type RunWrangler, showWrangler, targetOf } from "../wrangler/run-wrangler.ts";
import type { Deployment } from "./check-s3.ts";

/** Asks wrangler what is there. It changes nothing. @returns undefined if events do not come by a queue */
export function seeEvents(
  world: World,
  run: RunWrangler,
  deployment: Deployment,
): Promise<EventsSeen | undefined> {
  return observeEvents(world, run, deployment, ({ isBound }) => isBound);
}

type NamedAnswer = {
  readonly name: string;
  readonly answer: QueueAnswer;
};

/** The queue, and its dead-letter queue. */
function queuesOf({ queue, answer, deadLetterAnswer }: EventsSeen): NamedAnswer[] {
  const { name, deadLetterQueue } = queue;
  const queues = [{ name, answer }];
  if (deadLetterQueue !== undefined && deadLetterAnswer !== undefined) {
    queues.push({ name: deadLetterQueue, answer: deadLetterAnswer });
  }
  return queues;
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

  const forbidden = queuesOf(seen).find(({ answer }) => answer.kind === "forbidden");
  if (forbidden !== undefined) {
    return {
      fault: `wrangler may not see the queue ${forbidden.name}: its token needs Account → Queues: Edit (${page("docs/environments.md")} lists all permissions). Without a token: npx wrangler login. Nothing is deployed`,
    };
  }

  const { envConfig, config } = deployment;
  const otherWorkerFault = refuseOtherWorker(envConfig, seen);
  if (otherWorkerFault !== undefined) return otherWorkerFault;

  if (isAccepted) return undefined;

  const keeps = longKeepsOf(config);
  const texts: string[] = [];
  for (const r2Bucket of seen.r2Buckets) {
    const text = lostEventsText(seen.queue, r2Bucket, keeps);
    if (text !== undefined) texts.push(text);
  }
  if (texts.length === 0) return undefined;

  const command = `${commandFor(envConfig, "npx vitrine deploy")} --events-elsewhere`;
  return {
    fault: `${texts.join(". ")}. Follow ${page("docs/events.md")}, “If there is a rule already”, or write a keep of at most an hour. Where events do come, because that queue passes them on: ${command}. Nothing is deployed`,
  };
}

/** A queue has one consumer Worker. */
function refuseOtherWorker(
  envConfig: EnvironmentConfig,
  { queue, answer }: EventsSeen,
): CommandFault | undefined {
  if (!queue.isConsumed || answer.kind !== "there") return undefined;

  const other = answer.workers?.find((name) => name !== envConfig.worker);
  if (other === undefined) return undefined;

  const remove = wranglerLine(envConfig, ["queues", "consumer", "remove", queue.name, other]);
  return {
    fault: `the queue ${queue.name} is read by the Worker ${other}, and a queue has one consumer Worker: name another queue in ${envConfig.file}. If ${other} is an old name of this Worker: ${remove}. Nothing is deployed`,
  };
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

  return `${gapText(coverage, bucket)}, and ${keep.path} is ${count(keep.keep)} s: without its event, a picture that is replaced, deleted or denied is shown for so long`;
}

/** What a deploy does about events, for its plan. */
export function eventLines({ envConfig, config }: Deployment, seen?: EventsSeen): string[] {
  if (seen === undefined) return [];

  const { queue, r2Buckets } = seen;
  const queueTexts = queuesOf(seen).map(({ name, answer }) => queueText(name, answer));
  const lines = [`queue: ${queueTexts.join("; ")}`];
  if (!queue.isConsumed) return [...lines, ...reasonLines(seen)];

  for (const r2BucketName of r2BucketNamesOf(envConfig, config)) {
    const { name, bucket } = r2BucketName;
    const answer = r2Buckets.find(({ r2Bucket }) => r2Bucket.name === name)?.answer;
    if (!r2BucketName.isBound || answer === undefined) {
      lines.push(
        `events of ${name}: ${bucket} is read by S3's API, so no rule is made: ${page("docs/events.md")}`,
      );
      continue;
    }

    lines.push(`events of ${name}: ${rulesText(queue, r2BucketName, answer)}`);
  }
  return [...lines, ...reasonLines(seen)];
}

/** Says why something is not known, each reason once: without a login, nothing is. */
function reasonLines(seen: EventsSeen): string[] {
  const queueAnswers = queuesOf(seen).map(({ answer }) => answer);
  const ruleAnswers = seen.r2Buckets.map(({ answer }) => answer);

  const reasons = new Set<string>();
  for (const answer of [...queueAnswers, ...ruleAnswers]) {
    if (answer.kind === "unknown" || answer.kind === "forbidden") reasons.add(answer.reason);
  }
  return [...reasons].map((reason) => `the reason: ${reason}`);
}

function queueText(name: string, answer: QueueAnswer): string {
  switch (answer.kind) {
    case "there":
      return `${name} is there`;
    case "missing":
      return `${name} is made`;
    case "forbidden":
    case "unknown":
      return `Warning: whether there is a queue ${name} is not known`;
    default:
      return answer satisfies never;
  }
}

function rulesText(
  queue: EventQueue,
  { bucket, prefix }: R2BucketName,
  answer: RulesAnswer,
): string {
  if (answer.kind === "unknown") {
    return `Warning: whether R2 writes those of ${bucket} into ${queue.name} is not known. A rule for that is made after the deploy, if ${bucket} is there and has none`;
  }

  const coverage = coverageOf(answer.rules, queue.consumed, prefix);
  if (coverage.kind !== "none") return presentRulesText(coverage, bucket);

  return `R2 writes those of ${bucket} into ${queue.name}. A rule for that is made`;
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

    const created = await askWrangler(world, run, envConfig, ["queues", "create", name]);
    if (created.code !== 0) {
      // wrangler's hints name a binding that the Worker does not use: they are shown only beside a failure.
      print(world.stderr, visible(created.output.trim()));
      return {
        fault: `the queue ${name} could not be made: ${created.reason}. Nothing is deployed`,
      };
    }
    log(world.stderr, `The queue ${name} is made`);
  }
  return undefined;
}

/** `failed`: a rule could not be made, and the command for it is shown. */
export type RuleResult = "done" | "failed";

/** Makes the rules of R2 that are certainly missing. */
export async function makeRules(
  world: World,
  run: RunWrangler,
  { envConfig, config }: Deployment,
): Promise<RuleResult> {
  const queue = eventQueueOf(envConfig);
  if (queue?.isConsumed !== true) return "done";

  // Ctrl-C: the doctor names what is missing.
  if (world.interrupted.aborted) return "done";

  let result: RuleResult = "done";
  for (const r2Bucket of r2BucketNamesOf(envConfig, config)) {
    const ruleResult = await makeRule(world, run, envConfig, queue, r2Bucket);
    if (ruleResult === "failed") result = "failed";
  }
  return result;
}

async function makeRule(
  world: World,
  run: RunWrangler,
  envConfig: EnvironmentConfig,
  queue: EventQueue,
  r2Bucket: R2BucketName,
): Promise<RuleResult> {
  const { name, bucket, prefix, isBound } = r2Bucket;
  const args = ruleArgs(r2Bucket, prefix, queue.name);
  const command = wranglerLine(envConfig, args);
  if (!isBound) {
    log(
      world.stderr,
      `If ${bucket} has no rule for its events yet: ${command} (${page("docs/events.md")})`,
    );
    return "done";
  }

  const answer = await readRules(world, run, envConfig, r2Bucket);
  if (answer.kind === "unknown") {
    log(
      world.stderr,
      `Warning: whether R2 writes the events of ${name} into ${queue.name} is not known: ${answer.reason}. If ${bucket} has no rule: ${command}`,
    );
    return "done";
  }

  const coverage = coverageOf(answer.rules, queue.consumed, prefix);
  if (coverage.kind !== "none") {
    log(world.stderr, presentRulesText(coverage, bucket));
    return "done";
  }

  const allArgs = [...args, ...targetOf(envConfig)];
  const fault = await showWrangler(world, run, allArgs, { config: envConfig, secrets: [] });
  if (fault !== undefined) {
    log(
      world.stderr,
      `It is deployed, and R2 writes no events of ${bucket} into ${queue.name}: ${fault.fault}. Then: ${command}`,
    );
    return "failed";
  }

  log(world.stderr, `R2 writes the events of ${bucket} into ${queue.name} from now on`);
  return "done";
}

/** What is said of rules that are there: they are left as they are. */
function presentRulesText(coverage: Exclude<Coverage, { kind: "none" }>, bucket: string): string {
  switch (coverage.kind) {
    case "covered":
      return `R2 writes the events of ${bucket} into ${coverage.queues.join(" and ")} already`;
    case "elsewhere":
      return `Warning: ${gapText(coverage, bucket)}: nothing is changed. ${page("docs/events.md")}, “If there is a rule already”, says how that queue passes them on`;
    case "some-keys":
    case "some-actions":
      return `Warning: ${gapText(coverage, bucket)}: nothing is changed. ${page("docs/events.md")}, “If there is a rule already”`;
    default:
      return coverage satisfies never;
  }
}

type Gap = Exclude<Coverage, { kind: "none" | "covered" }>;

/** Why not all events of a bucket come into a queue of this Worker. */
function gapText(gap: Gap, bucket: string): string {
  switch (gap.kind) {
    case "elsewhere":
      return `R2 writes the events of ${bucket} into ${gap.queues.join(", ")}, and takes no second rule`;
    case "some-keys":
      return `a rule of ${bucket} writes events of some keys alone into a queue of this Worker`;
    case "some-actions":
      return `a rule of ${bucket} leaves ${gap.missing.join(", ")} out`;
    default:
      return gap satisfies never;
  }
}

// The queue of events, and the rules by which R2 writes into it: what a deploy makes of them, if they are missing. The order
// is queue, deploy, rule: wrangler deploys no consumer of a queue that is not there, and a bucket that is new is made by the
// deploy. A rule that is there is never changed. What wrangler does not say keeps no deploy from its work.

import { type CommandFault, isFault, log, type World } from "../command.ts";
import { type EventQueue, eventQueueOf, r2BucketNamesOf } from "../config/event-queue.ts";
import { type Coverage, coverageOf } from "../config/event-rules.ts";
import { visible } from "../terminal/shell.ts";
import { readQueue, readRules, ruleArgs, wranglerLine } from "../wrangler/queues.ts";
import { type RunWrangler, showWrangler, targetOf } from "../wrangler/run-wrangler.ts";
import type { Deployment } from "./check-s3.ts";

const PAGE = "docs/events.md";

/** What a deploy does about events, for its plan. Nothing is asked. */
export function eventLines({ envConfig, config }: Deployment): string[] {
  const queue = eventQueueOf(envConfig);
  if (queue === undefined) return [];

  const names = queuesToMake(queue).join(" and ");
  const lines = [`queue: ${names}, made if missing`];
  if (!queue.isConsumed) return lines;

  for (const { name, bucket, isBound } of r2BucketNamesOf(envConfig, config)) {
    const rule = isBound
      ? `R2 writes those of ${bucket} into ${queue.name}. A rule for that is made if the bucket has none`
      : `${bucket} is read by S3's API, so no rule is made: ${PAGE}`;
    lines.push(`events of ${name}: ${rule}`);
  }
  return lines;
}

function queuesToMake({ name, deadLetterQueue }: EventQueue): string[] {
  return deadLetterQueue === undefined ? [name] : [name, deadLetterQueue];
}

/** Makes the queues that are certainly missing. @returns why nothing can be deployed */
export async function makeQueues(
  world: World,
  run: RunWrangler,
  { envConfig }: Deployment,
): Promise<CommandFault | undefined> {
  const queue = eventQueueOf(envConfig);
  if (queue === undefined) return undefined;

  for (const name of queuesToMake(queue)) {
    const answer = await readQueue(world, run, envConfig, name);
    if (world.interrupted.aborted) return { fault: "interrupted: nothing is deployed" };

    switch (answer.kind) {
      case "missing": {
        const args = ["queues", "create", name, ...targetOf(envConfig)];
        const fault = await showWrangler(world, run, args, { config: envConfig, secrets: [] });
        if (isFault(fault)) return { fault: `${fault.fault}. Nothing is deployed` };
        log(world.stderr, visible(`The queue ${name} is made`));
        break;
      }
      case "there": {
        const other = otherWorkerOf(envConfig.worker, answer.workers);
        if (name === queue.name && queue.isConsumed && other !== undefined) {
          return { fault: otherWorkerText(name, other) };
        }
        break;
      }
      // wrangler deploy says itself what is wrong.
      case "unknown":
        log(
          world.stderr,
          visible(`Warning: whether there is a queue ${name} is not known: ${answer.reason}`),
        );
        break;
      default:
        answer satisfies never;
    }
  }
  return undefined;
}

/** A Worker that reads the queue, and is not this one. */
function otherWorkerOf(worker: string | undefined, workers: readonly string[] = []) {
  return workers.find((name) => name !== worker);
}

function otherWorkerText(queue: string, worker: string): string {
  const reason = `the queue ${queue} is read by the Worker ${worker}, and a queue has one consumer Worker`;
  const remove = wranglerLine(["queues", "consumer", "remove", queue, worker]);
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
  const say = (text: string) => log(world.stderr, visible(text));
  for (const r2Bucket of r2BucketNamesOf(envConfig, config)) {
    const { name, bucket, prefix, isBound } = r2Bucket;
    const args = ruleArgs(r2Bucket, prefix, queue.name);
    const command = wranglerLine(args);
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
      return `R2 writes the events of ${bucket} into ${coverage.rule.queue} already`;
    case "elsewhere":
      return `Warning: R2 writes the events of ${bucket} into ${coverage.queues.join(", ")}, and takes no second rule: nothing is changed. ${page}, says how that queue passes them on`;
    case "some-keys":
      return `Warning: a rule of ${bucket} writes events of some keys alone into a queue of this Worker: nothing is changed. ${page}`;
    case "some-actions":
      return `Warning: a rule of ${bucket} leaves ${coverage.missing.join(", ")} out: nothing is changed. ${page}`;
    default:
      return coverage satisfies never;
  }
}

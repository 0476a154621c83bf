// Checks whether what changes in a bucket of R2 can reach this Worker: the queue, who reads it, and R2's rules. What wrangler
// does not say is not known. Nothing here proves that an event comes: `--write-events` does.

import { page } from "../command.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import { type Coverage, coverageOf, type Repair, repairOf } from "../config/event-rules.ts";
import type { EventsSeen, R2BucketSeen } from "../config/observe-events.ts";
import { commandFor } from "../wrangler/config-file.ts";
import { type EventKind, type EventRule, ruleArgs, wranglerLine } from "../wrangler/queues.ts";
import { settingsFor } from "../wrangler/settings.ts";
import { type Finding, note, ok, type Problem, warning } from "./finding.ts";
import type { Observations } from "./observations.ts";

/** What becomes of the events of R2, as far as wrangler says. */
export function checkEvents(observations: Observations): Finding[] {
  const { events, project } = observations;
  if (events === undefined) return [];

  const { envConfig } = project;
  const impact = impactOf(observations);
  const findings = [
    checkQueue(envConfig, events, impact),
    ...checkDeadLetterQueue(envConfig, events),
  ];

  // A rule goes with its queue.
  if (events.answer.kind === "missing") return findings;

  for (const bucketSeen of events.r2Buckets) {
    findings.push(checkRules(envConfig, events, bucketSeen, impact));
  }
  return findings;
}

/** What visitors see of a change that no event tells (W8). */
function impactOf({ project }: Observations): string {
  const { keep } = project.config.answers;
  return `no event purges: a replaced or deleted picture is shown until keep (${keep} s) is over, and once more`;
}

/** Whether the queue is there, and this Worker reads it. */
function checkQueue(envConfig: EnvironmentConfig, events: EventsSeen, impact: string): Finding {
  const { answer, queue } = events;
  const subject = { about: `the queue ${queue.name}` };
  const deploy = commandFor(envConfig, "npx vitrine deploy");

  switch (answer.kind) {
    case "forbidden":
    case "unknown":
      return note("events", subject, `whether it is there is not known: ${answer.reason}`);

    case "missing":
      return warning("events", subject, {
        seen: "there is no queue of that name",
        impact,
        remedy: `${deploy} makes it, and has the Worker read it`,
      });

    case "there":
      break;

    default:
      return answer satisfies never;
  }

  const { workers } = answer;
  if (workers === undefined) return note("events", subject, "who reads it is not known");

  if (workers.length === 0) {
    const seen = "no Worker reads it";
    if (queue.isConsumed) {
      return warning("events", subject, { seen, impact, remedy: deploy, needsDeploy: false });
    }

    const consumer = settingsFor(envConfig, "[[queues.consumers]]");
    const setting = settingsFor(envConfig, `queue = "${queue.name}"`);
    return warning("events", subject, {
      seen,
      impact,
      remedy: `write ${consumer} with ${setting} in ${envConfig.file}: ${page("docs/events.md")}. Or have another Worker read it`,
      needsDeploy: true,
    });
  }

  const { worker } = envConfig;
  const otherWorker = workers.find((name) => name !== worker);
  if (queue.isConsumed && otherWorker !== undefined) {
    return warning("events", subject, {
      seen: `the Worker ${otherWorker} reads it, and not ${worker}: a queue has one consumer Worker`,
      impact,
      remedy: `name another queue in ${envConfig.file}`,
      needsDeploy: true,
    });
  }

  return ok("events", subject, `the Worker ${workers.join(", ")} reads it`);
}

function checkDeadLetterQueue(
  envConfig: EnvironmentConfig,
  { queue, deadLetterAnswer }: EventsSeen,
): Finding[] {
  const { deadLetterQueue } = queue;
  if (deadLetterAnswer?.kind !== "missing" || deadLetterQueue === undefined) return [];

  const subject = { about: `the queue ${queue.name}` };
  const finding = warning("events", subject, {
    seen: `there is no dead-letter queue ${deadLetterQueue}`,
    impact: "what fails as often as max_retries says is lost",
    remedy: wranglerLine(envConfig, ["queues", "create", deadLetterQueue]),
  });
  return [finding];
}

/** Whether R2 writes the events of a bucket into the queue. */
function checkRules(
  envConfig: EnvironmentConfig,
  { queue }: EventsSeen,
  { r2Bucket, answer }: R2BucketSeen,
  impact: string,
): Finding {
  const { name, bucket, prefix } = r2Bucket;
  const subject = { about: `events of the R2 bucket ${bucket}`, bucket: name };
  if (answer.kind === "unknown") {
    return note("events", subject, `its rules are not known: ${answer.reason}`);
  }

  const coverage = coverageOf(answer.rules, queue.consumed, prefix);
  if (coverage.kind === "covered") {
    return ok("events", subject, `R2 writes them into ${coverage.queues.join(" and ")}`);
  }

  const repair = repairOf(answer.rules, queue.consumed, prefix);
  const commands = { envConfig, r2Bucket, queueName: queue.name };
  return warning("events", subject, {
    ...describeGap(coverage, repair, commands, impact),
    remedy: remedyOf(repair, commands),
  });
}

/** Which events do not come into the queue. @param impact of an event that does not come */
function describeGap(
  coverage: Exclude<Coverage, { kind: "covered" }>,
  { otherQueues, isAllElsewhere }: Repair,
  { r2Bucket, queueName }: RuleCommands,
  impact: string,
): Pick<Problem, "seen" | "impact"> {
  const others = otherQueues.join(", ");

  switch (coverage.kind) {
    case "none":
      return { seen: `no rule writes them into ${queueName}`, impact };

    case "elsewhere": {
      const events = isAllElsewhere ? "them" : "a part of them";
      return {
        seen: `R2 writes ${events} into ${others}, and not into ${queueName}`,
        impact: `unless they are passed on, ${impact}`,
      };
    }

    case "some-keys":
      return {
        seen: `a rule writes those of some keys alone into ${coverage.rules[0]?.queue}, and the Worker shows ${r2Bucket.prefix}*`,
        impact: `of other keys, ${impact}`,
      };

    case "some-actions": {
      const text = `what R2 writes into ${coverage.queues.join(" and ")} leaves out ${coverage.missing.join(", ")}`;
      return {
        seen: others === "" ? text : `${text}. It writes these into ${others}`,
        impact: `after these, ${impact}`,
      };
    }

    default:
      return coverage satisfies never;
  }
}

/** What a command about the rules of a bucket names. */
type RuleCommands = {
  readonly envConfig: EnvironmentConfig;
  readonly r2Bucket: R2BucketSeen["r2Bucket"];
  readonly queueName: string;
};

/** The command that makes a rule, for an operator to paste. @param kinds by default all */
function creationLine(
  { envConfig, r2Bucket, queueName }: RuleCommands,
  kinds?: readonly EventKind[],
): string {
  return wranglerLine(envConfig, ruleArgs(r2Bucket, r2Bucket.prefix, queueName, kinds));
}

/** The commands that remove rules. */
function removalLines({ envConfig, r2Bucket }: RuleCommands, rules: readonly EventRule[]): string {
  const lines = rules.map((rule) => wranglerLine(envConfig, removalArgs(r2Bucket, rule)));
  return lines.join(" and ");
}

function remedyOf(repair: Repair, commands: RuleCommands): string {
  const { kinds, removals, present, otherQueues } = repair;
  const { envConfig } = commands;
  if (otherQueues.length > 0) return passOnText(repair, commands);

  const create = creationLine(commands, kinds);
  const purge = commandFor(envConfig, "npx vitrine purge");
  if (removals.length > 0) {
    return `take it away: ${removalLines(commands, removals)}. Then ${create}. No event tells what changes in between: name it to ${purge}`;
  }
  if (present.length === 0) return create;

  // That events count where keys overlap is documented, and others write the contrary (Q5).
  return `${create}. If R2 refuses that beside the rule that is there, take away what is there: ${removalLines(commands, present)}. Then ${creationLine(commands)}. No event tells what changes in between: name it to ${purge}`;
}

/** A rule of another queue is not for this project to take away. */
function passOnText(repair: Repair, commands: RuleCommands): string {
  const { kinds, otherQueues, isAllElsewhere } = repair;
  const { envConfig, r2Bucket } = commands;
  const { prefix } = r2Bucket;
  const others = otherQueues.join(", ");
  const passOn = `have the Worker that reads ${others} pass them on: ${page("docs/events.md")}, “If there is a rule already”`;

  if (isAllElsewhere) {
    const doctor = commandFor(envConfig, "npx vitrine doctor");
    return `${passOn}. If it does, all is right: ${doctor} --write-events proves it`;
  }

  if (kinds.length > 0) {
    return `${creationLine(commands, kinds)}. And ${passOn}. If R2 refuses that beside the rule that is there, the rule of ${others} must have all events of ${prefix}*`;
  }

  return `${passOn}. Its rule must have all events of ${prefix}* for that, or make room: take it away, if nobody needs it`;
}

function removalArgs(
  { bucket, jurisdiction }: RuleCommands["r2Bucket"],
  { queue, id }: EventRule,
): readonly string[] {
  const args = ["r2", "bucket", "notification", "delete", bucket];
  if (jurisdiction !== undefined) args.push("--jurisdiction", jurisdiction);
  args.push("--queue", queue);
  if (id !== "") args.push("--rule", id);
  return args;
}

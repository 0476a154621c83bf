// Checks whether what changes in a bucket of R2 can reach this Worker: the queue, who reads it, and R2's rules. What wrangler
// does not say is not known. Nothing here proves that an event comes: `--write-events` does.

import type { EnvironmentConfig } from "../config/environment-config.ts";
import { coverageOf, type Repair, repairOf } from "../config/event-rules.ts";
import type { EventsSeen, R2BucketSeen } from "../config/observe-events.ts";
import { type EventKind, type EventRule, ruleArgs, wranglerLine } from "../wrangler/queues.ts";
import { type Finding, note, ok, type Subject, warning } from "./finding.ts";
import type { Observations } from "./observations.ts";

const PAGE = "docs/events.md, “If there is a rule already”";

export function checkEvents(seen: Observations): Finding[] {
  const { events } = seen;
  if (events === undefined) return [];

  const impact = impactOf(seen);
  const { envConfig } = seen.project;
  const findings = [checkQueue(seen, events, impact), ...checkDeadLetterQueue(envConfig, events)];
  // A rule goes with its queue.
  if (events.answer.kind === "missing") return findings;
  const ofRules = events.r2Buckets.map((bucketSeen) =>
    checkRules(envConfig, events, bucketSeen, impact),
  );
  return [...findings, ...ofRules];
}

/** What visitors see of a change that no event tells (W8). */
function impactOf({ project }: Observations): string {
  const { keep } = project.config.answers;
  return `no event purges: a replaced or deleted picture is shown until keep (${keep} s) is over, and once more`;
}

function checkQueue({ project }: Observations, events: EventsSeen, impact: string): Finding {
  const { name, isConsumed } = events.queue;
  const { answer } = events;
  const { worker } = project.envConfig;
  const subject = { about: `the queue ${name}` };

  switch (answer.kind) {
    case "forbidden":
    case "unknown":
      return note("events", subject, `whether it is there is not known: ${answer.reason}`);
    case "missing":
      return warning("events", subject, {
        seen: "there is no queue of that name",
        impact,
        remedy: "npx vitrine deploy makes it, and has the Worker read it",
      });
    case "there":
      break;
    default:
      return answer satisfies never;
  }

  const { workers } = answer;
  if (workers === undefined) return note("events", subject, "who reads it is not known");

  if (workers.length === 0) {
    const write = `write [[queues.consumers]] with queue = "${name}" in wrangler.toml: docs/events.md. Or have another Worker read it`;
    return warning("events", subject, {
      seen: "no Worker reads it",
      impact,
      remedy: isConsumed ? "npx vitrine deploy" : write,
      needsDeploy: !isConsumed,
    });
  }

  const other = workers.find((candidate) => candidate !== worker);
  if (isConsumed && other !== undefined) {
    return warning("events", subject, {
      seen: `the Worker ${other} reads it, and not ${worker}: a queue has one consumer Worker`,
      impact,
      remedy: "name another queue in wrangler.toml",
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
  return [
    warning(
      "events",
      { about: `the queue ${queue.name}` },
      {
        seen: `there is no dead-letter queue ${deadLetterQueue}`,
        impact: "what fails as often as max_retries says is lost",
        remedy: wranglerLine(envConfig, ["queues", "create", deadLetterQueue]),
      },
    ),
  ];
}

function checkRules(
  envConfig: EnvironmentConfig,
  { queue }: EventsSeen,
  { r2Bucket, answer }: R2BucketSeen,
  impact: string,
): Finding {
  const { name, bucket, prefix } = r2Bucket;
  const subject: Subject = { about: `events of the R2 bucket ${bucket}`, bucket: name };
  if (answer.kind === "unknown") {
    return note("events", subject, `its rules are not known: ${answer.reason}`);
  }

  const coverage = coverageOf(answer.rules, queue.consumed, prefix);
  if (coverage.kind === "covered") {
    return ok("events", subject, `R2 writes them into ${coverage.queues.join(" and ")}`);
  }

  const repair = repairOf(answer.rules, queue.consumed, prefix);
  const lines: RuleLines = {
    create: (kinds) => wranglerLine(envConfig, ruleArgs(r2Bucket, prefix, queue.name, kinds)),
    remove: (rules) => {
      const removals = rules.map((rule) => wranglerLine(envConfig, removalArgs(r2Bucket, rule)));
      return removals.join(" and ");
    },
  };
  const remedy = remedyOf(repair, lines, prefix);
  const others = repair.otherQueues.join(", ");
  switch (coverage.kind) {
    case "none":
      return warning("events", subject, {
        seen: `no rule writes them into ${queue.name}`,
        impact,
        remedy,
      });
    case "elsewhere": {
      const part = repair.isAllElsewhere ? "" : "a part of ";
      return warning("events", subject, {
        seen: `R2 writes ${part}them into ${others}, and not into ${queue.name}`,
        impact: `unless they are passed on, ${impact}`,
        remedy,
      });
    }
    case "some-keys":
      return warning("events", subject, {
        seen: `a rule writes those of some keys alone into ${coverage.rules[0]?.queue}, and the Worker shows ${prefix}*`,
        impact: `of other keys, ${impact}`,
        remedy,
      });
    case "some-actions": {
      const elsewhere = others === "" ? "" : `. It writes these into ${others}`;
      return warning("events", subject, {
        seen: `what R2 writes into ${coverage.queues.join(" and ")} leaves out ${coverage.missing.join(", ")}${elsewhere}`,
        impact: `after these, ${impact}`,
        remedy,
      });
    }
    default:
      return coverage satisfies never;
  }
}

/** Commands about the rules of a bucket, for an operator to paste. */
type RuleLines = {
  readonly create: (kinds?: readonly EventKind[]) => string;
  readonly remove: (rules: readonly EventRule[]) => string;
};

/** What is lost while a rule is replaced. */
const IN_BETWEEN = "No event tells what changes in between: name it to npx vitrine purge";

function remedyOf(repair: Repair, { create, remove }: RuleLines, prefix: string): string {
  const { kinds, removals, present, otherQueues } = repair;
  if (otherQueues.length > 0) return passOnText(repair, create, prefix);
  if (removals.length > 0) {
    return `take it away: ${remove(removals)}. Then ${create(kinds)}. ${IN_BETWEEN}`;
  }
  if (present.length === 0) return create(kinds);

  // That events count where keys overlap is documented, and others write the contrary (Q5).
  const otherwise = `take away what is there: ${remove(present)}. Then ${create()}. ${IN_BETWEEN}`;
  return `${create(kinds)}. If R2 refuses that beside the rule that is there, ${otherwise}`;
}

/** A rule of another queue is not for this project to take away. */
function passOnText(
  { kinds, otherQueues, isAllElsewhere }: Repair,
  create: RuleLines["create"],
  prefix: string,
): string {
  const others = otherQueues.join(", ");
  const passOn = `have the Worker that reads ${others} pass them on: ${PAGE}`;
  if (isAllElsewhere) {
    return `${passOn}. If it does, all is right: npx vitrine doctor --write-events proves it`;
  }
  if (kinds.length > 0) {
    return `${create(kinds)}. And ${passOn}. If R2 refuses that beside the rule that is there, the rule of ${others} must have all events of ${prefix}*`;
  }
  return `${passOn}. Its rule must have all events of ${prefix}* for that, or make room: take it away, if nobody needs it`;
}

function removalArgs({ bucket, jurisdiction }: R2BucketSeen["r2Bucket"], { queue, id }: EventRule) {
  const ofJurisdiction = jurisdiction === undefined ? [] : ["--jurisdiction", jurisdiction];
  const ofRule = id === "" ? [] : ["--rule", id];
  const start = ["r2", "bucket", "notification", "delete", bucket, ...ofJurisdiction];
  return [...start, "--queue", queue, ...ofRule];
}

// Checks whether what changes in a bucket of R2 can reach this Worker: the queue, who reads it, and R2's rules. What wrangler
// does not say is not known. Nothing here proves that an event comes: `--write-events` does.

import { coverageOf } from "../config/event-rules.ts";
import type { EventsSeen, R2BucketSeen } from "../config/observe-events.ts";
import { type EventRule, ruleArgs, wranglerLine } from "../wrangler/queues.ts";
import { type Finding, note, ok, type Subject, warning } from "./finding.ts";
import type { Observations } from "./observations.ts";

const PAGE = "docs/events.md, “If there is a rule already”";

export function checkEvents(seen: Observations): Finding[] {
  const { events } = seen;
  if (events === undefined) return [];

  const impact = impactOf(seen);
  const findings = [checkQueue(seen, events, impact), ...checkDeadLetterQueue(events)];
  // A rule goes with its queue.
  if (events.answer.kind === "missing") return findings;
  return [...findings, ...events.r2Buckets.map((r2Bucket) => checkRules(events, r2Bucket, impact))];
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

function checkDeadLetterQueue({ queue, deadLetterAnswer }: EventsSeen): Finding[] {
  const { deadLetterQueue } = queue;
  if (deadLetterAnswer?.kind !== "missing" || deadLetterQueue === undefined) return [];
  return [
    warning(
      "events",
      { about: `the queue ${queue.name}` },
      {
        seen: `there is no dead-letter queue ${deadLetterQueue}`,
        impact: "what fails as often as max_retries says is lost",
        remedy: wranglerLine(["queues", "create", deadLetterQueue]),
      },
    ),
  ];
}

function checkRules(
  { queue }: EventsSeen,
  { r2Bucket, answer }: R2BucketSeen,
  impact: string,
): Finding {
  const { name, bucket, prefix } = r2Bucket;
  const subject: Subject = { about: `events of the R2 bucket ${bucket}`, bucket: name };
  if (answer.kind === "unknown") {
    return note("events", subject, `its rules are not known: ${answer.reason}`);
  }

  const create = wranglerLine(ruleArgs(r2Bucket, prefix, queue.name));
  const coverage = coverageOf(answer.rules, queue.consumed, prefix);
  switch (coverage.kind) {
    case "covered":
      return ok("events", subject, `R2 writes them into ${coverage.rule.queue}`);
    case "none":
      return warning("events", subject, {
        seen: `no rule writes them into ${queue.name}`,
        impact,
        remedy: create,
      });
    case "elsewhere":
      return warning("events", subject, {
        seen: `R2 writes them into ${coverage.queues.join(", ")}, and not into ${queue.name}`,
        impact: `unless they are passed on, ${impact}`,
        remedy: `have the Worker that reads it pass them on: ${PAGE}. If it does, all is right: npx vitrine doctor --write-events proves it`,
      });
    case "some-keys": {
      const removals = coverage.rules.map((rule) => removeLine(r2Bucket, rule));
      return warning("events", subject, {
        seen: `a rule writes those of some keys alone into ${coverage.rules[0]?.queue}, and the Worker shows ${prefix}*`,
        impact: `of other keys, ${impact}`,
        remedy: `take it away: ${removals.join(" and ")}. Then ${create}`,
      });
    }
    case "some-actions": {
      const remove = removeLine(r2Bucket, coverage.rule);
      return warning("events", subject, {
        seen: `the rule that writes into ${coverage.rule.queue} leaves out ${coverage.missing.join(", ")}`,
        impact: `after these, ${impact}`,
        remedy: `take it away: ${remove}. Then ${create}`,
      });
    }
    default:
      return coverage satisfies never;
  }
}

function removeLine({ bucket, jurisdiction }: R2BucketSeen["r2Bucket"], { queue, id }: EventRule) {
  const ofJurisdiction = jurisdiction === undefined ? [] : ["--jurisdiction", jurisdiction];
  const ofRule = id === "" ? [] : ["--rule", id];
  const start = ["r2", "bucket", "notification", "delete", bucket, ...ofJurisdiction];
  return wranglerLine([...start, "--queue", queue, ...ofRule]);
}

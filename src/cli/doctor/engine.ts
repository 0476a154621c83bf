// Checks what the engine of a bucket, Cloudflare's image edge or the Images binding, makes of the canary, by what /healthz
// says. It is judged only where something opens the bucket: else the engine fails for the same reason.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { BucketHealth } from "../../worker/operator.ts";
import { page } from "../command.ts";
import { sourceEntryOf } from "../config/buckets.ts";
import { type ConfigFile, commandFor } from "../wrangler/config-file.ts";
import { type EngineCause, explainEngineAnswer } from "./engine-cause.ts";
import { error, type Finding, note, ok, type Problem, type Subject, warning } from "./finding.ts";
import { refusesParameter } from "./objects.ts";
import { type Observations, withTokenAdvice } from "./observations.ts";
import type { BucketSeen } from "./observe-bucket.ts";
import { type BucketSettings, settingsOf } from "./zone.ts";

/** What /healthz says of the engine of a bucket. */
export function checkEngine(
  observations: Observations,
  bucketSeen: BucketSeen,
  health: BucketHealth,
): Finding[] {
  const { bucket } = bucketSeen;
  const { edge, resized } = health;
  const engine = bucket.engine === "binding" ? "the Images binding" : "the edge";
  const about = `${observations.site?.baseUrl}: bucket ${bucket.name}, ${engine}`;
  const subject = { about, bucket: bucket.name };

  // Another check says already why S3 gives the edge nothing.
  if (!isOpened(health) || refusesParameter(bucketSeen)) return [];

  const findings: Finding[] = [];
  if (edge === "no canary") {
    const text = `BUCKETS.${bucket.name} has no canary, so what it says is unknown`;
    findings.push(note("health", subject, text));
  } else if (edge === "on") {
    findings.push(...confirmEngine(observations, subject, bucket));
  } else {
    findings.push(...diagnoseEngine(observations, subject, bucket, health));
  }

  if (resized !== undefined) findings.push(explainUnknownResult(subject, resized));
  return findings;
}

/** Returns whether something opens the bucket: the binding of R2, the role or a slot. */
function isOpened({ slots, r2, role }: BucketHealth): boolean {
  if (r2 !== undefined) return r2 === "ok";
  if (role !== undefined) return role.state === "ok";
  return slots.some(({ state }) => state === "ok");
}

/** The engine makes a rendition of the canary. */
function confirmEngine(observations: Observations, subject: Subject, bucket: Bucket): Finding[] {
  if (bucket.engine === "binding") {
    return [ok("binding", subject, "the Images binding makes a rendition")];
  }

  // What the edge has kept comes without the settings that the zone lacks now.
  const { sources, transformations } = settingsOf(observations, bucket);
  const findings: Finding[] = [];
  if (transformations !== "off") findings.push(ok("transformations", subject, "it is on"));
  if (sources !== "missing") findings.push(ok("sources", subject, "it may fetch the canary"));
  return findings;
}

/** @returns nothing if another finding says what to do: about a setting of the zone, or that wrangler.toml is not deployed */
function diagnoseEngine(
  observations: Observations,
  subject: Subject,
  bucket: Bucket,
  { edge: code, answered }: BucketHealth,
): Finding[] {
  const { project, site } = observations;
  const { envConfig } = project;
  const isBinding = bucket.engine === "binding";

  // The Images binding needs no setting of the zone.
  const settings = isBinding ? undefined : settingsOf(observations, bucket);
  const answer = { code, status: answered ?? UNKNOWN_STATUS, isBinding };
  const cause = explainEngineAnswer(answer, {
    envConfig,
    sourceEntry: sourceEntryOf(bucket),
    isSourceAllowed: settings?.sources === "allowed",
  });
  if (isExplainedBy(settings, cause)) return [];

  const contradiction = explainContradiction(envConfig, settings, bucket, code, cause);
  if (contradiction !== undefined) return [error(cause.check, subject, contradiction)];

  // What wrangler.toml may have to change may be right there already: the doctor says that it is not deployed.
  const isDeployed = site?.hasThisConfiguration !== false;
  if (cause.needsDeploy && !isDeployed) return [];

  const problem = {
    seen: cause.text,
    remedy: completeRemedy(observations, settings, cause),
    needsDeploy: cause.needsDeploy,
  };

  // Where another bucket follows, a missing canary is no fault for visitors.
  const isNoFault = code === "object-missing" && isFollowed(observations, bucket);
  const report = isNoFault ? warning : error;
  return [report(cause.check, subject, problem)];
}

/** An older Worker does not report the status of the edge's answer. */
const UNKNOWN_STATUS = 403;

/** Returns whether another bucket follows this one in a route. */
function isFollowed({ project }: Observations, bucket: Bucket): boolean {
  return project.config.routes.some(({ buckets }) => {
    const followed = buckets.slice(0, -1);
    return followed.some(({ name }) => name === bucket.name);
  });
}

/** Returns whether a setting that the zone lacks is why the edge answers so. */
function isExplainedBy(
  settings: BucketSettings | undefined,
  { check, event }: EngineCause,
): boolean {
  const isNotTransformed = event === "not-transformed";
  if (settings?.transformations === "off" && isNotTransformed) return true;

  // What Sources lacks may come back as it is, too (E5).
  const isOfSources = check === "sources" || event === "edge-contradicts";
  return settings?.sources === "missing" && (isOfSources || isNotTransformed);
}

/** What the edge refuses although the zone has the setting. */
function explainContradiction(
  config: ConfigFile,
  settings: BucketSettings | undefined,
  bucket: Bucket,
  code: string,
  { check, event }: EngineCause,
): Pick<Problem, "seen" | "remedy"> | undefined {
  if (settings?.zone === undefined) return undefined;

  const { zone, sources, transformations } = settings;
  if (check === "sources" && sources === "allowed") {
    const entry = sourceEntryOf(bucket);
    const hasPath = zone.sources.kind === "list" && entry.includes("/");
    const pageOfCode = page("docs/errors.md#edge-refused");
    const deploy = commandFor(config, "npx vitrine deploy");

    // Whether the edge understands the path of an entry that came by the API is not known (E14).
    const remedy = hasPath
      ? `wait: after the paid plan was bought, this was seen for three days. If the plan is older, the edge may not understand the path of the entry: ${deploy} --setup asks whether to allow the host without it. See ${pageOfCode}`
      : `wait: after the paid plan was bought, this was seen for three days. If the plan is older, ask Cloudflare's support. See ${pageOfCode}`;
    return {
      seen: `the edge answers ${code}, although Sources of ${zone.name} allows ${entry}`,
      remedy,
    };
  }

  if (event === "not-transformed" && transformations === "on") {
    const list = commandFor(config, "npx wrangler deployments list");
    return {
      seen: `the edge answers ${code}: it returns originals, which the Worker refuses, although transformations are on in ${zone.name}`,
      remedy: `wait a minute, then run the doctor again, if they were switched on just now. Else make sure that the host is this Worker's, with no other Worker in front: ${list}. See ${page("docs/errors.md#not-transformed")}`,
    };
  }

  return undefined;
}

/** Events that a setting of the zone may explain. */
const ZONE_EVENTS: readonly string[] = ["not-transformed", "edge-contradicts"];

/** Adds what helps in the local run, or if the settings of the zone are not known. */
function completeRemedy(
  observations: Observations,
  settings: BucketSettings | undefined,
  { check, event, remedy }: EngineCause,
): string {
  const { isLocalRun, envConfig } = observations.project;
  if (isLocalRun) return localRemedy(envConfig, remedy);

  const isOfZone = ZONE_EVENTS.includes(event) || check === "sources";
  return isOfZone && settings !== undefined ? withTokenAdvice(observations, remedy) : remedy;
}

/** What to do in the local run, whose edge can simulate each fault. @param remedy of a real fault */
export function localRemedy(config: ConfigFile, remedy: string): string {
  const dev = commandFor(config, "npx vitrine dev");
  return `remove EDGE from .dev.vars if it is there: it simulates faults. The terminal of ${dev} names the reason. If it is none of the simulation: ${remedy}`;
}

/** The edge's own text for a success is documented nowhere, and has changed (R1). */
function explainUnknownResult(subject: Subject, resized: string): Finding {
  return warning("edge", subject, {
    seen: `cf-resized reads ${resized}, which Vitrine does not know`,
    impact:
      "a picture is shown only if its bytes prove that the edge made it: smaller, or of another type than the original",
    remedy: `update Vitrine. If there is no newer version, report it. See ${page("docs/errors.md#unknown-proof")}`,
  });
}

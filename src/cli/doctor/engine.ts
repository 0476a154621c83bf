// Checks what the engine of a bucket, Cloudflare's image edge or the Images binding, makes of the canary, by what /healthz
// says. It is judged only where something opens the bucket: else the engine fails for the same reason.

import { failureFor } from "../../worker/edge/codes.ts";
import type { BucketHealth } from "../../worker/operator.ts";
import { sourceEntryOf } from "../config/buckets.ts";
import {
  type Check,
  error,
  type Finding,
  note,
  ok,
  type Problem,
  RUN_AGAIN,
  SEE_CLOUDFLARE,
  SEE_PROVIDER,
  SETUP,
  type Subject,
  TRANSFORMATIONS_PAGE,
  warning,
} from "./finding.ts";
import { LEAVE_PARAMETER_OUT, refusesParameter } from "./objects.ts";
import { type Observations, tokenAdvice } from "./observations.ts";
import type { BucketSeen } from "./observe-bucket.ts";
import { type BucketSettings, settingsOf } from "./zone.ts";

const WAIT = `wait a minute, ${RUN_AGAIN}`;
/** What a remedy says unless the settings of the zone are known. */
const SOURCES_ALLOW = "Sources of the zone has {entry}, that ";

export const LOCALLY =
  "remove EDGE from .dev.vars if it is there: it simulates faults. The terminal of npx vitrine dev names the reason. If it is none of the simulation: ";

type Cause = {
  /** By default `edge` or `binding`. */
  readonly check?: Check;
  readonly remedy: string;
  /** The remedy may change wrangler.toml. */
  readonly needsDeploy?: true;
};

const OTHER_CANARY: Cause = {
  remedy: "repair the canary, or set another canary in wrangler.toml",
  needsDeploy: true,
};

/** The codes do not say whether the canary is damaged, or the edge had an error. */
const DAMAGED_OR_BUSY: Cause = {
  remedy: `${WAIT}. If it is the same then, repair the canary, or set another canary in wrangler.toml`,
  needsDeploy: true,
};

/** By `CODE/STATUS` or code of the edge, or by event of the Worker's log. */
const CAUSES: Readonly<Record<string, Cause>> = {
  // The origin is not among the zone's Sources (E5, E11).
  "9401/403": {
    check: "sources",
    remedy: `${SETUP} adds it. By hand: ${TRANSFORMATIONS_PAGE} → the domain → Sources: add the origin {entry} (domain, then path), exactly as it is spelt here. If it is listed: after the paid plan was bought, this was seen for three days`,
  },
  // The request has come through the edge already (E8, E13).
  "9403": {
    remedy:
      "look whether BUCKETS.*.endpoint in wrangler.toml, or an overlay, is the URL of Vitrine itself: it must be S3's. Else change or remove the transformation flow of the zone that matches the Worker's URLs",
    needsDeploy: true,
  },
  "9509": { remedy: `${WAIT}, and ${SEE_PROVIDER}` },
  "9516": DAMAGED_OR_BUSY,
  "9523": DAMAGED_OR_BUSY,
  "not-transformed": {
    check: "transformations",
    remedy: `${SETUP} switches them on. By hand: ${TRANSFORMATIONS_PAGE}: select the domain, then Enable. It must be this Worker's domain, with no other Worker in front`,
  },
  // The free transformations of this month are spent (L2).
  "quota-spent": {
    check: "quota",
    remedy: `use a paid plan (${TRANSFORMATIONS_PAGE}), or fewer presets and descriptors: npx vitrine check counts them`,
  },
  "object-missing": {
    remedy:
      "if canary, prefix or bucket in wrangler.toml is misspelt, correct that. Else upload the canary, or set another one",
    needsDeploy: true,
  },
  "source-unreadable": OTHER_CANARY,
  // The Worker gets the object, and the edge does not (A15, E1, E5, E7).
  "origin-denied": {
    remedy: `make sure that ${SOURCES_ALLOW}no bucket policy limits addresses, and that the zone's caching level does not ignore query strings. If S3 refuses x-vitrine, set in BUCKETS.* ${LEAVE_PARAMETER_OUT}`,
    needsDeploy: true,
  },
  "timed-out": {
    remedy: `${WAIT}. If it is the same then, use smaller originals, or a longer timeout in ANSWERS of wrangler.toml`,
    needsDeploy: true,
  },
  "edge-failed": { remedy: `${WAIT}, and ${SEE_CLOUDFLARE}` },
  "origin-failed": { remedy: `${WAIT}, and ${SEE_PROVIDER}` },
  "edge-refused": {
    remedy:
      "for the Images binding, switch Images on in Cloudflare's dashboard. For the edge, look the code up: https://developers.cloudflare.com/images/reference/troubleshooting/, and compare each preset with docs/configuration.md",
  },
};

/** By code or event. A code that is not here means what the Worker's log says of it. */
const MEANINGS: Readonly<Record<string, string>> = {
  "9401/403": "the bucket is not among the zone's Sources",
  "not-transformed": "it returns originals, which the Worker refuses",
  "quota-spent": "no unique transformation is left this month",
  "object-missing": "S3 does not have the canary",
  "source-unreadable": "the canary is no image that it can read",
  "origin-denied": "S3 does not give it the canary",
  "origin-failed": "S3 fails, or is busy",
  "timed-out": "no answer came in time",
  "edge-refused": "it refuses the request",
};

/** Words of /healthz that mean the same as an event. */
const EXPLAINED_AS: Readonly<Record<string, string>> = {
  off: "not-transformed",
  unreachable: "timed-out",
  "object-denied": "object-missing",
  "edge-contradicts": "origin-denied",
  "wrong-type": "source-unreadable",
};

/** What /healthz says of the engine of a bucket. */
export function checkEngine(
  seen: Observations,
  bucketSeen: BucketSeen,
  health: BucketHealth,
): Finding[] {
  const { bucket } = bucketSeen;
  const { edge, resized } = health;
  const isBinding = bucket.engine === "binding";
  const engine = isBinding ? "the Images binding" : "the edge";
  const about = `${seen.site?.baseUrl}: bucket ${bucket.name}, ${engine}`;
  const subject = { about, bucket: bucket.name };
  // Another check says already why S3 gives the edge nothing.
  if (!isOpened(health) || refusesParameter(bucketSeen)) return [];

  const unknown = resized === undefined ? [] : [explainUnknownResult(subject, resized)];
  if (edge === "no canary") {
    const text = `BUCKETS.${bucket.name} has no canary, so what it says is unknown`;
    return [note("health", subject, text), ...unknown];
  }
  if (edge !== "on") {
    const finding = diagnoseEngine(seen, subject, bucket, health);
    if (finding === undefined) return unknown;
    // What wrangler.toml may have to change may be right there already: the doctor says that it is not deployed.
    const isOfOther = finding.needsDeploy && seen.site?.hasThisConfiguration === false;
    return isOfOther ? unknown : [finding, ...unknown];
  }

  if (isBinding) {
    return [ok("binding", subject, "the Images binding makes a rendition"), ...unknown];
  }
  // What the edge has kept comes without the settings that the zone lacks now.
  const { sources, transformations } = settingsOf(seen, bucket);
  const findings: Finding[] = [];
  if (transformations !== "off") findings.push(ok("transformations", subject, "it is on"));
  if (sources !== "missing") findings.push(ok("sources", subject, "it may fetch the canary"));
  return [...findings, ...unknown];
}

/** Returns whether something opens the bucket: the binding of R2, the role or a slot. */
function isOpened({ slots, r2, role }: BucketHealth): boolean {
  if (r2 !== undefined) return r2 === "ok";
  if (role !== undefined) return role.state === "ok";
  return slots.some(({ state }) => state === "ok");
}

/** @returns undefined if a setting of the zone explains it: the finding about that setting says what to do */
function diagnoseEngine(
  seen: Observations,
  subject: Subject,
  bucket: BucketSeen["bucket"],
  { edge, answered }: BucketHealth,
): Finding | undefined {
  const isBinding = bucket.engine === "binding";
  const explanation = explainEngineCode(edge, answered ?? 403, isBinding);
  const engineCheck = isBinding ? "binding" : "edge";
  const { check = engineCheck, needsDeploy } = explanation.cause;

  // The Images binding needs no setting of the zone.
  const settings = isBinding ? undefined : settingsOf(seen, bucket);
  if (isExplainedBy(settings, explanation)) return undefined;
  const contradiction = explainContradiction(settings, bucket, edge, explanation);
  if (contradiction !== undefined) return error(check, subject, contradiction);

  const problem = {
    seen: explanation.text,
    remedy: remedyOf(seen, bucket, explanation, settings),
    ...(needsDeploy && { needsDeploy }),
  };

  // Where another bucket follows, a missing canary is no fault for visitors.
  const { routes } = seen.project.config;
  const isFollowed = routes.some(({ buckets }) =>
    buckets.slice(0, -1).some(({ name }) => name === bucket.name),
  );
  const isNoFault = isFollowed && edge === "object-missing";
  return (isNoFault ? warning : error)(check, subject, problem);
}

type Explanation = ReturnType<typeof explainEngineCode>;

/** Returns whether a setting that the zone lacks is why the edge answers so. */
function isExplainedBy(
  settings: BucketSettings | undefined,
  { cause, event }: Explanation,
): boolean {
  const isNotTransformed = event === "not-transformed";
  if (settings?.transformations === "off" && isNotTransformed) return true;

  // What Sources lacks may come back as it is, too (E5).
  const isOfSources = cause.check === "sources" || event === "edge-contradicts";
  return settings?.sources === "missing" && (isOfSources || isNotTransformed);
}

/** What the edge refuses although the zone has the setting. */
function explainContradiction(
  settings: BucketSettings | undefined,
  bucket: BucketSeen["bucket"],
  code: string,
  { cause, event }: Explanation,
): Pick<Problem, "seen" | "remedy"> | undefined {
  if (settings?.zone === undefined) return undefined;

  const { zone, sources, transformations } = settings;
  if (cause.check === "sources" && sources === "allowed") {
    // After the paid plan was bought, this was seen for three days (E11).
    const entry = sourceEntryOf(bucket);
    const hasPath = zone.sources.kind === "list" && entry.includes("/");
    // Whether the edge understands the path of an entry that came by the API is not known (E14).
    const otherwise = hasPath
      ? `If the plan is older, the edge may not understand the path of the entry: ${SETUP} asks whether to allow the host without it`
      : "If the plan is older, ask Cloudflare's support";
    return {
      seen: `the edge answers ${code}, although Sources of ${zone.name} allows ${entry}`,
      remedy: `wait: after the paid plan was bought, this was seen for three days. ${otherwise}. See docs/errors.md#edge-refused`,
    };
  }
  if (event === "not-transformed" && transformations === "on") {
    return {
      seen: `the edge answers ${code}: it returns originals, which the Worker refuses, although transformations are on in ${zone.name}`,
      remedy: `${WAIT}, if they were switched on just now. Else make sure that the host is this Worker's, with no other Worker in front: npx wrangler deployments list. See docs/errors.md#not-transformed`,
    };
  }
  return undefined;
}

function remedyOf(
  seen: Observations,
  bucket: BucketSeen["bucket"],
  { cause, event }: Explanation,
  settings: BucketSettings | undefined,
): string {
  const isAllowed = settings?.sources === "allowed";
  const remedy = isAllowed ? cause.remedy.replace(SOURCES_ALLOW, "") : cause.remedy;
  const named = remedy.replace("{entry}", () => sourceEntryOf(bucket));

  const isOfZone = ZONE_EVENTS.includes(event) || cause.check === "sources";
  const advice = isOfZone && settings !== undefined ? tokenAdvice(seen) : "";
  return seen.project.isLocalRun ? LOCALLY + named : named + advice;
}

/** Events that a setting of the zone may explain. */
const ZONE_EVENTS: readonly string[] = ["not-transformed", "edge-contradicts"];

/** Looks a code up that a server has sent: `constructor` is none. */
function lookUp<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/**
 * Explains what the engine says of the canary.
 * @param code as /healthz reports it: `9401`, `off`, `unreachable`, or an event of the log where S3 gives it none
 * @param status of the edge's answer
 */
export function explainEngineCode(
  code: string,
  status: number,
  isBinding: boolean,
): { readonly cause: Cause; readonly event: string; readonly text: string } {
  const { event, reason } = failureFor(status, code, "");
  const isCode = /^\d/.test(code);
  const section = isCode ? event : (lookUp(EXPLAINED_AS, code) ?? code);
  const names = [`${code}/${status}`, code, section];
  const cause = names
    .map((name) => lookUp(CAUSES, name))
    .find((candidate) => candidate !== undefined);
  const meaning =
    lookUp(MEANINGS, `${code}/${status}`) ?? reason ?? lookUp(MEANINGS, section) ?? "it fails";

  const engine = isBinding ? "the Images binding" : "the edge";
  const log = { remedy: "run npx wrangler tail, then ask again: the log names the reason" };
  const { remedy, ...rest } = cause ?? log;
  // S3 gives the canary to the Worker, so what the Worker logs is that the edge contradicts.
  const loggedEvent = section === "origin-denied" ? "edge-contradicts" : section;
  const page = `docs/errors.md#${loggedEvent}`;
  return {
    cause: { ...rest, remedy: `${remedy}. See ${page}` },
    event: loggedEvent,
    text: `${engine} answers ${code}: ${meaning}`,
  };
}

/** The edge's own text for a success is documented nowhere, and has changed (R1). */
function explainUnknownResult(subject: Subject, resized: string): Finding {
  return warning("edge", subject, {
    seen: `cf-resized reads ${resized}, which Vitrine does not know`,
    impact:
      "a picture is shown only if its bytes prove that the edge made it: smaller, or of another type than the original",
    remedy:
      "update Vitrine. If there is no newer version, report it. See docs/errors.md#unknown-proof",
  });
}

// Checks three settings of the zone of each host of the Worker. The side door is /cdn-cgi/image/, by which anybody could have the
// zone transform images: a rule must shut it (E10). Sources must list the origins from which the edge may fetch (E5). And
// transformations must be on. Vitrine reads them if there is a token for that. Then the doctor names the very setting that is
// missing, where an answer of the edge alone leaves several causes open. Nothing is set here. Codes such as E5 are rules of
// docs/rules.md.

import type { Bucket } from "../../worker/config/bucket.ts";
import { log, page, type World } from "../command.ts";
import { edgeBucketsOf, sourceEntryOf } from "../config/buckets.ts";
import type { Project } from "../config/project.ts";
import type { sleep } from "../http/retry.ts";
import { commandFor } from "../wrangler/config-file.ts";
import { findZoneToken } from "../zone/api.ts";
import { missingRightText } from "../zone/by-hand.ts";
import { observeZones } from "../zone/observe-zones.ts";
import type { NoZone, Unread, ZoneSettings, ZonesSeen } from "../zone/zone-state.ts";
import { error, type Finding, note, ok, warning } from "./finding.ts";
import { type Observations, zoneOfSite } from "./observations.ts";
import { isBlockedDoor, isOpenDoor } from "./observe-side-door.ts";
import { DOOR_IMPACT, explainRule, isWrongRule } from "./zone-rule.ts";

/**
 * Reads the zones, if there is a token.
 * @returns undefined for the local run, which has no zone
 */
export async function readZones(
  world: World,
  { envConfig, config, isLocalRun }: Project,
  wait: typeof sleep,
): Promise<ZonesSeen | undefined> {
  if (isLocalRun) return undefined;

  const needsZone = edgeBucketsOf(config.routes).length > 0;
  const willRead = needsZone && findZoneToken(world) !== undefined;
  if (willRead) log(world.stderr, "Reading the settings of the zone ...");
  return observeZones(world, envConfig, config, wait);
}

/** What the zone of `--url` has for a bucket that the edge fetches from. */
export type BucketSettings = {
  /** Undefined: the zone was not read. */
  readonly zone: ZoneSettings | undefined;
  /** Whether Sources lists the entry of the bucket. */
  readonly sources: "allowed" | "missing" | "unknown";
  readonly transformations: "on" | "off" | "unknown";
};

export function settingsOf(observations: Observations, bucket: Bucket): BucketSettings {
  const zone = zoneOfSite(observations);
  if (zone === undefined) return { zone, sources: "unknown", transformations: "unknown" };

  const transformations = TRANSFORMATIONS[zone.transformations.kind];
  if (zone.sources.kind === "unread") return { zone, sources: "unknown", transformations };

  const sources = isSourceMissing(zone, bucket) ? "missing" : "allowed";
  return { zone, sources, transformations };
}

/** By the zone's setting. `open`: they are on, and any origin is allowed. */
const TRANSFORMATIONS = { on: "on", open: "on", off: "off", unread: "unknown" } as const;

/** Returns whether Sources certainly lacks the entry of a bucket. If transformations are open, no entry is needed (E14). */
function isSourceMissing({ sources, transformations }: ZoneSettings, bucket: Bucket): boolean {
  if (sources.kind !== "list" || transformations.kind === "open") return false;
  return sources.missing.includes(sourceEntryOf(bucket));
}

/** Checks the zone of `--url`: a setting that is missing there, or could not be read, keeps its pictures from being shown. */
export function checkZoneOfSite(observations: Observations): Finding[] {
  const zone = zoneOfSite(observations);
  return zone === undefined ? [] : checkZone(observations, zone, {});
}

type ZoneImpact = Pick<Finding, "impact">;

/** Checks the zones of the other hosts, and names the hosts whose zone is not known. Without `--url`, these are all hosts. */
export function checkOtherZones(observations: Observations): Finding[] {
  const { zones, site } = observations;
  if (zones?.kind === "no-package") {
    const text = `the settings of the zone are not read: ${zones.fault}`;
    return [note("zone", { about: "the zone" }, text)];
  }
  if (zones?.kind !== "zones") return [];

  const impact: ZoneImpact =
    site === undefined
      ? {}
      : { impact: "visitors of these hosts were not looked at: --url is about one host" };

  const ownZone = zoneOfSite(observations);
  const findings: Finding[] = [];
  for (const zone of zones.zones) {
    if (zone.kind === "no-zone") findings.push(explainNoZone(zone));
    else if (zone !== ownZone) findings.push(...checkZone(observations, zone, impact));
  }
  return findings;
}

function explainNoZone({ hosts, reason, right, tokenName }: NoZone): Finding {
  const subject = { about: `the zone of ${hosts.join(", ")}` };
  const cause = causeText({ reason, right }, tokenName);
  return note("zone", subject, `it is not read: ${cause}`);
}

/** Says why something is not read, and which permission the token lacks: the one that `deploy --setup` needs. */
function causeText({ reason, right }: Pick<Unread, "reason" | "right">, tokenName: string): string {
  if (right === undefined) return reason;

  const rightText = missingRightText(right, tokenName);
  // `Zone WAF: Edit` is needed to set the rule, and `Zone WAF: Read` to read it.
  const isMoreThanRead = right.endsWith("Edit");
  const forReading = isMoreThanRead ? " (to read, Read is enough)" : "";
  return `${reason}${rightText}${forReading}`;
}

function aboutZone({ name, hosts }: ZoneSettings): string {
  return `the zone ${name}, for ${hosts.join(", ")}`;
}

/** Checks what keeps pictures from being shown. The side door does not: checkZoneDoors is about it. */
function checkZone(observations: Observations, zone: ZoneSettings, impact: ZoneImpact): Finding[] {
  return [
    ...explainUnread(zone),
    ...checkSources(observations, zone, impact),
    ...checkTransformations(observations, zone, impact),
  ];
}

/** Notes which settings are not read. Settings with the same cause, such as a permission, have one note. */
function explainUnread(zone: ZoneSettings): Finding[] {
  const parts = [
    { name: "its custom rules", setting: zone.rule },
    { name: "Sources", setting: zone.sources },
    { name: "transformations", setting: zone.transformations },
  ];

  const namesByCause = new Map<string, string[]>();
  for (const { name, setting } of parts) {
    if (setting.kind !== "unread") continue;

    const cause = causeText(setting, zone.tokenName);
    const names = namesByCause.get(cause) ?? [];
    namesByCause.set(cause, [...names, name]);
  }

  return [...namesByCause].map(([cause, names]) => {
    const text = `not read: ${names.join(" and ")}: ${cause}`;
    return note("zone", { about: aboutZone(zone) }, text);
  });
}

function checkSources(
  observations: Observations,
  zone: ZoneSettings,
  impact: ZoneImpact,
): Finding[] {
  const { sources, transformations } = zone;
  const about = aboutZone(zone);
  if (sources.kind === "unread") return [];

  const allowsAll = sources.kind === "any" || transformations.kind === "open";
  if (allowsAll) {
    return [ok("sources", { about }, "all origins are allowed")];
  }

  const { config } = observations.project;
  const buckets = edgeBucketsOf(config.routes);
  const missing = buckets.filter((bucket) => isSourceMissing(zone, bucket));
  if (missing.length === 0) {
    const entries = new Set(buckets.map(sourceEntryOf));
    return [ok("sources", { about }, `Sources allows ${[...entries].join(", ")}`)];
  }
  return missing.map((bucket) => explainMissingSource(observations, zone, bucket, impact));
}

function explainMissingSource(
  { project }: Observations,
  zone: ZoneSettings,
  bucket: Bucket,
  impact: ZoneImpact,
): Finding {
  const { name } = zone;
  const entry = sourceEntryOf(bucket);
  const deploy = commandFor(project.envConfig, "npx vitrine deploy");
  const stepsByHand = `in Cloudflare's dashboard, Images → Transformations → ${name} → Sources: add the origin ${entry} (domain, then path), exactly as it is spelt here. See ${page("docs/errors.md#edge-refused")}`;

  const subject = { about: aboutZone(zone), bucket: bucket.name };
  return error("sources", subject, {
    ...impact,
    seen: `Sources lacks ${entry}, and the edge refuses what it does not allow (9401)`,
    remedy: `${deploy} --setup adds it. By hand: ${afterRule(zone, stepsByHand)}`,
  });
}

/** Puts the rule first: whoever allowed origins before the rule is there would open the side door. */
function afterRule({ rule }: ZoneSettings, steps: string): string {
  if (rule.kind === "shut") return steps;
  return `first make sure that a rule blocks /cdn-cgi/image/. Then ${steps}`;
}

function checkTransformations(
  { project }: Observations,
  zone: ZoneSettings,
  impact: ZoneImpact,
): Finding[] {
  const { name, transformations } = zone;
  const subject = { about: aboutZone(zone) };

  switch (transformations.kind) {
    case "unread":
      return [];

    case "on":
    case "open":
      return [ok("transformations", subject, `they are ${transformations.kind}`)];

    case "off": {
      const deploy = commandFor(project.envConfig, "npx vitrine deploy");
      const stepsByHand = `in Cloudflare's dashboard, Images → Transformations: select ${name}, then Enable. See ${page("docs/errors.md#not-transformed")}`;
      const finding = error("transformations", subject, {
        ...impact,
        seen: "transformations are off: the edge returns originals, which the Worker refuses",
        remedy: `${deploy} --setup switches them on. By hand: ${afterRule(zone, stepsByHand)}`,
      });
      return [finding];
    }

    default:
      return transformations satisfies never;
  }
}

/** Checks whether the zones let nobody else transform images. */
export function checkZoneDoors(observations: Observations): Finding[] {
  const { zones } = observations;
  if (zones?.kind !== "zones") return [];

  const settings = zones.zones.filter((zone) => zone.kind === "zone");
  return settings.flatMap((zone) => [...checkRule(observations, zone), ...checkOrigins(zone)]);
}

function checkRule(observations: Observations, zone: ZoneSettings): Finding[] {
  const { site, project } = observations;
  const { name, rule } = zone;
  const subject = { about: aboutDoor(zone) };
  if (rule.kind === "shut") {
    return [ok("zone", subject, `the rule “${rule.description}” is there`)];
  }
  if (!isWrongRule(rule)) return [];

  // If the side door of this host was seen open, checkSideDoor reports it, and names the rule.
  const isZoneOfSite = zone === zoneOfSite(observations);
  const sideDoors = isZoneOfSite && site !== undefined ? site.sideDoors : [];
  if (sideDoors.some(isOpenDoor)) return [];

  const fault = explainRule(zone, rule, project.envConfig);
  const problem = { ...fault, impact: DOOR_IMPACT };

  // Something else may block the side door. That proves nothing while transformations are off: then it never answers.
  const isOff = zone.transformations.kind === "off";
  const wasTried = sideDoors.length > 0;
  const isBlocked = wasTried && sideDoors.every(isBlockedDoor);
  if (isBlocked && !isOff) {
    const text = `${fault.seen}. At ${site?.baseUrl} something blocks it. Whether it does on the other hosts of ${name} is not known`;
    return [warning("zone", subject, { ...problem, seen: text })];
  }

  // A rule that somebody has changed by hand may block all the same.
  if (rule.kind === "edited") return [warning("zone", subject, problem)];
  return [error("zone", subject, problem)];
}

function aboutDoor(zone: ZoneSettings): string {
  return `${aboutZone(zone)}: the side door`;
}

/** Warns of a zone that allows any origin, unless the rule shuts the side door on all of its hosts. */
function checkOrigins(zone: ZoneSettings): Finding[] {
  const { name, rule, sources, transformations } = zone;
  const isShutEverywhere = rule.kind === "shut" && rule.isZoneWide;
  if (isShutEverywhere) return [];

  const isOpen = transformations.kind === "open";
  if (!isOpen && sources.kind !== "any") return [];

  const cause = isOpen ? "transformations are open" : "Sources allows all origins (*)";
  const finding = warning(
    "zone",
    { about: aboutDoor(zone) },
    {
      seen: `${cause}, so on the hosts of ${name} where no rule blocks /cdn-cgi/image/, anybody has any image of the Internet transformed`,
      impact: DOOR_IMPACT,
      remedy: `if nobody needs that, in Cloudflare's dashboard, Images → Transformations → ${name} → Sources: choose the allowed origins, and add what npx vitrine check --all prints`,
    },
  );
  return [finding];
}

// Checks what the zones of the Worker's hosts have of what Vitrine needs there: a rule that shuts the side door (E10), the
// allowed origins (E5), and transformations. They are read if there is a token for that. Then the doctor names the very
// setting that is missing, where an answer of the edge alone leaves several causes open. Nothing is set here.

import type { Bucket } from "../../worker/config/bucket.ts";
import { log, type World } from "../command.ts";
import { edgeBucketsOf, sourceEntryOf } from "../config/buckets.ts";
import type { Project } from "../config/project.ts";
import type { sleep } from "../http/retry.ts";
import { findZoneToken } from "../zone/api.ts";
import { missingRightText } from "../zone/by-hand.ts";
import { observeZones } from "../zone/observe-zones.ts";
import type { NoZone, Unread, ZoneSettings, ZonesSeen } from "../zone/zone-state.ts";
import { error, type Finding, note, ok, SETUP, TRANSFORMATIONS_PAGE, warning } from "./finding.ts";
import { type Observations, zoneOfSite } from "./observations.ts";
import { isBlockedDoor, isOpenDoor } from "./side-door.ts";
import { DOOR_IMPACT, explainRule, isWrongRule } from "./zone-rule.ts";

/** Reads the zones, if there is a token. @returns undefined for the local run, which has none */
export async function readZones(
  world: World,
  { envConfig, config, isLocalRun }: Project,
  wait: typeof sleep,
): Promise<ZonesSeen | undefined> {
  if (isLocalRun) return undefined;

  const isRead = edgeBucketsOf(config.routes).length > 0 && findZoneToken(world) !== undefined;
  if (isRead) log(world.stderr, "Reading the settings of the zone ...");
  return observeZones(world, envConfig, config, wait);
}

/** What the zone of `--url` has for a bucket that the edge fetches from. */
export type BucketSettings = {
  /** Undefined: it was not read. */
  readonly zone: ZoneSettings | undefined;
  readonly sources: "allowed" | "missing" | "unknown";
  readonly transformations: "on" | "off" | "unknown";
};

export function settingsOf(seen: Observations, bucket: Bucket): BucketSettings {
  const zone = zoneOfSite(seen);
  if (zone === undefined) return { zone, sources: "unknown", transformations: "unknown" };

  const isMissing = isSourceMissing(zone, bucket);
  const sources = isMissing ? "missing" : "allowed";
  const { kind } = zone.transformations;
  return {
    zone,
    sources: zone.sources.kind === "unread" ? "unknown" : sources,
    transformations: TRANSFORMATIONS[kind],
  };
}

const TRANSFORMATIONS = { on: "on", open: "on", off: "off", unread: "unknown" } as const;

/** Returns whether Sources certainly lacks the entry of a bucket. Open transformations ask for none (E14). */
function isSourceMissing({ sources, transformations }: ZoneSettings, bucket: Bucket): boolean {
  if (sources.kind !== "list" || transformations.kind === "open") return false;
  return sources.missing.includes(sourceEntryOf(bucket));
}

/** What keeps pictures of this site from being shown: its zone lacks it, or it could not be read. */
export function checkZoneOfSite(seen: Observations): Finding[] {
  const zone = zoneOfSite(seen);
  return zone === undefined ? [] : checkZone(seen, zone, {});
}

/** The zones of the other hosts, and hosts whose zone is not known. Without `--url`: all. */
export function checkOtherZones(seen: Observations): Finding[] {
  const { zones, site } = seen;
  if (zones?.kind === "no-package") {
    const text = `the settings of the zone are not read: ${zones.fault}`;
    return [note("zone", { about: "the zone" }, text)];
  }
  if (zones?.kind !== "zones") return [];

  const ownZone = zoneOfSite(seen);
  const impact = "visitors of these hosts were not looked at: --url is about one host";
  const findings: Finding[] = [];
  for (const zone of zones.zones) {
    if (zone === ownZone) continue;
    if (zone.kind === "zone") {
      findings.push(...checkZone(seen, zone, site === undefined ? {} : { impact }));
    } else findings.push(explainNoZone(zone));
  }
  return findings;
}

function explainNoZone({ hosts, reason, right, tokenName }: NoZone): Finding {
  const subject = { about: `the zone of ${hosts.join(", ")}` };
  return note("zone", subject, `it is not read: ${reason}${rightText(right, tokenName)}`);
}

/** A right is named as `deploy --setup` needs it. */
function rightText(right: string | undefined, tokenName: string): string {
  if (right === undefined) return "";

  const forReading = right.endsWith("Edit") ? " (to read, Read is enough)" : "";
  return missingRightText(right, tokenName) + forReading;
}

function aboutZone({ name, hosts }: ZoneSettings): string {
  return `the zone ${name}, for ${hosts.join(", ")}`;
}

/** What is unread, Sources, and transformations. What the side door needs comes later: visitors do not see it. */
function checkZone(
  seen: Observations,
  zone: ZoneSettings,
  impact: Pick<Finding, "impact">,
): Finding[] {
  return [
    ...explainUnread(zone),
    ...checkSources(seen, zone, impact),
    ...checkTransformations(zone, impact),
  ];
}

/** Parts that one permission opens have one note. */
function explainUnread(zone: ZoneSettings): Finding[] {
  const parts = [
    { name: "its custom rules", setting: zone.rule },
    { name: "Sources", setting: zone.sources },
    { name: "transformations", setting: zone.transformations },
  ];
  const unread = parts.flatMap(({ name, setting }) =>
    setting.kind === "unread" ? [{ name, setting }] : [],
  );
  const causeOf = ({ reason, right }: Unread) => reason + rightText(right, zone.tokenName);

  const byCause = Map.groupBy(unread, ({ setting }) => causeOf(setting));
  return [...byCause].map(([cause, group]) => {
    const names = group.map(({ name }) => name).join(" and ");
    return note("zone", { about: aboutZone(zone) }, `not read: ${names}: ${cause}`);
  });
}

/** Whoever follows these steps in their order opens no door. */
function ruleFirst({ rule }: ZoneSettings): string {
  return rule.kind === "shut" ? "" : "first make sure that a rule blocks /cdn-cgi/image/. Then ";
}

function checkSources(
  { project }: Observations,
  zone: ZoneSettings,
  impact: Pick<Finding, "impact">,
): Finding[] {
  const { name, sources, transformations } = zone;
  const about = aboutZone(zone);
  if (sources.kind === "unread") return [];
  if (sources.kind === "any" || transformations.kind === "open") {
    return [ok("sources", { about }, "all origins are allowed")];
  }

  const buckets = edgeBucketsOf(project.config.routes);
  const missing = buckets.filter((bucket) => isSourceMissing(zone, bucket));
  if (missing.length === 0) {
    const entries = new Set(buckets.map(sourceEntryOf));
    return [ok("sources", { about }, `Sources allows ${[...entries].join(", ")}`)];
  }

  return missing.map((bucket) => {
    const entry = sourceEntryOf(bucket);
    const subject = { about, bucket: bucket.name };
    return error("sources", subject, {
      ...impact,
      seen: `Sources lacks ${entry}, and the edge refuses what it does not allow (9401)`,
      remedy: `${SETUP} adds it. By hand: ${ruleFirst(zone)}${TRANSFORMATIONS_PAGE} → ${name} → Sources: add the origin ${entry} (domain, then path), exactly as it is spelt here. See docs/errors.md#edge-refused`,
    });
  });
}

function checkTransformations(zone: ZoneSettings, impact: Pick<Finding, "impact">): Finding[] {
  const { name, transformations } = zone;
  const subject = { about: aboutZone(zone) };
  switch (transformations.kind) {
    case "unread":
      return [];
    case "on":
    case "open":
      return [ok("transformations", subject, `they are ${transformations.kind}`)];
    case "off":
      return [
        error("transformations", subject, {
          ...impact,
          seen: "transformations are off: the edge returns originals, which the Worker refuses",
          remedy: `${SETUP} switches them on. By hand: ${ruleFirst(zone)}${TRANSFORMATIONS_PAGE}: select ${name}, then Enable. See docs/errors.md#not-transformed`,
        }),
      ];
    default:
      return transformations satisfies never;
  }
}

/** Whether the zones let nobody else transform images. */
export function checkZoneDoors(seen: Observations): Finding[] {
  const { zones } = seen;
  if (zones?.kind !== "zones") return [];

  const settings = zones.zones.filter((zone) => zone.kind === "zone");
  return settings.flatMap((zone) => [...checkRule(seen, zone), ...checkWidth(zone)]);
}

function checkRule(seen: Observations, zone: ZoneSettings): Finding[] {
  const { name, rule } = zone;
  const { site, project } = seen;
  const subject = { about: aboutDoor(zone) };
  if (rule.kind === "shut") {
    return [ok("zone", subject, `the rule “${rule.description}” is there`)];
  }
  if (!isWrongRule(rule)) return [];

  // Where the door was seen open, the finding about that names the rule.
  const sideDoors = zone === zoneOfSite(seen) ? (site?.sideDoors ?? []) : [];
  if (sideDoors.some(isOpenDoor)) return [];

  const text = explainRule(zone, rule, project.envConfig.worker);
  const problem = { ...text, impact: DOOR_IMPACT };
  // While transformations are off, nothing answers there, and the way by hand begins with the rule.
  const isOff = zone.transformations.kind === "off";
  const isBlockedHere = sideDoors.length > 0 && sideDoors.every(isBlockedDoor) && !isOff;
  if (isBlockedHere) {
    const seenText = `${text.seen}. At ${site?.baseUrl} something blocks it. Whether it does on the other hosts of ${name} is not known`;
    return [warning("zone", subject, { ...problem, seen: seenText })];
  }
  const isUncertain = rule.kind === "edited";
  return [(isUncertain ? warning : error)("zone", subject, problem)];
}

function aboutDoor(zone: ZoneSettings): string {
  return `${aboutZone(zone)}: the side door`;
}

/** Whether the zone allows more origins than somebody has named. A rule for the whole zone shuts all of them out. */
function checkWidth(zone: ZoneSettings): Finding[] {
  const { name, rule, sources, transformations } = zone;
  const isShutEverywhere = rule.kind === "shut" && rule.isZoneWide;
  if (isShutEverywhere) return [];

  const isOpen = transformations.kind === "open";
  if (!isOpen && sources.kind !== "any") return [];

  const cause = isOpen ? "transformations are open" : "Sources allows all origins (*)";
  const problem = {
    seen: `${cause}, so on the hosts of ${name} where no rule blocks /cdn-cgi/image/, anybody has any image of the Internet transformed`,
    impact: DOOR_IMPACT,
    remedy: `if nobody needs that, ${TRANSFORMATIONS_PAGE} → ${name} → Sources: choose the allowed origins, and add what npx vitrine check --all prints`,
  };
  return [warning("zone", { about: aboutDoor(zone) }, problem)];
}

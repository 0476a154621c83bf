// The plan of `vitrine deploy --setup`: what the zones of the Worker have and lack, what the run sets, and what is left to be
// done by hand. Pure.

import { getDomain } from "tldts";
import { missingRightText, stepsByHand, TOKEN_ADVICE } from "../zone/by-hand.ts";
import { doorRuleDescription } from "../zone/door-rule.ts";
import { doorNeedOf, routeHosts, zoneNeedOf } from "../zone/observe-zones.ts";
import { PARTS, type Part } from "../zone/set-zone.ts";
import { wildcardEntries } from "../zone/sources.ts";
import type { NoZone, Unread, ZoneSettings, ZonesSeen } from "../zone/zone-state.ts";
import type { Deployment } from "./check-s3.ts";

/** What a zone has of a part, and what this run does about it. */
type PartPlan = {
  readonly part: Part;
  /** `set`: this run sets it. `stays`: it is missing, and this run cannot set it. */
  readonly kind: "there" | "set" | "stays";
  readonly text: string;
};

/** What messages call the parts. */
export const PART_NAMES = {
  rule: "rule",
  sources: "Sources",
  transformations: "transformations",
} as const;

/** What the zones have and lack, for the plan of a deploy. Without a token, or without a zone: the steps by hand. */
export function setupLines(deployment: Deployment, zones: ZonesSeen): string[] {
  switch (zones.kind) {
    case "not-needed":
      return ["Setup: nothing to set in a zone, because the image edge fetches from no bucket"];
    case "no-host":
      return [
        "Setup: routes names no host, so there is no zone to set. Write your domain there: docs/deploy.md",
      ];
    case "no-token":
      return [
        `Setup: there is no CLOUDFLARE_SETUP_TOKEN, so no zone is read and nothing is set there. ${TOKEN_ADVICE}`,
        ...handLines(deployment, routeHosts(deployment.envConfig), PARTS),
      ];
    case "no-package":
      return [
        `Setup: no zone is read, and nothing is set there: ${zones.fault}`,
        ...handLines(deployment, routeHosts(deployment.envConfig), PARTS),
      ];
    case "zones":
      return zones.zones.flatMap((zone) =>
        zone.kind === "zone" ? zoneLines(deployment, zone) : noZoneLines(deployment, zone),
      );
    default:
      return zones satisfies never;
  }
}

function zoneLines(deployment: Deployment, zone: ZoneSettings): string[] {
  const plans = planZone(deployment, zone);
  const lines = plans.map(({ part, text }) => `  ${PART_NAMES[part]}: ${text}`);
  const left = plans.filter(({ kind }) => kind === "stays").map(({ part }) => part);
  const title = `Zone ${zone.name}, for ${zone.hosts.join(", ")}:`;
  return [title, ...lines, ...handLines(deployment, zone.hosts, left, zone)];
}

function noZoneLines(deployment: Deployment, zone: NoZone): string[] {
  const { hosts, reason, right, tokenName } = zone;
  const title = `Zone of ${hosts.join(", ")}: ${reason}${missingRightText(right, tokenName)}`;
  return [title, ...handLines(deployment, hosts, PARTS)];
}

function unreadText({ reason, right }: Unread, tokenName: string): string {
  return `not known: ${reason}${missingRightText(right, tokenName)}`;
}

/** The steps in the dashboard. @returns no line if nothing is left */
export function handLines(
  { envConfig, config }: Deployment,
  hosts: readonly string[],
  parts: readonly Part[],
  zone?: ZoneSettings,
): string[] {
  if (parts.length === 0) return [];

  const need = zoneNeedOf(envConfig, config);
  // Of a zone that nobody has read, it is not known what Sources allow.
  const isZoneWide = zone === undefined || doorNeedOf(zone, need, zone).isZoneWide;
  const byDomain = Map.groupBy(hosts, (host) => zone?.name ?? getDomain(host) ?? host);
  return [...byDomain].flatMap(([domain, ofDomain]) => [
    `  By hand, for ${domain}, in this order:`,
    ...stepsByHand({ domain, hosts: ofDomain, isZoneWide }, need, parts),
  ]);
}

export function planZone(deployment: Deployment, zone: ZoneSettings): PartPlan[] {
  const rule = planRule(deployment, zone);
  const sources = planSources(zone);
  const transformations = planTransformations(zone);

  // A part waits for the ones before it.
  const isRuleMissing = rule.kind === "stays";
  const waitingSources = isRuleMissing ? waitFor(sources, "the rule") : sources;
  const isMissing = waitingSources.kind === "stays" || isRuleMissing;
  const waitingTransformations = isMissing
    ? waitFor(transformations, "the rule and Sources")
    : transformations;
  return [rule, waitingSources, waitingTransformations];
}

function waitFor(plan: PartPlan, earlierParts: string): PartPlan {
  if (plan.kind !== "set") return plan;
  return { ...plan, kind: "stays", text: `not set before ${earlierParts} can be` };
}

function planRule({ envConfig }: Deployment, { rule, tokenName }: ZoneSettings): PartPlan {
  const part = "rule";
  const description = doorRuleDescription(envConfig.worker ?? "");
  switch (rule.kind) {
    case "shut":
      return { part, kind: "there", text: `there: “${rule.description}”` };
    case "missing": {
      const text = `will add “${description}” in front of the others, which stay: block ${rule.expression}`;
      return { part, kind: "set", text };
    }
    case "incomplete": {
      const text = `will change “${description}”, because ${rule.fault}. The others stay: block ${rule.expression}`;
      return { part, kind: "set", text };
    }
    case "edited": {
      const text = `will not touch “${description}”, because somebody has changed it by hand. It must block ${rule.expression}`;
      return { part, kind: "stays", text };
    }
    case "full": {
      const text = `the zone has ${rule.count} custom rules, and its plan has room for no more. Remove one that nobody needs`;
      return { part, kind: "stays", text };
    }
    case "unread":
      return { part, kind: "stays", text: unreadText(rule, tokenName) };
    default:
      return rule satisfies never;
  }
}

function planSources({ name, sources, tokenName }: ZoneSettings): PartPlan {
  const part = "sources";
  switch (sources.kind) {
    case "any": {
      const text = `will not touch. Warning: all origins are allowed (*), so on the other hosts of ${name} anybody may have any picture of the Internet transformed, and you pay. If nobody needs that, allow single origins`;
      return { part, kind: "there", text };
    }
    case "list": {
      const rest = sources.text.trim() === "" ? "" : `. What is there stays: ${sources.text}`;
      const wide = wildcardEntries(sources.text);
      const warning =
        wide.length === 0
          ? ""
          : `. Warning: ${wide.join(", ")} allows what others show there, too, on the other hosts of ${name}`;
      if (sources.missing.length === 0) {
        return { part, kind: "there", text: `there${rest}${warning}` };
      }
      return { part, kind: "set", text: `will add ${sources.missing.join(", ")}${rest}${warning}` };
    }
    case "unread":
      return { part, kind: "stays", text: unreadText(sources, tokenName) };
    default:
      return sources satisfies never;
  }
}

function planTransformations({ name, transformations, tokenName }: ZoneSettings): PartPlan {
  const part = "transformations";
  switch (transformations.kind) {
    case "on":
      return { part, kind: "there", text: "there: they are on" };
    case "open": {
      const text = `will not touch. Warning: they are open, so on the other hosts of ${name} anybody may have any picture of the Internet transformed, and you pay. If nobody needs that, set them to on`;
      return { part, kind: "there", text };
    }
    case "off":
      return { part, kind: "set", text: "will switch on" };
    case "unread":
      return { part, kind: "stays", text: unreadText(transformations, tokenName) };
    default:
      return transformations satisfies never;
  }
}

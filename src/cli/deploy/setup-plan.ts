// The plan of `vitrine deploy --setup`: what the zones of the Worker have and lack, what the run sets, and what is left to be
// done by hand. Pure.

import { getDomain } from "tldts";
import { page } from "../command.ts";
import { reasonText, stepsByHand, TOKEN_ADVICE } from "../zone/by-hand.ts";
import { doorRuleDescription } from "../zone/door-rule.ts";
import { doorNeedOf, routeHosts, zoneNeedOf } from "../zone/observe-zones.ts";
import { PARTS, type Part } from "../zone/set-zone.ts";
import { wildcardEntries } from "../zone/sources.ts";
import type { NoZone, Unread, ZoneSettings, ZonesSeen } from "../zone/zone-state.ts";
import type { Deployment } from "./check-s3.ts";

/** What a zone has of a part, and what this run does about it. */
export type PartPlan = {
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
        `Setup: routes names no host, so there is no zone to set. Write your domain there: ${page("docs/deploy.md")}`,
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
      return zones.zones.flatMap((zone) => {
        if (zone.kind === "zone") return zoneLines(deployment, zone);
        return noZoneLines(deployment, zone);
      });

    default:
      return zones satisfies never;
  }
}

function zoneLines(deployment: Deployment, zone: ZoneSettings): string[] {
  const lines = [`Zone ${zone.name}, for ${zone.hosts.join(", ")}:`];
  for (const { part, text } of planZone(deployment, zone)) {
    lines.push(`  ${PART_NAMES[part]}: ${text}`);
  }

  const leftParts = partsThat("stays", deployment, zone);
  return [...lines, ...handLines(deployment, zone.hosts, leftParts, zone)];
}

function noZoneLines(deployment: Deployment, zone: NoZone): string[] {
  const { hosts, reason, right, tokenName } = zone;
  return [
    `Zone of ${hosts.join(", ")}: ${reasonText(reason, right, tokenName)}`,
    ...handLines(deployment, hosts, PARTS),
  ];
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

  const lines: string[] = [];
  const byDomain = Map.groupBy(hosts, (host) => zone?.name ?? getDomain(host) ?? host);
  for (const [domain, domainHosts] of byDomain) {
    lines.push(
      `  By hand, for ${domain}, in this order:`,
      ...stepsByHand({ domain, hosts: domainHosts, isZoneWide }, need, parts),
    );
  }
  return lines;
}

/** The parts of a zone for which a run has a plan of this kind. */
export function partsThat(
  kind: PartPlan["kind"],
  deployment: Deployment,
  zone: ZoneSettings,
): Part[] {
  const plans = planZone(deployment, zone).filter((plan) => plan.kind === kind);
  return plans.map(({ part }) => part);
}

function planZone(deployment: Deployment, zone: ZoneSettings): PartPlan[] {
  const rule = planRule(deployment, zone);
  let sources = planSources(zone);
  let transformations = planTransformations(zone);

  // A part waits for the ones before it.
  if (rule.kind === "stays") sources = waitFor(sources, "the rule");
  if (rule.kind === "stays" || sources.kind === "stays") {
    transformations = waitFor(transformations, "the rule and Sources");
  }
  return [rule, sources, transformations];
}

function waitFor(plan: PartPlan, earlierParts: string): PartPlan {
  if (plan.kind !== "set") return plan;
  return { part: plan.part, kind: "stays", text: `not set before ${earlierParts} can be` };
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
      return planUnread(part, rule, tokenName);

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
      const { text: list, missing } = sources;
      const isThere = missing.length === 0;
      const sentences = [isThere ? "there" : `will add ${missing.join(", ")}`];
      if (list.trim() !== "") sentences.push(`What is there stays: ${list}`);

      const wildcards = wildcardEntries(list);
      if (wildcards.length > 0) {
        sentences.push(
          `Warning: ${wildcards.join(", ")} allows what others show there, too, on the other hosts of ${name}`,
        );
      }
      return { part, kind: isThere ? "there" : "set", text: sentences.join(". ") };
    }

    case "unread":
      return planUnread(part, sources, tokenName);

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
      return planUnread(part, transformations, tokenName);

    default:
      return transformations satisfies never;
  }
}

function planUnread(part: Part, { reason, right }: Unread, tokenName: string): PartPlan {
  return { part, kind: "stays", text: `not known: ${reasonText(reason, right, tokenName)}` };
}

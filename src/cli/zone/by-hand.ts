// The steps in Cloudflare's dashboard that do by hand what `vitrine deploy --setup` does. Pure.

import { page } from "../command.ts";
import { doorExpression, doorRuleDescription, RULE_BY_HAND } from "./door-rule.ts";
import type { ZoneNeed } from "./observe-zones.ts";
import { RIGHTS } from "./observe-zones.ts";
import { PARTS, type Part, type PartResult } from "./set-zone.ts";

/** A zone and its hosts, as far as they are known. */
type ZoneByHand = {
  readonly domain: string;
  readonly hosts: readonly string[];
  /** The rule has to shut the door on every host. */
  readonly isZoneWide: boolean;
};

/** What makes a token, for those who have none. */
export const TOKEN_ADVICE = `Make a token in Cloudflare's dashboard (My Profile → API Tokens → Create Custom Token) with ${Object.values(RIGHTS).join(", ")}, for this domain alone, and set it as CLOUDFLARE_SETUP_TOKEN for one run`;

/** Returns why something of a zone is not known or not set, with the right that the token lacks. */
export function reasonText(reason: string, right: string | undefined, tokenName: string): string {
  return reason + missingRightText(right, tokenName);
}

/** Says which right a token lacks, behind another text. @returns an empty text if it is not known to lack one */
export function missingRightText(right: string | undefined, tokenName: string): string {
  if (right === undefined) return "";
  if (tokenName === "CLOUDFLARE_SETUP_TOKEN") return `. The token in ${tokenName} needs ${right}`;
  return `. The token in ${tokenName} needs ${right}: set a CLOUDFLARE_SETUP_TOKEN that has it`;
}

/**
 * The steps by hand, in the order in which they are safe.
 * @param parts what is left to do
 */
export function stepsByHand(zone: ZoneByHand, need: ZoneNeed, parts: readonly Part[]): string[] {
  const orderedParts = PARTS.filter((part) => parts.includes(part));
  const steps = orderedParts.flatMap((part) => stepsOf(part, zone, need));
  return steps.map((step, index) => `  ${index + 1}. ${step}`);
}

function stepsOf(part: Part, zone: ZoneByHand, need: ZoneNeed): string[] {
  const { domain } = zone;
  switch (part) {
    case "rule": {
      const description = doorRuleDescription(need.worker);
      const expression = expressionByHand(zone, need);
      return [
        `In Cloudflare's dashboard, ${domain} → Security → Security rules → Create rule → Custom rules: the name “${description}”, the action Block, the place First, and by Edit expression: ${expression}`,
      ];
    }

    case "sources":
      return need.entries.map(
        (entry) =>
          `In Cloudflare's dashboard, Images → Transformations → ${domain} → Sources → Add origin: ${originText(entry)}. Then Save`,
      );

    case "transformations":
      return [
        `In Cloudflare's dashboard, Images → Transformations → ${domain} → Enable. If it is on, leave it`,
      ];

    default:
      return part satisfies never;
  }
}

function expressionByHand({ domain, hosts, isZoneWide }: ZoneByHand, need: ZoneNeed): string {
  if (!isZoneWide) return doorExpression({ hosts, origins: need.origins, isZoneWide });
  return `${RULE_BY_HAND} (if another site of ${domain} uses that path: ${page("docs/zone.md")})`;
}

/** The dashboard has a field for the domain, and one for the path. */
function originText(entry: string): string {
  const slash = entry.indexOf("/");
  if (slash < 0) return `the domain ${entry}, and no path`;
  return `the domain ${entry.slice(0, slash)}, and the path ${entry.slice(slash)}`;
}

/** How to take back what a run has set in one part. */
export function takeBackLine(
  domain: string,
  { part, added, previous }: Extract<PartResult, { kind: "set" }>,
): string {
  switch (part) {
    case "rule": {
      const rules = added.join("”, “");
      if (previous === undefined) {
        return `${domain} → Security → Security rules: delete the rule “${rules}”`;
      }
      return `${domain} → Security → Security rules: the rule “${rules}” was ${previous}`;
    }

    case "sources":
      return `Images → Transformations → ${domain} → Sources: remove ${added.join(" and ")}`;

    case "transformations":
      return `Images → Transformations → ${domain}: Disable`;

    default:
      return part satisfies never;
  }
}

// Says what is wrong with the rule of a zone that has to shut the side door (E10), and what to do about it. Pure.

import type { EnvironmentConfig } from "../config/environment-config.ts";
import { commandFor } from "../wrangler/config-file.ts";
import { doorRuleDescription } from "../zone/door-rule.ts";
import type { DoorRule, ZoneSettings } from "../zone/zone-state.ts";
import type { Problem } from "./finding.ts";

/** What an open side door costs. */
export const DOOR_IMPACT =
  "each image and size is on your bill: $0.50 for 1,000 above the 5,000 a month that are free, without a limit. On the free plan your own new images are 503 when those are used up";

/** A rule that does not certainly shut the door. */
type WrongRule = Exclude<DoorRule, { readonly kind: "shut" | "unread" }>;

/** Returns whether a rule is known, and does not certainly shut the door. */
export function isWrongRule(rule: DoorRule): rule is WrongRule {
  return rule.kind !== "shut" && rule.kind !== "unread";
}

/** @param envConfig of the Worker whose rule it is */
export function explainRule(
  { name }: Pick<ZoneSettings, "name">,
  rule: WrongRule,
  envConfig: EnvironmentConfig,
): Pick<Problem, "seen" | "remedy"> {
  const description = doorRuleDescription(envConfig.worker ?? "");
  const deploy = commandFor(envConfig, "npx vitrine deploy");

  switch (rule.kind) {
    case "missing":
      return {
        seen: `no rule of ${name} certainly blocks /cdn-cgi/image/, by which anybody has images transformed that Sources allows`,
        remedy: `${deploy} --setup adds it. By hand: in Cloudflare's dashboard, ${name} → Security → Security rules → Create rule → Custom rules, with the expression ${rule.expression}, the action Block and the place First`,
      };

    case "incomplete":
      return {
        seen: `the rule “${description}” does not block all that it has to: ${rule.fault}`,
        remedy: `${deploy} --setup corrects it. By hand: in Cloudflare's dashboard, ${name} → Security → Security rules: switch that rule on, with the expression ${rule.expression}, the action Block and the place First`,
      };

    case "edited":
      return {
        seen: `somebody has changed the rule “${description}”, and whether it blocks all that it has to is not known`,
        remedy: `in Cloudflare's dashboard, ${name} → Security → Security rules: switch that rule on, with the expression ${rule.expression}, the action Block and the place First. ${deploy} --setup leaves it as it is`,
      };

    case "full":
      return {
        seen: `no rule of ${name} certainly blocks /cdn-cgi/image/, and its plan has room for no more than the ${rule.count} that are there`,
        remedy: `${deploy} --setup adds it as soon as there is room: in Cloudflare's dashboard, ${name} → Security → Security rules, remove a rule that nobody needs, or join two of them`,
      };

    default:
      return rule satisfies never;
  }
}

// Says what is wrong with the rule of a zone that has to shut the side door (E10), and what to do about it. Pure.

import { doorRuleDescription } from "../zone/door-rule.ts";
import type { DoorRule, ZoneSettings } from "../zone/zone-state.ts";
import { type Problem, SETUP } from "./finding.ts";

/** What an open side door costs. */
export const DOOR_IMPACT =
  "each image and size is on your bill: $0.50 for 1,000 above the 5,000 a month that are free, without a limit. On the free plan your own new images are 503 when those are used up";

/** A rule that does not certainly shut the door. */
type WrongRule = Exclude<DoorRule, { readonly kind: "shut" | "unread" }>;

/** Returns whether a rule is known, and does not certainly shut the door. */
export function isWrongRule(rule: DoorRule): rule is WrongRule {
  return rule.kind !== "shut" && rule.kind !== "unread";
}

/** @param worker whose rule it is */
export function explainRule(
  { name }: Pick<ZoneSettings, "name">,
  rule: WrongRule,
  worker: string | undefined,
): Pick<Problem, "seen" | "remedy"> {
  const description = doorRuleDescription(worker ?? "");
  const page = `in Cloudflare's dashboard, ${name} → Security → Security rules`;
  const content = `with the expression ${rule.expression}, the action Block and the place First`;
  switch (rule.kind) {
    case "missing":
      return {
        seen: `no rule of ${name} certainly blocks /cdn-cgi/image/, by which anybody has images transformed that Sources allows`,
        remedy: `${SETUP} adds it. By hand: ${page} → Create rule → Custom rules, ${content}`,
      };
    case "incomplete":
      return {
        seen: `the rule “${description}” does not block all that it has to: ${rule.fault}`,
        remedy: `${SETUP} corrects it. By hand: ${page}: switch that rule on, ${content}`,
      };
    case "edited":
      return {
        seen: `somebody has changed the rule “${description}”, and whether it blocks all that it has to is not known`,
        remedy: `${page}: switch that rule on, ${content}. ${SETUP} leaves it as it is`,
      };
    case "full":
      return {
        seen: `no rule of ${name} certainly blocks /cdn-cgi/image/, and its plan has room for no more than the ${rule.count} that are there`,
        remedy: `${SETUP} adds it as soon as there is room: ${page}, remove a rule that nobody needs, or join two of them`,
      };
    default:
      return rule satisfies never;
  }
}

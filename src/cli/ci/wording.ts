// What a run in CI says with the same words in Markdown and as text.

import { money } from "../config/transformations.ts";
import { counted } from "../terminal/progress.ts";
import type { CiReport, CostChange } from "./report.ts";

export function resultText({ exit, isDeployed }: CiReport): string {
  const result = exit === 0 ? "no errors" : "errors";
  return isDeployed ? `${result}, and it is deployed` : result;
}

export function countsText({ findings }: CiReport): string {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.filter(({ severity }) => severity === "warning").length;
  return `${counted(errors, "error")}, ${counted(warnings, "warning")}.`;
}

export const COSTS_TITLE = "What visitors can make it cost";

export function unknownText(reason: string): string {
  return `What it was before is not known: ${reason}.`;
}

export function costText(cost: CostChange["after"]): string {
  if (cost === undefined) return "not known";
  return `${money(cost.dollars)} for ${counted(cost.transformations, "transformation")}`;
}

/** The presets whose renditions a change adds, makes anew or removes. */
export function presetsText({ added, changed, removed, after, before }: CostChange): string {
  if (after === undefined || before === undefined) return "not known";

  const parts: string[] = [];
  if (added.length > 0) parts.push(`new: ${added.join(", ")}`);
  if (changed.length > 0) parts.push(`made anew: ${changed.join(", ")}`);
  if (removed.length > 0) parts.push(`removed: ${removed.join(", ")}`);
  return parts.join("; ") || "as before";
}

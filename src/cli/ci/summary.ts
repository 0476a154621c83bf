// The summary of a run in CI, as Markdown. All that comes from the project or from a server is text in it.

import { money } from "../config/transformations.ts";
import { count, counted } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";
import { environmentText } from "../wrangler/config-file.ts";
import { type CiReport, type CostChange, costChanges, type Finding } from "./report.ts";

export function createSummary(report: CiReport): string {
  const sections = [titleOf(report), findingTable(report.findings), costTable(report)];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function titleOf({ findings, exit, isDeployed }: CiReport): string {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.filter(({ severity }) => severity === "warning").length;
  const result = exit === 0 ? "no errors" : "errors";
  const deployed = isDeployed ? ", and it is deployed" : "";
  return `## Vitrine: ${result}${deployed}\n\n${counted(errors, "error")}, ${counted(warnings, "warning")}.`;
}

function findingTable(findings: readonly Finding[]): string {
  if (findings.length === 0) return "";

  const rows = findings.map(({ severity, command, about, message, remedy }) =>
    row([severity, command, about, message, remedy].map(escapeMarkdown)),
  );
  return table(["", "found by", "about", "what is wrong", "what to do"], rows);
}

function costTable(report: CiReport): string {
  const { before } = report;
  const changes = costChanges(report);
  if (changes.length === 0) return "";

  const isCompared = before?.kind === "known";
  const heads = isCompared
    ? ["environment", "at most in a month", "before", "presets"]
    : ["environment", "at most in a month"];
  const rows = changes.map((change) => row(cellsOf(change, isCompared)));

  const title = "### What visitors can make it cost";
  const parts = [title, table(heads, rows)];
  if (before?.kind === "unknown") {
    parts.push(`What it was before is not known: ${escapeMarkdown(before.reason)}.`);
  }
  return parts.join("\n\n");
}

function cellsOf(change: CostChange, isCompared: boolean): readonly string[] {
  const environment = escapeMarkdown(environmentText(change.environment));
  const after = costText(change.after);
  if (!isCompared) return [environment, after];
  return [environment, after, costText(change.before), presetsText(change)];
}

function costText(cost: CostChange["after"]): string {
  if (cost === undefined) return "not known";
  return `${money(cost.dollars).replace("$", "&#36;")} for ${count(cost.transformations)} transformations`;
}

function presetsText({ added, changed, removed, after, before }: CostChange): string {
  if (after === undefined || before === undefined) return "not known";

  const parts: string[] = [];
  if (added.length > 0) parts.push(`new: ${added.join(", ")}`);
  if (changed.length > 0) parts.push(`made anew: ${changed.join(", ")}`);
  if (removed.length > 0) parts.push(`removed: ${removed.join(", ")}`);
  return escapeMarkdown(parts.join("; ") || "as before");
}

function table(heads: readonly string[], rows: readonly string[]): string {
  return [row(heads), row(heads.map(() => "---")), ...rows].join("\n");
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** Writes each character that Markdown or HTML could take for its own as a number. A line is not broken. */
function escapeMarkdown(text: string): string {
  return visible(text)
    .replace(/[\\`*_[\]<>#!|~&@$]|:(?=\/\/)/g, (character) => `&#${character.charCodeAt(0)};`)
    .replaceAll(/\s*\n\s*/g, "<br>");
}

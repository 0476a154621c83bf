// The summary of a run in CI, as Markdown. All that comes from the project or from a server is text in it.

import { visible } from "../terminal/shell.ts";
import { environmentText } from "../wrangler/config-file.ts";
import { type CiReport, type CostChange, costChanges, type Finding } from "./report.ts";
import {
  COSTS_TITLE,
  costText,
  countsText,
  presetsText,
  resultText,
  unknownText,
} from "./wording.ts";

export function createSummary(report: CiReport): string {
  const title = `## Vitrine: ${resultText(report)}\n\n${countsText(report)}`;
  const sections = [title, findingTable(report.findings), costTable(report)];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
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

  const parts = [`### ${COSTS_TITLE}`, table(heads, rows)];
  if (before?.kind === "unknown") parts.push(escapeMarkdown(unknownText(before.reason)));
  return parts.join("\n\n");
}

function cellsOf(change: CostChange, isCompared: boolean): readonly string[] {
  const cells = [environmentText(change.environment), costText(change.after)];
  if (isCompared) cells.push(costText(change.before), presetsText(change));
  return cells.map(escapeMarkdown);
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
    .replace(
      /[\\`*_[\]<>#!|~&@$]|:(?=\/\/)|(?<=www)\./gi,
      (character) => `&#${character.charCodeAt(0)};`,
    )
    .replaceAll(/\s*\n\s*/g, "<br>");
}

// The summary of a run as text, for a terminal and for the log of a CI that shows no Markdown.

import { environmentText } from "../wrangler/config-file.ts";
import { type CiReport, costChanges, type Finding } from "./report.ts";
import {
  COSTS_TITLE,
  costText,
  countsText,
  presetsText,
  resultText,
  unknownText,
} from "./wording.ts";

/** @returns the lines, with what the project and servers said as it is */
export function summaryLines(report: CiReport): string[] {
  const lines = [`Vitrine: ${resultText(report)}`, countsText(report)];
  for (const finding of report.findings) lines.push("", ...findingLines(finding));

  const costs = costLines(report);
  if (costs.length > 0) lines.push("", ...costs);
  return lines;
}

function findingLines({ severity, command, about, message, remedy }: Finding): string[] {
  return [
    `${severity}: ${about} (found by ${command})`,
    `  ${message}`,
    ...(remedy === "" ? [] : [`  What to do: ${remedy}`]),
  ];
}

function costLines(report: CiReport): string[] {
  const changes = costChanges(report);
  if (changes.length === 0) return [];

  const { before } = report;
  const lines = [`${COSTS_TITLE} in a month, at most`];
  for (const change of changes) {
    lines.push(`  ${environmentText(change.environment)}: ${costText(change.after)}`);
    if (before?.kind !== "known") continue;

    lines.push(`    before: ${costText(change.before)}`);
    lines.push(`    presets: ${presetsText(change)}`);
  }

  if (before?.kind === "unknown") lines.push(`  ${unknownText(before.reason)}`);
  return lines;
}

// Writes what an exploration has come to: its counts, and of a finding the story, a line a step.

import { INVARIANTS } from "./invariants.ts";
import type { Report } from "./thread.ts";

/** @param took how long it took: ms */
export function storyOf(report: Report, took?: number): string {
  const { world, executions, steps, states, leftOut, accepted, finding } = report;
  const seconds = took === undefined ? "" : `, ${(took / 1000).toFixed(1)} s`;
  const counts = `${executions} executions, ${states} states, ${steps} steps${seconds}`;
  const { deaths, unanswered } = accepted;
  const lines = [`${world}: ${counts}, ${leftOut} left out`];
  if (deaths + unanswered > 0) {
    lines.push(`  accepted: ${deaths} after a death, ${unanswered} without an answer`);
  }
  if (!finding) return lines.join("\n");

  for (const { invariant, text } of finding.violations) {
    lines.push(`  BROKEN: ${INVARIANTS[invariant]}`, `  ${text}`);
  }
  lines.push(...finding.story.map((line) => `    ${line}`));
  lines.push(`  again: ${JSON.stringify(finding.choices)}`);
  return lines.join("\n");
}

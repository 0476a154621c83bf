// What one run of the doctor reports.

import { expect } from "vitest";
import type { Finding } from "../../../src/cli/doctor/finding.ts";

export type Report = {
  readonly code: number;
  readonly findings: readonly Finding[];
  readonly text: string;
};

export function problemsOf({ findings }: Pick<Report, "findings">): Finding[] {
  return findings.filter(({ severity }) => severity === "error" || severity === "warning");
}

/** Compares findings, case by case, with a golden file beside the test. */
export async function expectFindings(
  file: string,
  cases: Iterable<readonly [title: string, findings: readonly Finding[]]>,
): Promise<void> {
  const sections: string[] = [];

  for (const [title, findings] of cases) {
    const text = findings.length === 0 ? "nothing is wrong" : findings.map(describe).join("\n");
    sections.push(`=== ${title}\n${text}\n`);
  }

  // The doctor makes new names for what it looks for.
  const text = sections.join("\n").replace(/vitrine-(?:doctor|health)-[\w-]+/g, "vitrine-…");
  await expect(text).toMatchFileSnapshot(file);
}

function describe({ severity, check, seen, impact, remedy }: Finding): string {
  const lines = [`${severity}  ${check}  ${seen}`];
  if (impact) lines.push(`  why     ${impact}`);
  if (remedy) lines.push(`  remedy  ${remedy}`);
  return lines.join("\n");
}

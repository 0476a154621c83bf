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
  const sections = [...cases].map(([title, findings]) => {
    const lines = findings.map(({ severity, check, seen, impact, remedy }) =>
      [
        `${severity}  ${check}  ${seen}`,
        impact && `  why     ${impact}`,
        remedy && `  remedy  ${remedy}`,
      ]
        .filter(Boolean)
        .join("\n"),
    );

    return `=== ${title}\n${lines.join("\n") || "nothing is wrong"}\n`;
  });

  const text = sections.join("\n").replace(/vitrine-(?:doctor|health)-[\w-]+/g, "vitrine-…");
  await expect(text).toMatchFileSnapshot(file);
}

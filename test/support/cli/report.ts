// What one run of the doctor reports.

import type { Finding } from "../../../src/cli/doctor/finding.ts";

export type Report = {
  readonly code: number;
  readonly findings: readonly Finding[];
  readonly text: string;
};

/** The errors and warnings. */
export function wrongIn({ findings }: Report): Finding[] {
  return findings.filter(({ severity }) => severity === "error" || severity === "warning");
}

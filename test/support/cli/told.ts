// What the doctor told.

import type { Finding } from "../../../src/cli/doctor/finding.ts";

export type Told = {
  readonly code: number;
  readonly findings: readonly Finding[];
  readonly text: string;
};

/** What is not well, by what it is about, in short. */
export function wrongIn({ findings }: Told): Finding[] {
  return findings.filter(({ severity }) => severity === "error" || severity === "warning");
}

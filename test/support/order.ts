// In which order the files are run: those that take longest first, so that none is left to one worker at
// the end. Vitest learns that for itself, but not before it has run here once.

import { BaseSequencer, type TestSpecification } from "vitest/node";

const LONGEST = [
  ...["dev/start", "hostile/hostile", "browser/sheet", "built/workerd", "worker/s3/failover"],
  ...["cli/rotate/rotate", "built/rotation", "bench/report", "cli/program", "cli/doctor/local"],
];

function rankOf({ moduleId }: TestSpecification): number {
  const rank = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return rank < 0 ? LONGEST.length : rank;
}

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}

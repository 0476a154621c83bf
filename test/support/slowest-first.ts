// The order of the test files: the slowest first, so that no slow file is left for the end. Vitest learns this
// order too, but only after it has run once on a machine.

import { BaseSequencer, type TestSpecification } from "vitest/node";

const SLOWEST = [
  ...["dev/start", "browser/follow", "browser/try", "browser/sheet"],
  ...["built/workerd", "hostile/hostile", "cli/ci/ci", "cli/doctor/faults"],
];

function rankOf({ moduleId }: TestSpecification): number {
  const rank = SLOWEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return rank < 0 ? SLOWEST.length : rank;
}

export default class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}

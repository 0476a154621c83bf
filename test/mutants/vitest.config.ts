// Runs the short tests for one mutant: those nearest to its file first, up to the first failure.

import { relative } from "node:path";
import type { SerializedError } from "vitest";
import { defineConfig, mergeConfig, type TestProjectInlineConfiguration } from "vitest/config";
import {
  BaseSequencer,
  type Reporter,
  type TestCase,
  type TestModule,
  type TestSpecification,
} from "vitest/node";
import OverheardReporter from "../support/overheard.ts";
import usual from "../vitest.config.ts";

/** Tests that do not run the Worker, or judge its text. */
const FAR = [
  "test/{bench,browser,dev,docs,emulator,loaders,package,structure}/**",
  "test/client/size.test.ts",
];

/** The file that is changed, such as `src/worker/origin/opened-object.ts`. */
const changed = process.env["MUTANT_FILE"] ?? "";
const mirror = changed.replace("src/", "test/").replace(".ts", ".test.ts");
const folder = mirror.replace(/[^/]+$/, "");
const NEAREST = [mirror, folder, "test/worker/", "test/url/", "test/client/", "test/hostile/", ""];

function distanceOf({ moduleId }: TestSpecification): number {
  return NEAREST.findIndex((start) => relative(usual.root ?? "", moduleId).startsWith(start));
}

class NearestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => distanceOf(a) - distanceOf(b));
  }
}

const print = (state: string, text: string) => process.stdout.write(`${state} ${text}\n`);

/** Prints one line for each test. The runner reads it, and takes a long silence for a loop without end. */
class LineReporter implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const { state, errors = [] } = test.result();
    const isHung = errors.some(({ message }) => /timed out in \d+ms/.test(message));
    print(isHung ? "hung" : state, `${test.module.relativeModuleId}: ${test.fullName}`);
  }

  onTestModuleEnd(module: TestModule): void {
    for (const { message } of module.errors())
      print("failed", `${module.relativeModuleId}: ${message}`);
  }

  onTestRunEnd(_modules: unknown, errors: readonly SerializedError[]): void {
    for (const { message } of errors) print("failed", `outside of a test: ${message}`);
  }
}

const [short] = (usual.test?.projects ?? []) as TestProjectInlineConfiguration[];
export default mergeConfig(
  { ...usual, test: { ...usual.test, projects: undefined, reporters: undefined } },
  defineConfig({
    cacheDir: ".wrangler/test/vite",
    test: {
      include: short?.test?.include ?? [],
      exclude: [...(short?.test?.exclude ?? []), ...FAR],
      sequence: { sequencer: NearestFirst },
      reporters: [new LineReporter(), new OverheardReporter()],
      bail: 1,
      retry: 1, // a busy machine
      ...(changed && { maxWorkers: 1 }),
    },
  }),
);

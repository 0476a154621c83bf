// Prints what was checked, and how much of it was right: one line for each check.

import type { Reporter, TestCase, TestModule } from "vitest/node";

type Figure = { readonly check: string; readonly right: number; readonly of: number };

declare module "vitest" {
  interface TaskMeta {
    figures?: Figure[];
  }
}

/** Adds a figure to a test. */
export function tell(task: { meta: { figures?: Figure[] } }, figure: Figure): void {
  task.meta.figures = [...(task.meta.figures ?? []), figure];
}

export default class FiguresReporter implements Reporter {
  private readonly server: string;

  constructor(server: string) {
    this.server = server;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module): TestCase[] => [...module.children.allTests()]);
    const figures = tests.flatMap((test) => test.meta().figures ?? []);
    const passed = tests.filter((test) => test.result().state === "passed").length;
    for (const { check, right, of } of figures) {
      console.log(`${this.server}: ${check} ${right} of ${of}`);
    }
    console.log(`${this.server}: tests ${passed} of ${tests.length}`);
  }
}

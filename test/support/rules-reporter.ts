// Reports how many rules of docs/rules.md have a test that passed. `npm test` fails if a rule has
// none, or if a test names an unknown rule.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Reporter, TestModule, Vitest } from "vitest/node";

const RULE = /^- \*\*([A-Z]\d+[a-z]?)\*\* (.+)$/gm;
/** The rules in a title, in their own parentheses: `(E1, O14)`. */
const NAMED = /\(((?:[A-Z]\d+[a-z]?)(?:, [A-Z]\d+[a-z]?)*)\)/g;
const NOT_PLAYED = /[*_]Not played: /;

function readRules(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(RULE)].map(([, id = "", text = ""]) => [id, text]));
}

function namedIn(title: string): readonly string[] {
  return [...title.matchAll(NAMED)].flatMap(([, list = ""]) => list.split(", "));
}

function judge(rules: ReadonlyMap<string, string>, passed: readonly string[]) {
  const named = new Set(passed.flatMap(namedIn));
  const testable = [...rules].filter(([, text]) => !NOT_PLAYED.test(text)).map(([id]) => id);
  const untested = testable.filter((id) => !named.has(id));
  const unknown = [...named].filter((id) => !rules.has(id));
  const untestable = [...rules.keys()].filter((id) => !testable.includes(id));

  const lines = [
    `Rules: ${testable.length - untested.length} of ${rules.size} have a test that passed` +
      (untestable.length > 0 ? `; not played: ${untestable.join(", ")} (see docs/rules.md)` : ""),
    ...(untested.length > 0 ? [`Rules without a test: ${untested.join(", ")}`] : []),
    ...(unknown.length > 0 ? [`Tests name rules that are not there: ${unknown.join(", ")}`] : []),
  ];

  return { lines, well: untested.length === 0 && unknown.length === 0 };
}

export default class RulesReporter implements Reporter {
  private vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.vitest = vitest;
  }

  async onTestRunEnd(modules: readonly TestModule[]): Promise<void> {
    const all = await this.vitest?.globTestSpecifications();
    if (modules.length !== all?.length || this.vitest?.config.testNamePattern) return;
    if (modules.every(({ project }) => project.name === "long")) return; // npm test has them all

    const passed = modules
      .flatMap((module) => [...module.children.allTests("passed")])
      .map((test) => test.fullName);
    const text = readFileSync(join(import.meta.dirname, "../../docs/rules.md"), "utf8");
    const { lines, well } = judge(readRules(text), passed);
    for (const line of lines) console.log(`\n${line}`);
    if (!well) process.exitCode = 1;
  }
}

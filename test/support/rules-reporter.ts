// Reports how many rules of docs/rules.md have a test that passed. `npm test` fails if a rule has
// none, or if a test names an unknown rule.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Reporter, TestModule, Vitest } from "vitest/node";

const RULE = /^- \*\*([A-Z]\d+[a-z]?)\*\* (.+)$/gm;
/** The rules in a title, in their own parentheses: `(E1, O14)`. */
const NAMED = /\(((?:[A-Z]\d+[a-z]?)(?:, [A-Z]\d+[a-z]?)*)\)/g;
const NOT_PLAYED = /[*_]Not played: /;

function readRules(page: string): ReadonlyMap<string, string> {
  const rules = new Map<string, string>();
  for (const [, id = "", text = ""] of page.matchAll(RULE)) rules.set(id, text);
  return rules;
}

/** The rules that a title names. */
function namedIn(title: string): readonly string[] {
  const lists = [...title.matchAll(NAMED)];
  return lists.flatMap(([, list = ""]) => list.split(", "));
}

type Judgement = { readonly lines: readonly string[]; readonly isWell: boolean };

/** @param passed the titles of the tests that passed */
function judgeRules(rules: ReadonlyMap<string, string>, passed: readonly string[]): Judgement {
  const named = new Set(passed.flatMap(namedIn));
  const tested: string[] = [];
  const untested: string[] = [];
  const notPlayed: string[] = [];

  for (const [id, text] of rules) {
    if (NOT_PLAYED.test(text)) notPlayed.push(id);
    else if (named.has(id)) tested.push(id);
    else untested.push(id);
  }

  const unknown = [...named].filter((id) => !rules.has(id));

  const lines: string[] = [];
  const count = `Rules: ${tested.length} of ${rules.size} have a test that passed`;
  if (notPlayed.length === 0) lines.push(count);
  else lines.push(`${count}; not played: ${notPlayed.join(", ")} (see docs/rules.md)`);

  if (untested.length > 0) lines.push(`Rules without a test: ${untested.join(", ")}`);
  if (unknown.length > 0) lines.push(`Tests name rules that are not there: ${unknown.join(", ")}`);

  return { lines, isWell: untested.length === 0 && unknown.length === 0 };
}

export default class RulesReporter implements Reporter {
  private vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.vitest = vitest;
  }

  async onTestRunEnd(modules: readonly TestModule[]): Promise<void> {
    // A run of some tests proves nothing about the rules.
    const all = await this.vitest?.globTestSpecifications();
    if (modules.length !== all?.length || this.vitest?.config.testNamePattern) return;
    if (modules.every(({ project }) => project.name === "long")) return; // npm test has them all

    const passed: string[] = [];
    for (const { children } of modules) {
      for (const { fullName } of children.allTests("passed")) passed.push(fullName);
    }

    const text = readFileSync(join(import.meta.dirname, "../../docs/rules.md"), "utf8");
    const { lines, isWell } = judgeRules(readRules(text), passed);

    for (const line of lines) console.log(`\n${line}`);
    if (!isWell) process.exitCode = 1;
  }
}

// Judges what the doctor says in a broken state, follows it to the letter, and looks again.

import { afterAll, afterEach, expect, test, vi } from "vitest";
import { ACCEPTS } from "../../../../src/cli/http/ask-picture.ts";
import { follow, harmsOf } from "../../../support/cli/remedy-acts.ts";
import { type Finding, isProblem } from "../../../support/cli/remedy-text.ts";
import {
  beginWorld,
  consult,
  fetchSamples,
  hold,
  remember,
  visitAll,
  type World,
  warm,
} from "../../../support/cli/remedy-world.ts";
import type { State } from "./state.ts";

/** What is right of all states. */
const RIGHT = { isCauseFirst: true, falseImpacts: [], harms: [], isShown: true, left: [] };

/** A line of the table. */
type Row = readonly string[];
const HEAD: Row = ["state", "cause", "impact", "harmless", "executed", "site after", "left"];

/** Tests states, one after the other. `STATES=1` prints their table. */
export function testStates(states: readonly State[]): void {
  const table: Row[] = [HEAD];
  afterAll(() => {
    const lines = table.map((cells) => `${cells.join(" | ")}\n`);
    if (process.env["STATES"] !== undefined) process.stdout.write(lines.join(""));
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  test.each(states)("$title", async (state) => {
    const { result, report, row } = await judge(state);
    table.push(row);
    expect(result, report.join("\n")).toEqual(RIGHT);
  });
}

/** Tests that nothing is found in the worlds of states before they are broken. */
export function testWorlds(states: Iterable<State>): void {
  test.each([...states])("nothing is found before this: $title", async (state) => {
    const world = await healthyWorld(state);
    const samples = await fetchSamples(world);
    expect(new Set(Object.values(samples))).toEqual(new Set([SHOWN]));
    expect((await consult(world)).filter(isProblem)).toEqual([]);
  });
}

/** A world in which all is well, before a state breaks it. */
async function healthyWorld({ begin, atHand }: State): Promise<World> {
  const world = beginWorld();
  await begin?.(world);
  if (atHand !== undefined) hold(world, atHand);
  remember(world);
  return world;
}

/** @returns what is to be `RIGHT`, what the doctor said, and the line of the table */
async function judge(state: State) {
  const world = await healthyWorld(state);
  if (!state.isFirst) await warm(world);
  await state.broken(world);
  const before = await fetchSamples(world);
  const problems = (await consult(world)).filter(isProblem);

  const first = firstOf(problems);
  const isCauseFirst = first !== undefined && isCause(first, state.cause);
  const falseImpacts = await findFalseImpacts(world, problems, before);
  const harms = problems.flatMap((finding) =>
    harmsOf(finding, world, state.isOutage === true).map((harm) => `${finding.check}: ${harm}`),
  );

  const done = follow(first?.remedy ?? "", world);
  const after = await fetchSamples(world);
  const { after: paths = world.samples, remaining = [] } = state;
  const isShown = paths.every((path) => after[path] === SHOWN);
  const left = (await consult(world))
    .filter((finding) => isProblem(finding) && !remaining.includes(finding.check))
    .map(({ check, seen }) => `${check}: ${seen}`);

  const yes = (isRight: boolean, otherwise: string) => (isRight ? "yes" : otherwise);
  const row: Row = [
    state.title,
    yes(isCauseFirst, "NO"),
    yes(falseImpacts.length === 0, "FALSE"),
    yes(harms.length === 0, harms.join("; ")),
    done.join(", ") || "nothing",
    yes(isShown, JSON.stringify(after)),
    left.map((text) => text.slice(0, 60)).join("; ") || "-",
  ];
  const report = [JSON.stringify(before), ...problems.map(textOf), doneText(done)];
  return { result: { isCauseFirst, falseImpacts, harms, isShown, left }, report, row };
}

const SHOWN = "200 image";

function doneText(done: readonly string[]): string {
  if (done.length > 0) return `done: ${done.join(", ")}`;
  return "done: nothing, because test/support/cli/remedy-hands.ts has no words of this remedy";
}

function textOf({ check, severity, seen, impact, remedy }: Finding): string {
  return `${severity} ${check}: ${seen}\n    why: ${impact}\n    do: ${remedy}`;
}

function isCause({ check, seen }: Finding, [checks, pattern]: State["cause"]): boolean {
  return checks.split("|").includes(check) && pattern.test(seen);
}

/** Words of a finding that names another one as its cause. */
const FOLLOWS = /fix that first/;

/** The first error, or the first warning if there is no error: with that, an operator begins. */
function firstOf(problems: readonly Finding[]): Finding | undefined {
  const findings = problems.filter(({ remedy = "" }) => !FOLLOWS.test(remedy));
  return findings.find(({ severity }) => severity === "error") ?? findings[0];
}

/** `a visitor whose browser reads no AVIF got 502 (slots-refused) at /images/card/key.jpg`. */
const CLAIM =
  /visitors?(?<visitor>[^.;:\d]*?) (?:get|gets|got|see|sees) (?<status>\d{3})(?:[^.;]*? at (?<path>\/\S+))?/g;
/** Words that mean that visitors get no picture at all. */
const NOTHING =
  /visitors see no image|no image of this bucket is shown|every object is missing|to every request/;

type Samples = Readonly<Record<string, string>>;

/** The findings whose impact is not what visitors were seen to get, before the doctor looked or after it. */
async function findFalseImpacts(world: World, findings: readonly Finding[], before: Samples) {
  const wrong: string[] = [];
  const now = await visitAll(world, world.samples);
  const isAnyShown = Object.values(now).includes(SHOWN);
  for (const { impact = "", check } of findings) {
    let isFalse = isAnyShown && NOTHING.test(impact);
    for (const { groups } of impact.matchAll(CLAIM)) {
      const { visitor = "", status = "", path } = groups ?? {};
      const paths = path === undefined ? world.samples : [path];
      const answers = await visitAll(world, paths, acceptOf(visitor));
      const seen = paths.flatMap((one) => [before[one], answers[one]]);
      if (!seen.some((answer) => answer?.startsWith(status))) isFalse = true;
    }
    if (isFalse) wrong.push(`${check}: ${impact}`);
  }
  return wrong;
}

function acceptOf(visitor: string): string {
  if (visitor.includes("no WebP")) return ACCEPTS.none;
  return visitor.includes("no AVIF") ? ACCEPTS.webp : ACCEPTS.avif;
}

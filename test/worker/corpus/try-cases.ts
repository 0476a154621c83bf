// Tries cases, a test each, and counts: how often each property was tried, and how often it failed.

import { afterAll, describe, expect, test } from "vitest";
import type { Case } from "./cases.ts";
import { type Outcome, PROPERTIES, tryCase } from "./properties.ts";

/** The same seed draws the same cases: `CORPUS_SEED=7 npx vitest run …`. */
export const SEED = Number(process.env["CORPUS_SEED"] ?? 20_261_201);

/** At most this share of the requests that make a picture smaller asks the edge more than once. */
const MAX_REPEATED_SHARE = 0.02;
/** How often other requests ask the edge on average. */
const MAX_AVERAGE = 1.3;
/** Fewer requests tell nothing about a share. */
const MIN_REQUESTS = 50;

/** @param set what the pictures are, for the counts */
export function tryCases(set: string, cases: readonly Case[]): void {
  const outcomes: Outcome[] = [];
  afterAll(() => printCounts(set, cases, outcomes));

  describe("a picture, a variant, a browser and an edge, whichever they are:", () => {
    test.each(cases.map((tested) => [nameOf(tested), tested] as const))(
      "%s",
      async (_name, tested) => {
        const outcome = await tryCase(tested);
        outcomes.push(outcome);
        const failed = outcome.results.filter(({ mistake }) => mistake !== undefined);
        expect(
          failed.map(({ property, mistake }) => `${property}, ${PROPERTIES[property]}: ${mistake}`),
        ).toEqual([]);
      },
    );

    // P5, over all cases.
    test("the edge is asked once to make a picture smaller", () => {
      const { shrunk, repeated } = countEdgeRequests(outcomes);
      if (shrunk >= MIN_REQUESTS) expect(repeated / shrunk).toBeLessThanOrEqual(MAX_REPEATED_SHARE);
    });

    test("the edge is seldom asked more than once for another picture", () => {
      const { others, average } = countEdgeRequests(outcomes);
      if (others >= MIN_REQUESTS) expect(average).toBeLessThanOrEqual(MAX_AVERAGE);
    });
  });
}

function nameOf({ subject, variant, browser, switches, engine }: Case): string {
  return `${subject.name} as ${variant.name}, accept: ${browser.accept}, ${engine}, ${switches.name}`;
}

function countEdgeRequests(outcomes: readonly Outcome[]) {
  const counted = outcomes.flatMap(({ edgeRequests }) => edgeRequests ?? []);
  const shrunk = counted.filter(({ isShrunk }) => isShrunk);
  const others = counted.filter(({ isShrunk }) => !isShrunk);
  const repeated = shrunk.filter(({ count }) => count > 1);
  const sum = others.reduce((total, { count }) => total + count, 0);

  return {
    shrunk: shrunk.length,
    repeated: repeated.length,
    others: others.length,
    average: sum / others.length,
  };
}

function printCounts(set: string, cases: readonly Case[], outcomes: readonly Outcome[]): void {
  const factors = [
    `${countDifferent(cases, ({ subject }) => subject)} pictures`,
    `${countDifferent(cases, ({ variant }) => variant)} variants`,
    `${countDifferent(cases, ({ browser }) => browser)} Accept`,
    `${countDifferent(cases, ({ switches }) => switches)} switches`,
    `${countDifferent(cases, ({ engine }) => engine)} engines`,
  ];

  const results = outcomes.flatMap((outcome) => outcome.results);
  const rows = Object.keys(PROPERTIES).map((property) => {
    const tried = results.filter((result) => result.property === property);
    const failed = tried.filter(({ mistake }) => mistake !== undefined);
    return `  ${property}: ${tried.length} tried, ${failed.length} failed`;
  });

  const { shrunk, repeated, others, average } = countEdgeRequests(outcomes);
  const once = shrunk - repeated;

  console.log(
    [
      `${set}, seed ${SEED}: ${outcomes.length} cases of ${factors.join(" × ")}`,
      ...rows,
      `  P5: the edge was asked once by ${once} of ${shrunk} that shrink, and ${average.toFixed(2)} times by ${others} others`,
    ].join("\n"),
  );
}

function countDifferent(cases: readonly Case[], factorOf: (tested: Case) => unknown): number {
  return new Set(cases.map(factorOf)).size;
}

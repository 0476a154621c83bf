// Properties that the Worker keeps for any request, and each of them fails where it should. `npm run fuzz` tries more
// inputs.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINES } from "./engines.ts";
import { PROPERTIES, PROPERTY_NAMES, readFindings } from "./properties.ts";
import { sabotagesOf } from "./sabotage.ts";
import { runAttack, startThread } from "./thread.ts";

const SEED = 20_261_124;
const RUNS = 60;
/** A sabotaged Worker must be found out within so many inputs. */
const MAX_RUNS = 2000;

let thread: ReturnType<typeof startThread>;
beforeAll(() => {
  thread = startThread();
});
afterAll(() => thread.terminate());

describe("for any request,", () => {
  test.each(PROPERTY_NAMES.map((name) => [name, PROPERTIES[name].sentence] as const))(
    "%s: %s",
    async (property) => {
      for (const engine of ENGINES) {
        const runs = engine === "cf" ? RUNS : RUNS / 6;
        const outcome = await runAttack(thread, { property, engine, seed: SEED, runs });
        expect(outcome.finding, engine).toBeUndefined();
        expect(outcome.runs).toBe(runs);
      }
      const engine = property === "lengths" ? "binding" : "cf";
      const attack = { property, engine, seed: SEED, runs: MAX_RUNS, shrink: false } as const;
      for (const [sabotaged] of sabotagesOf(property).entries()) {
        const { finding } = await runAttack(thread, { ...attack, sabotaged });
        expect(finding, `it cannot fail: ${sabotaged}`).toBeDefined();
      }
    },
  );

  test("many inputs reach the edge, and all kinds of answers occur", async () => {
    const attack = { property: "answers", seed: SEED, runs: 20 * RUNS } as const;
    const { tally } = await runAttack(thread, attack);
    const { visits = 0, "reached the edge": reached = 0 } = tally;
    expect(reached / visits).toBeGreaterThan(0.15);
    for (const status of [200, 403, 404, 405, 410, 415, 429, 502, 503, 508]) {
      expect(tally).toHaveProperty(`${status}`);
    }
  });

  test("the inputs of findings.json break nothing", async () => {
    for (const finding of readFindings()) {
      expect(await runAttack(thread, finding)).not.toHaveProperty("finding");
    }
  });
});

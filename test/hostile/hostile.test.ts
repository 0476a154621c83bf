// Properties that the Worker keeps for any request. `npm run fuzz` tries more inputs, and
// known-bugs.test.ts shows that each property can fail.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINES } from "./engines.ts";
import { readFindings } from "./findings.ts";
import { PROPERTIES, PROPERTY_NAMES } from "./properties.ts";
import { ask, startThread } from "./thread.ts";

const SEED = 20_261_124;
const RUNS = 60;

let thread: ReturnType<typeof startThread>;
beforeAll(() => {
  thread = startThread();
});
afterAll(() => thread.terminate());

describe("for any request,", () => {
  const tallies: Record<string, number> = {};
  test.each(PROPERTY_NAMES.map((name) => [name, PROPERTIES[name].says] as const))(
    "%s: %s",
    async (property) => {
      for (const engine of ENGINES) {
        const most = engine === "cf" ? RUNS : RUNS / 5;
        const attack = { property, engine, seed: SEED, runs: most };
        const { finding, runs, tally } = await ask(thread, attack);
        expect(finding, engine).toBeUndefined();
        expect(runs).toBe(most);
        for (const [seen, times] of Object.entries(tally)) {
          tallies[seen] = (tallies[seen] ?? 0) + times;
        }
      }
    },
  );

  test("many inputs reach the edge, and all kinds of answers occur", () => {
    const { visits = 0, "reached the edge": reached = 0 } = tallies;
    expect(reached / visits).toBeGreaterThan(0.4);
    for (const status of [200, 403, 404, 405, 410, 415, 429, 502, 503, 504, 508]) {
      expect(tallies).toHaveProperty(`${status}`);
    }
  });

  test("the inputs of findings.json break nothing", async () => {
    for (const finding of readFindings()) {
      expect(await ask(thread, finding)).not.toHaveProperty("finding");
    }
  });
});

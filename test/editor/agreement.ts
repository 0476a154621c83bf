// Compares the schema of editors with the Worker, on random configurations.

import { Ajv, type ValidateFunction } from "ajv";
import fc from "fast-check";
import { expect } from "vitest";
import { varsSchema } from "../../src/editor/wrangler-schema.ts";
import { configurations, mistakesOf } from "./configurations.ts";
import { DIFFERENCES, NULL_FOR_WORKER } from "./differences.ts";

/** Returns a function that says whether the schema takes some vars. */
export async function compileVars(): Promise<ValidateFunction> {
  return new Ajv({ strict: false }).compile(await varsSchema());
}

/** Whether a mistake is of a rule that the schema does not have. */
function isListed(vars: object, mistake: string): boolean {
  const [variable = ""] = mistake.split(/\W/, 1);
  if (typeof Reflect.get(vars, variable) === "string") return true;
  return DIFFERENCES.some(({ says }) => says.test(mistake));
}

/** Tries so many configurations. What one side refuses, the other one does, too, but for the listed rules. */
export function expectAgreement(isRight: ValidateFunction, numRuns: number): void {
  let refusedByBoth = 0;

  const property = fc.property(configurations, (vars) => {
    const mistakes = mistakesOf(vars);

    if (isRight(vars)) {
      expect(mistakes.filter((mistake) => !isListed(vars, mistake))).toEqual([]);
      return;
    }
    if (mistakes.length > 0) refusedByBoth += 1;
    else expect(vars).toSatisfy(hasListedNull);
  });
  fc.assert(property, { numRuns });

  expect(refusedByBoth).toBeGreaterThan(numRuns / 10);
}

/** Whether a variable is null that may be null for the Worker alone. */
function hasListedNull(vars: object): boolean {
  return NULL_FOR_WORKER.some((name) => Reflect.get(vars, name) === null);
}

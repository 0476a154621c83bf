// Stands in for the bindings that a deployed Worker has. Here there are none, so nothing may call them.

import type { Vars } from "../../worker/config/schema.ts";
import type { KnownVars } from "./known-vars.ts";

// In the form that imagesSchema and r2Schema check. Their types would need those of the Workers runtime, which
// the tests in a browser do not have.
const IMAGES = { input: () => fail("IMAGES.input"), info: () => fail("IMAGES.info") };
const R2 = { get: () => fail("R2 get"), head: () => fail("R2 head") };
/** `readConfig` says that it is no secret. */
const STORED = { get: () => fail("a Secrets Store") };

/** The bindings of an environment by their names, as `readConfig` wants them. */
export function standIns(
  { images, r2Buckets }: Pick<KnownVars, "images" | "r2Buckets">,
  storedSecrets: readonly { readonly binding: string }[],
): Vars {
  return {
    ...(images !== undefined && { [images]: IMAGES }),
    ...Object.fromEntries(r2Buckets.map(({ binding }) => [binding, R2])),
    ...Object.fromEntries(storedSecrets.map(({ binding }) => [binding, STORED])),
  };
}

/** The names of the vars, without those of bindings. */
export function varNames(vars: Vars): string[] {
  const bindings: readonly unknown[] = [IMAGES, R2, STORED];
  return Object.keys(vars).filter((name) => !bindings.includes(vars[name]));
}

function fail(what: string): never {
  throw new Error(`${what}: this machine has no binding. Only a deployed Worker can call one`);
}

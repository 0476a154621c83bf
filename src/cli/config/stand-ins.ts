// Stands in for the bindings that a deployed Worker has. Here there are none, so nothing may call them.

import type { Vars } from "../../worker/config/schema.ts";
import type { KnownVars } from "./known-vars.ts";

const made = new WeakSet<object>();

/** Each binding has one of its own: a store may not be the bucket of originals. */
function standIn(binding: string, ...methods: readonly string[]): object {
  const calls = methods.map((name) => [name, () => fail(`${binding}.${name}`)]);
  const object: object = Object.fromEntries(calls);
  made.add(object);
  return object;
}

/** An R2 bucket, in the form that r2Schema and storeSchema check. */
export function r2StandIn(binding: string): object {
  return standIn(binding, "get", "head", "put", "delete", "list");
}

/** The bindings of an environment by their names, as `readConfig` wants them. */
export function standIns(
  { images, r2Buckets }: Pick<KnownVars, "images" | "r2Buckets">,
  storedSecrets: readonly { readonly binding: string }[],
): Vars {
  return {
    ...(images !== undefined && { [images]: standIn(images, "input", "info") }),
    ...Object.fromEntries(r2Buckets.map(({ binding }) => [binding, r2StandIn(binding)])),
    // `readConfig` says that it is no secret.
    ...Object.fromEntries(storedSecrets.map(({ binding }) => [binding, standIn(binding, "get")])),
  };
}

/** The names of the vars, without those of bindings. */
export function varNames(vars: Vars): string[] {
  return Object.keys(vars).filter((name) => {
    const value = vars[name];
    return typeof value !== "object" || value === null || !made.has(value);
  });
}

function fail(what: string): never {
  throw new Error(`${what}: this machine has no binding. Only a deployed Worker can call one`);
}

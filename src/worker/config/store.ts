// Reads secrets from Cloudflare's Secrets Store. What a store throws is never logged.

import { has } from "../base/json.ts";
import { LATE, within } from "../base/time.ts";
import { isSecret, UNOPENED } from "./read-secrets.ts";
import type { Vars } from "./schema.ts";

/** How long a store may take: ms. */
const STORE_MS = 2_000;

/** A binding of a secret in a Secrets Store. */
type Stored = { get(): Promise<unknown> };

/** The stores that were found, by the name of the secret. */
export type Stores = ReadonlyMap<string, Stored>;

/** What the stores returned, by the name of the secret. */
export type Given = ReadonlyMap<string, unknown>;

/** The secrets that are in a Secrets Store, by name. */
export function storesOf(env: object): Stores {
  const bindings: [string, unknown][] = Object.entries(env);
  const kept = bindings.filter((entry): entry is [string, Stored] => {
    return isSecret(entry[0]) && has(entry[1], "get");
  });
  return new Map(kept);
}

/** Asks the stores. One that fails or takes too long is left out. */
export async function askStores(stores: Stores): Promise<Given> {
  const asked = [...stores].map(async ([name, store]) => {
    try {
      const value = await within(STORE_MS, store.get());
      return value === LATE ? [] : [[name, value] as const];
    } catch {
      return []; // what it throws may hold anything
    }
  });
  return new Map((await Promise.all(asked)).flat());
}

/** The vars and secrets, with the values from the stores in place of the bindings. */
export function fillIn(env: object, stores: Stores, given: Given): Vars {
  const values = [...stores.keys()].map((name) => {
    return [name, given.has(name) ? given.get(name) : UNOPENED] as const;
  });
  return { ...env, ...Object.fromEntries(values) };
}

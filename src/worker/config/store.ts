// Reads secrets from Cloudflare's Secrets Store. What a store throws is never logged.

import { has } from "../base/json.ts";
import { LATE, within } from "../base/time-limit.ts";
import type { Vars } from "./schema.ts";
import { isSecret, UNOPENED } from "./secret-names.ts";

/** How long a store may take: ms. */
const STORE_MS = 2_000;

/** A binding of a secret in a Secrets Store. */
type Stored = { get(): Promise<unknown> };

/** What the stores returned, by the name of the secret. `read`: in which reading, counted from 1. */
export type Given = ReadonlyMap<string, { readonly value: unknown; readonly read: number }>;

let reads = 0;

/** The secrets that are in a Secrets Store, by name. */
export function storesOf(env: object): ReadonlyMap<string, Stored> {
  const bindings: [string, unknown][] = Object.entries(env);
  const kept = bindings.filter((entry): entry is [string, Stored] => {
    return isSecret(entry[0]) && has(entry[1], "get");
  });
  return new Map(kept);
}

/** Asks the stores. One that fails or takes too long is left out. */
export async function askStores(stores: ReadonlyMap<string, Stored>): Promise<Given> {
  const read = ++reads;
  const asked = [...stores].map(async ([name, store]) => {
    try {
      const value = await within(STORE_MS, store.get());
      return value === LATE ? [] : [[name, { value, read }] as const];
    } catch {
      return []; // what it throws may hold anything
    }
  });
  return new Map((await Promise.all(asked)).flat());
}

/** The later reading of each secret. Readings may end in any order. */
export function latest(one: Given, other: Given): Given {
  const newer = [...other].filter(([name, { read }]) => (one.get(name)?.read ?? 0) < read);
  return new Map([...one, ...newer]);
}

/** The vars and secrets, with the values from the stores in place of the bindings. */
export function fillIn(env: object, stores: ReadonlyMap<string, Stored>, given: Given): Vars {
  const values = [...stores.keys()].map((name) => {
    const found = given.get(name);
    return [name, found ? found.value : UNOPENED] as const;
  });
  return { ...env, ...Object.fromEntries(values) };
}

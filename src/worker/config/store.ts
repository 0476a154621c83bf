import { LATE, within } from "../base/time-limit.ts";
import type { Vars } from "./schema.ts";
import { isSecret } from "./secret-names.ts";

/** What stands for a secret that its store never gave. */
export const UNOPENED = Symbol("unopened");

/** How long a store may take: milliseconds. */
const STORE_MS = 2_000;

/** What is kept in a Secrets Store. */
type Stored = { get(): Promise<unknown> };

/** What stores gave, by the name of the secret, and when they were asked for it, counted. */
export type Given = ReadonlyMap<string, { readonly value: unknown; readonly read: number }>;

let reads = 0;

/** The stores of the secrets that are kept in one, by the name of the secret. */
export function storesOf(env: object): ReadonlyMap<string, Stored> {
  const bindings: [string, unknown][] = Object.entries(env);
  const kept = bindings.filter((entry): entry is [string, Stored] => {
    return isSecret(entry[0]) && isStored(entry[1]);
  });
  return new Map(kept);
}

/** Asks stores. One that fails, or takes too long, gives nothing. */
export async function askStores(stores: ReadonlyMap<string, Stored>): Promise<Given> {
  const read = ++reads;
  const asked = [...stores].map(async ([name, store]) => {
    try {
      const value = await within(STORE_MS, store.get());
      return value === LATE ? [] : [[name, { value, read }] as const];
    } catch {
      return []; // what was thrown is not ours to repeat
    }
  });
  return new Map((await Promise.all(asked)).flat());
}

/** Of two readings the later one of each secret, whichever of them was over first. */
export function latest(one: Given, other: Given): Given {
  const newer = [...other].filter(([name, { read }]) => (one.get(name)?.read ?? 0) < read);
  return new Map([...one, ...newer]);
}

/** The vars and secrets of a Worker, with what its stores gave in their places. */
export function fillIn(env: object, stores: ReadonlyMap<string, Stored>, given: Given): Vars {
  const values = [...stores.keys()].map((name) => {
    const found = given.get(name);
    return [name, found === undefined ? UNOPENED : found.value] as const;
  });
  return { ...env, ...Object.fromEntries(values) };
}

function isStored(value: unknown): value is Stored {
  return typeof value === "object" && value !== null && "get" in value;
}

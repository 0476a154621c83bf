// Hashes the configuration that a Worker runs with. The detailed form of /healthz shows the hash, and
// `vitrine doctor` compares it with the hash of wrangler.toml: if they differ, the file is not deployed yet. No secret
// and no binding goes into the hash, only the variables that are named here.
//
// A route or a preset that moves to the second variable (L4) is the same configuration, and has the same hash.

import { sha256Hex } from "../util/bytes.ts";
import { isPlainObject, parseJson } from "../util/json.ts";
import type { Vars } from "./schema.ts";

/** What the Worker reads of `[vars]`. */
const HASHED: readonly HashedVariable[] = [
  { name: "BUCKETS" },
  { name: "ROUTES", continuation: "ROUTES_2" },
  { name: "PRESETS", continuation: "PRESETS_2" },
  { name: "ANSWERS" },
  { name: "OIDC" },
  { name: "DOCS_URL" },
];

/** A variable, and the one in which its list or table goes on. */
type HashedVariable = { readonly name: string; readonly continuation?: string };

/** Enough to tell two configurations apart: hexadecimal digits. */
const HASH_LENGTH = 32;

/**
 * Returns the same hash for the same configuration: the order of keys does not change it, a table that is JSON text, as
 * .dev.vars has it, counts as the table itself, and a missing variable counts as an empty table.
 */
export async function hashVars(vars: Vars): Promise<string> {
  const tables = HASHED.map((variable) => wholeValueOf(variable, vars));
  const hash = await hashValue(tables);
  return hash.slice(0, HASH_LENGTH);
}

function wholeValueOf({ name, continuation }: HashedVariable, vars: Vars): unknown {
  // A value that is no text is returned as it is by `parseJson`.
  const value = parseJson(vars[name] ?? {});
  if (continuation === undefined || vars[continuation] === undefined) return value;

  const rest = parseJson(vars[continuation]);
  if (Array.isArray(value) && Array.isArray(rest)) return [...value, ...rest];
  if (isPlainObject(value) && isPlainObject(rest)) return { ...value, ...rest };
  return [value, rest]; // it has a mistake
}

/** Returns the same hash for the same value: the order of keys does not change it. */
export function hashValue(value: unknown): Promise<string> {
  return sha256Hex(JSON.stringify(sortKeys(value)));
}

/** Copies a value, and puts the keys of each table into one order. */
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isPlainObject(value)) return value;

  // A table becomes a list of pairs, which keeps any order: an object would put keys that are numbers first.
  const keys = Object.keys(value).sort();
  return keys.map((key) => [key, sortKeys(value[key])]);
}

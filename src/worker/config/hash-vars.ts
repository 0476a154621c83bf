// A hash of the configuration that a Worker runs with, to compare it with wrangler.toml. No secret and no binding
// goes into it: only the variables that are named here.

import { sha256Hex } from "../util/bytes.ts";
import { isPlainObject, parseJson } from "../util/json.ts";
import type { Vars } from "./schema.ts";

/** What the Worker reads of `[vars]`. */
const HASHED = ["BUCKETS", "ROUTES", "PRESETS", "ANSWERS", "OIDC"];

/** The order of keys does not matter, and neither does whether a table is text (S2). */
export async function hashVars(vars: Vars): Promise<string> {
  const text = JSON.stringify(HASHED.map((name) => sortKeys(parseJson(vars[name] ?? {}))));
  return (await sha256Hex(text)).slice(0, 32);
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isPlainObject(value)) return value;
  // As pairs: an object would put keys that are numbers first.
  return Object.keys(value)
    .sort()
    .map((key) => [key, sortKeys(value[key])]);
}

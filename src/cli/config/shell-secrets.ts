// Finds secrets that the shell has with another value than a file: a plain `wrangler deploy --secrets-file`
// would deploy the shell's (S5). Shows no secret, and only the last four characters of a key id. Pure.

import { keyEnd } from "../../worker/config/slot.ts";
import type { World } from "../command.ts";
import type { Secrets } from "../secrets/secrets.ts";
import type { Warning } from "./config-fault.ts";

/** @param secrets those of one file, or of .dev.vars */
export function shellWarnings(env: World["env"], secrets: Secrets): readonly Warning[] {
  const other = [...secrets].filter(([name, { value }]) => env[name] && env[name] !== value);
  const [, first] = other[0] ?? [];
  if (first === undefined) return [];
  const names = other.map(([name, { value }]) => {
    if (!/_ACCESS_KEY_ID(?:_NEXT)?$/.test(name)) return name;
    return `${name} (${endOf(env[name] ?? "")} instead of ${endOf(value)})`;
  });
  const what = `the environment has other values than ${first.from} of ${names.join(", ")}`;
  const remedy =
    "npx vitrine deploy ignores them. A plain wrangler deploy --secrets-file would deploy them";
  return [{ what, remedy }];
}

function endOf(accessKeyId: string): string {
  return keyEnd({ credentials: { accessKeyId } });
}

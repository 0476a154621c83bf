// Reads the settings of a folder for a Tab, without wrangler, which takes a second to load. It runs nothing of the folder,
// and keeps no value of .dev.vars. What cannot be read is left out: `npx vitrine check` says what is wrong.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { parse as parseToml } from "smol-toml";
import stripJsonComments from "strip-json-comments";
import type { Vars } from "../../worker/config/schema.ts";
import { tableOf } from "../../worker/util/json.ts";
import { isFault, type World } from "../command.ts";
import { devVarsOf, type R2Binding } from "../config/environment-config.ts";
import { chooseEnvironment, findConfigFile } from "../wrangler/config-file.ts";

/** Nobody has checked them. */
export type Settings = {
  readonly vars: Vars;
  readonly r2Buckets: readonly R2Binding[];
  /** Whether .dev.vars has BUCKETS, or cannot be read: the local run may ask an S3 anywhere. */
  readonly hasOwnS3: boolean;
};

export function environmentNames({ folder }: World): readonly string[] {
  const { env } = readConfigFile(folder);
  return Object.keys(tableOf(env));
}

/**
 * Reads the settings of an environment.
 * @param env the value of `--env`
 */
export function readSettings(world: World, env: string | undefined): Settings {
  const { folder } = world;
  const file = readConfigFile(folder);

  const environment = chooseEnvironment(world, env);
  const table = environment === undefined ? file : tableOf(tableOf(file["env"])[environment]);

  return {
    vars: tableOf(table["vars"]),
    r2Buckets: readR2Buckets(table["r2_buckets"]),
    hasOwnS3: hasOwnBuckets(join(folder, devVarsOf(folder, environment))),
  };
}

/** @returns an empty table if there is no file that can be read */
function readConfigFile(folder: string): Readonly<Record<string, unknown>> {
  const file = findConfigFile(folder);
  if (isFault(file)) return {};

  try {
    const text = readFileSync(join(folder, file), "utf8");
    if (file.endsWith(".toml")) return parseToml(text);

    const json = stripJsonComments(text, { trailingCommas: true });
    return tableOf(JSON.parse(json));
  } catch {
    return {};
  }
}

function readR2Buckets(list: unknown): readonly R2Binding[] {
  if (!Array.isArray(list)) return [];

  const bindings: R2Binding[] = [];
  for (const item of list) {
    const { binding, bucket_name: name } = tableOf(item);
    if (typeof binding !== "string") continue;

    const isNamed = typeof name === "string";
    bindings.push({ binding, ...(isNamed && { bucket_name: name }) });
  }
  return bindings;
}

/** Returns whether a .dev.vars has BUCKETS, or cannot be read. */
function hasOwnBuckets(devVars: string): boolean {
  if (!existsSync(devVars)) return false;

  try {
    return Object.hasOwn(parseEnv(readFileSync(devVars, "utf8")), "BUCKETS");
  } catch {
    return true;
  }
}

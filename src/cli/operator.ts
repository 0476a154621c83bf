// What an operator's command knows: wrangler.toml as a deploy would have it, or as `npm start` has it, and
// the secrets as far as they are at hand.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { type Config, readConfig } from "../config.ts";
import { isTable, json, type Vars } from "../schema.ts";
import { isSecret } from "../secret-names.ts";
import { readHealthToken, readSlots, type SlotsRead } from "../secrets.ts";
import { keep, listMistakes } from "./deployed.ts";
import { localKeys, localRun } from "./local.ts";
import { type KnownVars, readVars } from "./vars.ts";
import { type Fault, isFault, isHere, type World } from "./world.ts";

export type Operator = {
  readonly config: Config;
  readonly known: KnownVars;
  /** True where it is about what `npm start` started on this machine. */
  readonly local: boolean;
  /** The secrets that are at hand, by name. */
  readonly secrets: ReadonlyMap<string, Secret>;
  /** What the names of a bucket's secrets begin with, by the bucket's name. */
  readonly words: ReadonlyMap<string, string>;
  readonly healthToken: string | undefined;
};

export type Secret = {
  readonly value: string;
  /** `the environment`, `.dev.vars`, or a file's name. */
  readonly from: string;
};

/** What to know it of. */
export type Where = {
  /** Where Vitrine is, if it is asked for; on this machine it is the local run. */
  readonly url?: string | undefined;
  /** A file with secrets, in place of the environment and .dev.vars. */
  readonly envFile?: string | undefined;
};

/**
 * Reads all that is at hand. A secret is looked for in the file that is named, then in the environment,
 * then in .dev.vars, but for the keys there that open nothing but the local run. About the local run it
 * is what `npm start` takes: .dev.vars.
 * @returns a fault where the configuration has mistakes
 */
export function readOperator(world: World, where: Where): Operator | Fault {
  const known = readVars(world.folder);
  if (isFault(known)) return { fault: listMistakes([known.fault]) };
  const local = where.url !== undefined && isHere(where.url);
  const found = local ? here(world, known, where.url ?? "") : there(world, known, where.envFile);
  if (isFault(found)) return found;
  const { vars, secrets } = found;
  const config = readConfig(vars);
  if ("mistakes" in config) return { fault: listMistakes(config.mistakes) };
  const values = valuesOf(secrets);
  return {
    config,
    known,
    local,
    secrets,
    words: wordsOf(vars),
    healthToken: readHealthToken(values),
  };
}

type Found = { readonly vars: Vars; readonly secrets: ReadonlyMap<string, Secret> };

/** As `npm start` has it. */
function here({ folder }: World, known: KnownVars, url: string): Found {
  const { vars, buckets, own, secrets } = localRun(
    known,
    `${new URL(url).origin}/cdn-cgi/local/r2/s3`,
    folder,
  );
  return {
    vars: own ? vars : { ...vars, BUCKETS: buckets },
    secrets: secretsIn(secrets, ".dev.vars"),
  };
}

/** As a deploy would have it. */
function there(world: World, known: KnownVars, envFile: string | undefined): Found | Fault {
  const { deployed, started, local, secrets: required, stored } = known;
  const filed = envFile === undefined ? {} : readEnvFile(world, envFile);
  if (isFault(filed)) return filed;
  const opening = Object.values<string>(localKeys(world.folder));
  const own = Object.entries(started).filter(
    ([name, value]) => local.has(name) && !opening.includes(`${value}`),
  );
  const secrets = new Map([
    ...secretsIn(Object.fromEntries(own), ".dev.vars"),
    ...secretsIn(world.env, "the environment"),
    ...secretsIn(filed, envFile ?? ""),
  ]);
  const { URL_SIGNING_KEYS } = valuesOf(secrets);
  const signing = URL_SIGNING_KEYS === undefined ? {} : { URL_SIGNING_KEYS };
  return { vars: { ...keep([...required, ...stored]), ...deployed, ...signing }, secrets };
}

function readEnvFile({ folder }: World, file: string): Record<string, unknown> | Fault {
  try {
    return { ...parseEnv(readFileSync(resolve(folder, file), "utf8")) };
  } catch (error) {
    return { fault: `--env-file ${file}: ${error instanceof Error ? error.message : error}` };
  }
}

function secretsIn(vars: Vars, from: string): Map<string, Secret> {
  const found = new Map<string, Secret>();
  for (const [name, value] of Object.entries(vars)) {
    if (isSecret(name) && typeof value === "string" && value !== "")
      found.set(name, { value, from });
  }
  return found;
}

function valuesOf(secrets: ReadonlyMap<string, Secret>): Record<string, string> {
  return Object.fromEntries([...secrets].map(([name, { value }]) => [name, value]));
}

function wordsOf(vars: Vars): Map<string, string> {
  const tables = json(vars["BUCKETS"]);
  return new Map(
    Object.entries(isTable(tables) ? tables : {}).map(([name, settings]) => {
      const word = isTable(settings) ? settings["credentials"] : undefined;
      return [name, typeof word === "string" ? word : "AWS"];
    }),
  );
}

/** The slots of a bucket, as far as their secrets are at hand. */
export function slotsAtHand({ words, secrets }: Operator, bucket: string): SlotsRead {
  return readSlots(words.get(bucket) ?? "AWS", valuesOf(secrets), () => {});
}

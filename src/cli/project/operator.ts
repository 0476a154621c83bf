// What an operator's command knows: wrangler.toml as a deploy would have it, or as `npm start` has it, and
// the secrets as far as they are at hand.

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { isTable, json } from "../../worker/base/json.ts";
import { mistakeText } from "../../worker/base/mistake.ts";
import { type Config, readConfig } from "../../worker/config/config.ts";
import { readHealthToken, readSlots, type SlotsRead } from "../../worker/config/read-secrets.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { isSecret } from "../../worker/config/secret-names.ts";
import { type Fault, isFault, isHere, type World } from "../command.ts";
import { keep, listMistakes } from "./deployed.ts";
import { localKeys, localRun } from "./local.ts";
import { type KnownVars, readVars } from "./vars.ts";

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

/** What is wrong with the configuration. */
export type Mistaken = Fault & { readonly mistakes: readonly string[] };

function mistaken(mistakes: readonly string[]): Mistaken {
  return { fault: listMistakes(mistakes), mistakes };
}

/** What to know it of. */
export type Where = {
  /** Where Vitrine is, if it is asked for; on this machine it is the local run. */
  readonly url?: string | undefined;
  /** A file with secrets, which go before those of the environment and .dev.vars. */
  readonly secretsFile?: string | undefined;
};

/**
 * Reads all that is at hand. A secret, or both of a slot, are looked for in the file that is named, then
 * in the environment, then in .dev.vars, but for what opens nothing but the local run. About the local
 * run it is what `npm start` takes: .dev.vars.
 * @returns a fault; where it is the configuration that has mistakes, with each of them
 */
export function readOperator(world: World, where: Where): Operator | Fault | Mistaken {
  for (const name of ["wrangler.toml", EXAMPLE]) {
    if (!existsSync(join(world.folder, name))) {
      return { fault: `there is no ${name} in this folder: go to where Vitrine is kept` };
    }
  }
  const known = readVars(world.folder);
  if (isFault(known)) return mistaken([known.fault]);
  const { url, secretsFile } = where;
  const local = url !== undefined && isHere(url);
  if (local && secretsFile !== undefined) {
    return {
      fault: `--secrets-file ${secretsFile}: the local run has its secrets from .dev.vars: leave that out`,
    };
  }
  const found = local ? here(world, known, url) : there(world, known, secretsFile);
  if (isFault(found)) return found;
  const { vars, played = {}, secrets } = found;
  const checked = readConfig(vars);
  // What is played here hides what is wrong with a bucket.
  const config = "mistakes" in checked ? checked : readConfig({ ...vars, ...played });
  if ("mistakes" in config) return mistaken(traced(config.mistakes.map(mistakeText), secrets));
  return {
    config,
    known,
    local,
    secrets,
    words: wordsOf(vars),
    healthToken: readHealthToken(valuesOf(secrets)),
  };
}

type Found = {
  readonly vars: Vars;
  /** What the local run puts in their place. */
  readonly played?: Vars;
  readonly secrets: ReadonlyMap<string, Secret>;
};

/** Mistakes, and where a secret that has one is from. */
function traced(mistakes: readonly string[], secrets: Found["secrets"]): string[] {
  return mistakes.map((mistake) => {
    const secret = secrets.get(mistake.split(":", 1).join());
    return secret === undefined ? mistake : `${mistake} (it is from ${secret.from})`;
  });
}

/** As `npm start` has it, which goes by the name of localhost. */
function here({ folder }: World, known: KnownVars, url: string): Found {
  const { port } = new URL(url);
  const endpoint = `http://localhost${port && `:${port}`}/cdn-cgi/local/r2/s3`;
  const { vars, buckets, own, secrets } = localRun(known, endpoint, folder);
  return {
    vars,
    ...(!own && { played: { BUCKETS: buckets } }),
    secrets: secretsIn(secrets, existsSync(join(folder, ".dev.vars")) ? ".dev.vars" : EXAMPLE),
  };
}

/** What `npm start` makes .dev.vars of. */
const EXAMPLE = ".dev.vars.example";

/** As a deploy would have it. */
function there(world: World, known: KnownVars, secretsFile: string | undefined): Found | Fault {
  const { deployed, started, local, secrets: required, stored } = known;
  const filed = secretsFile === undefined ? {} : readSecretsFile(world, secretsFile);
  if (isFault(filed)) return filed;
  const opening = Object.values<unknown>(localKeys(world.folder));
  const own = Object.entries(started).filter(
    ([name, value]) => local.has(name) && !opening.includes(value) && !isMadeUp(name, value),
  );
  const secrets = inOrder([
    secretsIn(filed, secretsFile ?? ""),
    secretsIn(world.env, "the environment"),
    secretsIn(Object.fromEntries(own), ".dev.vars"),
  ]);
  const { URL_SIGNING_KEYS } = valuesOf(secrets);
  const signing = URL_SIGNING_KEYS === undefined ? {} : { URL_SIGNING_KEYS };
  return { vars: { ...keep([...required, ...stored]), ...deployed, ...signing }, secrets };
}

/** What the first source has of a slot goes before all that others have: half of it would not fit theirs. */
function inOrder(sources: readonly Found["secrets"][]): Map<string, Secret> {
  const secrets = new Map<string, Secret>();
  for (const source of sources) {
    const known = new Set([...secrets.keys()].map(slotOf));
    for (const [name, secret] of source) if (!known.has(slotOf(name))) secrets.set(name, secret);
  }
  return secrets;
}

/** The name of a secret, without which half of a slot it is. */
function slotOf(name: string): string {
  return name.replace(/_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY)(_NEXT)?$/, "_$1");
}

/** True for what `npm start` puts into .dev.vars where a route is signed. */
function isMadeUp(name: string, value: unknown): boolean {
  const keys = json(value);
  return name === "URL_SIGNING_KEYS" && isTable(keys) && Object.keys(keys).join() === "local";
}

/** What a file of secrets holds. */
export function readSecretsFile(
  { folder }: Pick<World, "folder">,
  file: string,
): Record<string, unknown> | Fault {
  try {
    return { ...parseEnv(readFileSync(resolve(folder, file), "utf8")) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const missing = "code" in error && error.code === "ENOENT";
    return {
      fault: `--secrets-file ${file}: ${missing ? "there is no such file" : error.message}`,
    };
  }
}

function secretsIn(vars: Vars, from: string): Map<string, Secret> {
  const found = new Map<string, Secret>();
  for (const [name, value] of Object.entries(vars)) {
    if (!isSecret(name) || typeof value !== "string" || value === "") continue;
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

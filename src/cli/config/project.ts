// Opens the project of this folder for a command: an environment as a deploy or as the local run has it, the
// secrets that this machine has, and where Vitrine is. Nothing is asked of any server.

import type { Bucket } from "../../worker/config/bucket.ts";
import { type Config, readConfig } from "../../worker/config/config.ts";
import {
  readSlots,
  readToken,
  type SlotsRead,
  secretNames,
  type Unusable,
} from "../../worker/config/read-secrets.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { type Fault, isFault, type World } from "../command.ts";
import {
  mergeSecrets,
  placeholderSecrets,
  readSecretsFile,
  type Secrets,
  secretsIn,
  valuesOf,
} from "../secrets/secrets.ts";
import { chooseEnvironment, findConfigFile, placeText } from "../wrangler/config-file.ts";
import { secretPrefixesOf } from "./buckets.ts";
import {
  carrierText,
  type EnvironmentConfig,
  isCarrier,
  r2StandIn,
  readEnvironment,
} from "./environment-config.ts";
import {
  isLocalSigningKey,
  isOfLocalKey,
  LOCAL_STORE,
  type LocalRun,
  localRun,
  readLocalKeys,
} from "./local-run.ts";
import { type ConfigFault, configFault, type FoundMistake, localMistake } from "./mistakes.ts";
import { findBaseUrl, isHere, provenBase, refuserOfOthersUrls } from "./site-url.ts";

export type Project = {
  readonly config: Config;
  /** The buckets as they are configured. In `config`, the local run has replaced them. */
  readonly configured: readonly Bucket[];
  readonly known: EnvironmentConfig;
  /** Whether it is the local run, which `npx vitrine dev` starts on this machine. */
  readonly local: boolean;
  /**
   * Where Vitrine is, without a slash at the end: what `--url` says, else the first domain of
   * wrangler.toml, else a fault. `""` is the page's own host, if `--url` says so.
   */
  readonly base: string | Fault;
  readonly secrets: Secrets;
  /** The file that `--secrets-file` names: its secrets are those that are deployed, or will be. */
  readonly secretsFile: string | undefined;
  /** What the names of a bucket's secrets begin with, by the bucket's name. */
  readonly words: ReadonlyMap<string, string>;
  readonly healthToken: string | undefined;
};

/** Returns whether the local run simulates the buckets. */
export function isPlayed({ local, known }: Project): boolean {
  return local && !known.local.has("BUCKETS");
}

/** The name of a bucket in wrangler.toml. The one on this machine is a secret of the local run. */
export function configuredName({ configured }: Project, { name, bucket }: Bucket): string {
  return configured.find((one) => one.name === name)?.bucket ?? bucket;
}

/** A bucket as the Worker has it: it reads an R2 bucket by its binding in the local run, too. */
export function bucketOfWorker({ configured }: Project, bucket: Bucket): Bucket {
  return configured.find(({ name, r2 }) => name === bucket.name && r2 !== undefined) ?? bucket;
}

/**
 * The slots of a bucket that have at least one secret at hand. A role has none of its own: an operator's
 * keys open the bucket instead. An R2 binding has none, and no key opens it.
 */
export function slotsAtHand({ config, words, secrets }: Project, name: string): SlotsRead {
  const bucket = config.buckets.find((one) => one.name === name);
  if (bucket?.r2 !== undefined) return { usable: [], unusable: [] };
  const word = words.get(name) ?? "AWS";
  const hasSessions = bucket?.engine === "binding";
  const { usable, unusable } = readSlots(word, valuesOf(secrets), () => {}, hasSessions);
  const isAtHand = ({ slot }: Unusable) =>
    Object.values(secretNames(word, slot)).some((secret) => secrets.has(secret));
  return { usable, unusable: unusable.filter(isAtHand) };
}

export type OpenOptions = {
  /** `--env`. Without it, CLOUDFLARE_ENV says the environment. */
  readonly env?: string | undefined;
  /** `--url`. If it names this machine, the project is the local run's. */
  readonly url?: string | undefined;
  /** `--secrets-file`. Its secrets win over those of the environment and .dev.vars. */
  readonly secretsFile?: string | undefined;
};

/** A project, and where its Vitrine is. */
export type Site = Project & { readonly base: string };

/** Opens the project for a command that sends requests to Vitrine, and only to that of its environment. */
export function openSite(world: World, options: OpenOptions): Site | Fault | ConfigFault {
  const project = openProject(world, options);
  if (isFault(project)) return project;
  const or = ", or use the local run: --url http://localhost:8787";
  const base = provenBase(world.folder, project, or);
  return isFault(base) ? base : { ...project, base };
}

/**
 * A secret is taken from the named file, else from the environment, else from .dev.vars, unless it opens
 * nothing but the local run. The local run takes its secrets from .dev.vars alone.
 */
export function openProject(world: World, options: OpenOptions): Project | Fault | ConfigFault {
  const { url, secretsFile } = options;
  const given = url === undefined ? undefined : findBaseUrl(url, [], "--url");
  if (isFault(given)) return given;
  const file = findConfigFile(world.folder);
  if (isFault(file)) return file;
  const known = readEnvironment(world.folder, chooseEnvironment(world, options.env));
  if (isFault(known)) return configFault([known.mistake]);
  if (isCarrier(known)) return { fault: carrierText(known) };
  const local = given !== undefined && isHere(given);
  const others = !given || local ? undefined : refuserOfOthersUrls(world.folder, known)(given);
  if (others !== undefined) return others;
  if (local && secretsFile !== undefined) {
    const remedy = `the local run takes its secrets from ${known.devVars}: leave this option out`;
    return { fault: `--secrets-file ${secretsFile}: ${remedy}` };
  }
  const opened = local ? openLocal(world, known, given) : openDeployed(world, known, secretsFile);
  if (isFault(opened)) return opened;
  const { vars, secrets } = opened;
  return {
    ...opened,
    ...{ known, local, secretsFile },
    base: given ?? findBaseUrl(undefined, known.patterns, "--url", placeText(known)),
    words: secretPrefixesOf(vars["BUCKETS"]),
    healthToken: readToken(valuesOf(secrets), "HEALTH_TOKEN"),
  };
}

type Opened = Pick<Project, "config" | "configured" | "secrets"> & { readonly vars: Vars };

/** The configuration as the local run has it. The local S3 goes by the name of localhost. */
function openLocal({ folder }: World, known: EnvironmentConfig, url: string): Opened | ConfigFault {
  const { port } = new URL(url);
  const endpoint = `http://localhost${port && `:${port}`}/cdn-cgi/local/r2/s3`;
  const { run, config: configured, mistakes } = readLocal(folder, known, endpoint);
  const secrets = mergeSecrets([
    secretsIn(known.started, known.devVars),
    secretsIn(run.secrets, "the local run"),
  ]);
  if (configured === undefined) return configFault(withSources(mistakes, secrets));
  // Only now: the buckets of the local run would hide what is wrong with those of the configuration.
  const buckets = run.own ? {} : { BUCKETS: run.buckets };
  const store = { ...run.answers, [LOCAL_STORE]: r2StandIn(LOCAL_STORE) };
  const config = readConfig({ ...run.vars, ...buckets, ...store });
  if ("mistakes" in config) return configFault(withSources(config.mistakes, secrets));
  return { config, configured: configured.buckets, secrets, vars: run.vars };
}

/** Reads one environment as the local run has it. @returns without `config`, the mistakes are why */
export function readLocal(
  folder: string,
  known: EnvironmentConfig,
  endpoint: string,
): { run: LocalRun; config?: Config; mistakes: readonly FoundMistake[] } {
  const run = localRun(known, endpoint, readLocalKeys(folder));
  const config = readConfig(run.vars);
  if (!("mistakes" in config)) return { run, config, mistakes: [] };
  const { devVars, environment } = known;
  const mistakes = config.mistakes.map((mistake) => {
    return { ...localMistake(mistake, run.vars, devVars), environment };
  });
  return { run, mistakes };
}

function openDeployed(
  world: World,
  known: EnvironmentConfig,
  secretsFile: string | undefined,
): Opened | Fault | ConfigFault {
  const { deployed, started, local, secrets: required, devVars, environment } = known;
  const filed = secretsFile === undefined ? {} : readSecretsFile(world, secretsFile);
  if (isFault(filed)) return filed;
  const own = Object.entries(started).filter(
    ([name, value]) => local.has(name) && !isOfLocalKey(value) && !isLocalSigningKey(name, value),
  );
  const secrets = mergeSecrets([
    secretsIn(filed, secretsFile ?? ""),
    secretsIn(world.env, "the environment"),
    secretsIn(Object.fromEntries(own), devVars),
  ]);
  const { URL_SIGNING_KEYS } = valuesOf(secrets);
  const signing = URL_SIGNING_KEYS === undefined ? {} : { URL_SIGNING_KEYS };
  const vars = { ...placeholderSecrets(required), ...deployed, ...signing };
  const config = readConfig(vars);
  if (!("mistakes" in config)) return { config, configured: config.buckets, secrets, vars };
  const mistakes = config.mistakes.map((mistake) => ({ ...mistake, environment }));
  return configFault(withSources(mistakes, secrets));
}

/** Names where the secrets come from that are wrong. */
function withSources(mistakes: readonly FoundMistake[], secrets: Secrets): FoundMistake[] {
  return mistakes.map((mistake) => {
    const from = secrets.get(mistake.path)?.from;
    return from === undefined ? mistake : { ...mistake, from };
  });
}

/** Reads wrangler.toml, as if all secrets that it requires were set. */
export function readDeployed({
  deployed,
  secrets,
}: Pick<EnvironmentConfig, "deployed" | "secrets">) {
  return readConfig({ ...placeholderSecrets(secrets), ...deployed });
}

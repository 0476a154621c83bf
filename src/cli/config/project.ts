// Opens the project of this folder for a command: an environment as a deploy or as the local run has it, the
// secrets that this machine has, and where Vitrine is. Nothing is asked of any server.

import type { Bucket } from "../../worker/config/bucket.ts";
import { type Config, readConfig } from "../../worker/config/config.ts";
import { type BucketSlots, readToken } from "../../worker/config/read-secrets.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { type ConfigMistake, isRefusal } from "../../worker/http/refusal.ts";
import type { CommandFault, LocatedMistake, World } from "../command.ts";
import { isFault, isMistake } from "../command.ts";
import {
  mergeSecrets,
  placeholderSecrets,
  readSecretsFile,
  type Secrets,
  secretsIn,
  valuesOf,
} from "../secrets/secrets.ts";
import { chooseEnvironment, configFileText, findConfigFile } from "../wrangler/config-file.ts";
import { slotsIn } from "./buckets.ts";
import type { EnvironmentConfig } from "./environment-config.ts";
import { isEmptyTopLevel, noBucketsText, readEnvironment } from "./environment-config.ts";
import type { LocalRun } from "./local-run.ts";
import {
  isLocalSigningKey,
  isOfLocalKey,
  localRun,
  readLocalKeys,
  replacedVars,
} from "./local-run.ts";
import { configFault, localMistake, locateMistake } from "./mistakes.ts";
import { createUrlCheck, findBaseUrl, hostOf, isHere } from "./site-url.ts";

export type Project = {
  readonly config: Config;
  /** The buckets as wrangler.toml or .dev.vars has them. In `config`, the local run has replaced them. */
  readonly tomlBuckets: readonly Bucket[];
  readonly envConfig: EnvironmentConfig;
  /** Whether this is the project of the local run, which `npx vitrine dev` starts on this machine. */
  readonly isLocalRun: boolean;
  /** Where Vitrine is, without a slash at the end: `--url`, else the first domain of wrangler.toml. `""`: the page's host. */
  readonly baseUrl: string | CommandFault;
  readonly secrets: Secrets;
  /** The file that `--secrets-file` names: its secrets are those that are deployed, or will be. */
  readonly secretsFile: string | undefined;
  readonly healthToken: string | undefined;
};

export function usesLocalS3({ isLocalRun, envConfig }: Project): boolean {
  return isLocalRun && !envConfig.devVarNames.has("BUCKETS");
}

/** The bucket as wrangler.toml or .dev.vars has it, also in the local run. */
export function configuredBucket({ tomlBuckets }: Project, bucket: Bucket): Bucket {
  return tomlBuckets.find(({ name }) => name === bucket.name) ?? bucket;
}

/** A bucket as the Worker has it: the Worker reads an R2 bucket by its binding, in the local run, too. */
export function bucketOfWorker(project: Project, bucket: Bucket): Bucket {
  const configured = configuredBucket(project, bucket);
  return configured.r2 ? configured : bucket;
}

export function slotsAtHand({ secrets }: Project, bucket: Bucket): BucketSlots {
  return slotsIn(valuesOf(secrets), bucket);
}

/**
 * What gives a variable its value: `.dev.vars.staging`, or `env.staging of wrangler.toml`. The local run alone reads
 * .dev.vars.
 */
export function sourceOfVariable(
  { isLocalRun, envConfig }: Pick<Project, "isLocalRun" | "envConfig">,
  variable: string,
): string {
  const isLocal = isLocalRun && envConfig.devVarNames.has(variable);
  return isLocal ? envConfig.devVars : configFileText(envConfig);
}

export type OpenOptions = {
  /** `--env`. Without it, CLOUDFLARE_ENV says the environment. */
  readonly env?: string | undefined;
  /** `--url`. If it names this machine, the project is the local run's. */
  readonly url?: string | undefined;
  /** `--secrets-file`. Its secrets win over those of the environment and .dev.vars. */
  readonly secretsFile?: string | undefined;
};

export type ProjectSite = Project & { readonly baseUrl: string };

/** Opens the project for a command that sends requests to Vitrine, and only to that of its environment. */
export function openProjectSite(world: World, options: OpenOptions): ProjectSite | CommandFault {
  const project = openProject(world, options);
  if (isFault(project)) return project;
  const { baseUrl, envConfig, isLocalRun } = project;
  if (baseUrl === "")
    return { fault: '--url "": say where Vitrine is, https://images.example.com' };
  if (isFault(baseUrl)) return baseUrl;
  const { origin, pathname } = new URL(baseUrl);
  if (pathname !== "/") return { fault: `--url ${baseUrl}: name the site alone: --url ${origin}` };

  // A token may be sent to this URL: the routes must prove that this Vitrine is there.
  const foreign = isLocalRun
    ? undefined
    : createUrlCheck(world.folder, envConfig, "token")(baseUrl);
  return foreign ?? { ...project, baseUrl };
}

/** The known hosts of this Vitrine, and a function that refuses a URL of another environment. */
export type OwnUrls = ReturnType<typeof ownUrlsOf>;

export function ownUrlsOf(folder: string, { baseUrl, envConfig }: Project) {
  const ownHosts = isFault(baseUrl) || baseUrl === "" ? [] : [hostOf(baseUrl)];
  const hosts = [...new Set([...ownHosts, ...envConfig.patterns.map(hostOf)])];
  return { hosts, refuse: createUrlCheck(folder, envConfig, "object") };
}

/**
 * A secret is taken from the named file, else from the environment, else from .dev.vars, unless it opens
 * nothing but the local run. The local run takes its secrets from .dev.vars alone.
 */
export function openProject(world: World, options: OpenOptions): Project | CommandFault {
  const { url, secretsFile } = options;
  const optionUrl = url === undefined ? undefined : findBaseUrl(url, [], "--url");
  if (isFault(optionUrl)) return optionUrl;

  const file = findConfigFile(world.folder);
  if (isFault(file)) return file;
  const envConfig = readEnvironment(world.folder, chooseEnvironment(world, options.env));
  if (isMistake(envConfig)) return configFault([envConfig]);
  if (isEmptyTopLevel(envConfig)) return { fault: noBucketsText(envConfig) };

  const { devVars, patterns } = envConfig;
  const isLocalRun = optionUrl !== undefined && isHere(optionUrl);
  if (optionUrl && !isLocalRun) {
    const foreign = createUrlCheck(world.folder, envConfig, "base")(optionUrl);
    if (foreign) return foreign;
  }
  if (isLocalRun && secretsFile !== undefined) {
    const remedy = `the local run takes its secrets from ${devVars}: leave this option out`;
    return { fault: `--secrets-file ${secretsFile}: ${remedy}` };
  }

  const run = isLocalRun ? readLocalRun(optionUrl, world.folder, envConfig) : undefined;
  const sources = run
    ? [secretsIn(envConfig.localVars, devVars), secretsIn(run.secrets, "the local run")]
    : deployedSecrets(world, envConfig, secretsFile);
  if (isFault(sources)) return sources;
  const secrets = mergeSecrets(sources);

  const vars = run?.vars ?? readDeployedVars(envConfig, secrets);
  const written = readConfig(vars);
  if (isRefusal(written)) {
    return configFault(locateMistakes(written.mistakes, envConfig, secrets, run));
  }

  // Only now: what the local run replaces would hide what is wrong with the configuration.
  const config = run ? readConfig({ ...vars, ...replacedVars(run) }) : written;
  if (isRefusal(config)) {
    return configFault(locateMistakes(config.mistakes, envConfig, secrets, run));
  }

  return {
    ...{ config, tomlBuckets: written.buckets, secrets, envConfig, isLocalRun, secretsFile },
    baseUrl: optionUrl ?? findBaseUrl(undefined, patterns, "--url", configFileText(envConfig)),
    healthToken: readToken(valuesOf(secrets), "HEALTH_TOKEN"),
  };
}

/** The local run at a URL. The local S3 goes by the name of localhost. */
function readLocalRun(url: string, folder: string, config: EnvironmentConfig): LocalRun {
  const { port } = new URL(url);
  const endpoint = `http://localhost${port && `:${port}`}/cdn-cgi/local/r2/s3`;
  return localRun(config, endpoint, readLocalKeys(folder));
}

function deployedSecrets(
  world: World,
  { localVars, devVarNames, devVars }: EnvironmentConfig,
  file: string | undefined,
): readonly Secrets[] | CommandFault {
  const fileSecrets = file === undefined ? {} : readSecretsFile(world, file);
  if (isFault(fileSecrets)) return fileSecrets;
  const ownSecrets = Object.entries(localVars).filter(
    ([name, value]) =>
      devVarNames.has(name) && !isOfLocalKey(value) && !isLocalSigningKey(name, value),
  );
  return [
    secretsIn(fileSecrets, file ?? ""),
    secretsIn(world.env, "the environment"),
    secretsIn(Object.fromEntries(ownSecrets), devVars),
  ];
}

/** The vars as a deploy has them, as if all secrets that it requires were set; signing keys, if they are at hand. */
function readDeployedVars(
  { deployedVars, requiredSecrets }: EnvironmentConfig,
  secrets: Secrets,
): Vars {
  const signing = secrets.get("URL_SIGNING_KEYS");
  return {
    ...{ ...placeholderSecrets(requiredSecrets), ...deployedVars },
    ...(signing && { URL_SIGNING_KEYS: signing.value }),
  };
}

function locateMistakes(
  mistakes: readonly ConfigMistake[],
  envConfig: EnvironmentConfig,
  secrets: Secrets,
  run: LocalRun | undefined,
): LocatedMistake[] {
  const { devVars, devVarNames } = envConfig;
  return mistakes.map((mistake) => {
    const [variable = ""] = mistake.path.split(/[.[]/, 1);
    const isLocal = run !== undefined && devVarNames.has(variable);
    const source = secrets.get(mistake.path)?.source ?? (isLocal ? devVars : undefined);
    const explained = run ? localMistake(mistake, run.vars, devVars) : mistake;
    return {
      ...locateMistake(envConfig, explained),
      ...(source !== undefined && { source }),
    };
  });
}

/** Reads wrangler.toml, as if all secrets that it requires were set. */
export function readDeployed({ deployedVars, requiredSecrets }: EnvironmentConfig) {
  return readConfig({ ...placeholderSecrets(requiredSecrets), ...deployedVars });
}

// Opens the project of this folder for a command. A project is one environment, as a deploy or as the local run has it,
// with the secrets of this machine and the URL of Vitrine. It sends no request.

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

/** The project of a command that sends requests to Vitrine. Its URL is certain: it is no fault and not empty. */
export type ProjectSite = Project & { readonly baseUrl: string };

export type OpenOptions = {
  /** `--env`. Without it, CLOUDFLARE_ENV says the environment. */
  readonly env?: string | undefined;
  /** `--url`. If it names this machine, the project is the local run's. */
  readonly url?: string | undefined;
  /** `--secrets-file`. Its secrets win over those of the environment and .dev.vars. */
  readonly secretsFile?: string | undefined;
};

/** Opens the project for a command that sends requests. It refuses the URL of another environment's Vitrine. */
export function openProjectSite(world: World, options: OpenOptions): ProjectSite | CommandFault {
  const project = openProject(world, options);
  if (isFault(project)) return project;

  const { baseUrl, envConfig, isLocalRun } = project;
  if (baseUrl === "") {
    return { fault: '--url "": say where Vitrine is, https://images.example.com' };
  }
  if (isFault(baseUrl)) return baseUrl;

  const { origin, pathname } = new URL(baseUrl);
  if (pathname !== "/") return { fault: `--url ${baseUrl}: name the site alone: --url ${origin}` };
  if (isLocalRun) return { ...project, baseUrl };

  // A token may be sent to this URL: the routes must prove that this Vitrine is there.
  const refuseUrl = createUrlCheck(world.folder, envConfig, "token");
  const fault = refuseUrl(baseUrl);
  return fault ?? { ...project, baseUrl };
}

/** Opens the project of the local run if `--url` names this machine, else that of a deploy. */
export function openProject(world: World, options: OpenOptions): Project | CommandFault {
  const { env, url, secretsFile } = options;
  const optionUrl = url === undefined ? undefined : findBaseUrl(url, [], "--url");
  if (isFault(optionUrl)) return optionUrl;

  const envConfig = readEnvConfig(world, env);
  if (isFault(envConfig)) return envConfig;

  if (optionUrl !== undefined && isHere(optionUrl)) {
    return openLocalProject(world, envConfig, optionUrl, secretsFile);
  }
  return openDeployedProject(world, envConfig, optionUrl, secretsFile);
}

function readEnvConfig(world: World, env: string | undefined): EnvironmentConfig | CommandFault {
  const file = findConfigFile(world.folder);
  if (isFault(file)) return file;

  const envConfig = readEnvironment(world.folder, chooseEnvironment(world, env));
  if (isMistake(envConfig)) return configFault([envConfig]);
  if (isEmptyTopLevel(envConfig)) return { fault: noBucketsText(envConfig) };
  return envConfig;
}

/** Opens the project of the local run. It takes its secrets from .dev.vars alone. */
function openLocalProject(
  world: World,
  envConfig: EnvironmentConfig,
  baseUrl: string,
  secretsFile: string | undefined,
): Project | CommandFault {
  const { devVars, localVars } = envConfig;
  if (secretsFile !== undefined) {
    return {
      fault: `--secrets-file ${secretsFile}: the local run takes its secrets from ${devVars}: leave this option out`,
    };
  }

  const run = localRun(envConfig, localEndpoint(baseUrl), readLocalKeys(world.folder));
  const devVarsSecrets = secretsIn(localVars, devVars);
  const secrets = mergeSecrets([devVarsSecrets, secretsIn(run.secrets, "the local run")]);

  // Read the written vars first: the local run's replacements would hide mistakes in them.
  const written = readConfig(run.vars);
  if (isRefusal(written)) return localConfigFault(written.mistakes, envConfig, secrets, run);

  const config = readConfig({ ...run.vars, ...replacedVars(run) });
  if (isRefusal(config)) return localConfigFault(config.mistakes, envConfig, secrets, run);

  return {
    config,
    tomlBuckets: written.buckets,
    envConfig,
    isLocalRun: true,
    baseUrl,
    secrets,
    secretsFile,
    healthToken: readToken(valuesOf(secrets), "HEALTH_TOKEN"),
  };
}

/** The local S3 of the local run at a URL. It goes by the name of localhost. */
function localEndpoint(baseUrl: string): string {
  const { port } = new URL(baseUrl);
  const host = port === "" ? "localhost" : `localhost:${port}`;
  return `http://${host}/cdn-cgi/local/r2/s3`;
}

/**
 * Opens the project that is deployed, or will be.
 * @param optionUrl undefined: the first domain of the configuration
 */
function openDeployedProject(
  world: World,
  envConfig: EnvironmentConfig,
  optionUrl: string | undefined,
  secretsFile: string | undefined,
): Project | CommandFault {
  if (optionUrl !== undefined && optionUrl !== "") {
    const refuseUrl = createUrlCheck(world.folder, envConfig, "base");
    const fault = refuseUrl(optionUrl);
    if (fault !== undefined) return fault;
  }

  const sources = readSecretSources(world, envConfig, secretsFile);
  if (isFault(sources)) return sources;
  const secrets = mergeSecrets(sources);

  const config = readConfig(varsAtHand(envConfig, secrets));
  if (isRefusal(config)) return deployedConfigFault(config.mistakes, envConfig, secrets);

  const { patterns } = envConfig;
  const configText = configFileText(envConfig);
  return {
    config,
    tomlBuckets: config.buckets,
    envConfig,
    isLocalRun: false,
    baseUrl: optionUrl ?? findBaseUrl(undefined, patterns, "--url", configText),
    secrets,
    secretsFile,
    healthToken: readToken(valuesOf(secrets), "HEALTH_TOKEN"),
  };
}

/** The secrets of the named file, then those of the environment, then those of .dev.vars that are not the local run's. */
function readSecretSources(
  world: World,
  envConfig: EnvironmentConfig,
  secretsFile: string | undefined,
): readonly Secrets[] | CommandFault {
  const sources: Secrets[] = [];
  if (secretsFile !== undefined) {
    const fileSecrets = readSecretsFile(world, secretsFile);
    if (isFault(fileSecrets)) return fileSecrets;
    sources.push(secretsIn(fileSecrets, secretsFile));
  }
  sources.push(secretsIn(world.env, "the environment"));

  const { localVars, devVarNames, devVars } = envConfig;
  const devVarsValues: Record<string, unknown> = {};
  for (const name of devVarNames) {
    const value = localVars[name];
    const isLocal = isOfLocalKey(value) || isLocalSigningKey(name, value);
    if (!isLocal) devVarsValues[name] = value;
  }
  sources.push(secretsIn(devVarsValues, devVars));
  return sources;
}

/** The vars as a deploy has them. Placeholders stand for required secrets; the signing keys are real if they are at hand. */
function varsAtHand(envConfig: EnvironmentConfig, secrets: Secrets): Vars {
  const { deployedVars, requiredSecrets } = envConfig;
  const vars = { ...placeholderSecrets(requiredSecrets), ...deployedVars };
  const signingKeys = secrets.get("URL_SIGNING_KEYS");
  if (signingKeys === undefined) return vars;
  return { ...vars, URL_SIGNING_KEYS: signingKeys.value };
}

/** Reads the vars of wrangler.toml, with placeholders for the required secrets. */
export function readDeployed({ deployedVars, requiredSecrets }: EnvironmentConfig) {
  return readConfig({ ...placeholderSecrets(requiredSecrets), ...deployedVars });
}

/** A mistake in a secret names where the secret is from. */
function deployedConfigFault(
  mistakes: readonly ConfigMistake[],
  envConfig: EnvironmentConfig,
  secrets: Secrets,
): CommandFault {
  const located = mistakes.map((mistake) => {
    const source = secrets.get(mistake.path)?.source;
    return withSource(locateMistake(envConfig, mistake), source);
  });
  return configFault(located);
}

/** A mistake names where the value is from: .dev.vars may replace a var, and give a secret. */
function localConfigFault(
  mistakes: readonly ConfigMistake[],
  envConfig: EnvironmentConfig,
  secrets: Secrets,
  run: LocalRun,
): CommandFault {
  const { devVars, devVarNames } = envConfig;
  const located = mistakes.map((mistake) => {
    const [variable = ""] = mistake.path.split(/[.[]/, 1);
    const varSource = devVarNames.has(variable) ? devVars : undefined;
    const secretSource = secrets.get(mistake.path)?.source;

    const explained = localMistake(mistake, run.vars, devVars);
    return withSource(locateMistake(envConfig, explained), secretSource ?? varSource);
  });
  return configFault(located);
}

function withSource(mistake: LocatedMistake, source: string | undefined): LocatedMistake {
  return source === undefined ? mistake : { ...mistake, source };
}

export function usesLocalS3({
  isLocalRun,
  envConfig,
}: Pick<Project, "isLocalRun" | "envConfig">): boolean {
  return isLocalRun && !envConfig.devVarNames.has("BUCKETS");
}

/** The bucket as wrangler.toml or .dev.vars has it, also in the local run. */
export function configuredBucket({ tomlBuckets }: Project, bucket: Bucket): Bucket {
  const tomlBucket = tomlBuckets.find(({ name }) => name === bucket.name);
  return tomlBucket ?? bucket;
}

/** A bucket as the Worker has it: the Worker reads an R2 bucket by its binding, in the local run, too. */
export function bucketOfWorker(project: Project, bucket: Bucket): Bucket {
  const tomlBucket = configuredBucket(project, bucket);
  return tomlBucket.r2 === undefined ? bucket : tomlBucket;
}

/** The keys of a bucket that this machine has. */
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
  if (isLocalRun && envConfig.devVarNames.has(variable)) return envConfig.devVars;
  return configFileText(envConfig);
}

export type OwnUrls = {
  /** The known hosts of this Vitrine. */
  readonly hosts: readonly string[];
  /** Refuses a URL of another environment. */
  readonly refuse: (url: string) => CommandFault | undefined;
};

export function ownUrlsOf(folder: string, { baseUrl, envConfig }: Project): OwnUrls {
  const hosts = new Set<string>();
  if (!isFault(baseUrl) && baseUrl !== "") hosts.add(hostOf(baseUrl));
  for (const pattern of envConfig.patterns) hosts.add(hostOf(pattern));

  return { hosts: [...hosts], refuse: createUrlCheck(folder, envConfig, "object") };
}

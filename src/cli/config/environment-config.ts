// The configuration and .dev.vars of one environment, as wrangler itself reads them. Nothing is judged here.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Unstable_Config as Config, Unstable_RawConfig as RawConfig } from "wrangler";
import { isSecret } from "../../worker/config/read-secrets.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { hasProperty, tableOf } from "../../worker/util/json.ts";
import { isFault, isMistake, type LocatedMistake } from "../command.ts";
import { type ConfigFile, findConfigFile } from "../wrangler/config-file.ts";
import { loadWrangler } from "../wrangler/packages.ts";
import { exposedSecret, VARIABLES } from "./mistakes.ts";

type Wrangler = typeof import("wrangler");

/** The configuration of a Worker that is deployed from this folder, and of the local run. */
export type EnvironmentConfig = ConfigFile & {
  readonly wrangler: Config;
  readonly main: string | undefined;
  readonly worker: string | undefined;
  /** The vars that a deploy takes: those of the file, and stand-ins for its bindings. */
  readonly deployedVars: Vars;
  /** The vars that the local run takes: the deployed ones, with what .dev.vars replaces and adds. */
  readonly localVars: Vars;
  /** The names that .dev.vars gives a value. */
  readonly devVarNames: ReadonlySet<string>;
  /** The names that `[secrets] required` lists. */
  readonly requiredSecrets: readonly string[];
  readonly images: string | undefined;
  /** The R2 buckets that are bound. For a binding without a bucket's name, a deploy makes the bucket. */
  readonly r2Buckets: readonly R2Binding[];
  readonly workersDev: boolean;
  readonly compatibilityDate: string | undefined;
  /** The dataset of METRICS. Without a name in the file, Cloudflare uses the binding's name. */
  readonly dataset: string | undefined;
  /** The domains and routes that a deploy takes: `images.example.com`, `images.example.com/*`. */
  readonly patterns: readonly string[];
  readonly customDomains: readonly string[];
};

export type R2Binding = {
  readonly binding: string;
  readonly bucket_name?: string | undefined;
  readonly jurisdiction?: string | undefined;
};

/** The file as it is written. */
export type RawFile = {
  readonly file: string;
  readonly rawConfig: RawConfig;
  readonly environments: readonly string[];
};

/** Reads the file as it is written, without any check of it. */
export function readRawFile(folder: string): RawFile | LocatedMistake {
  const file = findConfigFile(folder);
  if (isFault(file)) {
    const remedy = "write one wrangler.toml, into the folder where vitrine runs";
    return { path: "wrangler.toml", message: file.fault, remedy };
  }

  const wrangler = loadWrangler();
  if (isFault(wrangler)) {
    return { path: file, message: wrangler.fault, remedy: "" };
  }

  try {
    const { rawConfig } = wrangler.experimental_readRawConfig({ config: join(folder, file) });
    const environments = Object.keys(tableOf(rawConfig.env));
    return { file, rawConfig, environments };
  } catch (error) {
    return mistakeOf(error, file);
  }
}

/**
 * Reads one environment of the configuration, and .dev.vars. wrangler's warnings are not shown: a deploy shows them.
 * @param environment undefined: the top level, whatever CLOUDFLARE_ENV says
 * @returns a mistake if it cannot be read
 */
export function readEnvironment(
  folder: string,
  environment?: string,
): EnvironmentConfig | LocatedMistake {
  const raw = readRawFile(folder);
  if (isMistake(raw)) return raw;

  const { file, environments } = raw;
  const wrangler = loadWrangler();
  if (isFault(wrangler)) return { path: file, message: wrangler.fault };

  const nameMistake = checkEnvironmentName(raw, environment);
  if (nameMistake !== undefined) return nameMistake;

  // wrangler cannot read an environment that has a required secret among its vars.
  const [exposed] = exposedSecrets(raw, environment);
  if (exposed !== undefined) return exposed;

  try {
    // An empty `env` is the top level, also if CLOUDFLARE_ENV names an environment (S6).
    const options = { config: join(folder, file), env: environment ?? "" };
    const config = wrangler.unstable_readConfig(options, { hideWarnings: true });

    const devVars = devVarsOf(folder, environment);
    return describeConfig(wrangler, config, { file, environment, environments, devVars });
  } catch (error) {
    return mistakeOf(error, file);
  }
}

function checkEnvironmentName(
  { file, environments }: RawFile,
  environment: string | undefined,
): LocatedMistake | undefined {
  if (environment === undefined) return undefined;

  // If the file has no environments at all, wrangler would use the top level without an error.
  if (!environments.includes(environment)) {
    const hasNone = environments.length === 0;
    const names = hasNone ? "none" : environments.join(", ");
    const message = `has no environment "${environment}". It has ${names}`;
    const remedy = hasNone ? "leave --env out" : "name one of these, or leave --env out";
    return { path: file, message, remedy };
  }

  // The name becomes a part of names of files: .dev.vars.example is another file, which git has.
  if (environment === "example" || /[^\w-]/.test(environment)) {
    return {
      path: `env.${environment}`,
      message: "is no name of letters, digits, - and _ for an environment, or is example",
    };
  }
  return undefined;
}

/** Finds secrets whose values are in the file as vars, although `[secrets]` lists them as required. */
export function exposedSecrets(
  { file, rawConfig, environments }: RawFile,
  environment: string | undefined,
): LocatedMistake[] {
  const rawTables = environment === undefined ? rawConfig : tableOf(rawConfig.env)[environment];
  const tables = tableOf({ ...Object(rawTables) });
  const vars = tableOf(tables["vars"]);
  const required = [tableOf(tables["secrets"])["required"]].flat();

  const mistakes: LocatedMistake[] = [];
  for (const name of required.map(String)) {
    if (!isSecret(name) || !Object.hasOwn(vars, name)) continue;
    mistakes.push(exposedSecret({ file, environment, environments }, vars, name));
  }
  return mistakes;
}

/** Reads the other environments, the top level among them, as far as they can be read. */
export function readOthers(
  folder: string,
  { environment, environments }: EnvironmentConfig,
): EnvironmentConfig[] {
  const others: EnvironmentConfig[] = [];
  for (const name of [undefined, ...environments]) {
    if (name === environment) continue;

    const config = readEnvironment(folder, name);
    if (!isMistake(config)) others.push(config);
  }
  return others;
}

function describeConfig(
  wrangler: Wrangler,
  config: Config,
  configFile: ConfigFile,
): EnvironmentConfig {
  const deployedVars = { ...standIns(config), ...config.vars };
  const devVars = readDevVars(wrangler, config, configFile);
  const secretVars = devVars.filter(({ type }) => type === "secret_text");

  const routes = routesIn(config);
  const customDomains = routes.filter((route) => route.custom_domain === true);

  return {
    ...configFile,
    wrangler: config,
    main: config.main,
    worker: config.name,
    deployedVars,
    localVars: { ...deployedVars, ...valuesOf(devVars) },
    devVarNames: new Set(secretVars.map(({ name }) => name)),
    requiredSecrets: config.secrets?.required ?? [],
    images: config.images?.binding,
    r2Buckets: config.r2_buckets,
    workersDev: config.workers_dev !== false || config.preview_urls !== false,
    compatibilityDate: config.compatibility_date,
    dataset: datasetIn(config),
    patterns: routes.map(({ pattern }) => pattern),
    customDomains: customDomains.map(({ pattern }) => pattern),
  };
}

type WranglerRoute = { readonly pattern: string; readonly custom_domain?: boolean };

function routesIn({ routes, route }: Config): readonly WranglerRoute[] {
  const list = routes ?? (route === undefined ? [] : [route]);
  return list.map((item) => (typeof item === "string" ? { pattern: item } : item));
}

function datasetIn({ analytics_engine_datasets }: Config): string | undefined {
  const metrics = analytics_engine_datasets.find(({ binding }) => binding === "METRICS");
  return metrics?.dataset ?? metrics?.binding;
}

type DevVar = { readonly name: string; readonly type: string; readonly value?: unknown };

function valuesOf(devVars: readonly DevVar[]): Vars {
  return Object.fromEntries(devVars.map(({ name, value }) => [name, value]));
}

/** The vars as the local run has them. .dev.vars.example has its secrets empty: they are left out. */
function readDevVars(wrangler: Wrangler, config: Config, configFile: ConfigFile): DevVar[] {
  // Without that file wrangler takes the secrets of .env and of the shell. The local run makes one.
  const devVarsFile = join(config.configPath ?? "", "..", configFile.devVars);
  if (!existsSync(devVarsFile)) return [];

  // wrangler dev leaves out what is not required (S2); the local run does not.
  const { environment } = configFile;
  const devVars = new Map<string, DevVar>();
  for (const devVar of varsForDev(wrangler, config, environment, config.secrets)) {
    devVars.set(devVar.name, devVar);
  }
  for (const devVar of varsForDev(wrangler, config, environment, undefined)) {
    const { name } = devVar;
    if (isSecret(name) || name === "EDGE") devVars.set(name, devVar);
  }

  return [...devVars.values()].filter(({ name, value }) => !isSecret(name) || value !== "");
}

/**
 * The vars that `wrangler dev` gives a Worker.
 * @param required the secrets to take from .dev.vars; undefined: all of them
 */
function varsForDev(
  { unstable_getVarsForDev }: Wrangler,
  { configPath, vars }: Config,
  environment: string | undefined,
  required: Config["secrets"],
): DevVar[] {
  const bindings = unstable_getVarsForDev(configPath, undefined, vars, environment, true, required);
  return Object.entries(bindings).map(([name, binding]) => ({ name, ...binding }));
}

/** The name of .dev.vars of an environment. wrangler reads its own file or the common one, never both. */
export function devVarsOf(folder: string, environment: string | undefined): string {
  if (environment === undefined) return ".dev.vars";
  const environmentFile = `.dev.vars.${environment}`;
  return existsSync(join(folder, environmentFile)) ? environmentFile : ".dev.vars";
}

/** wrangler's error as a mistake on one line. A syntax error has a line and a column of the file. */
function mistakeOf(error: unknown, file: string): LocatedMistake {
  if (!(error instanceof Error)) throw error;

  const location = hasProperty(error, "location") ? error.location : undefined;
  const { line, column } = tableOf(location);
  if (line !== undefined) return { path: `${file}:${line}:${column}`, message: error.message };

  // The first line names the file, and the next ones are a list.
  const lines = error.message.split("\n").map((text) => text.trim().replace(/^- /, ""));
  const reasons = lines.filter(
    (text) => text !== "" && !/^Processing .* configuration:$/.test(text),
  );
  return { path: file, message: reasons.join(" ") };
}

/** Stand-ins for the bindings of an environment, by name: `readConfig` checks that they have a binding's methods. */
function standIns({ images, r2_buckets, secrets_store_secrets }: Config): Vars {
  const vars: Record<string, unknown> = {};
  if (images !== undefined) vars[images.binding] = standIn(images.binding, ["input", "info"]);
  for (const { binding } of r2_buckets) vars[binding] = r2StandIn(binding);

  // `readConfig` reports that such a binding is no secret.
  for (const { binding } of secrets_store_secrets) vars[binding] = standIn(binding, ["get"]);
  return vars;
}

/** An R2 bucket, in the form that r2Schema and storeSchema check. */
export function r2StandIn(binding: string): object {
  return standIn(binding, ["get", "head", "put", "delete", "list"]);
}

/** Stands in for a binding. Each has an object of its own: a store may not be the bucket of originals. */
function standIn(binding: string, methods: readonly string[]): object {
  const fail = () => {
    throw new Error(`${binding}: only a deployed Worker can call a binding`);
  };
  return Object.fromEntries(methods.map((method) => [method, fail]));
}

/**
 * Returns whether the top level only holds what its environments inherit. If so, there is nothing to deploy from it,
 * and no domain that a deploy by mistake would take away. A stray var there is a mistake all the same.
 */
export function isEmptyTopLevel(config: EnvironmentConfig): boolean {
  const { environment, environments, patterns, wrangler } = config;
  if (environment !== undefined || environments.length === 0) return false;
  if (patterns.length > 0) return false;
  return !VARIABLES.some((name) => name in wrangler.vars);
}

export function noBucketsText({ file, environments }: EnvironmentConfig): string {
  const options = environments.map((name) => `--env ${name}`).join(" or ");
  return `the top level of ${file} has no BUCKETS, so there is nothing to deploy from it: use ${options}`;
}

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

/** What a Worker sees that is deployed from this folder, and one that is started in it. */
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
  /** The dataset of METRICS, which Cloudflare calls like the binding if it has no name. */
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

type RawFile = {
  readonly file: string;
  readonly rawConfig: RawConfig;
  readonly environments: readonly string[];
};

/** Reads the file as it is written, without any check of it. */
export function readRawFile(folder: string): RawFile | LocatedMistake {
  const file = findConfigFile(folder);
  if (isFault(file)) return { path: "wrangler.toml", message: file.fault };
  const wrangler = loadWrangler();
  if (isFault(wrangler)) return { path: file, message: wrangler.fault };

  try {
    const { rawConfig } = wrangler.experimental_readRawConfig({ config: join(folder, file) });
    return { file, rawConfig, environments: Object.keys(tableOf(rawConfig.env)) };
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

  // wrangler takes the top level instead if the file has no environments at all.
  if (environment !== undefined && !environments.includes(environment)) {
    const message = `has no environment "${environment}". It has ${environments.join(", ") || "none"}`;
    return { path: file, message };
  }
  // The name becomes a part of names of files: .dev.vars.example is another file, which git has.
  if (environment === "example" || /[^\w-]/.test(environment ?? "")) {
    const message = "is no name of letters, digits, - and _ for an environment, or is example";
    return { path: `env.${environment}`, message };
  }

  const configFile = { file, environment, environments, devVars: devVarsOf(folder, environment) };
  const [exposed] = exposedSecrets(raw, environment);
  if (exposed !== undefined) return exposed;

  try {
    // An empty `env` is the top level, also if CLOUDFLARE_ENV names an environment (S6).
    const options = { config: join(folder, file), env: environment ?? "" };
    const config = wrangler.unstable_readConfig(options, { hideWarnings: true });
    return { ...configFile, ...readDetails(wrangler, config, configFile) };
  } catch (error) {
    return mistakeOf(error, file);
  }
}

/**
 * Finds the secrets that are vars, and that `[secrets]` requires, too. wrangler cannot read an environment with one, so
 * `readEnvironment` returns the first of them.
 */
export function exposedSecrets(
  { file, rawConfig, environments }: RawFile,
  environment: string | undefined,
): LocatedMistake[] {
  const tables = environment === undefined ? rawConfig : tableOf(rawConfig.env)[environment];
  const { vars, secrets } = tableOf({ ...Object(tables) });
  const required = [tableOf(secrets)["required"]].flat().map(String);
  const names = required.filter((name) => isSecret(name) && Object.hasOwn(tableOf(vars), name));
  return names.map((name) =>
    exposedSecret({ file, environment, environments }, tableOf(vars), name),
  );
}

/** Reads the other environments, the top level among them, as far as they can be read. */
export function readOthers(
  folder: string,
  { environment, environments }: EnvironmentConfig,
): EnvironmentConfig[] {
  const names = [undefined, ...environments].filter((name) => name !== environment);
  return names.flatMap((name) => {
    const config = readEnvironment(folder, name);
    return isMistake(config) ? [] : [config];
  });
}

function readDetails(wrangler: Wrangler, config: Config, configFile: ConfigFile) {
  const vars = { ...standIns(config), ...config.vars };
  const devVars = readDevVars(wrangler, config, configFile);
  const routes = (config.routes ?? (config.route ? [config.route] : [])).map((route) =>
    typeof route === "string" ? { pattern: route } : route,
  );
  const metrics = config.analytics_engine_datasets.find(({ binding }) => binding === "METRICS");
  return {
    wrangler: config,
    ...{ main: config.main, worker: config.name, images: config.images?.binding },
    deployedVars: vars,
    localVars: {
      ...vars,
      ...Object.fromEntries(devVars.map(([name, { value }]) => [name, value])),
    },
    devVarNames: new Set(
      devVars.flatMap(([name, { type }]) => (type === "secret_text" ? [name] : [])),
    ),
    requiredSecrets: config.secrets?.required ?? [],
    r2Buckets: config.r2_buckets,
    compatibilityDate: config.compatibility_date,
    dataset: metrics && (metrics.dataset ?? metrics.binding),
    workersDev: config.workers_dev !== false || config.preview_urls !== false,
    patterns: routes.map(({ pattern }) => pattern),
    customDomains: routes.flatMap((route) =>
      hasProperty(route, "custom_domain") && route.custom_domain ? [route.pattern] : [],
    ),
  };
}

type DevVars = readonly (readonly [string, { readonly type: string; readonly value?: unknown }])[];

/** The vars as the local run has them. .dev.vars.example has its secrets empty: they are left out. */
function readDevVars(
  { unstable_getVarsForDev }: Wrangler,
  { configPath, vars, secrets }: Config,
  { devVars, environment }: ConfigFile,
): DevVars {
  // Without that file wrangler takes the secrets of .env and of the shell. The local run makes one.
  if (!existsSync(join(configPath ?? "", "..", devVars))) return [];

  const readRequired = (required: typeof secrets): DevVars =>
    Object.entries(
      unstable_getVarsForDev(configPath, undefined, vars, environment, true, required),
    );
  // wrangler dev leaves out what is not required (S2); the local run does not.
  const optional = readRequired(undefined).filter(([name]) => isSecret(name) || name === "EDGE");
  const all = new Map([...readRequired(secrets), ...optional]);

  return [...all].filter(([name, { value }]) => !isSecret(name) || value !== "");
}

/** The name of .dev.vars of an environment. wrangler reads its own file or the common one, never both. */
export function devVarsOf(folder: string, environment: string | undefined): string {
  const ownFile = `.dev.vars.${environment}`;
  return environment !== undefined && existsSync(join(folder, ownFile)) ? ownFile : ".dev.vars";
}

/** What wrangler says, on one line, and where in the file if that cannot be read at all. */
function mistakeOf(error: unknown, file: string): LocatedMistake {
  if (!(error instanceof Error)) throw error;
  const location = hasProperty(error, "location") ? error.location : undefined;
  const { line, column } = tableOf(location);
  if (line !== undefined) return { path: `${file}:${line}:${column}`, message: error.message };

  const lines = error.message.split("\n").map((line) => line.trim().replace(/^- /, ""));
  const isReason = (line: string) => line && !/^Processing .* configuration:$/.test(line);
  return { path: file, message: lines.filter(isReason).join(" ") };
}

/** Stands in for a binding. Each has an object of its own: a store may not be the bucket of originals. */
function standIn(binding: string, methods: readonly string[]): [binding: string, object] {
  const fail = () => {
    throw new Error(`${binding}: only a deployed Worker can call a binding`);
  };
  return [binding, Object.fromEntries(methods.map((method) => [method, fail]))];
}

/** An R2 bucket, in the form that r2Schema and storeSchema check. */
export function r2StandIn(binding: string): object {
  return standIn(binding, ["get", "head", "put", "delete", "list"])[1];
}

/** The bindings of an environment by their names, as `readConfig` wants them. */
function standIns({ images, r2_buckets, secrets_store_secrets }: Config): Vars {
  return Object.fromEntries([
    ...(images === undefined ? [] : [standIn(images.binding, ["input", "info"])]),
    ...r2_buckets.map(({ binding }) => [binding, r2StandIn(binding)]),
    // `readConfig` reports that such a binding is no secret.
    ...secrets_store_secrets.map(({ binding }) => standIn(binding, ["get"])),
  ]);
}

/**
 * Returns whether the top level only holds what its environments inherit. If so, there is nothing to deploy from it,
 * and no domain that a deploy by mistake would take away. A stray var there is a mistake all the same.
 */
export function isEmptyTopLevel(config: EnvironmentConfig): boolean {
  const { environment, environments, patterns, wrangler } = config;
  if (environment !== undefined || environments.length === 0 || patterns.length > 0) return false;
  return !VARIABLES.some((name) => name in wrangler.vars);
}

export function noBucketsText({ file, environments }: EnvironmentConfig): string {
  const names = environments.map((name) => `--env ${name}`).join(" or ");
  return `the top level of ${file} has no BUCKETS, so there is nothing to deploy from it: use ${names}`;
}

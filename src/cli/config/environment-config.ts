// The configuration and .dev.vars of one environment, as wrangler itself reads them.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import { isSecret } from "../../worker/config/read-secrets.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { type Fault, isFault } from "../command.ts";
import { findConfigFile, type Place } from "../wrangler/config-file.ts";
import { loadWrangler } from "../wrangler/packages.ts";
import { type FoundMistake, foundText } from "./mistakes.ts";

/** What the configuration says of Workers Cache, in front of the entrypoints (W1), in one environment. */
export type CacheSettings = {
  /** Whether there is a cache in front of an entrypoint that says nothing itself. */
  readonly enabled: boolean;
  /** Whether renditions stay after a deploy (W4). */
  readonly crossVersion: boolean;
  /** The entrypoints under [exports]. */
  readonly entrypoints: readonly Entrypoint[];
  /** Whether this environment has its own table of them. */
  readonly isOwn: boolean;
  /** The reason, if the Worker cannot call its own entrypoints (W15). */
  readonly unreachable: string | undefined;
};

type Entrypoint = {
  readonly name: string;
  readonly type: string;
  /** undefined: as `enabled` */
  readonly cached: boolean | undefined;
};

/** What a Worker sees that is deployed from this folder, and one that is started in it. */
export type KnownVars = Place & {
  /** The keys that this environment sets itself. It inherits others. */
  readonly own: ReadonlySet<string>;
  /** The path of the file that a deploy uploads. */
  readonly main: string | undefined;
  /** The name of the Worker in this environment. */
  readonly worker: string | undefined;
  /** The vars of the file, and stand-ins for its bindings. */
  readonly deployed: Vars;
  /** The same, with what .dev.vars replaces and adds. */
  readonly started: Vars;
  /** The names that .dev.vars gives a value. */
  readonly local: ReadonlySet<string>;
  /** The names that `[secrets] required` lists. */
  readonly secrets: readonly string[];
  readonly limiters: readonly {
    readonly name: string;
    readonly namespace_id: string;
    readonly simple: { readonly limit: number; readonly period: number };
  }[];
  /** The name of the Images binding, if there is one. */
  readonly images: string | undefined;
  /** The R2 buckets that are bound. Without a name of its own, one is made by a deploy. */
  readonly r2Buckets: readonly R2Binding[];
  /** The datasets of Analytics Engine. Without a name of its own, one is called like its binding. */
  readonly datasets: readonly { readonly binding: string; readonly dataset?: string }[];
  /** Whether a deploy would also serve from a workers.dev address. */
  readonly workersDev: boolean;
  /** Cloudflare's cache in front of the Worker's entrypoints. */
  readonly cache: CacheSettings;
  /** The domains and routes that it deploys to: `images.example.com`, `images.example.com/*`. */
  readonly patterns: readonly string[];
  /** Those of them that are custom domains. */
  readonly customDomains: readonly string[];
};

export type R2Binding = {
  readonly binding: string;
  readonly bucket_name?: string;
  readonly jurisdiction?: string;
  /** Whether `wrangler dev` uses the bucket of the account. */
  readonly remote?: boolean;
};

/** A table of the configuration, or a string of JSON in .dev.vars. */
export function tableOf(value: unknown): Readonly<Record<string, unknown>> {
  const table = parseJson(value);
  return isPlainObject(table) ? table : {};
}

type Zoned = {
  readonly pattern: string;
  readonly custom_domain?: boolean;
};
type Route = string | Zoned;

export type Unreadable = Fault & { readonly mistake: FoundMistake };

/** Reads the other environments, the top level among them, as far as they can be read. */
export function readOthers(folder: string, { environment, environments }: KnownVars): KnownVars[] {
  const names = [undefined, ...environments].filter((name) => name !== environment);
  return names.flatMap((name) => {
    const known = readVars(folder, name, "quiet");
    return isFault(known) ? [] : [known];
  });
}

/**
 * Reads one environment of the configuration, and .dev.vars, as wrangler does.
 * @param environment undefined: the top level, whatever CLOUDFLARE_ENV says
 * @param quiet hides wrangler's warnings, where another call shows them
 */
export function readVars(
  folder: string,
  environment?: string,
  quiet?: "quiet",
): KnownVars | Unreadable {
  const file = findConfigFile(folder);
  if (isFault(file)) return unreadable({ path: "wrangler.toml", message: file.fault });
  const wrangler = loadWrangler();
  if (isFault(wrangler)) return unreadable({ path: file, message: wrangler.fault });
  try {
    const { rawConfig } = wrangler.experimental_readRawConfig({ config: join(folder, file) });
    const environments = Object.keys(tableOf(rawConfig.env));
    const message = environmentFault(environment, environments);
    if (message !== undefined) return unreadable({ path: file, message });
    const own = environment === undefined ? rawConfig : tableOf(rawConfig.env)[environment];
    const keys = new Set(Object.keys(tableOf(own)));
    // An empty `env` is the top level, also if CLOUDFLARE_ENV names an environment (S6).
    const options = { config: join(folder, file), env: environment ?? "" };
    const config = wrangler.unstable_readConfig(options, { hideWarnings: quiet === "quiet" });
    const { configPath, main, vars, secrets } = config;
    const devVars = devVarsOf(folder, environment);
    // Without that file wrangler takes the secrets of .env and of the shell. The local run makes one.
    const has = existsSync(join(folder, devVars));
    const read = (required: typeof secrets) =>
      has
        ? wrangler.unstable_getVarsForDev(configPath, undefined, vars, environment, true, required)
        : {};
    // wrangler dev leaves out what is not required (S2); the local run does not.
    const optional = Object.entries(read(undefined)).filter(
      ([name]) => isSecret(name) || name === "EDGE",
    );
    const all = [...Object.entries(read(secrets)), ...optional];
    // .dev.vars.example has its secrets empty.
    const found = all.filter(([name, { value }]) => value !== "" || !isSecret(name));
    const routes = routesOf(config);
    const images = config.images?.binding;
    const r2Buckets = config.r2_buckets;
    const bindings = standIns({ images, r2Buckets }, config.secrets_store_secrets);
    return {
      ...{ file, environment, environments, worker: config.name },
      own: keys,
      main,
      devVars,
      deployed: { ...bindings, ...vars },
      started: {
        ...bindings,
        ...vars,
        ...Object.fromEntries(found.map(([name, { value }]) => [name, value])),
      },
      local: new Set(found.filter(([, { type }]) => type === "secret_text").map(([name]) => name)),
      secrets: secrets?.required ?? [],
      ...{ images, r2Buckets },
      limiters: config.ratelimits ?? [],
      datasets: config.analytics_engine_datasets,
      workersDev: config.workers_dev !== false || config.preview_urls !== false,
      cache: readCacheSettings(config, environment !== undefined && keys.has("exports")),
      patterns: routes.map(({ pattern }) => pattern),
      customDomains: routes.filter((one) => one.custom_domain).map(({ pattern }) => pattern),
    };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return unreadable(mistakeOf(error, file));
  }
}

/** The routes of a deploy: `route` counts only if there are no `routes`. */
function routesOf({ route, routes }: { route?: Route; routes?: readonly Route[] }): Zoned[] {
  const given = routes ?? (route ? [route] : []);
  return given.map((one) => (typeof one === "string" ? { pattern: one } : one));
}

/** What wrangler says, on one line, and where in the file if that cannot be read at all. */
function mistakeOf(error: Error, file: string): FoundMistake {
  const place = "location" in error && isPlainObject(error.location) ? error.location : {};
  if ("line" in place) {
    return { path: file, at: `${place["line"]}:${place["column"]}`, message: error.message };
  }
  const lines = error.message.split("\n").map((line) => line.trim().replace(/^- /, ""));
  const said = lines.filter((line) => line !== "" && !/^Processing .* configuration:$/.test(line));
  return { path: file, message: said.join(" ") };
}

function unreadable(mistake: FoundMistake): Unreadable {
  return { fault: foundText(mistake), mistake };
}

function environmentFault(
  environment: string | undefined,
  environments: readonly string[],
): string | undefined {
  if (environment === undefined) return undefined;
  if (!environments.includes(environment)) {
    // wrangler takes the top level instead if the file has no environments at all.
    return `has no environment "${environment}". It has ${environments.join(", ") || "none"}`;
  }
  // It becomes a part of the names of the Worker and of files.
  const isName = /^[\w-]+$/.test(environment);
  if (!isName) return `env.${environment}: is not a name of letters, digits, - and _`;
  if (environment !== "example") return undefined;
  return "env.example: would keep its secrets in .dev.vars.example, which git keeps: choose another name";
}

/** The name of .dev.vars of an environment. wrangler reads its own file or the common one, never both. */
export function devVarsOf(folder: string, environment: string | undefined): string {
  const own = `.dev.vars.${environment}`;
  return environment !== undefined && existsSync(join(folder, own)) ? own : ".dev.vars";
}

const made = new WeakSet<object>();

/** Each binding has one of its own: a store may not be the bucket of originals. */
function standIn(binding: string, ...methods: readonly string[]): object {
  const calls = methods.map((name) => [name, () => fail(`${binding}.${name}`)]);
  const object: object = Object.fromEntries(calls);
  made.add(object);
  return object;
}

/** An R2 bucket, in the form that r2Schema and storeSchema check. */
export function r2StandIn(binding: string): object {
  return standIn(binding, "get", "head", "put", "delete", "list");
}

/** The bindings of an environment by their names, as `readConfig` wants them. */
export function standIns(
  { images, r2Buckets }: Pick<KnownVars, "images" | "r2Buckets">,
  storedSecrets: readonly { readonly binding: string }[],
): Vars {
  return {
    ...(images !== undefined && { [images]: standIn(images, "input", "info") }),
    ...Object.fromEntries(r2Buckets.map(({ binding }) => [binding, r2StandIn(binding)])),
    // `readConfig` says that it is no secret.
    ...Object.fromEntries(storedSecrets.map(({ binding }) => [binding, standIn(binding, "get")])),
  };
}

/** The names of the vars, without those of bindings. */
export function varNames(vars: Vars): string[] {
  return Object.keys(vars).filter((name) => {
    const value = vars[name];
    return typeof value !== "object" || value === null || !made.has(value);
  });
}

function fail(what: string): never {
  throw new Error(`${what}: this machine has no binding. Only a deployed Worker can call one`);
}

/**
 * Returns whether the top level only holds what its environments inherit. Then there is nothing to deploy
 * from it, and no domain that a deploy by mistake would take away.
 */
export function isCarrier({ environment, environments, deployed, patterns }: KnownVars): boolean {
  const isEmpty = varNames(deployed).length === 0 && patterns.length === 0;
  return environment === undefined && environments.length > 0 && isEmpty;
}

/** Why nothing can be done with such a top level. */
export function carrierText({ file, environments }: KnownVars): string {
  const names = environments.map((name) => `--env ${name}`).join(" or ");
  return `the top level of ${file} has no vars, so there is nothing to deploy from it: use ${names}`;
}

/** What of wrangler's configuration is about that cache. */
type Configured = {
  readonly cache?: { readonly enabled: boolean; readonly cross_version_cache?: boolean };
  readonly exports: Readonly<
    Record<string, { readonly type: string; readonly cache?: { readonly enabled: boolean } }>
  >;
  readonly compatibility_date?: string | undefined;
  readonly compatibility_flags: readonly string[];
};

/** @param isOwn whether this environment has its own [exports] */
export function readCacheSettings(config: Configured, isOwn: boolean): CacheSettings {
  return {
    enabled: config.cache?.enabled === true,
    crossVersion: config.cache?.cross_version_cache === true,
    entrypoints: Object.entries(config.exports).map(([name, { type, cache }]) => {
      return { name, type, cached: cache?.enabled };
    }),
    isOwn,
    unreachable: unreachableBy(config),
  };
}

const FIRST_DATE = "2025-11-17"; // W15

/** wrangler itself asks for a date where there is none. */
function unreachableBy({ compatibility_date: date, compatibility_flags: flags }: Configured) {
  const isEarly = date !== undefined && date < FIRST_DATE;
  if (!isEarly || flags.includes("enable_ctx_exports")) return undefined;
  return `compatibility_date is ${date}, before ${FIRST_DATE}`;
}

// The configuration and .dev.vars of one environment, read by wrangler itself.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { isPlainObject } from "../../worker/base/json.ts";
import { isSecret } from "../../worker/config/read-secrets.ts";
import { type Fault, isFault } from "../command.ts";
import { loadWrangler } from "../wrangler/load-wrangler.ts";
import { hostOf } from "./base-url.ts";
import { readCacheSettings } from "./cache-settings.ts";
import { type FoundMistake, foundText } from "./config-fault.ts";
import { findConfigFile } from "./config-file.ts";
import { type KnownVars, tableOf } from "./known-vars.ts";
import { standIns } from "./stand-ins.ts";

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
      domains: routes.map(({ pattern }) => ({ host: hostOf(pattern) })),
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

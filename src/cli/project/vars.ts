// wrangler.toml and .dev.vars, read by wrangler itself.

import { join } from "node:path";
import { isTable } from "../../worker/base/json.ts";
import { isSecret } from "../../worker/config/secret-names.ts";
import type { Fault } from "../command.ts";
import { hostOf } from "./base-url.ts";
import { type FoundMistake, foundText } from "./config-fault.ts";
import type { KnownVars } from "./known-vars.ts";
import { loadWrangler } from "./wrangler.ts";

export type Unreadable = Fault & { readonly mistake: FoundMistake };

/** Reads wrangler.toml and .dev.vars of a folder as wrangler does. */
export function readVars(folder = "."): KnownVars | Unreadable {
  const wrangler = loadWrangler();
  try {
    const config = wrangler.unstable_readConfig({ config: join(folder, "wrangler.toml") });
    const { configPath, vars, secrets } = config;
    const read = (required: typeof secrets) =>
      wrangler.unstable_getVarsForDev(configPath, undefined, vars, undefined, true, required);
    // wrangler dev leaves out secrets that are not required (S2); `npm start` does not.
    const optional = Object.entries(read(undefined)).filter(([name]) => isSecret(name));
    const found = [...Object.entries(read(secrets)), ...optional];
    const routes = [
      ...(config.routes ?? []),
      ...(config.route === undefined ? [] : [config.route]),
    ].map((route) => (typeof route === "string" ? { pattern: route } : route));
    const stores: readonly { binding: string }[] = config.secrets_store_secrets;
    return {
      deployed: vars,
      started: Object.fromEntries(found.map(([name, { value }]) => [name, value])),
      local: new Set(found.filter(([, { type }]) => type === "secret_text").map(([name]) => name)),
      secrets: secrets?.required ?? [],
      stored: stores.map(({ binding }) => binding),
      limiters: config.ratelimits ?? [],
      workersDev: config.workers_dev !== false || config.preview_urls !== false,
      cached: config.cache?.enabled === true,
      patterns: routes.map(({ pattern }) => pattern),
      domains: routes.map(({ pattern, ...zone }) => ({
        host: hostOf(pattern),
        zoneId: "zone_id" in zone ? zone.zone_id : undefined,
        zoneName: "zone_name" in zone ? zone.zone_name : undefined,
      })),
    };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const place = "location" in error && isTable(error.location) ? error.location : {};
    const mistake = {
      path: "wrangler.toml",
      ...("line" in place && { at: `${place["line"]}:${place["column"]}` }),
      message: error.message,
    };
    return { fault: foundText(mistake), mistake };
  }
}

// Reads the project's configuration as `vitrine check` does, by the project's wrangler. It is loaded only for a file, so a
// test that passes vars needs no wrangler.

import { basename, dirname, resolve } from "node:path";
import { isFault, isMistake } from "../cli/command.ts";
import { checkEnvironments } from "../cli/config/check-environments.ts";
import { isEmptyTopLevel, readEnvironment } from "../cli/config/environment-config.ts";
import { configFault } from "../cli/config/mistakes.ts";
import { findConfigFile } from "../cli/wrangler/config-file.ts";
import { loadWrangler } from "../cli/wrangler/packages.ts";
import type { Setup } from "./setup.ts";

/** @throws {TypeError} with all mistakes, as `vitrine check` prints them */
export function readProject(path: string, environment: string | undefined, now: number): Setup {
  const folder = dirname(resolve(path));
  const file = findConfigFile(folder);
  if (isFault(file)) throw new TypeError(`createVitrine: config: ${path}: ${file.fault}`);
  if (file !== basename(path)) {
    throw new TypeError(`createVitrine: config: there is no ${path}: that folder has ${file}`);
  }

  const wrangler = loadWrangler();
  if (isFault(wrangler)) {
    throw new TypeError(
      `createVitrine: config: ${wrangler.fault}. Or pass vars in place of config`,
    );
  }

  const config = readEnvironment(folder, environment);
  const reports = checkEnvironments(folder, environment ?? "", now);
  const mistakes = reports.flatMap((report) => report.mistakes);
  if (mistakes.length > 0) throw new TypeError(configFault(mistakes).fault);
  if (isMistake(config)) throw new TypeError(configFault([config]).fault);

  if (isEmptyTopLevel(config)) {
    const names = config.environments.map((name) => JSON.stringify(name)).join(" or ");
    throw new TypeError(
      `createVitrine: the top level of ${file} has no BUCKETS: pass environment: ${names}`,
    );
  }

  const { wrangler: settings, patterns } = config;
  const [pattern] = patterns;
  const consumer = settings.queues.consumers?.[0];
  const producer = settings.queues.producers?.find(({ binding }) => binding === "EVENTS");
  const limiter = settings.ratelimits?.find(({ name }) => name === "RATE_LIMITER");
  return {
    vars: settings.vars,
    r2Buckets: settings.r2_buckets.map(({ binding, bucket_name: name }) => ({ binding, name })),
    host: pattern?.replace(/\/.*$/s, "").replace(/^\*\.?/, ""),
    hasConsumer: consumer !== undefined,
    hasProducer: producer !== undefined,
    limit: limiter?.simple,
  };
}

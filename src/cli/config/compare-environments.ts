// Compares an environment with the others of the same file (S6): what it inherits or repeats belongs to two Workers. Pure.

import type { ConfigMistake } from "../../worker/http/refusal.ts";
import { tableOf } from "../../worker/util/json.ts";
import { environmentText } from "../wrangler/config-file.ts";
import type { EnvironmentConfig } from "./environment-config.ts";
import type { Warning } from "./mistakes.ts";
import { sharedPattern } from "./site-url.ts";

/** @param otherConfigs the environments to compare with, the top level among them */
export function* environmentMistakes(
  config: EnvironmentConfig,
  otherConfigs: readonly EnvironmentConfig[],
): Generator<ConfigMistake> {
  yield* storeMistakes(config, otherConfigs);
  for (const { environment, worker, patterns } of otherConfigs) {
    const owner = environmentText(environment);
    if (worker !== undefined && worker === config.worker) {
      const message = `is that of ${owner}, too: a deploy would replace that Worker`;
      yield { path: "name", message };
    }
    const pattern = sharedPattern(config.patterns, patterns);
    if (pattern === undefined) continue;
    const harm = "The last deploy would take it away from the other: give each its own";
    const message = `${pattern} is a route of ${owner}, too, perhaps inherited. ${harm}`;
    yield { path: "routes", message };
  }
}

/** Roles that two environments share: who may deploy the one can read the bucket of the other. */
export function* environmentWarnings(
  config: EnvironmentConfig,
  otherConfigs: readonly EnvironmentConfig[],
): Generator<Warning> {
  for (const otherConfig of otherConfigs) {
    const otherRoles = bucketsIn(otherConfig).map(([, { role }]) => role);
    for (const [bucket, { role }] of bucketsIn(config)) {
      if (role === undefined || !otherRoles.includes(role)) continue;
      const owner = environmentText(otherConfig.environment);
      const harm = "who deploys one environment can read the bucket of the other";
      const message = `the role ${role} of BUCKETS.${bucket} is that of ${owner}, too: ${harm}`;
      yield { message, remedy: "make a role for each: docs/keyless.md, “Two environments”" };
    }
  }
}

function bucketsIn({ deployed }: EnvironmentConfig) {
  return Object.entries(tableOf(deployed["BUCKETS"])).map(
    ([name, settings]) => [name, tableOf(settings)] as const,
  );
}

const STORE = "ANSWERS.store";

/** The bindings. A deploy makes a bucket that has no name, and names it by the Worker and the binding (T9). */
export function nameR2Buckets({ r2Buckets, worker }: EnvironmentConfig) {
  return r2Buckets.map(({ binding, bucket_name: name }) => {
    const generated = `${worker}-${binding.toLowerCase().replaceAll("_", "-")}`;
    return { binding, bucket_name: name ?? generated };
  });
}

/** Every use of a bucket of R2, by a binding or by S3's API, and the bucket's name. */
function usesOf(config: EnvironmentConfig): readonly { path: string; bucket: string }[] {
  const { store } = tableOf(config.deployed["ANSWERS"]);
  const bound = nameR2Buckets(config).map(({ binding, bucket_name: bucket }) => {
    return { path: binding === store ? STORE : binding, bucket };
  });
  const origins = bucketsIn(config).flatMap(([name, { endpoint, bucket }]) => {
    const isR2 = URL.parse(`${endpoint}`)?.hostname.endsWith(".r2.cloudflarestorage.com");
    return isR2 ? [{ path: `BUCKETS.${name}`, bucket: `${bucket}` }] : [];
  });
  return [...bound, ...origins];
}

/** The store's bucket is nothing else's: its names could be originals there, and two Workers would write into it. */
function* storeMistakes(
  config: EnvironmentConfig,
  otherConfigs: readonly EnvironmentConfig[],
): Generator<ConfigMistake> {
  for (const { path, bucket } of usesOf(config)) {
    for (const otherConfig of [config, ...otherConfigs]) {
      const owner = otherConfig === config ? "" : ` of ${environmentText(otherConfig.environment)}`;
      for (const use of usesOf(otherConfig)) {
        const isStores = path === STORE || (otherConfig !== config && use.path === STORE);
        const isItself = otherConfig === config && use.path === path;
        if (use.bucket !== bucket || !isStores || isItself) continue;
        const message = `has the bucket ${bucket}, as ${use.path}${owner} has: use another one`;
        yield { path, message };
      }
    }
  }
}

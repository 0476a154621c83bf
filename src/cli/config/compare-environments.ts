// Compares an environment with the others: what two have in common belongs to two Workers (S6). Nothing is sent.

import type { ConfigMistake } from "../../worker/http/refusal.ts";
import { tableOf } from "../../worker/util/json.ts";
import { environmentText } from "../wrangler/config-file.ts";
import { type EnvironmentConfig, isEmptyTopLevel } from "./environment-config.ts";
import { nameR2Buckets, sharedQueueMistakes } from "./event-queue.ts";
import type { Warning } from "./mistakes.ts";
import { routeMistakes } from "./route-conflicts.ts";
import { sharedTokenWarnings } from "./token-warnings.ts";

/** @param otherConfigs the environments to compare with, the top level among them */
export function* environmentMistakes(
  config: EnvironmentConfig,
  otherConfigs: readonly EnvironmentConfig[],
): Generator<ConfigMistake> {
  yield* storeMistakes(config, otherConfigs);
  for (const otherConfig of otherConfigs) {
    const { environment, worker } = otherConfig;
    if (worker !== undefined && worker === config.worker) {
      const message = `is that of ${environmentText(environment)}, too: a deploy would replace that Worker`;
      yield { path: "name", message };
    }
    yield* routeMistakes(config, otherConfig);
    yield* sharedQueueMistakes(config, otherConfig, environmentText(otherConfig.environment));
  }
}

/** What two environments share, so that the one can read or change what belongs to the other. */
export function* environmentWarnings(
  config: EnvironmentConfig,
  otherConfigs: readonly EnvironmentConfig[],
): Generator<Warning> {
  for (const otherConfig of otherConfigs) {
    yield* roleWarnings(config, otherConfig);
    yield* bucketWarnings(config, otherConfig);
    yield* datasetWarnings(config, otherConfig);
    yield* sharedTokenWarnings(config, otherConfig);
  }
}

/** Roles that two environments share: who may deploy the one can read the bucket of the other. */
function* roleWarnings(
  config: EnvironmentConfig,
  otherConfig: EnvironmentConfig,
): Generator<Warning> {
  const otherRoles = bucketsIn(otherConfig).map(([, { role }]) => role);
  for (const [bucket, { role }] of bucketsIn(config)) {
    if (role === undefined || !otherRoles.includes(role)) continue;
    const owner = environmentText(otherConfig.environment);
    const harm = "who deploys one environment can read the bucket of the other";
    const message = `the role ${role} of BUCKETS.${bucket} is that of ${owner}, too: ${harm}`;
    yield { message, remedy: "make a role for each: docs/keyless.md, “Two environments”" };
  }
}

/** Buckets that two environments share: who tries something in staging tries it with production's originals. */
function* bucketWarnings(
  config: EnvironmentConfig,
  otherConfig: EnvironmentConfig,
): Generator<Warning> {
  const otherIds = new Set(originsOf(otherConfig).map(({ id }) => id));
  for (const { name, bucket, id } of originsOf(config)) {
    if (!otherIds.has(id)) continue;
    const owner = environmentText(otherConfig.environment);
    const harm =
      "What is replaced or deleted for one is for both, and the key of each opens the originals of the other";
    const message = `BUCKETS.${name} has the bucket ${bucket}, as ${owner} has. ${harm}`;
    yield { message, remedy: "use a bucket for each: docs/environments.md" };
  }
}

/** Metrics that one environment lacks, because it inherits no binding, or that nobody can tell from the other's. */
function* datasetWarnings(
  { dataset }: EnvironmentConfig,
  otherConfig: EnvironmentConfig,
): Generator<Warning> {
  if (otherConfig.dataset === undefined) return;

  const owner = environmentText(otherConfig.environment);
  if (dataset === undefined && otherConfig.environment === undefined) {
    const message = `${owner} has METRICS, which an environment does not inherit: nothing is measured here`;
    const remedy =
      "write [[analytics_engine_datasets]] with a dataset of its own, or take METRICS out";
    yield { message, remedy };
  }
  if (dataset === otherConfig.dataset && !isEmptyTopLevel(otherConfig)) {
    const message = `METRICS has the dataset ${dataset} of ${owner}: nothing tells their numbers apart`;
    yield { message, remedy: "use a dataset for each: docs/metrics.md" };
  }
}

type Origin = {
  /** The name in the configuration. */
  readonly name: string;
  /** The name at the provider. */
  readonly bucket: string;
  /** The same for the same bucket, however it is addressed: names of AWS and of an account of R2 are unique. */
  readonly id: string;
};

/** The buckets of originals, as far as their provider and name are known. */
function originsOf(config: EnvironmentConfig): Origin[] {
  const bound = nameR2Buckets(config);
  return bucketsIn(config).flatMap(([name, settings]) => {
    const binding = bound.find((candidate) => candidate.binding === settings["binding"]);
    const bucket = binding?.bucket_name ?? settings["bucket"];
    if (typeof bucket !== "string") return [];

    if (binding !== undefined) {
      const account = config.wrangler.account_id ?? "the account of wrangler";
      return [{ name, bucket, id: `R2 ${account} ${bucket}` }];
    }

    const hostname = URL.parse(`${settings["endpoint"]}`)?.hostname;
    return hostname === undefined
      ? []
      : [{ name, bucket, id: `${providerOf(hostname)} ${bucket}` }];
  });
}

/** What the name of a bucket is unique in. */
function providerOf(hostname: string): string {
  const [account] = hostname.split(".");
  if (hostname.endsWith(R2_DOMAIN)) return `R2 ${account}`;
  return /\.amazonaws\.com(?:\.cn)?$/.test(hostname) ? "AWS" : hostname;
}

const R2_DOMAIN = ".r2.cloudflarestorage.com";

function bucketsIn({ deployedVars }: EnvironmentConfig) {
  return Object.entries(tableOf(deployedVars["BUCKETS"])).map(
    ([name, settings]) => [name, tableOf(settings)] as const,
  );
}

const STORE = "ANSWERS.store";

/** Every use of a bucket of R2, by a binding or by S3's API, and the bucket's name. */
function usesOf(config: EnvironmentConfig): readonly { path: string; bucket: string }[] {
  const { store } = tableOf(config.deployedVars["ANSWERS"]);
  const bound = nameR2Buckets(config).map(({ binding, bucket_name: bucket }) => {
    return { path: binding === store ? STORE : binding, bucket };
  });
  const origins = bucketsIn(config).flatMap(([name, { endpoint, bucket }]) => {
    const isR2 = URL.parse(`${endpoint}`)?.hostname.endsWith(R2_DOMAIN);
    return isR2 ? [{ path: `BUCKETS.${name}`, bucket: `${bucket}` }] : [];
  });
  return [...bound, ...origins];
}

/** Nothing else may use the store's bucket: keys of both could be equal, and two Workers would write into it. */
function* storeMistakes(
  config: EnvironmentConfig,
  otherConfigs: readonly EnvironmentConfig[],
): Generator<ConfigMistake> {
  for (const { path, bucket } of usesOf(config)) {
    for (const otherConfig of [config, ...otherConfigs]) {
      const owner = otherConfig === config ? "" : ` of ${environmentText(otherConfig.environment)}`;
      for (const use of usesOf(otherConfig)) {
        const isOfStore = path === STORE || (otherConfig !== config && use.path === STORE);
        const isSameUse = otherConfig === config && use.path === path;
        if (use.bucket !== bucket || !isOfStore || isSameUse) continue;
        const message = `has the bucket ${bucket}, as ${use.path}${owner} has: use another one`;
        yield { path, message };
      }
    }
  }
}

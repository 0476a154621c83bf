// Compares an environment with the others, and reports what two of them share: two Workers would then use it (S6).
// It sends no request. Codes such as S6 are rules of docs/rules.md.

import type { ConfigMistake } from "../../worker/http/refusal.ts";
import { tableOf } from "../../worker/util/json.ts";
import { page } from "../command.ts";
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
  yield* ownStoreMistakes(config);
  for (const otherConfig of otherConfigs) yield* sharedStoreMistakes(config, otherConfig);

  for (const otherConfig of otherConfigs) {
    const { environment, worker } = otherConfig;
    const owner = environmentText(environment);
    if (worker !== undefined && worker === config.worker) {
      const message = `is that of ${owner}, too: a deploy would replace that Worker`;
      yield { path: "name", message };
    }

    yield* routeMistakes(config, otherConfig);
    yield* sharedQueueMistakes(config, otherConfig, owner);
  }
}

/** What two environments share, so that the one can read or change what belongs to the other. */
export function* environmentWarnings(
  config: EnvironmentConfig,
  otherConfigs: readonly EnvironmentConfig[],
): Generator<Warning> {
  for (const otherConfig of otherConfigs) {
    yield* roleWarnings(config, otherConfig);
    yield* sharedBucketWarnings(config, otherConfig);
    yield* datasetWarnings(config, otherConfig);
    yield* sharedTokenWarnings(config, otherConfig);
  }
}

/** Roles that two environments share: who may deploy the one can read the bucket of the other. */
function* roleWarnings(
  config: EnvironmentConfig,
  otherConfig: EnvironmentConfig,
): Generator<Warning> {
  const owner = environmentText(otherConfig.environment);
  const otherRoles = bucketsIn(otherConfig).map(({ settings }) => settings["role"]);

  for (const { name, settings } of bucketsIn(config)) {
    const { role } = settings;
    if (role === undefined || !otherRoles.includes(role)) continue;

    yield {
      path: `BUCKETS.${name}.role`,
      message: `the role ${role} of BUCKETS.${name} is that of ${owner}, too: who deploys one environment can read the bucket of the other`,
      remedy: `make a role for each: ${page("docs/keyless.md")}, “Two environments”`,
    };
  }
}

/** Buckets that two environments share: who tries something in staging tries it with production's originals. */
function* sharedBucketWarnings(
  config: EnvironmentConfig,
  otherConfig: EnvironmentConfig,
): Generator<Warning> {
  const owner = environmentText(otherConfig.environment);
  const otherIds = new Set(originsOf(otherConfig).map(({ id }) => id));

  for (const { name, bucket, id } of originsOf(config)) {
    if (!otherIds.has(id)) continue;

    yield {
      path: `BUCKETS.${name}.bucket`,
      message: `BUCKETS.${name} has the bucket ${bucket}, as ${owner} has. What is replaced or deleted for one is for both, and the key of each opens the originals of the other`,
      remedy: `use a bucket for each: ${page("docs/environments.md")}`,
    };
  }
}

/**
 * Two cases: this environment has no METRICS, because an environment inherits no binding; or it has the dataset of
 * another environment, so their numbers are mixed.
 */
function* datasetWarnings(
  { dataset }: EnvironmentConfig,
  otherConfig: EnvironmentConfig,
): Generator<Warning> {
  if (otherConfig.dataset === undefined) return;

  const owner = environmentText(otherConfig.environment);
  if (dataset === undefined && otherConfig.environment === undefined) {
    yield {
      path: "analytics_engine_datasets",
      message: `${owner} has METRICS, which an environment does not inherit: nothing is measured here`,
      remedy: "write [[analytics_engine_datasets]] with a dataset of its own, or take METRICS out",
    };
  }
  if (dataset === otherConfig.dataset && !isEmptyTopLevel(otherConfig)) {
    yield {
      path: "analytics_engine_datasets",
      message: `METRICS has the dataset ${dataset} of ${owner}: nothing tells their numbers apart`,
      remedy: `use a dataset for each: ${page("docs/metrics.md")}`,
    };
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
  const r2Buckets = nameR2Buckets(config);
  const account = config.wrangler.account_id ?? "the account of wrangler";
  const origins: Origin[] = [];

  for (const { name, settings } of bucketsIn(config)) {
    const { binding, bucket, endpoint } = settings;
    const bound = r2Buckets.find((r2Bucket) => r2Bucket.binding === binding);
    if (bound !== undefined) {
      const { bucket_name: bucketName } = bound;
      origins.push({ name, bucket: bucketName, id: `R2 ${account} ${bucketName}` });
      continue;
    }

    const hostname = URL.parse(`${endpoint}`)?.hostname;
    if (typeof bucket !== "string" || hostname === undefined) continue;
    origins.push({ name, bucket, id: `${providerOf(hostname)} ${bucket}` });
  }
  return origins;
}

const R2_DOMAIN = ".r2.cloudflarestorage.com";

/** What the name of a bucket is unique in. */
function providerOf(hostname: string): string {
  if (hostname.endsWith(R2_DOMAIN)) {
    const [account] = hostname.split(".");
    return `R2 ${account}`;
  }
  return /\.amazonaws\.com(?:\.cn)?$/.test(hostname) ? "AWS" : hostname;
}

type BucketSettings = {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
};

function bucketsIn({ deployedVars }: EnvironmentConfig): readonly BucketSettings[] {
  const tables = Object.entries(tableOf(deployedVars["BUCKETS"]));
  return tables.map(([name, settings]) => ({ name, settings: tableOf(settings) }));
}

const STORE = "ANSWERS.store";

/** A use of a bucket of R2, by a binding or by S3's API. */
type R2Use = {
  /** `ANSWERS.store`, a binding, or `BUCKETS.media`. */
  readonly path: string;
  readonly bucket: string;
};

function usesOf(config: EnvironmentConfig): readonly R2Use[] {
  const { store } = tableOf(config.deployedVars["ANSWERS"]);
  const uses: R2Use[] = [];

  for (const { binding, bucket_name: bucket } of nameR2Buckets(config)) {
    const path = binding === store ? STORE : binding;
    uses.push({ path, bucket });
  }

  for (const { name, settings } of bucketsIn(config)) {
    const hostname = URL.parse(`${settings["endpoint"]}`)?.hostname;
    if (hostname === undefined || !hostname.endsWith(R2_DOMAIN)) continue;
    uses.push({ path: `BUCKETS.${name}`, bucket: `${settings["bucket"]}` });
  }
  return uses;
}

/** Nothing else of the environment may use the store's bucket: keys of both could be equal. */
function* ownStoreMistakes(config: EnvironmentConfig): Generator<ConfigMistake> {
  const uses = usesOf(config);
  for (const { path, bucket } of uses) {
    if (path !== STORE) continue;

    for (const other of uses) {
      if (other.bucket !== bucket || other.path === STORE) continue;
      const message = `has the bucket ${bucket}, as ${other.path} has: use another one`;
      yield { path, message };
    }
  }
}

/** No other environment may use the store's bucket: two Workers would write into it. */
function* sharedStoreMistakes(
  config: EnvironmentConfig,
  otherConfig: EnvironmentConfig,
): Generator<ConfigMistake> {
  const owner = environmentText(otherConfig.environment);
  const otherUses = usesOf(otherConfig);

  for (const { path, bucket } of usesOf(config)) {
    for (const other of otherUses) {
      const isOfStore = path === STORE || other.path === STORE;
      if (other.bucket !== bucket || !isOfStore) continue;
      const message = `has the bucket ${bucket}, as ${other.path} of ${owner} has: use another one`;
      yield { path, message };
    }
  }
}

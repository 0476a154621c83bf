// Buckets of R2 that wrangler.toml names twice: as `bucket`, and as `bucket_name` of their binding. A Worker cannot see which
// bucket a binding opens, so it believes `bucket`. Where that is another one, two tables with one bucket are two buckets for
// it, and an open route may show everyone what a route with a token guards: only a command sees both names.

import type { Vars } from "../../worker/config/schema.ts";
import { writtenRoutes } from "../../worker/config/split-vars.ts";
import type { ConfigMistake } from "../../worker/http/refusal.ts";
import { tableOf } from "../../worker/util/json.ts";
import type { EnvironmentConfig } from "./environment-config.ts";
import { nameR2Buckets } from "./event-queue.ts";
import type { Warning } from "./mistakes.ts";

type NamedBindings = Pick<EnvironmentConfig, "r2Buckets" | "worker">;

/** A bucket with two names. */
type NameConflict = {
  /** `BUCKETS.media.bucket`. */
  readonly path: string;
  /** What the two names are, and where they stand. */
  readonly names: string;
  readonly remedy: string;
};

/**
 * Finds buckets with two names, if there is a route with a token.
 * @param vars as they are deployed, or as the local run has them
 */
export function* bucketNameMistakes(config: NamedBindings, vars: Vars): Generator<ConfigMistake> {
  if (!hasTokenRoute(vars)) return;

  for (const { path, names, remedy } of nameConflicts(config, vars)) {
    yield {
      path,
      message: `is ${names}: the Worker believes the first, so an open route may show what a route with a token guards: ${remedy}`,
    };
  }
}

/** Finds buckets with two names, where no token guards anything. */
export function* bucketNameWarnings(config: EnvironmentConfig): Generator<Warning> {
  const { deployedVars, wrangler } = config;

  // With a queue, there is a warning that such a bucket has no events.
  const { consumers = [] } = wrangler.queues;
  if (consumers.length > 0 || hasTokenRoute(deployedVars)) return;

  for (const { path, names, remedy } of nameConflicts(config, deployedVars)) {
    yield {
      path,
      message: `${path} is ${names}: the Worker takes it for another bucket`,
      remedy: `${remedy}. With another bucket, all its renditions are made once more`,
    };
  }
}

/** Reads the routes as they are written, so that no other mistake hides these. */
function hasTokenRoute(vars: Vars): boolean {
  return writtenRoutes(vars).some(({ value }) => tableOf(value)["token"] !== undefined);
}

function* nameConflicts(config: NamedBindings, vars: Vars): Generator<NameConflict> {
  const r2Buckets = nameR2Buckets(config);

  for (const [name, settings] of Object.entries(tableOf(vars["BUCKETS"]))) {
    const { binding, bucket } = tableOf(settings);
    const bound = r2Buckets.find((r2Bucket) => r2Bucket.binding === binding);
    if (bound === undefined || typeof bucket !== "string") continue;

    const { bucket_name: boundName } = bound;
    if (bucket === boundName) continue;

    const path = `BUCKETS.${name}.bucket`;
    const table = `[vars.BUCKETS.${name}]`;
    const isNameWritten = config.r2Buckets.some(
      (r2Bucket) => r2Bucket.binding === binding && r2Bucket.bucket_name !== undefined,
    );
    if (isNameWritten) {
      yield {
        path,
        names: `${bucket}, and bucket_name of its binding ${bound.binding} under [[r2_buckets]] is ${boundName}`,
        remedy: `write bucket = "${boundName}" in ${table}, or correct bucket_name`,
      };
    } else {
      yield {
        path,
        names: `${bucket}, and its binding ${bound.binding} under [[r2_buckets]] has no bucket_name, so that a deploy makes ${boundName}`,
        remedy: `write bucket = "${boundName}" in ${table}, or write bucket_name`,
      };
    }
  }
}

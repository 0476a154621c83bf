// Mistakes and warnings of one environment that neither wrangler nor the Worker finds: what does nothing, and what
// fails or costs only once it is deployed.

import { existsSync } from "node:fs";
import { findRoute } from "../../worker/config/compile-route.ts";
import type { Config } from "../../worker/config/config.ts";
import { isSecret } from "../../worker/config/read-secrets.ts";
import { type ConfigMistake, isRefusal } from "../../worker/http/refusal.ts";
import { bucketsOf, edgeBucketsOf } from "./buckets.ts";
import type { EnvironmentConfig } from "./environment-config.ts";
import { exposedSecret, VARIABLES, type Warning } from "./mistakes.ts";
import { matchRank } from "./site-url.ts";

export function* pitfalls(config: EnvironmentConfig): Generator<ConfigMistake> {
  yield* bindingMistakes(config);
  for (const path of config.secrets) {
    if (!isSecret(path) || !path.endsWith("_NEXT")) continue;
    const message = "is listed under [secrets]: a deploy would fail while that slot is empty";
    yield { path, message };
  }
  yield* varMistakes(config);
  yield* cacheMistakes(config);
  yield* mainMistakes(config);
}

/** Vars that do nothing, perhaps because their names are misspelt, and secrets among the vars. */
export function* varMistakes(config: EnvironmentConfig): Generator<ConfigMistake> {
  const { vars } = config.wrangler;
  for (const path of Object.keys(vars)) {
    if (isSecret(path)) yield exposedSecret(config, vars, path);
    else if (!VARIABLES.includes(path)) {
      const advice = /TOKEN|KEY|SECRET/.test(path) ? ": remove it, and revoke it if secret" : "";
      yield { path, message: `is none of ${VARIABLES.join(", ")}${advice}` };
    }
  }
}

/** The file of `main` that is not there. Without `main`, wrangler itself says what is missing. */
export function mainMistakes({ main }: Pick<EnvironmentConfig, "main">): ConfigMistake[] {
  if (main === undefined || existsSync(main)) return [];
  const remedy = 'write a file with the line: export { default, Renditions } from "vitrine";';
  return [{ path: "main", message: `is ${main}, which is not there: ${remedy}` }];
}

function* bindingMistakes({ wrangler, images }: EnvironmentConfig): Generator<ConfigMistake> {
  const { ratelimits = [], analytics_engine_datasets: datasets } = wrangler;
  const bindings = [
    ...ratelimits.map(({ name }) => ["ratelimits.name", name, "RATE_LIMITER"]),
    ...datasets.map(({ binding }) => ["analytics_engine_datasets.binding", binding, "METRICS"]),
    ["images.binding", images ?? "IMAGES", "IMAGES"],
  ] as const;
  for (const [path = "", name, usedName] of bindings) {
    if (name === usedName) continue;
    yield { path, message: `is ${name}, which the Worker does not use: call it ${usedName}` };
  }
}

/** The setting of Workers Cache for an entrypoint; undefined: the entrypoint has none, so `[cache]` counts. */
function cacheOf({ wrangler }: EnvironmentConfig, name: string): boolean | undefined {
  const entrypoint = wrangler.exports[name];
  return entrypoint?.type === "worker" ? entrypoint.cache?.enabled : undefined;
}

/** A cache in front of the entrypoint that checks visitors (W1, W2). */
function* cacheMistakes(config: EnvironmentConfig): Generator<ConfigMistake> {
  const cached = cacheOf(config, "default");
  if (!(cached ?? config.wrangler.cache?.enabled)) return;
  const state = cached === undefined ? "is missing" : "is true";
  const harm =
    "a cache in front of it answers without asking the Worker, so an expired signed URL and an image for some pages only are shown to anybody";
  const remedy = 'set it to false, and exports.default.type to "worker"';
  yield { path: "exports.default.cache.enabled", message: `${state}: ${harm}: ${remedy}` };
}

/** What may not work, or costs more, and does no harm. Warnings of deprecated settings belong here. */
export function* warnings(envConfig: EnvironmentConfig, config: Config): Generator<Warning> {
  const { cache } = envConfig.wrangler;
  const edgeBuckets = edgeBucketsOf(config.routes);
  if (envConfig.workersDev && edgeBuckets.length > 0) {
    const message = // R2
      "workers_dev or preview_urls is on: whether the edge transforms images there is not known, and visitors get 502 if not";
    const remedy = "set both to false, or check that address with npx vitrine doctor --url";
    yield { message, remedy };
  }
  // The top level may be only for the local run.
  if (envConfig.environment && envConfig.patterns.length === 0 && !envConfig.workersDev) {
    const message = "there are no routes, and workers_dev is false: nobody can reach this Worker";
    yield { message, remedy: "write routes with your domain: docs/deploy.md, step 1" };
  }
  const issuer = config.oidc?.issuer;
  if (issuer !== undefined && matchRank(new URL(issuer).hostname, envConfig) === 0) {
    const message = `OIDC.issuer is ${issuer}, which is no host of the routes: STS would not get this Worker's keys there`;
    yield { message, remedy: "use the host of a route of this environment" };
  }
  for (const { name, hasSourceParameter } of edgeBuckets) {
    if (hasSourceParameter) continue;
    // The edge knows a replaced object by the URL of the old one (A15, C1).
    const remedy =
      'remove it, and npx vitrine doctor asks S3 whether it can. Or set engine = "binding"';
    const message = `BUCKETS.${name}.source_parameter is false: a replaced object shows only after an hour, or when its cache-control is over. Until then, sizes that were not made before are refused`;
    yield { message, remedy };
  }
  yield* hiddenRouteWarnings(config);
  yield* folderWarnings(config);
  if (config.answers.keep === 0) return;
  if (!cache?.enabled || cacheOf(envConfig, "Renditions") === false) {
    const message =
      "the cache for Renditions is off: each data centre of Cloudflare makes every rendition anew";
    const remedy =
      "write [cache] and [exports] as docs/cache.md shows, or keep = 0 in [vars.ANSWERS] if that is meant";
    yield { message, remedy };
  } else if (!cache.cross_version_cache) {
    const message = // W4
      "cache.cross_version_cache is not true: every deploy and every wrangler secret put empties the cache";
    yield { message, remedy: "set it to true" };
  }
}

/** Finds routes that no URL reaches: an earlier one takes all of theirs, whatever their names and `*` stand for. */
function* hiddenRouteWarnings({ routes }: Config): Generator<Warning> {
  const any = "\u0001"; // no literal segment has this character
  for (const [index, { path }] of routes.entries()) {
    const url = path.replaceAll(/:\w+/g, any);
    const taken = [any, `${any}/`.repeat(99)].flatMap((rest) => {
      const match = findRoute(routes.slice(0, index), url.replace("*", rest));
      return isRefusal(match) ? [] : [match.route.path];
    });
    if (taken.length < 2) continue;
    const message = `ROUTES[${index}] (${path}) is never reached: ${taken[0]} before it takes all its URLs`;
    yield { message, remedy: "write the route with the longer path first" };
  }
}

/** Finds buckets with the name of a folder of keys: the name of a key there means another object (`parsePrefix`). */
function* folderWarnings({ buckets, routes }: Config): Generator<Warning> {
  const canaries = buckets.map(({ canary = "", prefix }) => canary.slice(prefix.length));
  const keys = [...canaries, ...routes.map(({ mapping }) => mapping.key.parts[0] ?? "")];
  for (const { name } of buckets.slice(0, buckets.length > 1 ? undefined : 0)) {
    if (!keys.some((key) => key.startsWith(`${name}/`))) continue;
    const message = `BUCKETS.${name} is called like a folder of keys: for commands and /purge, ${name}/fig.jpg is the object fig.jpg of that bucket`;
    yield { message, remedy: "call the bucket something else" };
  }
}

/** What works on a developer's machine, and fails once it is deployed. */
export function* deployMistakes({ routes, variants, oidc }: Config): Generator<ConfigMistake> {
  const message = "http:// is for your own machine only"; // E6
  if (oidc?.issuer.startsWith("http:")) yield { path: "OIDC.issuer", message };
  for (const { preset, image } of variants.values()) {
    for (const [index, { url }] of (image.draw ?? []).entries()) {
      if (url?.startsWith("http:")) yield { path: `PRESETS.${preset}.draw[${index}].url`, message };
    }
  }
  for (const { name, baseUrl, region } of bucketsOf(routes)) {
    const { protocol, hostname } = new URL(baseUrl);
    if (protocol === "http:") {
      yield { path: `BUCKETS.${name}.endpoint`, message: `${message}, in .dev.vars` };
    }
    const aws = /(?:^|\.)s3[.-]([a-z0-9-]+)\.amazonaws\.com$/.exec(hostname)?.[1];
    if (aws === undefined || aws === region) continue;
    const mistake = `is ${region}, but the endpoint is in ${aws}`; // A5
    yield { path: `BUCKETS.${name}.region`, message: mistake };
  }
}

// Mistakes and warnings of one environment that neither wrangler nor the Worker finds: what does nothing, and what
// fails or costs only once it is deployed.

import { existsSync } from "node:fs";
import { lifetimesOf } from "../../worker/config/answers.ts";
import { findRoute } from "../../worker/config/compile-route.ts";
import type { Config } from "../../worker/config/config.ts";
import { isSecret } from "../../worker/config/read-secrets.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { writtenPresets, writtenRoutes } from "../../worker/config/split-vars.ts";
import { type ConfigMistake, isRefusal } from "../../worker/http/refusal.ts";
import { tableOf } from "../../worker/util/json.ts";
import { runtimeDate } from "../wrangler/packages.ts";
import { edgeBucketsOf } from "./buckets.ts";
import type { EnvironmentConfig } from "./environment-config.ts";
import { exposedSecret, VARIABLES, type Warning } from "./mistakes.ts";
import { findMatch, hostOf } from "./site-url.ts";

/** @param now milliseconds since 1970 */
export function* pitfalls(config: EnvironmentConfig, now: number): Generator<ConfigMistake> {
  if (config.worker === undefined)
    yield { path: "name", message: 'is missing: write name = "vitrine"' };
  yield* dateMistakes(config, now);
  yield* domainMistakes(config);
  yield* bindingMistakes(config);
  for (const path of config.requiredSecrets) {
    if (!isSecret(path) || !path.endsWith("_NEXT")) continue;
    const message = "is listed under [secrets]: a deploy would fail while that slot is empty";
    yield { path, message };
  }
  yield* varMistakes(config);
  yield* cacheMistakes(config);
  yield* mainMistakes(config);
}

/** Before this date, a Worker has no `ctx.exports`, and so no cache (W15). */
const OLDEST_DATE = "2025-11-17";

/** A `compatibility_date` with which Cloudflare refuses a deploy, or that leaves the Worker without its cache. */
function* dateMistakes(
  { compatibilityDate: date }: EnvironmentConfig,
  now: number,
): Generator<ConfigMistake> {
  const path = "compatibility_date";
  const example = `compatibility_date = "${OLDEST_DATE}"`;
  if (date === undefined) {
    yield { path, message: `is missing: write ${example}, or a later one` };
    return;
  }

  if (!isDate(date)) {
    yield { path, message: `is "${date}", which is no date: write it as in ${example}` };
    return;
  }

  if (date < OLDEST_DATE) {
    const harm = "before 2025-11-17, a Worker cannot use Workers Cache";
    yield { path, message: `is ${date}: ${harm}: write ${example}, or a later one` };
  }

  const today = new Date(now).toISOString().slice(0, 10);
  if (date > today) {
    const reason = `is ${date}, which is in the future: Cloudflare refuses that`;
    yield { path, message: `${reason}: write compatibility_date = "${today}", or an earlier one` };
  }
}

/** Returns whether a text is a day of the calendar, such as 2026-11-01. */
function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** Custom domains that are written like routes: wrangler refuses them when it deploys. */
function* domainMistakes({ customDomains }: EnvironmentConfig): Generator<ConfigMistake> {
  for (const pattern of customDomains) {
    if (!/[*/]/.test(pattern)) continue;
    const host = hostOf(pattern);
    const remedy = host.includes("*")
      ? "leave custom_domain out, and write zone_name with your domain"
      : `write ${host}`;
    const message = `${pattern} is a custom domain, which is a host alone: ${remedy}`;
    yield { path: "routes", message };
  }
}

/** Vars that do nothing, perhaps because their names are misspelt, and secrets among the vars. */
export function* varMistakes(config: EnvironmentConfig): Generator<ConfigMistake> {
  const { vars } = config.wrangler;
  for (const path of Object.keys(vars)) {
    if (isSecret(path)) yield exposedSecret(config, vars, path);
    else if (path === "LOCAL_ISSUER") {
      const reason = "is set by the local run alone, so that it takes tokens of this machine";
      yield { path, message: `${reason}: remove it` };
    } else if (!VARIABLES.includes(path)) {
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
  const { compatibilityDate: date } = envConfig;
  const newest = runtimeDate();
  if (date !== undefined && newest !== undefined && date > newest) {
    const message = `compatibility_date is ${date}, and the installed wrangler runs npx vitrine dev as of ${newest}`;
    yield { message, remedy: "npm install --save-dev wrangler@latest, or write an earlier date" };
  }
  const issuer = config.oidc?.issuer;
  if (issuer !== undefined && findMatch(new URL(issuer).hostname, envConfig) === undefined) {
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
  yield* bucketWarnings(envConfig);
  yield* hiddenRouteWarnings(config);
  yield* folderWarnings(config);

  const isCached = config.routes.some(({ policy }) => lifetimesOf(policy, config.answers).keep > 0);
  if (!isCached) return;
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

/** Settings of a bucket that fit together and probably mean another object or host. */
function* bucketWarnings({ deployedVars }: EnvironmentConfig): Generator<Warning> {
  for (const [name, settings] of Object.entries(tableOf(deployedVars["BUCKETS"]))) {
    const { prefix, canary, endpoint, region } = tableOf(settings);
    const hasPrefix = typeof prefix === "string" && typeof canary === "string" && prefix !== "";
    if (hasPrefix && canary.startsWith(prefix)) {
      const message = `BUCKETS.${name}.canary begins with prefix, which is put in front of it: the object is ${prefix}${canary}`;
      yield { message, remedy: `if it is not, write ${canary.slice(prefix.length)}` };
    }

    // S3 redirects, or answers 400 for newer regions, and the edge follows no redirect (A5).
    const isGlobal = URL.parse(`${endpoint}`)?.hostname === "s3.amazonaws.com";
    if (isGlobal && region !== "us-east-1") {
      const message = `BUCKETS.${name}.endpoint is that of us-east-1, and region is ${region}: S3 may redirect to that region, which is no picture`;
      yield { message, remedy: `write https://s3.${region}.amazonaws.com` };
    }
  }
}

/** Finds routes that no URL reaches: an earlier one takes all of theirs, whatever their names and `*` stand for. */
function* hiddenRouteWarnings({ routes }: Config): Generator<Warning> {
  const any = "\u0001"; // no literal segment has this character
  for (const [index, { option, path }] of routes.entries()) {
    const url = path.replaceAll(/:\w+/g, any);
    const taken = [any, `${any}/`.repeat(99)].flatMap((rest) => {
      const match = findRoute(routes.slice(0, index), url.replace("*", rest));
      return isRefusal(match) ? [] : [match.route.path];
    });
    if (taken.length < 2) continue;
    const message = `${option} (${path}) is never reached: ${taken[0]} before it takes all its URLs`;
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

/**
 * What works on a developer's machine, and fails once it is deployed. It reads the vars, so that no other mistake hides
 * one of these.
 */
export function* deployMistakes(vars: Vars, patterns: readonly string[]): Generator<ConfigMistake> {
  const ownHosts = patterns.map(hostOf);
  const message = "http:// is for your own machine only"; // E6
  if (isPlainHttp(tableOf(vars["OIDC"])["issuer"])) yield { path: "OIDC.issuer", message };

  yield* localTokenMistakes(vars);

  for (const { option, value } of writtenPresets(vars)) {
    const { draw } = tableOf(value);
    const overlays: readonly unknown[] = Array.isArray(draw) ? draw : [];
    for (const [index, overlay] of overlays.entries()) {
      const path = `${option}.draw[${index}].url`;
      if (isPlainHttp(tableOf(overlay)["url"])) yield { path, message };
    }
  }

  for (const [name, settings] of Object.entries(tableOf(vars["BUCKETS"]))) {
    const { endpoint, region } = tableOf(settings);
    if (isPlainHttp(endpoint)) {
      yield { path: `BUCKETS.${name}.endpoint`, message: `${message}, in .dev.vars` };
    }
    const hostname = URL.parse(`${endpoint}`)?.hostname ?? "";
    // The Worker would ask itself (docs/errors.md#loop-detected).
    if (ownHosts.includes(hostname)) {
      yield { path: `BUCKETS.${name}.endpoint`, message: "is a host of this Worker: write S3's" };
    }
    const aws = /(?:^|\.)s3[.-]([a-z0-9-]+)\.amazonaws\.com$/.exec(hostname)?.[1];
    if (aws === undefined || aws === region || !isRegion(region)) continue;
    const mistake = `is ${region}, but the endpoint is in ${aws}`; // A5
    yield { path: `BUCKETS.${name}.region`, message: mistake };
  }
}

/**
 * Finds issuers of tokens on this machine. Without `LOCAL_ISSUER`, each http:// URL is a mistake of the schema already. A
 * deployed Worker with both would take tokens that nobody but a developer signs.
 */
function* localTokenMistakes(vars: Vars): Generator<ConfigMistake> {
  if (vars["LOCAL_ISSUER"] === undefined) return;

  for (const { option, value } of writtenRoutes(vars)) {
    const { token } = tableOf(value);
    const tables: readonly unknown[] = [token].flat();
    for (const [tableIndex, table] of tables.entries()) {
      const path = `${option}.token${Array.isArray(token) ? `[${tableIndex}]` : ""}`;
      for (const setting of ["issuer", "keys"]) {
        if (!isPlainHttp(tableOf(table)[setting])) continue;
        const message = "http:// is for your own machine only, in ROUTES of .dev.vars";
        yield { path: `${path}.${setting}`, message };
      }
    }
  }
}

/** Returns whether a URL names this machine by http://: any other is a mistake of the schema. */
function isPlainHttp(url: unknown): boolean {
  return typeof url === "string" && /^http:\/\/(?:localhost|127\.0\.0\.1)(?![\w.-])/.test(url);
}

/** Returns whether a value has the form of a region. A message must not repeat a secret. */
function isRegion(value: unknown): value is string {
  return typeof value === "string" && /^[a-z0-9-]{1,24}$/.test(value);
}

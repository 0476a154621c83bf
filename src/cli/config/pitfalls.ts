// Finds mistakes and warnings of one environment that neither wrangler nor the Worker finds: settings that do nothing,
// and settings that fail or cost money only after the deploy.
// Codes such as W15 are rules of docs/rules.md.

import { existsSync } from "node:fs";
import { lifetimesOf } from "../../worker/config/answers.ts";
import { findRoute } from "../../worker/config/compile-route.ts";
import type { Config } from "../../worker/config/config.ts";
import { isSecret, SINGLE_SECRETS } from "../../worker/config/read-secrets.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { writtenPresets, writtenRoutes } from "../../worker/config/split-vars.ts";
import { type ConfigMistake, isRefusal } from "../../worker/http/refusal.ts";
import { tableOf } from "../../worker/util/json.ts";
import { page } from "../command.ts";
import { commandFor } from "../wrangler/config-file.ts";
import { runtimeDate } from "../wrangler/packages.ts";
import { edgeBucketsOf, hasSecrets, secretNamesOf } from "./buckets.ts";
import type { EnvironmentConfig } from "./environment-config.ts";
import { exposedSecret, VARIABLES, type Warning } from "./mistakes.ts";
import { findMatch, hostOf } from "./site-url.ts";

/** @param now milliseconds since 1970 */
export function* pitfalls(config: EnvironmentConfig, now: number): Generator<ConfigMistake> {
  if (config.worker === undefined) {
    yield { path: "name", message: 'is missing: write name = "vitrine"' };
  }
  yield* dateMistakes(config, now);
  yield* domainMistakes(config);
  yield* bindingMistakes(config);
  yield* requiredSecretMistakes(config);
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
  if (date === undefined) {
    const message = `is missing: write compatibility_date = "${OLDEST_DATE}", or a later one`;
    yield { path, message };
    return;
  }

  if (!isDate(date)) {
    const message = `is "${date}", which is no date: write it as in compatibility_date = "${OLDEST_DATE}"`;
    yield { path, message };
    return;
  }

  if (date < OLDEST_DATE) {
    const message = `is ${date}: before ${OLDEST_DATE}, a Worker cannot use Workers Cache: write compatibility_date = "${OLDEST_DATE}", or a later one`;
    yield { path, message };
  }

  const today = new Date(now).toISOString().slice(0, 10);
  if (date > today) {
    const message = `is ${date}, which is in the future: Cloudflare refuses that: write compatibility_date = "${today}", or an earlier one`;
    yield { path, message };
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

/** Required secrets of the slot for the next key. That slot is empty between two rotations. */
function* requiredSecretMistakes({ requiredSecrets }: EnvironmentConfig): Generator<ConfigMistake> {
  for (const path of requiredSecrets) {
    if (!isSecret(path) || !path.endsWith("_NEXT")) continue;

    const message = "is listed under [secrets]: a deploy would fail while that slot is empty";
    yield { path, message };
  }
}

/** Vars that do nothing, perhaps because their names are misspelt, and secrets among the vars. */
export function* varMistakes(config: EnvironmentConfig): Generator<ConfigMistake> {
  const { vars } = config.wrangler;

  for (const path of Object.keys(vars)) {
    if (VARIABLES.includes(path)) continue;

    if (isSecret(path)) {
      yield exposedSecret(config, vars, path);
      continue;
    }
    if (path === "LOCAL_ISSUER") {
      const message =
        "is set by the local run alone, so that it takes tokens of this machine: remove it";
      yield { path, message };
      continue;
    }

    const message = `is none of ${VARIABLES.join(", ")}`;
    const mayBeSecret = /TOKEN|KEY|SECRET/.test(path);
    yield {
      path,
      message: mayBeSecret ? `${message}: remove it, and revoke it if secret` : message,
    };
  }
}

/** Reports a file of `main` that is missing. Without `main`, wrangler itself says what is missing. */
export function mainMistakes({ main }: Pick<EnvironmentConfig, "main">): ConfigMistake[] {
  if (main === undefined || existsSync(main)) return [];
  const message = `is ${main}, which is not there: write a file with the line: export { default, Renditions } from "vitrine";`;
  return [{ path: "main", message }];
}

/** Bindings under a name that the Worker does not know. */
function* bindingMistakes({ wrangler, images }: EnvironmentConfig): Generator<ConfigMistake> {
  const { ratelimits = [], analytics_engine_datasets: datasets } = wrangler;
  for (const { name } of ratelimits) {
    if (name !== "RATE_LIMITER") yield nameMistake("ratelimits.name", name, "RATE_LIMITER");
  }
  for (const { binding } of datasets) {
    if (binding === "METRICS") continue;
    yield nameMistake("analytics_engine_datasets.binding", binding, "METRICS");
  }
  if (images !== undefined && images !== "IMAGES") {
    yield nameMistake("images.binding", images, "IMAGES");
  }
}

function nameMistake(path: string, name: string, usedName: string): ConfigMistake {
  const message = `is ${name}, which the Worker does not use: call it ${usedName}`;
  return { path, message };
}

/** The setting of Workers Cache for an entrypoint; undefined: the entrypoint has none, so `[cache]` counts. */
function cacheOf({ wrangler }: EnvironmentConfig, name: string): boolean | undefined {
  const entrypoint = wrangler.exports[name];
  return entrypoint?.type === "worker" ? entrypoint.cache?.enabled : undefined;
}

/** A cache in front of the entrypoint that checks visitors (W1, W2). */
function* cacheMistakes(config: EnvironmentConfig): Generator<ConfigMistake> {
  const entrypointSetting = cacheOf(config, "default");
  const isCached = entrypointSetting ?? config.wrangler.cache?.enabled;
  if (isCached !== true) return;

  const state = entrypointSetting === undefined ? "is missing" : "is true";
  yield {
    path: "exports.default.cache.enabled",
    message: `${state}: a cache in front of it answers without asking the Worker, so an expired signed URL and an image for some pages only are shown to anybody: set it to false, and exports.default.type to "worker"`,
  };
}

/** Warns of settings that may not work or that cost more, but do no harm. Warnings of deprecated settings belong here. */
export function* warnings(envConfig: EnvironmentConfig, config: Config): Generator<Warning> {
  yield* hostWarnings(envConfig, config);
  yield* dateWarnings(envConfig);
  yield* issuerWarnings(envConfig, config);
  yield* sourceParameterWarnings(envConfig, config);
  yield* bucketWarnings(envConfig);
  yield* unusedSecretWarnings(envConfig, config);
  yield* hiddenRouteWarnings(config);
  yield* folderWarnings(config);
  yield* cacheWarnings(envConfig, config);
}

/** Hosts on which the edge may transform nothing, and a Worker without any host. */
function* hostWarnings(envConfig: EnvironmentConfig, config: Config): Generator<Warning> {
  const { environment, patterns, workersDev } = envConfig;

  // The documentation leaves open whether the edge transforms on workers.dev (R2).
  if (workersDev && edgeBucketsOf(config.routes).length > 0) {
    const doctor = commandFor(envConfig, "npx vitrine doctor");
    yield {
      path: "workers_dev",
      message:
        "workers_dev or preview_urls is on: whether the edge transforms images there is not known, and visitors get 502 if not",
      remedy: `set both to false, or check that address with ${doctor} --url`,
    };
  }

  // The top level may be only for the local run.
  if (environment !== undefined && patterns.length === 0 && !workersDev) {
    yield {
      path: "routes",
      message: "there are no routes, and workers_dev is false: nobody can reach this Worker",
      remedy: `write routes with your domain: ${page("docs/deploy.md")}, step 1`,
    };
  }
}

function* dateWarnings(envConfig: EnvironmentConfig): Generator<Warning> {
  const { compatibilityDate: date } = envConfig;
  const newest = runtimeDate();
  if (date === undefined || newest === undefined || date <= newest) return;

  const dev = commandFor(envConfig, "npx vitrine dev");
  yield {
    path: "compatibility_date",
    message: `compatibility_date is ${date}, and the installed wrangler runs ${dev} as of ${newest}`,
    remedy: "npm install --save-dev wrangler@latest, or write an earlier date",
  };
}

/** STS reads the keys of the Worker's own tokens at the host of `OIDC.issuer`. So it must be a host of the Worker. */
function* issuerWarnings(envConfig: EnvironmentConfig, { oidc }: Config): Generator<Warning> {
  if (oidc === undefined) return;

  const { hostname } = new URL(oidc.issuer);
  if (findMatch(hostname, envConfig) !== undefined) return;

  yield {
    path: "OIDC.issuer",
    message: `OIDC.issuer is ${oidc.issuer}, which is no host of the routes: STS would not get this Worker's keys there`,
    remedy: "use the host of a route of this environment",
  };
}

/** Without the parameter, a replaced object has the same URL, so the edge goes on showing the old one (A15, C1). */
function* sourceParameterWarnings(
  envConfig: EnvironmentConfig,
  { routes }: Config,
): Generator<Warning> {
  const doctor = commandFor(envConfig, "npx vitrine doctor");
  for (const { name, hasSourceParameter } of edgeBucketsOf(routes)) {
    if (hasSourceParameter) continue;

    yield {
      path: `BUCKETS.${name}.source_parameter`,
      message: `BUCKETS.${name}.source_parameter is false: a replaced object shows only after an hour, or when its cache-control is over. Until then, sizes that were not made before are refused`,
      remedy: `remove it, and ${doctor} asks S3 whether it can. Or set engine = "binding"`,
    };
  }
}

/** Warns if renditions (pictures in one size and format) should be cached, but the cache is off or each deploy empties it. */
function* cacheWarnings(
  envConfig: EnvironmentConfig,
  { routes, answers }: Config,
): Generator<Warning> {
  const isUsed = routes.some(({ policy }) => lifetimesOf(policy, answers).keep > 0);
  if (!isUsed) return;

  const { cache } = envConfig.wrangler;
  if (cache?.enabled !== true || cacheOf(envConfig, "Renditions") === false) {
    yield {
      path: "cache",
      message:
        "the cache for Renditions is off: each data centre of Cloudflare makes every rendition anew",
      remedy: `write [cache] and [exports] as ${page("docs/cache.md")} shows, or keep = 0 in [vars.ANSWERS] if that is meant`,
    };
    return;
  }

  // A new version of the Worker begins with an empty cache (W4).
  if (cache.cross_version_cache !== true) {
    yield {
      path: "cache.cross_version_cache",
      message:
        "cache.cross_version_cache is not true: every deploy and every wrangler secret put empties the cache",
      remedy: "set it to true",
    };
  }
}

/** Required secrets of a key that opens no bucket: a Worker without them is not deployed. */
function* unusedSecretWarnings(
  { requiredSecrets }: EnvironmentConfig,
  { buckets }: Config,
): Generator<Warning> {
  const used = new Set<string>(SINGLE_SECRETS);
  for (const bucket of buckets.filter(hasSecrets)) {
    for (const name of Object.values(secretNamesOf(bucket))) used.add(name);
  }

  for (const path of requiredSecrets) {
    if (!isSecret(path) || used.has(path)) continue;

    yield {
      path,
      message: `${path} is listed under [secrets], and no bucket uses it: wrangler does not deploy a Worker that does not have it`,
      remedy: "take it out of required",
    };
  }
}

/** Settings of a bucket that are valid, but probably mean another object or host. */
function* bucketWarnings({ deployedVars }: EnvironmentConfig): Generator<Warning> {
  for (const [name, settings] of Object.entries(tableOf(deployedVars["BUCKETS"]))) {
    const { prefix, canary, endpoint, region } = tableOf(settings);

    const areTexts = typeof prefix === "string" && typeof canary === "string";
    if (areTexts && prefix !== "" && canary.startsWith(prefix)) {
      yield {
        path: `BUCKETS.${name}.canary`,
        message: `BUCKETS.${name}.canary begins with prefix, which is put in front of it: the object is ${prefix}${canary}`,
        remedy: `if it is not, write ${canary.slice(prefix.length)}`,
      };
    }

    // S3 redirects, or answers 400 for newer regions, and the edge follows no redirect (A5).
    const isGlobal = URL.parse(`${endpoint}`)?.hostname === "s3.amazonaws.com";
    if (isGlobal && region !== "us-east-1") {
      yield {
        path: `BUCKETS.${name}.endpoint`,
        message: `BUCKETS.${name}.endpoint is that of us-east-1, and region is ${region}: S3 may redirect to that region, which is no picture`,
        remedy: `write https://s3.${region}.amazonaws.com`,
      };
    }
  }
}

/** A text for a name or a `*`: no literal segment has this character. */
const ANY_TEXT = "\u0001";

/** Finds routes that no URL reaches: an earlier route takes every URL of theirs, with any text for names and `*`. */
function* hiddenRouteWarnings({ routes }: Config): Generator<Warning> {
  for (const [index, { option, path }] of routes.entries()) {
    const earlier = routes.slice(0, index);
    const url = path.replaceAll(/:\w+/g, ANY_TEXT);

    // A `*` may stand for one segment, and for many.
    const short = findRoute(earlier, url.replace("*", ANY_TEXT));
    const long = findRoute(earlier, url.replace("*", `${ANY_TEXT}/`.repeat(99)));
    if (isRefusal(short) || isRefusal(long)) continue;

    yield {
      path: `${option}.path`,
      message: `${option} (${path}) is never reached: ${short.route.path} before it takes all its URLs`,
      remedy: "write the route with the longer path first",
    };
  }
}

/**
 * Finds buckets that are called like a folder of keys. With the bucket `photos`, commands read `photos/fig.jpg` as
 * `fig.jpg` of that bucket, and not as a key in a folder `photos/` (`parsePrefix`).
 */
function* folderWarnings({ buckets, routes }: Config): Generator<Warning> {
  // With one bucket, no key is named with its bucket.
  if (buckets.length < 2) return;

  const keys: string[] = [];
  for (const { canary, prefix } of buckets) {
    if (canary !== undefined) keys.push(canary.slice(prefix.length));
  }
  for (const { mapping } of routes) {
    const [start] = mapping.key.parts;
    if (start !== undefined) keys.push(start);
  }

  for (const { name } of buckets) {
    if (!keys.some((key) => key.startsWith(`${name}/`))) continue;

    yield {
      path: `BUCKETS.${name}`,
      message: `BUCKETS.${name} is called like a folder of keys: for commands and /purge, ${name}/fig.jpg is the object fig.jpg of that bucket`,
      remedy: "call the bucket something else",
    };
  }
}

/** Plain HTTP is not encrypted: only the local run may use it (E6). */
const ONLY_LOCAL = "http:// is for your own machine only";

/**
 * Finds settings that work on a developer's machine and fail once they are deployed. It reads the raw vars, so it also
 * works while the configuration has other mistakes.
 */
export function* deployMistakes(vars: Vars, patterns: readonly string[]): Generator<ConfigMistake> {
  const { issuer } = tableOf(vars["OIDC"]);
  if (isPlainHttp(issuer)) yield { path: "OIDC.issuer", message: ONLY_LOCAL };

  yield* localTokenMistakes(vars);
  yield* overlayMistakes(vars);
  yield* endpointMistakes(vars, patterns);
}

/** Finds overlays whose URL names this machine. */
function* overlayMistakes(vars: Vars): Generator<ConfigMistake> {
  for (const { option, value } of writtenPresets(vars)) {
    const { draw } = tableOf(value);
    const overlays: readonly unknown[] = Array.isArray(draw) ? draw : [];

    for (const [index, overlay] of overlays.entries()) {
      if (!isPlainHttp(tableOf(overlay)["url"])) continue;
      yield { path: `${option}.draw[${index}].url`, message: ONLY_LOCAL };
    }
  }
}

/** Finds endpoints on this machine, on a host of this Worker, and in another region than the bucket's. */
function* endpointMistakes(vars: Vars, patterns: readonly string[]): Generator<ConfigMistake> {
  const ownHosts = patterns.map(hostOf);

  for (const [name, settings] of Object.entries(tableOf(vars["BUCKETS"]))) {
    const { endpoint, region } = tableOf(settings);
    const path = `BUCKETS.${name}.endpoint`;
    if (isPlainHttp(endpoint)) {
      yield { path, message: `${ONLY_LOCAL}, in .dev.vars` };
    }

    const hostname = URL.parse(`${endpoint}`)?.hostname;
    if (hostname === undefined) continue;

    // The Worker would ask itself (docs/errors.md#loop-detected).
    if (ownHosts.includes(hostname)) {
      yield { path, message: "is a host of this Worker: write S3's" };
    }

    // S3 redirects to the bucket's region, and the edge follows no redirect (A5).
    const host = AWS_HOST.exec(hostname);
    const endpointRegion = host?.groups?.["region"];
    if (endpointRegion === undefined || endpointRegion === region || !isRegion(region)) continue;
    yield {
      path: `BUCKETS.${name}.region`,
      message: `is ${region}, but the endpoint is in ${endpointRegion}`,
    };
  }
}

/** `s3.eu-central-1.amazonaws.com`, or with a bucket in front of it. */
const AWS_HOST = /(?:^|\.)s3[.-](?<region>[a-z0-9-]+)\.amazonaws\.com$/;

/**
 * Finds issuers of tokens on this machine. A deployed Worker with one, and with `LOCAL_ISSUER`, would take tokens that
 * a developer signs. Without `LOCAL_ISSUER`, the schema refuses each http:// URL already.
 */
function* localTokenMistakes(vars: Vars): Generator<ConfigMistake> {
  if (vars["LOCAL_ISSUER"] === undefined) return;

  for (const { option, value } of writtenRoutes(vars)) {
    const { token } = tableOf(value);
    const tables: readonly unknown[] = [token].flat();

    for (const [tableIndex, table] of tables.entries()) {
      const index = Array.isArray(token) ? `[${tableIndex}]` : "";
      for (const setting of ["issuer", "keys"]) {
        if (!isPlainHttp(tableOf(table)[setting])) continue;
        yield {
          path: `${option}.token${index}.${setting}`,
          message: "http:// is for your own machine only, in ROUTES of .dev.vars",
        };
      }
    }
  }
}

/** Returns whether a URL is one of this machine, by http://. The schema refuses http:// for any other host. */
function isPlainHttp(url: unknown): boolean {
  return typeof url === "string" && /^http:\/\/(?:localhost|127\.0\.0\.1)(?![\w.-])/.test(url);
}

/** Returns whether a value has the form of a region. A message must not repeat a secret. */
function isRegion(value: unknown): value is string {
  return typeof value === "string" && /^[a-z0-9-]{1,24}$/.test(value);
}

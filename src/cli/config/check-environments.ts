// Checks environments as they would be deployed, each alone and against the others (S6): what two have in common belongs
// to two Workers. What .dev.vars changes, the local run checks when it starts. Nothing is sent.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config, ConfigRefusal } from "../../worker/config/config.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { type ConfigMistake, isRefusal } from "../../worker/http/refusal.ts";
import { tableOf } from "../../worker/util/json.ts";
import { isFault, isMistake, type LocatedMistake } from "../command.ts";
import { environmentText, findConfigFile } from "../wrangler/config-file.ts";
import { findKeyMistakes } from "../wrangler/schema.ts";
import { edgeBucketsOf, followedBuckets, isPathStyle, sourceEntryOf } from "./buckets.ts";
import type { EnvironmentConfig, R2Binding } from "./environment-config.ts";
import { isEmptyTopLevel, readEnvironment, readOthers } from "./environment-config.ts";
import { locatedText, type Warning } from "./mistakes.ts";
import { deployMistakes, pitfalls, varMistakes, warnings } from "./pitfalls.ts";
import { readDeployed } from "./project.ts";
import { sharedPattern } from "./site-url.ts";
import { describeCosts, readBounds } from "./transformations.ts";

export type Report = {
  readonly environment: string | undefined;
  readonly summary: readonly string[];
  readonly warnings: readonly Warning[];
  readonly mistakes: readonly LocatedMistake[];
  /** Undefined: it has mistakes, or nothing is deployed from it. */
  readonly config?: Config;
};

export function checkEnvironment(folder: string, config: EnvironmentConfig): Report {
  const { environment, file } = config;
  const keyMistakes = findKeyMistakes(folder, file).filter(isIn(environment));
  return reportOn(environment, config, readOthers(folder, config), keyMistakes);
}

/**
 * Checks one environment against all others, or all of them, each pair once.
 * @param name an environment; `""`: the top level; undefined: the top level and all environments
 */
export function checkEnvironments(folder: string, name: string | undefined): readonly Report[] {
  const file = findConfigFile(folder);
  const keyMistakes = isFault(file) ? [] : findKeyMistakes(folder, file);
  const firstEnvironment = name || undefined; // undefined: the top level
  const first = readEnvironment(folder, firstEnvironment);
  if (isMistake(first)) {
    const relevant = name === undefined ? keyMistakes : keyMistakes.filter(isIn(firstEnvironment));
    return [reportOn(firstEnvironment, first, [], relevant)];
  }
  if (name !== undefined) return [checkEnvironment(folder, first)];
  const compared: EnvironmentConfig[] = [];
  const reports: Report[] = [];
  for (const environment of [undefined, ...first.environments]) {
    const config = environment === undefined ? first : readEnvironment(folder, environment);
    const ownMistakes = keyMistakes.filter((mistake) => mistake.environment === environment);
    reports.push(reportOn(environment, config, compared, ownMistakes));
    if (!isMistake(config)) compared.push(config);
  }
  return reports;
}

/** Matches the mistakes in wrangler's keys of an environment, and of the top level, which it inherits. */
const isIn = (name: string | undefined) => (mistake: LocatedMistake) =>
  mistake.environment === undefined || mistake.environment === name;

function reportOn(
  environment: string | undefined,
  config: EnvironmentConfig | LocatedMistake,
  otherConfigs: readonly EnvironmentConfig[],
  keyMistakes: readonly LocatedMistake[],
): Report {
  const report: Report = { environment, summary: [], warnings: [], mistakes: keyMistakes };

  if (isMistake(config)) {
    // A key that wrangler's schema refuses is also why wrangler cannot read the file: it is reported once.
    return keyMistakes.length > 0 ? report : { ...report, mistakes: [{ ...config, environment }] };
  }
  if (isEmptyTopLevel(config)) {
    const summary = ["It has no BUCKETS, so there is nothing to deploy from it."];
    return { ...report, summary, mistakes: [...keyMistakes, ...varMistakes(config)] };
  }

  const deployed = readDeployedVars(environment, config);
  const problems: LocatedMistake[] = [
    ...environmentMistakes(config, otherConfigs),
    ...pitfalls(config),
    ...(isRefusal(deployed) ? deployed.mistakes : deployMistakes(deployed)),
  ];
  const bounds = readBounds(config.deployed, (path, message) => problems.push({ path, message }));

  const unique = new Map(
    problems.map((problem) => [locatedText(problem), { ...problem, environment }]),
  );
  const mistakes = [...keyMistakes, ...unique.values()];
  if (isRefusal(deployed) || mistakes.length > 0) return { ...report, mistakes };

  const costs = describeCosts(deployed, bounds);
  const rights = [...followedBuckets(deployed.routes)].map(
    ({ name, bucket }) =>
      `Another bucket follows ${name}: its key needs s3:ListBucket on ${bucket} (docs/deploy.md, step 4)`,
  );
  const allWarnings = [
    ...warnings(config, deployed),
    ...unsignedRouteWarnings(deployed, nameR2Buckets(config)),
    ...costs.warnings,
    ...environmentWarnings(config, otherConfigs),
  ];
  const summary = [...sourceLines(deployed), ...rights, ...costs.lines];

  return {
    ...report,
    summary,
    warnings: allWarnings.map((warning) => ({ ...warning, environment })),
    config: deployed,
  };
}

/** Reads the vars as they would be deployed. For an environment without vars, one mistake says more than many. */
function readDeployedVars(
  environment: string | undefined,
  config: EnvironmentConfig,
): Config | ConfigRefusal {
  const hasVars = environment === undefined || Object.keys(config.wrangler.vars).length > 0;
  if (hasVars) return readDeployed(config);

  const message =
    "are missing: an environment inherits none: write [vars.BUCKETS.media] and all others";
  return { event: "configuration-broken", mistakes: [{ path: "vars", message }] };
}

/**
 * Finds signed routes whose objects another route may show unsigned, as its own or as its fallback. It compares only
 * the beginnings of keys, so it may warn of routes that never meet, and misses none that do.
 * @param r2Buckets the bindings, which say what their buckets are called
 */
export function* unsignedRouteWarnings(
  { routes }: Pick<Config, "routes">,
  r2Buckets: readonly R2Binding[],
): Generator<Warning> {
  // By the bucket's own name: hosts and addressing may differ (A4), and R2 may be bound or read by S3's API.
  const bucketName = ({ r2, bucket }: Bucket) =>
    (r2 && r2Buckets.find(({ binding }) => binding === bucket)?.bucket_name) ?? bucket;
  // `acme-media/photos/` for the key template `photos/*`.
  const beginningsOf = ({ buckets, mapping: { key } }: BoundRoute) =>
    buckets.map((bucket) => `${bucketName(bucket)}/${bucket.prefix}${key.parts[0] ?? ""}`);
  for (const [signedAt, signed] of routes.entries()) {
    for (const [openAt, open] of routes.entries()) {
      if (signed.signing === undefined || open.signing !== undefined) continue;
      if (signed.presets && open.presets && signed.presets.isDisjointFrom(open.presets)) continue;
      const signedKeys = beginningsOf(signed);
      const isOverlap = beginningsOf(open).some((openKey) =>
        signedKeys.some((key) => key.startsWith(openKey) || openKey.startsWith(key)),
      );
      const { fallback } = open;
      const openRoute = `ROUTES[${openAt}] (${open.path})`;
      const signedRoute = `ROUTES[${signedAt}] (${signed.path})`;
      if (isOverlap) {
        const message = `${openRoute} may show without a signature what ${signedRoute} signs`;
        yield { message, remedy: "give each its own prefix, or its own presets" };
      }
      const fallbackKey = fallback && `${bucketName(fallback.bucket)}/${fallback.key}`;
      if (signedKeys.some((key) => fallbackKey?.startsWith(key))) {
        const message = `the fallback of ${openRoute} may show everyone an object that ${signedRoute} signs`;
        yield { message, remedy: "use a fallback that no signed route leads to" };
      }
    }
  }
}

/** What to list under Sources (E5), and who else could use it (E10). */
function sourceLines({ routes }: Config): string[] {
  const buckets = edgeBucketsOf(routes);
  if (buckets.length === 0) {
    return [
      "The configuration is right. The Worker fetches the originals itself: nothing is to be",
      "  allowed in the dashboard, and transformations of your zone can stay off.",
    ];
  }
  const entries = new Map(buckets.map((bucket) => [sourceEntryOf(bucket), isPathStyle(bucket)]));
  const hint = "    with that path: others have buckets on that host, which anybody could use";
  return [
    "The configuration is right. List under Sources of your zone, each with its path:",
    ...[...entries].flatMap(([entry, isShared]) => [`  ${entry}`, ...(isShared ? [hint] : [])]),
    "  and block /cdn-cgi/image/ by a rule: docs/deploy.md, step 3",
  ];
}

/** @param otherConfigs the environments to compare with, the top level among them */
function* environmentMistakes(
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
function* environmentWarnings(
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
function nameR2Buckets({ r2Buckets, worker }: EnvironmentConfig) {
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

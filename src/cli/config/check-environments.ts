// Checks environments as they would be deployed, each alone and against the others. It names all mistakes at once,
// unless wrangler cannot read the file. The local run itself checks what .dev.vars changes. No request is sent.
// Codes such as E5 are rules of docs/rules.md.

import type { Config, ConfigRefusal } from "../../worker/config/config.ts";
import {
  exposuresOf,
  isOpen,
  type ShownObjects,
  shownBy,
} from "../../worker/config/reachability.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { isRefusal } from "../../worker/http/refusal.ts";
import { isMistake, type LocatedMistake, page } from "../command.ts";
import { findKeyMistakes } from "../wrangler/schema.ts";
import { bucketNameMistakes, bucketNameWarnings } from "./bucket-names.ts";
import {
  edgeBucketsOf,
  followedBuckets,
  isPathStyle,
  sourceEntryOf,
  withBucketNames,
} from "./buckets.ts";
import { environmentMistakes, environmentWarnings } from "./compare-environments.ts";
import type { EnvironmentConfig, R2Binding } from "./environment-config.ts";
import {
  exposedSecrets,
  isEmptyTopLevel,
  type RawFile,
  readEnvironment,
  readOthers,
  readRawFile,
} from "./environment-config.ts";
import { nameR2Buckets, queueMistakes, queueWarnings } from "./event-queue.ts";
import { type ExpectedCosts, readExpectedCosts } from "./expected-costs.ts";
import { locatedText, locateMistake, locateWarning, type Warning } from "./mistakes.ts";
import { deployMistakes, pitfalls, varMistakes, warnings } from "./pitfalls.ts";
import { policyWarnings } from "./policy-warnings.ts";
import { readDeployed } from "./project.ts";
import { operatorPathWarnings } from "./route-conflicts.ts";
import { tokenReminders, tokenRouteWarnings } from "./token-warnings.ts";
import { describeCosts } from "./transformations.ts";
import { deployedLimitMistakes } from "./variable-limits.ts";

export type Report = {
  /** The configuration's file, for the mistakes that name no other. */
  readonly file: string;
  readonly environment: string | undefined;
  readonly summary: readonly string[];
  readonly warnings: readonly Warning[];
  /** What may well be meant. Only `vitrine check` prints it, behind the warnings. */
  readonly reminders?: readonly Warning[];
  readonly mistakes: readonly LocatedMistake[];
  /** Undefined: it has mistakes, or nothing is deployed from it. */
  readonly config?: Config;
  /** What `COSTS` expects. */
  readonly expectedCosts?: ExpectedCosts | undefined;
};

/** @param now milliseconds since 1970 */
export function checkEnvironment(
  folder: string,
  config: EnvironmentConfig,
  now: number = Date.now(),
): Report {
  const { environment, file } = config;
  const keyMistakes = inheritedBy(environment, findKeyMistakes(folder, file));
  const otherConfigs = readOthers(folder, config);
  return reportOn(config, otherConfigs, keyMistakes, now);
}

/**
 * Checks one environment against all others, or all of them, each pair once.
 * @param name an environment; `""`: the top level; undefined: the top level and all environments
 * @param now milliseconds since 1970
 */
export function checkEnvironments(
  folder: string,
  name: string | undefined,
  now: number,
): readonly Report[] {
  const raw = readRawFile(folder);
  if (isMistake(raw)) return [emptyReport(undefined, raw.path, [raw])];

  const keyMistakes = findKeyMistakes(folder, raw.file);
  if (name === undefined) return checkAll(folder, raw, keyMistakes, now);

  const environment = name === "" ? undefined : name;
  const config = readEnvironment(folder, environment);
  if (!isMistake(config)) return [checkEnvironment(folder, config, now)];

  const exposed = exposedSecrets(raw, environment);
  const inherited = inheritedBy(environment, keyMistakes);
  const mistakes = unreadMistakes(config, exposed, inherited, inherited);
  return [emptyReport(environment, raw.file, mistakes)];
}

/** Checks the top level and all environments: each against those before it, so each pair once. */
function checkAll(
  folder: string,
  raw: RawFile,
  keyMistakes: readonly LocatedMistake[],
  now: number,
): readonly Report[] {
  const compared: EnvironmentConfig[] = [];
  const reports: Report[] = [];

  for (const environment of [undefined, ...raw.environments]) {
    const ownMistakes = keyMistakes.filter((mistake) => mistake.environment === environment);

    const config = readEnvironment(folder, environment);
    if (!isMistake(config)) {
      reports.push(reportOn(config, compared, ownMistakes, now));
      compared.push(config);
      continue;
    }

    // A mistake of the top level makes all environments unreadable, with the same message: report it once.
    const reported = reports.flatMap(({ mistakes }) => mistakes);
    const isReported = reported.some(
      ({ path, message }) => path === raw.file && message === config.message,
    );
    if (isReported) continue;

    const exposed = exposedSecrets(raw, environment);
    const inherited = inheritedBy(environment, keyMistakes);
    const mistakes = unreadMistakes(config, exposed, ownMistakes, inherited);
    reports.push(emptyReport(environment, raw.file, mistakes));
  }
  return reports;
}

/** The mistakes in wrangler's keys of an environment, and of the top level, which it inherits. */
function inheritedBy(
  environment: string | undefined,
  mistakes: readonly LocatedMistake[],
): readonly LocatedMistake[] {
  return mistakes.filter(
    (mistake) => mistake.environment === undefined || mistake.environment === environment,
  );
}

/**
 * The mistakes of an environment that wrangler cannot read.
 * @param wranglerMistake wrangler's error. It is left out if another mistake explains it
 * @param keyMistakes the mistakes in wrangler's keys that this report is to name
 * @param reasons the mistakes in wrangler's keys that may be why the environment cannot be read. Those of the top level
 *   may be in another report
 */
function unreadMistakes(
  wranglerMistake: LocatedMistake,
  exposed: readonly LocatedMistake[],
  keyMistakes: readonly LocatedMistake[],
  reasons: readonly LocatedMistake[],
): readonly LocatedMistake[] {
  if (exposed.length > 0) return [...keyMistakes, ...exposed];
  if (reasons.length > 0) return keyMistakes;
  return [wranglerMistake];
}

/** The report of an environment that cannot be read. */
function emptyReport(
  environment: string | undefined,
  file: string,
  mistakes: readonly LocatedMistake[],
): Report {
  const located = mistakes.map((mistake) => ({ environment, ...mistake }));
  return { environment, file, summary: [], warnings: [], mistakes: located };
}

/** @param otherConfigs the environments to compare with, the top level among them */
function reportOn(
  config: EnvironmentConfig,
  otherConfigs: readonly EnvironmentConfig[],
  keyMistakes: readonly LocatedMistake[],
  now: number,
): Report {
  const { environment, file } = config;
  const report: Report = { environment, file, summary: [], warnings: [], mistakes: keyMistakes };

  if (isEmptyTopLevel(config)) {
    const mistakes = [...varMistakes(config)].map((mistake) => locateMistake(config, mistake));
    return {
      ...report,
      summary: ["It has no BUCKETS, so there is nothing to deploy from it."],
      mistakes: [...keyMistakes, ...mistakes],
    };
  }

  const deployed = readDeployedConfig(config);
  const problems = findProblems(config, otherConfigs, deployed, now);
  const expectedCosts = readExpectedCosts(config.deployedVars, (path, message) => {
    problems.push({ path, message });
  });

  const unique = new Map<string, LocatedMistake>();
  for (const problem of problems) {
    const mistake = locateMistake(config, problem);
    unique.set(locatedText(mistake), mistake);
  }

  const mistakes = [...keyMistakes, ...unique.values()];
  if (isRefusal(deployed) || mistakes.length > 0) return { ...report, mistakes };

  const costs = describeCosts(config, deployed, expectedCosts);
  const allWarnings = [
    ...warnings(config, deployed),
    ...unsignedRouteWarnings(deployed, nameR2Buckets(config)),
    ...tokenRouteWarnings(deployed, nameR2Buckets(config)),
    ...costs.warnings,
    ...queueWarnings(config),
    ...bucketNameWarnings(config),
    ...environmentWarnings(config, otherConfigs),
    ...operatorPathWarnings(config, otherConfigs),
  ];
  const reminders = [...policyWarnings(config, deployed), ...tokenReminders(deployed)];

  return {
    ...report,
    summary: [...sourceLines(deployed), ...listRightLines(deployed), ...costs.lines],
    warnings: allWarnings.map((warning) => locateWarning(config, warning)),
    reminders: reminders.map((reminder) => locateWarning(config, reminder)),
    config: deployed,
    expectedCosts,
  };
}

/** All mistakes of the environment except those in wrangler's keys. Some may be in the list twice. */
function findProblems(
  config: EnvironmentConfig,
  otherConfigs: readonly EnvironmentConfig[],
  deployed: Config | ConfigRefusal,
  now: number,
): LocatedMistake[] {
  const schemaMistakes = isRefusal(deployed) ? deployed.mistakes : [];
  return [
    ...environmentMistakes(config, otherConfigs),
    ...pitfalls(config, now),
    ...queueMistakes(config),
    ...bucketNameMistakes(config, config.deployedVars),
    ...schemaMistakes,
    ...deployMistakes(config.deployedVars, config.patterns),
    ...deployedLimitMistakes(config),
  ];
}

/** Reads the vars as they would be deployed. For an environment without vars, one mistake says more than many. */
function readDeployedConfig(config: EnvironmentConfig): Config | ConfigRefusal {
  const { environment, wrangler } = config;
  const hasVars = environment === undefined || Object.keys(wrangler.vars).length > 0;
  if (hasVars) return readDeployed(config);

  const mistake = {
    path: "vars",
    message: "are missing: an environment inherits none: write [vars.BUCKETS.media] and all others",
  };
  return { event: "configuration-broken", mistakes: [mistake] };
}

/**
 * Finds objects of a signed route that an open route shows without a signature: as an object of its own, as its fallback
 * or as an overlay. If the two routes have different presets, that is meant: everyone may see the small pictures.
 * @param r2Buckets the bindings, which say what their buckets are called
 */
export function* unsignedRouteWarnings(
  { routes, variants }: Pick<Config, "routes" | "variants">,
  r2Buckets: readonly R2Binding[],
): Generator<Warning> {
  const shownRoutes: ShownRoute[] = [];
  for (const route of routes) {
    const objects = shownBy(withBucketNames(route, r2Buckets), variants);
    shownRoutes.push({ route, objects });
  }

  for (const signed of shownRoutes) {
    if (signed.route.signing === undefined) continue;

    for (const open of shownRoutes) {
      if (!isOpen(open.route) || haveOtherPresets(signed.route, open.route)) continue;
      yield* exposureWarnings(signed, open);
    }
  }
}

/** A route, and what it shows. */
type ShownRoute = {
  readonly route: BoundRoute;
  readonly objects: ShownObjects;
};

function haveOtherPresets(signed: BoundRoute, open: BoundRoute): boolean {
  if (signed.presets === undefined || open.presets === undefined) return false;
  return signed.presets.isDisjointFrom(open.presets);
}

function* exposureWarnings(signed: ShownRoute, open: ShownRoute): Generator<Warning> {
  const openRoute = `${open.route.option} (${open.route.path})`;
  const signedRoute = `${signed.route.option} (${signed.route.path})`;

  for (const { shownAs, key } of exposuresOf(signed.objects, open.objects)) {
    switch (shownAs) {
      case "fallback":
        yield {
          path: `${open.route.option}.fallback`,
          message: `the fallback of ${openRoute} shows everyone an object that ${signedRoute} signs`,
          remedy: "use a fallback that no signed route leads to",
        };
        break;
      case "overlay":
        yield {
          path: `${open.route.option}.presets`,
          message: `a preset of ${openRoute} draws ${key}, an object that ${signedRoute} signs, and so shows it to everyone`,
          remedy: "draw an object that no signed route leads to",
        };
        break;
      case "object":
        yield {
          path: `${open.route.option}.object`,
          message:
            key === undefined
              ? `${openRoute} may show without a signature what ${signedRoute} signs`
              : `${openRoute} shows without a signature what ${signedRoute} signs, such as ${key}`,
          remedy: "give each its own prefix, or its own presets",
        };
        break;
      default:
        shownAs satisfies never;
    }
  }
}

/** Names the entries to list under Sources of the zone (E5), and the entries that others could use, too (E10). */
function sourceLines({ routes }: Config): string[] {
  const buckets = edgeBucketsOf(routes);
  if (buckets.length === 0) {
    return [
      "The configuration is right. The Worker fetches the originals itself: nothing is to be",
      "  allowed in the dashboard, and transformations of your zone can stay off.",
    ];
  }

  // Two buckets may have the same entry.
  const entries = new Map<string, boolean>();
  for (const bucket of buckets) entries.set(sourceEntryOf(bucket), isPathStyle(bucket));

  const lines = [
    "The configuration is right. List under Sources of your zone, each with its path:",
  ];
  for (const [sourceEntry, isShared] of entries) {
    lines.push(`  ${sourceEntry}`);
    if (!isShared) continue;
    lines.push("    with that path: others have buckets on that host, which anybody could use");
  }
  lines.push(
    `  and block /cdn-cgi/image/ by a rule. npx vitrine deploy --setup does both: ${page("docs/zone.md")}`,
  );
  return lines;
}

/**
 * Names the buckets of a route that another bucket follows. Their keys must have the right to list them: without it, a
 * missing object looks like a denied one (A6).
 */
function listRightLines({ routes }: Config): string[] {
  const buckets = [...followedBuckets(routes)];
  return buckets.map(
    ({ name, bucket }) =>
      `Another bucket follows ${name}: its key needs s3:ListBucket on ${bucket} (${page("docs/deploy.md")}, step 4)`,
  );
}

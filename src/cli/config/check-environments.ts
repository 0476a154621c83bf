// Checks environments as they would be deployed, each alone and against the others, and names all mistakes at once: none
// hides another, unless wrangler cannot read the file. What .dev.vars changes, the local run checks when it starts.
// Nothing is sent.

import type { Config, ConfigRefusal } from "../../worker/config/config.ts";
import { exposuresOf, isOpen, shownBy } from "../../worker/config/reachability.ts";
import { isRefusal } from "../../worker/http/refusal.ts";
import { isMistake, type LocatedMistake } from "../command.ts";
import { settingsFor } from "../wrangler/config-file.ts";
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
  readEnvironment,
  readOthers,
  readRawFile,
} from "./environment-config.ts";
import { nameR2Buckets, queueMistakes, queueWarnings } from "./event-queue.ts";
import { locatedText, locateMistake, locateWarning, type Warning } from "./mistakes.ts";
import { deployMistakes, pitfalls, varMistakes, warnings } from "./pitfalls.ts";
import { policyWarnings } from "./policy-warnings.ts";
import { readDeployed } from "./project.ts";
import { operatorPathWarnings } from "./route-conflicts.ts";
import { tokenReminders, tokenRouteWarnings } from "./token-warnings.ts";
import { describeCosts, readBounds } from "./transformations.ts";
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
};

/** @param now milliseconds since 1970 */
export function checkEnvironment(
  folder: string,
  config: EnvironmentConfig,
  now: number = Date.now(),
): Report {
  const { environment, file } = config;
  const keyMistakes = findKeyMistakes(folder, file).filter(isIn(environment));
  return reportOn(config, readOthers(folder, config), keyMistakes, now);
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
  if (name !== undefined) {
    const environment = name || undefined; // undefined: the top level
    const config = readEnvironment(folder, environment);
    if (!isMistake(config)) return [checkEnvironment(folder, config, now)];

    const exposed = exposedSecrets(raw, environment);
    const relevant = keyMistakes.filter(isIn(environment));
    return [
      emptyReport(environment, raw.file, unreadMistakes(config, exposed, relevant, relevant)),
    ];
  }

  const compared: EnvironmentConfig[] = [];
  const reports: Report[] = [];
  for (const environment of [undefined, ...raw.environments]) {
    const config = readEnvironment(folder, environment);
    const ownMistakes = keyMistakes.filter((mistake) => mistake.environment === environment);
    if (!isMistake(config)) {
      reports.push(reportOn(config, compared, ownMistakes, now));
      compared.push(config);
      continue;
    }

    // What is wrong at the top level is why wrangler cannot read an environment, too: it is reported once.
    const isKnown = reports.some(({ mistakes }) =>
      mistakes.some(({ path, message }) => path === raw.file && message === config.message),
    );
    if (isKnown) continue;

    const exposed = exposedSecrets(raw, environment);
    const relevant = keyMistakes.filter(isIn(environment));
    const mistakes = unreadMistakes(config, exposed, ownMistakes, relevant);
    reports.push(emptyReport(environment, raw.file, mistakes));
  }
  return reports;
}

/** Matches the mistakes in wrangler's keys of an environment, and of the top level, which it inherits. */
const isIn = (name: string | undefined) => (mistake: LocatedMistake) =>
  mistake.environment === undefined || mistake.environment === name;

/**
 * The mistakes of an environment that wrangler cannot read.
 * @param config what wrangler says
 * @param keyMistakes those to report
 * @param reasons those that make the environment unreadable: a wrong key is reported once, and not in wrangler's words
 */
function unreadMistakes(
  config: LocatedMistake,
  exposed: readonly LocatedMistake[],
  keyMistakes: readonly LocatedMistake[],
  reasons: readonly LocatedMistake[],
): readonly LocatedMistake[] {
  if (exposed.length > 0) return [...keyMistakes, ...exposed];
  return reasons.length > 0 ? keyMistakes : [config];
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
    const summary = ["It has no BUCKETS, so there is nothing to deploy from it."];
    const mistakes = [...varMistakes(config)].map((mistake) => locateMistake(config, mistake));
    return { ...report, summary, mistakes: [...keyMistakes, ...mistakes] };
  }

  const deployed = readDeployedVars(config);
  const problems: LocatedMistake[] = [
    ...environmentMistakes(config, otherConfigs),
    ...pitfalls(config, now),
    ...queueMistakes(config),
    ...bucketNameMistakes(config, config.deployedVars),
    ...(isRefusal(deployed) ? deployed.mistakes : []),
    ...deployMistakes(config.deployedVars, config.patterns),
    ...deployedLimitMistakes(config),
  ];
  const bounds = readBounds(config.deployedVars, (path, message) =>
    problems.push({ path, message }),
  );

  const located = problems.map((problem) => locateMistake(config, problem));
  const unique = new Map(located.map((mistake) => [locatedText(mistake), mistake]));
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
    ...tokenRouteWarnings(deployed, nameR2Buckets(config)),
    ...costs.warnings,
    ...queueWarnings(config),
    ...bucketNameWarnings(config),
    ...environmentWarnings(config, otherConfigs),
    ...operatorPathWarnings(config, otherConfigs),
  ];
  const reminders = [...policyWarnings(config, deployed), ...tokenReminders(deployed)];
  const summary = [...sourceLines(deployed), ...rights, ...costs.lines];

  return {
    ...report,
    summary: summary.map((line) => settingsFor(config, line)),
    warnings: allWarnings.map((warning) => locateWarning(config, warning)),
    reminders: reminders.map((reminder) => locateWarning(config, reminder)),
    config: deployed,
  };
}

/** Reads the vars as they would be deployed. For an environment without vars, one mistake says more than many. */
function readDeployedVars(config: EnvironmentConfig): Config | ConfigRefusal {
  const { environment, wrangler } = config;
  const hasVars = environment === undefined || Object.keys(wrangler.vars).length > 0;
  if (hasVars) return readDeployed(config);

  const message =
    "are missing: an environment inherits none: write [vars.BUCKETS.media] and all others";
  return { event: "configuration-broken", mistakes: [{ path: "vars", message }] };
}

/**
 * Finds signed routes of which another route shows an object without a signature, as its own or as its fallback. With
 * other presets, that is meant: small pictures are for everyone, and large ones are signed.
 * @param r2Buckets the bindings, which say what their buckets are called
 */
export function* unsignedRouteWarnings(
  { routes, variants }: Pick<Config, "routes" | "variants">,
  r2Buckets: readonly R2Binding[],
): Generator<Warning> {
  const objects = routes.map((route) => shownBy(withBucketNames(route, r2Buckets), variants));

  for (const [signedIndex, signed] of routes.entries()) {
    for (const [openIndex, open] of routes.entries()) {
      const signedObjects = objects[signedIndex];
      const openObjects = objects[openIndex];
      if (!signedObjects || !openObjects || !signed.signing || !isOpen(open)) continue;
      if (signed.presets && open.presets && signed.presets.isDisjointFrom(open.presets)) continue;

      const openRoute = `${open.option} (${open.path})`;
      const signedRoute = `${signed.option} (${signed.path})`;
      for (const { shownAs, key } of exposuresOf(signedObjects, openObjects)) {
        if (shownAs === "fallback") {
          const message = `the fallback of ${openRoute} shows everyone an object that ${signedRoute} signs`;
          yield { message, remedy: "use a fallback that no signed route leads to" };
          continue;
        }
        if (shownAs === "overlay") {
          const message = `a preset of ${openRoute} draws ${key}, an object that ${signedRoute} signs, and so shows it to everyone`;
          yield { message, remedy: "draw an object that no signed route leads to" };
          continue;
        }

        const message =
          key === undefined
            ? `${openRoute} may show without a signature what ${signedRoute} signs`
            : `${openRoute} shows without a signature what ${signedRoute} signs, such as ${key}`;
        yield { message, remedy: "give each its own prefix, or its own presets" };
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
    "  and block /cdn-cgi/image/ by a rule. npx vitrine deploy --setup does both: docs/zone.md",
  ];
}

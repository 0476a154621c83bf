// Checks environments, as they would be deployed and as the local run would start them. Nothing is started,
// nothing is sent.

import type { Mistake } from "../../worker/base/refusal.ts";
import { type Config, readConfig } from "../../worker/config/config.ts";
import { readToken } from "../../worker/config/read-secrets.ts";
import { isFault } from "../command.ts";
import { placeholderSecrets, slotStem } from "../secrets/secrets.ts";
import { findConfigFile } from "../wrangler/config-file.ts";
import { findKeyMistakes, type KeyMistake } from "../wrangler/schema.ts";
import { bucketsOf, hasEdge, originOf } from "./buckets.ts";
import { environmentMistakes, environmentWarnings } from "./compare-environments.ts";
import {
  type EnvironmentConfig,
  isCarrier,
  readEnvironment,
  readOthers,
  type Unreadable,
} from "./environment-config.ts";
import { type FoundMistake, isSameMistake, localMistake, type Warning } from "./mistakes.ts";
import { deployMistakes, pitfalls, warnings } from "./pitfalls.ts";
import { readDeployed } from "./project.ts";
import { describeCosts, readBounds } from "./transformations.ts";
import { unsignedRouteWarnings } from "./unsigned-routes.ts";

export type Report = {
  readonly environment: string | undefined;
  /** What it does, if it has no mistakes. */
  readonly summary: readonly string[];
  readonly warnings: readonly Warning[];
  /** Each mistake once: those of the configuration, then those that .dev.vars adds. */
  readonly mistakes: readonly FoundMistake[];
};

/** Checks one environment that is read already, also against the others. */
export function checkEnvironment(folder: string, known: EnvironmentConfig): Report {
  const keys = keyMistakesOf(findKeyMistakes(folder, known.file), known.environment, true);
  return reportOn(known, readOthers(folder, known), keys);
}

/**
 * Checks one environment against all others, or the top level and all environments against each other.
 * @param name `""`: only the top level; undefined: all
 */
export function checkEnvironments(folder: string, name: string | undefined): readonly Report[] {
  const file = findConfigFile(folder);
  const keys = isFault(file) ? [] : findKeyMistakes(folder, file);
  // wrangler would warn of the keys that are mistakes here.
  const quiet = keys.length > 0 ? "quiet" : undefined;
  const first = readEnvironment(folder, name || undefined, quiet);
  const isAll = name === undefined && !isFault(first);
  const environments = isAll ? [undefined, ...first.environments] : [name || undefined];
  const compared = isAll || isFault(first) ? [] : readOthers(folder, first);
  const reports: Report[] = [];
  for (const [at, environment] of environments.entries()) {
    const known = at === 0 ? first : readEnvironment(folder, environment, quiet);
    const ownKeys = keyMistakesOf(keys, environment, at === 0);
    if (isFault(known)) {
      const isWhole = at === 0 && name === undefined; // then no other environment is looked at
      reports.push(unreadableReport(environment, known, isWhole ? keys : ownKeys));
      continue;
    }
    const report =
      isAll && isCarrier(known) ? carrierReport(ownKeys) : reportOn(known, compared, ownKeys);
    reports.push({
      ...report,
      mistakes: report.mistakes.filter((one) => !isReported(one, reports)),
    });
    if (isAll) compared.push(known); // each pair is compared once
  }
  return reports;
}

/** @param withTop whether those of the top level, which an environment inherits, belong to it */
function keyMistakesOf(
  keys: readonly KeyMistake[],
  environment: string | undefined,
  withTop: boolean,
): readonly KeyMistake[] {
  return keys.filter(
    (key) => key.environment === environment || (withTop && key.environment === undefined),
  );
}

function unreadableReport(
  environment: string | undefined,
  { mistake, isRefused }: Unreadable,
  keys: readonly KeyMistake[],
): Report {
  const own = environment === undefined ? mistake : { ...mistake, environment };
  // wrangler refuses what the schema refuses: one of them says it.
  const mistakes = isRefused && keys.length > 0 ? keys : [...keys, own];
  return { environment, summary: [], warnings: [], mistakes };
}

function carrierReport(mistakes: readonly FoundMistake[]): Report {
  const summary = ["It has no vars, so there is nothing to deploy from it."];
  return { environment: undefined, summary, warnings: [], mistakes };
}

/** Returns whether a mistake of .dev.vars is already reported: environments may share that file. */
function isReported({ from, ...mistake }: FoundMistake, reports: readonly Report[]): boolean {
  if (from === undefined) return false;
  const known = reports.flatMap(({ mistakes }) => mistakes).filter((one) => one.from === from);
  return known.some((one) => isSameMistake(one, mistake));
}

function reportOn(
  known: EnvironmentConfig,
  others: readonly EnvironmentConfig[],
  keys: readonly KeyMistake[],
): Report {
  const { environment } = known;
  const inEnvironment = <T>(one: T) => ({ ...one, environment });
  const deployed = readDeployed(known);
  const mistakes: FoundMistake[] = [
    ...keys,
    ...environmentMistakes(known, others).map(inEnvironment),
    ...[...pitfalls(known), ...mistakesIn(deployed)].map(inEnvironment),
  ];
  const add = (found: FoundMistake) => {
    if (!mistakes.some((one) => isSameMistake(one, found))) mistakes.push(inEnvironment(found));
  };
  for (const mistake of localMistakes(known)) add(mistake);
  const bounds = readBounds(known.deployed, (path, message) => add({ path, message }));
  if (!("mistakes" in deployed)) {
    for (const mistake of [...deployMistakes(deployed), ...tokenMistakes(known)]) add(mistake);
    if (mistakes.length === 0) {
      const { lines, warning } = describeCosts(deployed, bounds);
      const found = [
        ...warnings(known, deployed),
        ...unsignedRouteWarnings(deployed, known.r2Buckets),
        ...(warning ? [warning] : []),
        ...environmentWarnings(known, others),
      ];
      const summary = [...sourceLines(deployed), ...overlayLines(deployed), ...lines];
      summary.push(...domainLines(known, deployed));
      return { environment, summary, warnings: found.map(inEnvironment), mistakes };
    }
  }
  return { environment, summary: [], warnings: [], mistakes };
}

/** The mistakes that the local run would find, if .dev.vars changes anything. */
function localMistakes({
  started,
  local,
  secrets,
  devVars,
}: EnvironmentConfig): readonly FoundMistake[] {
  if (local.size === 0) return [];
  const isBegun = (name: string) => [...local].some((one) => slotStem(one) === slotStem(name));
  // The local run makes a signing key, and opens the local buckets with keys of its own.
  const made = secrets.filter((name) =>
    name === "URL_SIGNING_KEYS" ? !local.has(name) : !local.has("BUCKETS") && !isBegun(name),
  );
  const found = mistakesIn(readConfig({ ...placeholderSecrets(made), ...started }));
  return found.map((mistake) => ({ ...localMistake(mistake, started, devVars), from: devVars }));
}

function mistakesIn(read: ReturnType<typeof readConfig>): readonly Mistake[] {
  return "mistakes" in read ? read.mistakes : [];
}

/** The Worker treats a token that is too short as none; here it is a mistake. */
function tokenMistakes({ started, devVars: from }: EnvironmentConfig): FoundMistake[] {
  const minLengths = { HEALTH_TOKEN: 16, PURGE_TOKEN: 32 } as const;
  return (["HEALTH_TOKEN", "PURGE_TOKEN"] as const).flatMap((path) => {
    if (!started[path] || readToken(started, path)) return [];
    const form = `${minLengths[path]} or more ASCII characters`;
    return [{ from, path, message: `is not ${form}, so it opens nothing` }];
  });
}

/** What to list under Sources (E5), and who else could use it (E10). */
function sourceLines({ routes }: Config): string[] {
  if (!hasEdge(routes)) {
    return [
      "The configuration is right. The Worker fetches the originals itself: nothing is to be",
      "  allowed in the dashboard, and transformations of your zone can stay off.",
    ];
  }
  const fetched = [...bucketsOf(routes)].filter(({ engine }) => engine === "cf");
  const shared = new Map(fetched.map(originOf).map(({ entry, shared }) => [entry, shared]));
  const hint = "    with that path: others have buckets on that host, which anybody could use";
  return [
    "The configuration is right. List under Sources of your zone, each with its path:",
    ...[...shared].flatMap(([entry, isShared]) => [`  ${entry}`, ...(isShared ? [hint] : [])]),
    "  and block /cdn-cgi/image/ by a rule: docs/deploy.md, step 3",
  ];
}

/** A changed overlay is another one only if its URL is: nothing that is kept is made anew for it. */
function overlayLines({ variants }: Config): string[] {
  const drawn = [...variants.values()].filter(({ image }) => image.draw?.some(({ url }) => url));
  if (drawn.length === 0) return [];
  const presets = [...new Set(drawn.map(({ preset }) => preset))].join(", ");
  return [`Overlays by URL (${presets}): when you change one, give it a new URL.`];
}

function domainLines({ patterns, workersDev }: EnvironmentConfig, { routes }: Config): string[] {
  if (patterns.length > 0) return [];
  return workersDev && !hasEdge(routes)
    ? ["It needs no domain: a deploy serves from a workers.dev address."]
    : ["Before a deploy, uncomment routes and put your own domain there."];
}

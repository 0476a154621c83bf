// Checks one environment, or the top level and all environments, as they would be deployed and as the local run
// would start them. Nothing is started, nothing is sent.

import type { Mistake } from "../../worker/base/refusal.ts";
import { type Config, readConfig } from "../../worker/config/config.ts";
import { readToken } from "../../worker/config/read-secrets.ts";
import { isFault } from "../command.ts";
import { placeholderSecrets, slotStem } from "../secrets/secrets.ts";
import { bucketsOf, originOf } from "./buckets.ts";
import { environmentDoubts, environmentMistakes, storeMistakes } from "./compare-environments.ts";
import { isCarrier, type KnownVars, readOthers, readVars } from "./environment-config.ts";
import { type FoundMistake, isSameMistake, localMistake, type Warning } from "./mistakes.ts";
import {
  cacheDoubts,
  deployMistakes,
  doubts,
  hasEdge,
  idleKeys,
  leftOvers,
  mainMistakes,
  pitfalls,
  sourceParameterDoubts,
} from "./pitfalls.ts";
import { readDeployed } from "./project.ts";
import { type Bounds, readBounds, tellCosts } from "./transformations.ts";
import { unsignedDoors } from "./unsigned-doors.ts";

export type EnvironmentReport = Report & {
  readonly environment: string | undefined;
  /** Whether it is a top level that only holds what its environments inherit. */
  readonly isCarrier: boolean;
};

/** Checks one environment, also against the others. */
export function checkEnvironment(folder: string, known: KnownVars): Report {
  return checkConfiguration(known, readOthers(folder, known));
}

/**
 * Checks one environment, or all of them.
 * @param name `""`: only the top level; undefined: the top level and all environments
 */
export function checkEnvironments(
  folder: string,
  name: string | undefined,
): readonly EnvironmentReport[] {
  const first = readVars(folder, name || undefined);
  if (isFault(first)) return [unreadable(undefined, first.mistake)];
  if (name !== undefined) return [reportOf(first, checkEnvironment(folder, first))];
  const reports: EnvironmentReport[] = isCarrier(first)
    ? [{ environment: undefined, isCarrier: true, told: [], warnings: [], mistakes: [] }]
    : [reportOf(first, checkConfiguration(first, []))];
  const before = [first];
  for (const environment of first.environments) {
    const known = readVars(folder, environment, "quiet");
    if (isFault(known)) {
      reports.push(unreadable(environment, known.mistake));
      continue;
    }
    // Each pair is compared once.
    const report = checkConfiguration(known, before);
    const mistakes = report.mistakes.filter((mistake) => !reports.some((one) => has(one, mistake)));
    reports.push(reportOf(known, { ...report, mistakes }));
    before.push(known);
  }
  return reports;
}

function reportOf({ environment }: KnownVars, report: Report): EnvironmentReport {
  return { ...report, environment, isCarrier: false };
}

function unreadable(environment: string | undefined, mistake: FoundMistake): EnvironmentReport {
  const mistakes = [environment === undefined ? mistake : { ...mistake, environment }];
  return { environment, isCarrier: false, told: [], warnings: [], mistakes };
}

/** Returns whether a mistake of .dev.vars is already reported: environments may share that file. */
function has({ mistakes }: Report, { from, ...mistake }: FoundMistake): boolean {
  if (from === undefined) return false;
  return mistakes.some((known) => known.from === from && isSameMistake(known, mistake));
}

export type Report = {
  /** What it does, if it has no mistakes. */
  readonly told: readonly string[];
  readonly warnings: readonly Warning[];
  /** Each mistake once: those of the configuration, then those that .dev.vars adds. */
  readonly mistakes: readonly FoundMistake[];
};

/** @param others the environments to compare with */
export function checkConfiguration(vars: KnownVars, others: readonly KnownVars[]): Report {
  const { environment } = vars;
  const { told, warnings, mistakes } = check(vars, others);
  return {
    told,
    warnings: warnings.map((warning) => ({ ...warning, environment })),
    mistakes: mistakes.map((mistake) => ({ ...mistake, environment })),
  };
}

function check(vars: KnownVars, others: readonly KnownVars[]): Report {
  const { deployed } = vars;
  const there = readDeployed(vars);
  const mistakes: FoundMistake[] = [
    ...environmentMistakes(vars, others),
    ...storeMistakes(vars, others),
    ...pitfalls(vars),
    ...mainMistakes(vars),
    ...mistakesIn(there),
  ];
  const isNew = (found: Mistake) => !mistakes.some((known) => isSameMistake(known, found));
  for (const mistake of mistakesHere(vars)) {
    if (!isNew(mistake)) continue;
    mistakes.push({ ...localMistake(mistake, vars.started, vars.devVars), from: vars.devVars });
  }
  const bounds = readBounds(deployed, (path, message) => mistakes.push({ path, message }));
  if ("mistakes" in there) return { told: [], warnings: [], mistakes };
  for (const mistake of deployMistakes(there)) if (isNew(mistake)) mistakes.push(mistake);
  mistakes.push(...tokenMistakes(vars));
  if (mistakes.length > 0) return { told: [], warnings: [], mistakes };
  const { told, warnings } = describe(there, bounds, vars);
  return { told, warnings: [...warnings, ...environmentDoubts(vars, others)], mistakes };
}

/** The mistakes that the local run would find, if .dev.vars changes anything. */
function mistakesHere({ started, local, secrets }: KnownVars): readonly Mistake[] {
  if (local.size === 0) return [];
  // The local run makes a signing key, and opens the local buckets with keys of its own.
  const made = secrets.filter((name) => {
    if (name === "URL_SIGNING_KEYS") return !local.has(name);
    return !local.has("BUCKETS") && !isBegun(name, local);
  });
  return mistakesIn(readConfig({ ...placeholderSecrets(made), ...started }));
}

function mistakesIn(read: ReturnType<typeof readConfig>): readonly Mistake[] {
  return "mistakes" in read ? read.mistakes : [];
}

/** Returns whether .dev.vars has this secret, or another one of its slot. */
function isBegun(name: string, local: ReadonlySet<string>): boolean {
  return [...local].some((other) => slotStem(other) === slotStem(name));
}

/** The Worker treats a token that is too short as none; here it is a mistake. */
function* tokenMistakes({ started, devVars: from }: KnownVars): Generator<FoundMistake> {
  const fault = (path: string, length: number) => {
    return {
      from,
      path,
      message: `is not ${length} or more ASCII characters, so it opens nothing`,
    };
  };
  if (started["HEALTH_TOKEN"] && !readToken(started, "HEALTH_TOKEN"))
    yield fault("HEALTH_TOKEN", 16);
  if (started["PURGE_TOKEN"] && !readToken(started, "PURGE_TOKEN")) yield fault("PURGE_TOKEN", 32);
}

function describe(config: Config, bounds: Bounds, vars: KnownVars) {
  const costs = tellCosts(config, bounds);
  const told = [...tellSources(config), ...tellOverlays(config), ...costs.lines];
  if (vars.patterns.length === 0 && vars.workersDev && !hasEdge(config.routes)) {
    told.push("It needs no domain: a deploy serves from a workers.dev address.");
  } else if (vars.patterns.length === 0) {
    told.push("Before a deploy, uncomment routes and put your own domain there.");
  }
  const costly = costs.warning ? [costs.warning] : [];
  const cache = cacheDoubts(vars.cache, config.answers.keep);
  return {
    told,
    warnings: [
      ...doubts(vars, config),
      ...idleKeys(vars),
      ...leftOvers(vars),
      ...sourceParameterDoubts(config),
      ...cache,
      ...unsignedDoors(config, vars.r2Buckets),
      ...costly,
    ],
  };
}

/** A changed overlay is another one only if its URL is: nothing that is kept is made anew for it. */
function tellOverlays({ variants, store }: Config): string[] {
  const drawn = [...variants.values()].filter(({ image }) => image.draw?.some(({ url }) => url));
  if (drawn.length === 0) return [];
  const presets = [...new Set(drawn.map(({ preset }) => preset))].join(", ");
  const not = store ? " The store does not hold these presets." : "";
  return [`Overlays by URL (${presets}): when you change one, give it a new URL.${not}`];
}

/** What to list under Sources (E5), and who else could use it (E10). */
function tellSources({ routes }: Config): string[] {
  if (!hasEdge(routes)) {
    return [
      "The configuration is right. The Worker fetches the originals itself: nothing is to be",
      "  allowed in the dashboard, and transformations of your zone can stay off.",
    ];
  }
  const fetched = [...bucketsOf(routes)].filter(({ engine }) => engine === "cf");
  const origins = fetched.map(originOf);
  const shared = new Map(origins.map(({ entry, shared }) => [entry, shared]));
  return [
    "The configuration is right. List under Sources of your zone, each with its path:",
    ...[...shared].flatMap(([entry, isShared]) => [
      `  ${entry}`,
      ...(isShared
        ? ["    with that path: others have buckets on that host, which anybody could use"]
        : []),
    ]),
    "  and block /cdn-cgi/image/ by a rule: docs/deploy.md, step 3",
  ];
}

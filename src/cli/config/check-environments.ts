// Checks one environment, or the top level and all environments. Nothing is started, nothing is sent.

import { isFault } from "../command.ts";
import { checkConfiguration, type Report } from "./check-configuration.ts";
import { type FoundMistake, isSameMistake } from "./config-fault.ts";
import { isCarrier } from "./inheritance.ts";
import type { KnownVars } from "./known-vars.ts";
import { readOthers, readVars } from "./read-vars.ts";

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

// Checks the configuration of a deploy or of the local run. Sends nothing.

import { isSecret } from "../../worker/config/read-secrets.ts";
import { mistakeText } from "../../worker/http/refusal.ts";
import type { LocatedMistake } from "../command.ts";
import { checkEnvironment } from "../config/check-environments.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import { locatedText, pageFor } from "../config/mistakes.ts";
import { type Finding, fail, ok, type Result } from "./finding.ts";

/**
 * Finds what is wrong with the configuration, each mistake once.
 * @param stopping the mistakes that keep everything else from being examined
 */
export function checkConfiguration(
  folder: string,
  config: EnvironmentConfig,
  stopping: readonly LocatedMistake[],
  { local, secretsFile }: { readonly local: boolean; readonly secretsFile: string | undefined },
): Finding[] {
  const { devVars, file } = config;
  const { warnings, mistakes } = checkEnvironment(folder, config);
  const texts = new Set(mistakes.map(mistakeText));
  const stops = new Set(stopping.map(mistakeText));
  const unreported = stopping.filter((mistake) => !texts.has(mistakeText(mistake)));
  const faults = [...mistakes, ...unreported].map((mistake) => {
    const { path, source = local && isSecret(path) ? devVars : file } = mistake;
    // The Worker may have other secrets than this machine.
    const isOfWorker = [file, secretsFile].includes(source);
    const page = pageFor(path);
    const holder = source === file && isSecret(path) ? `[secrets] or vars of ${source}` : source;
    const broken = "nothing is served with it: visitors get 500";
    return fail("configuration", {
      severity: (local ? stops.has(mistakeText(mistake)) : isOfWorker) ? "error" : "warning",
      seen: locatedText(mistake),
      impact: isOfWorker ? broken : `this is about ${source}`,
      remedy: `fix ${path} in ${holder}${page === undefined ? "" : `: ${page} says what it may be`}`,
      deploys: source === file,
    });
  });
  const problem = { check: "configuration", severity: "warning" } as const;
  const doubts = warnings.map((one) => ({ ...problem, seen: one.message, remedy: one.remedy }));
  const results: Result[] = [...faults, ...doubts];
  if (results.length === 0) results.push(ok("configuration", "it has no mistakes"));
  return results.map((result) => ({ about: file, ...result }));
}

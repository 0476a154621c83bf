// What is wrong with the configuration, as `vitrine check` says it. Nothing is sent.

import { isSecret } from "../../worker/config/read-secrets.ts";
import type { World } from "../command.ts";
import { checkEnvironment } from "../config/check-environments.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import { type FoundMistake, foundText, isSameMistake, pageFor } from "../config/mistakes.ts";
import { type Finding, fail, ok, type Result } from "./finding.ts";

/**
 * What is wrong with the configuration of a deploy or of the local run, each mistake once.
 * @param stopping the mistakes that keep everything else from being examined
 */
export function checkConfiguration(
  { folder }: World,
  known: EnvironmentConfig,
  stopping: readonly FoundMistake[],
  { local, secretsFile }: { readonly local: boolean; readonly secretsFile: string | undefined },
): Finding[] {
  const { warnings, mistakes } = checkEnvironment(folder, known);
  const others = stopping.filter((one) => !mistakes.some((each) => isSameMistake(each, one)));
  const faults = [...mistakes, ...others].map((mistake) => {
    const { from = local && isSecret(mistake.path) ? known.devVars : known.file, path } = mistake;
    const isStopping = stopping.some((one) => isSameMistake(one, mistake));
    // The Worker may have other secrets than this machine.
    const isOfWorker = [known.file, secretsFile].includes(from);
    const page = pageFor(path);
    const place = from === known.file && isSecret(path) ? `[secrets] or vars of ${from}` : from;
    return fail("configuration", {
      severity: (local ? isStopping : isOfWorker) ? "error" : "warning",
      seen: foundText(mistake),
      impact: isOfWorker ? "nothing is served with it: visitors get 500" : `this is about ${from}`,
      remedy: `fix ${path} in ${place}${page === undefined ? "" : `: ${page} says what it may be`}`,
      deploys: from === known.file,
    });
  });
  const all: Result[] = [...faults];
  for (const { what: seen, remedy } of warnings) {
    all.push({ check: "configuration", severity: "warning", seen, remedy });
  }
  if (all.length === 0) all.push(ok("configuration", "it has no mistakes"));
  return all.map((one) => ({ about: known.file, ...one }));
}

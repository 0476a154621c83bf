// What the doctor says of the mistakes and warnings of `vitrine check`. Pure.

import { isSecret } from "../../worker/config/secret-names.ts";
import type { Report } from "../project/check-configuration.ts";
import { type FoundMistake, foundText, isSameMistake } from "../project/config-fault.ts";
import { type Diagnosis, type Finding, findingsOn, well } from "./finding.ts";

/**
 * What is wrong with the configuration, each mistake once.
 * @param stopping the mistakes that keep everything else from being examined
 */
export function diagnoseConfiguration(
  { warnings, mistakes }: Pick<Report, "warnings" | "mistakes">,
  stopping: readonly FoundMistake[],
  local: boolean,
): Finding[] {
  const others = stopping.filter((one) => !mistakes.some((known) => isSameMistake(known, one)));
  const wrong = [...mistakes, ...others].map((mistake): Diagnosis => {
    if (stopping.some((one) => isSameMistake(one, mistake))) return diagnoseMistake(mistake, local);
    const started = mistake.from === ".dev.vars";
    const diagnosis = diagnoseMistake(mistake, started);
    return started === local ? diagnosis : { ...diagnosis, severity: "warning" };
  });
  const doubtful = warnings.map(
    (warning): Diagnosis => ({ check: "configuration", severity: "warning", ...warning }),
  );
  const all = [...wrong, ...doubtful];
  const none = well("configuration", "it has no mistakes");
  return findingsOn("wrangler.toml", all.length > 0 ? all : [none]);
}

/** @param started whether it keeps the local run from starting */
function diagnoseMistake(mistake: FoundMistake, started: boolean): Diagnosis {
  const isShort = mistake.from === ".dev.vars" && mistake.path === "HEALTH_TOKEN";
  const why = started
    ? "npm start does not start with it; one that runs answers 500"
    : "deployed with one mistake, nothing is served: visitors get 500";
  return {
    check: "configuration",
    severity: isShort ? "warning" : "error",
    what: foundText(mistake),
    why: isShort ? "/healthz tells nobody more than that it is there" : why,
    remedy: remedyFor(mistake, started),
  };
}

function remedyFor({ from, path }: FoundMistake, started: boolean): string {
  if (from === ".dev.vars") return "fix that line of .dev.vars";
  if (isSecret(path)) {
    return started
      ? `put ${path} into .dev.vars`
      : `npx wrangler secret put ${path}, and list it under [secrets] in wrangler.toml`;
  }
  if (path === "wrangler.toml") return "fix that line";
  const fix = `fix ${path} in wrangler.toml: docs/configuration.md says what it may be`;
  return started ? fix : `${fix}. Then npx wrangler deploy`;
}

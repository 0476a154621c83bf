// What the doctor says of the mistakes and warnings of `vitrine check`. Pure.

import { isSecret } from "../../worker/config/secret-names.ts";
import type { Report } from "../project/check-configuration.ts";
import { type FoundMistake, foundText, isSameMistake } from "../project/config-fault.ts";
import type { Finding } from "./finding.ts";

const ABOUT = "wrangler.toml";
const HERE = "npm start does not start with it; one that runs answers 500";
const WHY = "deployed with one mistake, nothing is served: visitors get 500";

/**
 * What is wrong with the configuration, each mistake once.
 * @param report what `vitrine check` says of it
 * @param stopping the mistakes that keep everything else from being examined
 */
export function diagnoseConfiguration(
  { warnings, mistakes }: Pick<Report, "warnings" | "mistakes">,
  stopping: readonly FoundMistake[],
  local: boolean,
): Finding[] {
  const others = stopping.filter((one) => !mistakes.some((known) => isSameMistake(known, one)));
  const wrong = [...mistakes, ...others].map((mistake): Finding => {
    if (stopping.some((one) => isSameMistake(one, mistake))) return mistakeOf(mistake, local);
    const started = mistake.from === ".dev.vars";
    const finding = mistakeOf(mistake, started);
    return started === local ? finding : { ...finding, severity: "warning" };
  });
  const doubtful = warnings.map(
    (warning): Finding => ({
      ...{ about: ABOUT, check: "configuration", severity: "warning" },
      ...warning,
    }),
  );
  if (wrong.length + doubtful.length > 0) return [...wrong, ...doubtful];
  return [{ about: ABOUT, check: "configuration", severity: "ok", what: "it has no mistakes" }];
}

/** @param started whether it keeps the local run from starting */
function mistakeOf(mistake: FoundMistake, started: boolean): Finding {
  const { from, path } = mistake;
  const isShort = from === ".dev.vars" && path === "HEALTH_TOKEN";
  return {
    about: ABOUT,
    check: "configuration",
    severity: isShort ? "warning" : "error",
    what: foundText(mistake),
    why: isShort ? "/healthz tells nobody more than that it is there" : started ? HERE : WHY,
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

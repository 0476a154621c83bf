// What the doctor says about the mistakes and warnings of `vitrine check`, and about the shell's secrets.

import { isSecret } from "../../worker/config/read-secrets.ts";
import { isFault, type World } from "../command.ts";
import type { Report } from "../config/check-environments.ts";
import { bucketName, storeOf } from "../config/compare-environments.ts";
import type { KnownVars } from "../config/environment-config.ts";
import {
  type FoundMistake,
  foundText,
  isSameMistake,
  pageFor,
  shellWarnings,
} from "../config/mistakes.ts";
import { readSecretsFile, secretsIn } from "../secrets/secrets.ts";
import { type Diagnosis, type Finding, findingsOn, note, well } from "./finding.ts";

/**
 * What is wrong with the configuration, each mistake once.
 * @param stopping the mistakes that keep everything else from being examined
 * @param about the name of the configuration file, and whether it is about the local run
 */
export function diagnoseConfiguration(
  { warnings, mistakes }: Pick<Report, "warnings" | "mistakes">,
  stopping: readonly FoundMistake[],
  about: About,
): Finding[] {
  const { file, local, secretsFile } = about;
  const others = stopping.filter((one) => !mistakes.some((known) => isSameMistake(known, one)));
  const wrong = [...mistakes, ...others].map((mistake): Diagnosis => {
    const { from } = mistake;
    if (from !== undefined && !isOfDevVars(mistake))
      return diagnoseAtHand(mistake, from, secretsFile);
    if (stopping.some((one) => isSameMistake(one, mistake))) return diagnoseMistake(mistake, about);
    const started = isOfDevVars(mistake);
    const diagnosis = diagnoseMistake(mistake, { ...about, local: started });
    return started === local ? diagnosis : { ...diagnosis, severity: "warning" };
  });
  const doubtful = warnings.map(({ what, remedy }): Diagnosis => {
    return { check: "configuration", severity: "warning", what, remedy };
  });
  const all = [...wrong, ...doubtful];
  const none = well("configuration", "it has no mistakes");
  return findingsOn(file, all.length > 0 ? all : [none]);
}

/** What a store would save, or where to see that nobody else can read what it has (T7): wrangler asks R2. */
export function diagnoseStore(known: KnownVars): Finding[] {
  const store = storeOf(known);
  if (store === undefined) {
    const saves =
      "with one, Cloudflare bills only what is new, and visitors see pictures while S3 is down";
    return findingsOn(known.file, [
      note("configuration", `there is no store: ${saves} (docs/costs.md)`),
    ]);
  }
  const bucket = bucketName(known, store);
  const flag = store.jurisdiction === undefined ? "" : ` --jurisdiction ${store.jurisdiction}`;
  const commands = ["dev-url get", "domain list"].map(
    (one) => `npx wrangler r2 bucket ${one} ${bucket}${flag}`,
  );
  const look = `it must have no public address, which the doctor cannot see: ${commands.join(", and ")}`;
  return findingsOn(`store ${store.binding}: the R2 bucket ${bucket}`, [note("public", look)]);
}

/** What the shell would change if the file were deployed without `vitrine deploy` (S5). */
export function diagnoseShell(world: World, file: string | undefined): Finding[] {
  const given = file === undefined ? {} : readSecretsFile(world, file);
  const secrets = secretsIn(isFault(given) ? {} : given, file ?? "");
  const told = shellWarnings(world.env, secrets).map(({ what, remedy }) => `${what}. ${remedy}`);
  return findingsOn(
    "the environment",
    told.map((what) => note("configuration", what)),
  );
}

type About = {
  readonly file: string;
  readonly local: boolean;
  /** The secrets that the file lists, and the names of its variables. */
  readonly secrets: readonly string[];
  readonly vars: readonly string[];
  readonly secretsFile: string | undefined;
};

/** A secret of this machine that the configuration cannot be read with: the Worker may have another. */
function diagnoseAtHand(mistake: FoundMistake, from: string, secretsFile?: string): Diagnosis {
  return {
    check: "configuration",
    severity: from === secretsFile ? "error" : "warning",
    what: foundText(mistake),
    why: `this is about ${from} alone. The doctor looked at nothing else`,
    remedy: `correct ${mistake.path} in ${from}, or take it out there`,
  };
}

/** Returns whether the mistake is in .dev.vars, or in that of an environment. */
function isOfDevVars({ from }: FoundMistake): boolean {
  return from?.startsWith(".dev.vars") === true;
}

/** What a token that is too short does not open. */
const SHUT = new Map([
  ["HEALTH_TOKEN", "/healthz tells nobody more than that it is there"],
  ["PURGE_TOKEN", "there is no /purge without it"],
]);

/** @param about `local`: whether the mistake keeps the local run from starting */
function diagnoseMistake(mistake: FoundMistake, about: About): Diagnosis {
  const shut = isOfDevVars(mistake) ? SHUT.get(mistake.path) : undefined;
  const why = about.local
    ? "npx vitrine dev does not start with it; one that runs answers 500"
    : "deployed with one mistake, nothing is served: visitors get 500";
  return {
    check: "configuration",
    severity: shut ? "warning" : "error",
    what: foundText(mistake),
    why: shut ?? why,
    remedy: remedyFor(mistake, about),
  };
}

function remedyFor(mistake: FoundMistake, about: About): string {
  const { file, local: started, secrets, vars } = about;
  const { from, path } = mistake;
  if (isOfDevVars(mistake)) return `fix that line of ${from}`;
  if (isSecret(path)) {
    if (started) return `put ${path} into .dev.vars`;
    const shown = `if npx wrangler secret list shows it`;
    // A deploy or the Worker would fail with it.
    if (secrets.includes(path)) {
      return `take ${path} out of [secrets] in ${file}, and npx wrangler secret delete ${path}, ${shown}`;
    }
    if (vars.includes(path)) return `take ${path} out of vars in ${file}: then set it as a secret`;
    return `list ${path} under [secrets] in ${file}. Unless npx wrangler secret list shows it: npx wrangler secret put ${path}`;
  }
  if (path === file) return "fix that line";
  const page = pageFor(path) ?? "docs/configuration.md";
  const fix = `fix ${path} in ${file}: ${page} says what it may be`;
  return started ? fix : `${fix}. Then npx vitrine deploy`;
}

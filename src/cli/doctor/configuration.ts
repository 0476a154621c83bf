// What is wrong with the configuration, as `vitrine check` says it, with the shell's secrets, and what a store would
// save. Nothing is sent.

import { isSecret } from "../../worker/config/read-secrets.ts";
import { isFault, type World } from "../command.ts";
import type { Report } from "../config/check-environments.ts";
import { bucketName, storeOf } from "../config/compare-environments.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import {
  type FoundMistake,
  foundText,
  isSameMistake,
  pageFor,
  shellWarnings,
} from "../config/mistakes.ts";
import { readSecretsFile, secretsIn } from "../secrets/secrets.ts";
import { type Finding, fail, findingsOn, note, ok, type Result } from "./finding.ts";

type Subject = {
  /** The name of the configuration file. */
  readonly file: string;
  /** Whether it is about the local run. */
  readonly local: boolean;
  /** The secrets that the file lists, and the names of its variables. */
  readonly secrets: readonly string[];
  readonly vars: readonly string[];
  readonly secretsFile: string | undefined;
};

/**
 * What is wrong with the configuration, each mistake once.
 * @param stopping the mistakes that keep everything else from being examined
 */
export function checkConfiguration(
  { warnings, mistakes }: Pick<Report, "warnings" | "mistakes">,
  stopping: readonly FoundMistake[],
  subject: Subject,
): Finding[] {
  const others = stopping.filter((one) => !mistakes.some((known) => isSameMistake(known, one)));
  const faults = [...mistakes, ...others].map((mistake): Result => {
    const { from, path } = mistake;
    if (from !== undefined && !isOfDevVars(mistake)) {
      // The Worker may have another secret than this machine.
      return fail("configuration", {
        severity: from === subject.secretsFile ? "error" : "warning",
        seen: foundText(mistake),
        impact: `this is about ${from} alone. The doctor looked at nothing else`,
        remedy: `correct ${path} in ${from}, or take it out there`,
      });
    }
    const isStopping = stopping.some((one) => isSameMistake(one, mistake));
    const local = isStopping ? subject.local : isOfDevVars(mistake);
    const fault = diagnoseMistake(mistake, { ...subject, local });
    return local === subject.local ? fault : { ...fault, severity: "warning" };
  });
  const doubts = warnings.map(({ what: seen, remedy }): Result => {
    return { check: "configuration", severity: "warning", seen, remedy };
  });
  const all = [...faults, ...doubts];
  return findingsOn(
    subject.file,
    all.length > 0 ? all : [ok("configuration", "it has no mistakes")],
  );
}

/** Returns whether the mistake is in .dev.vars, or in that of an environment. */
function isOfDevVars({ from }: FoundMistake): boolean {
  return from?.startsWith(".dev.vars") === true;
}

/** What a token in .dev.vars that is too short does not open. */
const SHUT = new Map([
  ["HEALTH_TOKEN", "/healthz tells nobody more than that it is there"],
  ["PURGE_TOKEN", "there is no /purge without it"],
]);

/** @param subject `local`: whether the mistake keeps the local run from starting */
function diagnoseMistake(mistake: FoundMistake, subject: Subject): Result {
  const shut = isOfDevVars(mistake) ? SHUT.get(mistake.path) : undefined;
  const impact = subject.local
    ? "npx vitrine dev does not start with it; one that runs answers 500"
    : "deployed with one mistake, nothing is served: visitors get 500";
  return fail("configuration", {
    severity: shut ? "warning" : "error",
    seen: foundText(mistake),
    impact: shut ?? impact,
    remedy: remedyFor(mistake, subject),
  });
}

function remedyFor(mistake: FoundMistake, { file, local, secrets, vars }: Subject): string {
  const { from, path } = mistake;
  if (isOfDevVars(mistake)) return `fix that line of ${from}`;
  if (isSecret(path) && local) return `put ${path} into .dev.vars`;
  if (isSecret(path)) {
    const isListed = "if npx wrangler secret list shows it";
    // A deploy or the Worker would fail with it.
    if (secrets.includes(path)) {
      return `take ${path} out of [secrets] in ${file}, and npx wrangler secret delete ${path}, ${isListed}`;
    }
    if (vars.includes(path)) return `take ${path} out of vars in ${file}: then set it as a secret`;
    return `list ${path} under [secrets] in ${file}. Unless npx wrangler secret list shows it: npx wrangler secret put ${path}`;
  }
  if (path === file) return "fix that line";
  const page = pageFor(path) ?? "docs/configuration.md";
  const fix = `fix ${path} in ${file}: ${page} says what it may be`;
  return local ? fix : `${fix}. Then npx vitrine deploy`;
}

/** What a store would save, or where to see that nobody else can read what it has (T7): wrangler asks R2. */
export function checkStore(known: EnvironmentConfig): Finding[] {
  const store = storeOf(known);
  if (store === undefined) {
    const saves =
      "with one, Cloudflare bills only what is new, and visitors see pictures while S3 is down";
    const seen = `there is no store: ${saves} (docs/costs.md)`;
    return findingsOn(known.file, [note("configuration", seen)]);
  }
  const bucket = bucketName(known, store);
  const flag = store.jurisdiction === undefined ? "" : ` --jurisdiction ${store.jurisdiction}`;
  const [url, domains] = ["dev-url get", "domain list"].map(
    (one) => `npx wrangler r2 bucket ${one} ${bucket}${flag}`,
  );
  const seen = `it must have no public address, which the doctor cannot see: ${url}, and ${domains}`;
  return findingsOn(`store ${store.binding}: the R2 bucket ${bucket}`, [note("public", seen)]);
}

/** What the shell would change if the file were deployed without `vitrine deploy` (S5). */
export function checkShell(world: World, file: string | undefined): Finding[] {
  const read = file === undefined ? {} : readSecretsFile(world, file);
  const secrets = secretsIn(isFault(read) ? {} : read, file ?? "");
  const warnings = shellWarnings(world.env, secrets).map(({ what, remedy }) =>
    note("configuration", `${what}. ${remedy}`),
  );
  return findingsOn("the environment", warnings);
}

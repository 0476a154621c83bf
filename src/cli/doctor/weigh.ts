// Weighs what this machine sees of a bucket by what the deployed Worker shows. Keys of a shell are not the
// Worker's, and settings of wrangler.toml may not be deployed: neither says what visitors get. Pure.

import type { Project } from "../config/project.ts";
import { CAUSES } from "./checks/index.ts";
import type { Finding } from "./finding.ts";

/** Checks that are well only if the deployed Worker gets objects of a bucket. */
const PROOFS: readonly string[] = ["health", "r2", "role-rights", "image"];

/** @param here the findings of this machine, before those of the site */
export function weigh(
  { local, secretsFile }: Pick<Project, "local" | "secretsFile">,
  here: readonly Finding[],
  site: readonly Finding[],
): Finding[] {
  if (local) return [...here]; // the secrets and the settings are those of the local run
  return here.map((finding) => weighOne(finding, site, secretsFile));
}

function weighOne(finding: Finding, site: readonly Finding[], secretsFile: string | undefined) {
  const { severity, bucket, from, key, why, cause } = finding;
  if (bucket === undefined || severity === "ok" || severity === "note") return finding;
  const seen = site.filter((one) => one.bucket === bucket && one.severity === "ok");
  const works = seen.some(({ check }) => PROOFS.includes(check));
  const isHarmless = CAUSES.get(cause ?? "")?.harmless === true;
  if (from !== undefined && from !== secretsFile) {
    const isDeployed = key !== undefined && seen.some((one) => one.key === key);
    if (isDeployed && isHarmless) return finding;
    const alone = severity === "error" ? { why: aloneText(from, works) } : {};
    return { ...finding, severity: works ? ("note" as const) : ("warning" as const), ...alone };
  }
  const told = why?.includes("visitors") ? { why: `if this is deployed, ${why}` } : {};
  if (!works || isHarmless || from !== undefined) return { ...finding, ...told };
  return { ...finding, severity: "warning" as const, why: ONLY_HERE };
}

const ONLY_HERE = "seen from this machine, with wrangler.toml: the deployed Worker works";

function aloneText(from: string, works: boolean): string {
  const worker = works
    ? "the deployed Worker works"
    : "whether the Worker has this key is not known";
  return `this is about ${from} alone: ${worker}`;
}

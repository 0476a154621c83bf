// What a check returns: that all is well, or what was seen, why it matters and what to do. And what findings
// mean beside each other: this machine's keys and settings are not the deployed ones. Pure.

import type { Project } from "../config/project.ts";
import { hintFor, type Place } from "../wrangler/config-file.ts";

/** Everything that the doctor checks, and what it asks. */
export const CHECKS = {
  configuration: "is the configuration free of mistakes?",
  reachable: "does S3 answer?",
  tls: "does the host have a valid TLS certificate?",
  endpoint: "is endpoint the address of an S3?",
  clock: "do the clocks of S3, the site and this machine agree?",
  region: "is the bucket in that region?",
  bucket: "does the bucket exist?",
  busy: "does S3 answer without an error of its own?",
  public: "is the bucket closed to requests without a key?",
  keys: "are both secrets of each slot at hand?",
  session: "are the credentials permanent?",
  "key-id": "does S3 know the access key id?",
  secret: "does the secret belong to that key id?",
  list: "may the key only read, not list?",
  write: "may the key only read, not write?",
  prefix: "are there objects below the prefix?",
  sample: "may the key read an object, and is that an image?",
  parameter: "does S3 ignore the parameter x-vitrine of the URL that the edge fetches?",
  fallback: "does each fallback show an image?",
  deployed: "does Vitrine answer at that URL?",
  health: "do the deployed keys work?",
  transformations: "does the edge transform images?",
  sources: "may the edge fetch from the bucket?",
  quota: "are there unique transformations left this month?",
  edge: "does the edge turn the canary into an image?",
  binding: "does the Images binding turn the canary into an image?",
  r2: "does the Worker reach the R2 bucket?",
  issuer: "does AWS find the Worker's public keys?",
  role: "does STS give the Worker credentials of the role?",
  "role-rights": "may the role read the bucket?",
  image: "does a visitor get an image?",
  formats: "does each browser get a format that it can read?",
  cache: "do browsers keep the image as configured?",
  headers: "do the Worker's headers reach visitors?",
  originals: "do the originals stay in the bucket?",
  "workers-cache": "does Cloudflare keep renditions for all visitors?",
  "side-door": "does /cdn-cgi/image/ transform nothing for others?",
} as const;

export type Check = keyof typeof CHECKS;
export type Severity = "ok" | "note" | "warning" | "error";

/** What a check saw. */
export type Result = {
  readonly check: Check;
  readonly severity: Severity;
  readonly seen: string;
  /** Why it matters. */
  readonly impact?: string;
  /** The command or the click that fixes it. */
  readonly remedy?: string;
  /** The remedy changes wrangler.toml, which a deployed Worker sees only after a deploy. */
  readonly deploys?: boolean;
  /**
   * How it bears on other findings. `harmless`: visitors see images all the same. `passing`: it may be over
   * soon. `consequence`: it only follows, if something else was found wrong before it.
   */
  readonly bearing?: "harmless" | "passing" | "consequence";
};

/** What a check saw, and of what. */
export type Observation = Result & {
  /** The bucket's name in wrangler.toml, if it is about one. */
  readonly bucket?: string;
  /** Where the key comes from that it is about, as `the environment`, and the end of its id. */
  readonly from?: string | undefined;
  readonly key?: string | undefined;
};

export type Finding = Observation & {
  /** The bucket, slot, route or URL. */
  readonly about: string;
};

export type Problem = Pick<Result, "seen" | "impact" | "deploys" | "bearing"> & {
  readonly remedy: string;
  readonly severity?: "warning" | "error";
};

export const NO_IMAGE = "no image of this bucket is shown: visitors get 502";

/** A check fails. It is an error unless it says so, and its impact is that no image is shown. */
export function fail(check: Check, { severity = "error", ...problem }: Problem): Result {
  return { check, severity, impact: NO_IMAGE, ...problem };
}

export function ok(check: Check, seen: string): Result {
  return { check, severity: "ok", seen };
}

/** What is not wrong, or cannot be known. */
export function note(check: Check, seen: string): Result {
  return { check, severity: "note", seen };
}

export function findingsOn(about: string, results: readonly Observation[]): Finding[] {
  return results.map((result) => ({ about, ...result }));
}

const CHECKS_OF_SLOTS: readonly Check[] = ["keys", "session", "key-id", "secret", "list", "write"];

/** Returns whether it is about the credentials of one slot. */
export function isOfSlot({ check }: Result): boolean {
  return CHECKS_OF_SLOTS.includes(check);
}

/** A fault of one slot is only a warning if another one works. */
export function lessen<T extends Result>(result: T, workingSlot: string): T {
  return { ...result, severity: "warning", impact: `only slot ${workingSlot} works` };
}

/** Checks that are ok only if the deployed Worker gets objects of a bucket. */
const PROOFS: readonly Check[] = ["health", "r2", "role-rights", "image"];

/**
 * Weighs what this machine sees by what the deployed Worker shows. Keys of a shell are not the Worker's, and
 * settings of wrangler.toml may not be deployed: neither says what visitors get.
 * @param local the findings of this machine; `site` follows them
 */
export function weigh(
  project: Pick<Project, "local" | "secretsFile">,
  local: readonly Finding[],
  site: readonly Finding[],
): Finding[] {
  if (project.local) return [...local]; // the secrets and the settings are those of the local run
  return local.map((finding) => weighOne(finding, site, project.secretsFile));
}

function weighOne(
  finding: Finding,
  site: readonly Finding[],
  secretsFile: string | undefined,
): Finding {
  const { severity, bucket, from, key, impact, bearing } = finding;
  if (bucket === undefined || severity === "ok" || severity === "note") return finding;
  const proven = site.filter((one) => one.bucket === bucket && one.severity === "ok");
  const works = proven.some(({ check }) => PROOFS.includes(check));
  const isHarmless = bearing === "harmless";
  if (from !== undefined && from !== secretsFile) {
    const isDeployed = key !== undefined && proven.some((one) => one.key === key);
    if (isDeployed && isHarmless) return finding;
    const worker = works
      ? "the deployed Worker works"
      : "whether the Worker has this key is not known";
    const alone = { impact: `this is about ${from} alone: ${worker}` };
    return { ...finding, severity: works ? "note" : "warning", ...(severity === "error" && alone) };
  }
  if (works && !isHarmless && from === undefined) {
    const only = "seen from this machine, with wrangler.toml: the deployed Worker works";
    return { ...finding, severity: "warning", impact: only };
  }
  const deployed = { impact: `if this is deployed, ${impact}` };
  return { ...finding, ...(impact?.includes("visitors") && deployed) };
}

/** What a deployed setting does that may be right in wrangler.toml. Sources and the fallback may be right, too. */
export function withDeployFirst(finding: Finding, differs: Result): Finding {
  const isOfSettings = finding.deploys || ["sources", "fallback"].includes(finding.check);
  if (!isOfSettings || finding.impact === undefined || !differs.remedy) return finding;
  const impact = `${finding.impact}, perhaps because ${differs.seen}`;
  return { ...finding, impact, remedy: differs.remedy, deploys: false };
}

/**
 * The findings as they are reported: commands are for this environment, what changes wrangler.toml is to be
 * deployed, and an image that does not come is explained by what was found wrong before it.
 */
export function finish(
  findings: readonly Finding[],
  { place, local }: { readonly place: Place | undefined; readonly local: boolean },
): Finding[] {
  const hint = (text: string) => (place === undefined ? text : hintFor(place, text));
  const deployed = findings.map((one) =>
    one.deploys && !local ? { ...one, remedy: `${one.remedy}. Then npx vitrine deploy` } : one,
  );
  return deployed.map((finding, at) => {
    const explained = explain(finding, deployed.slice(0, at));
    const { seen, impact, remedy, deploys: _deploys, bearing: _bearing, ...rest } = explained;
    return {
      ...rest,
      seen: hint(seen),
      ...(impact !== undefined && { impact: hint(impact) }),
      ...(remedy !== undefined && { remedy: hint(remedy) }),
    };
  });
}

/** @param before the findings before it */
function explain(finding: Finding, before: readonly Finding[]): Finding {
  const { bucket, bearing, severity } = finding;
  if (severity === "note" || bearing !== "consequence") return finding;
  const related = before.filter(
    (one) => one.bucket === undefined || bucket === undefined || one.bucket === bucket,
  );
  // If the deployed keys work, those at hand explain nothing.
  const serves = related.some((one) => one.check === "health" && one.severity === "ok");
  const first = related.find((one) => {
    const isPassing = one.severity === "warning" && one.bearing === "passing";
    const isWrong = one.severity === "error" || isPassing;
    const explains = one.check !== "image" && one.bearing !== "harmless";
    return isWrong && explains && !(serves && isOfSlot(one));
  });
  if (first === undefined) return finding;
  const impact = `most likely because of the finding above: ${first.seen}`;
  const wait = first.severity === "warning" ? first.remedy : undefined;
  const remedy = wait ?? "fix that first, then run the doctor again";
  return { ...finding, impact, remedy };
}

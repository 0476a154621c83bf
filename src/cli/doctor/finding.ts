// What a check returns: that all is well, or what was seen, why it matters and what to do. And how findings are
// reported beside each other. Pure.

import { hasProperty } from "../../worker/util/json.ts";
import { type ConfigFile, hintFor } from "../wrangler/config-file.ts";

/** Everything that the doctor checks, and what it asks. */
export const CHECKS = {
  configuration: "is the configuration free of mistakes?",
  reachable: "does S3 answer, with a valid TLS certificate?",
  endpoint: "is endpoint the address of an S3?",
  clock: "do the clocks of S3 and this machine agree?",
  region: "is the bucket in that region?",
  bucket: "does the bucket exist?",
  busy: "does S3 answer without an error of its own?",
  public: "is the bucket closed to requests without a key?",
  keys: "are both secrets of each slot at hand, and can they be used?",
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

export type Result = {
  readonly check: Check;
  readonly severity: Severity;
  readonly seen: string;
  readonly impact?: string;
  readonly remedy?: string;
  /** The remedy changes wrangler.toml, which a deployed Worker sees only after a deploy. */
  readonly needsDeploy?: boolean;
  /**
   * How this result bears on others. `harmless`: visitors see images all the same. `passing`: the fault may be over
   * soon. `consequence`: if there is an earlier fault, this one only follows from it.
   */
  readonly bearing?: "harmless" | "passing" | "consequence";
};

export function isResult<T extends object>(value: T | Result): value is Result {
  return hasProperty(value, "check");
}

export type Finding = Result & {
  readonly about: string;
  /** The bucket's name in wrangler.toml, if the finding is about a bucket. */
  readonly bucket?: string;
};

export function findingsOf(about: string, bucket: string, results: readonly Result[]) {
  return results.map((result) => ({ about, bucket, ...result }));
}

export type Problem = Pick<Result, "seen" | "impact" | "needsDeploy" | "bearing"> & {
  readonly remedy: string;
  readonly severity?: "warning" | "error";
};

// What several remedies say.
export const SEE_PROVIDER = "see the provider's status page";
export const LEAVE_PARAMETER_OUT =
  'source_parameter = false (a replaced object then shows after an hour, or its cache-control if that is longer), or engine = "binding"'; // A15
export const ALL_MISSING = "every object is missing: visitors get 404";
const NO_IMAGE = "no image of this bucket is shown: visitors get 502";

/** What a check finds wrong: by default an error, whose impact is that no image is shown. */
export function problem(check: Check, details: Problem): Result {
  return { check, severity: "error", impact: NO_IMAGE, ...details };
}

export function ok(check: Check, seen: string): Result {
  return { check, severity: "ok", seen };
}

/** What is not wrong, or cannot be known. */
export function note(check: Check, seen: string): Result {
  return { check, severity: "note", seen };
}

/** Makes a warning of an error that visitors do not suffer from, as far as is known. */
export function lessen<T extends Result>(result: T, impact: string): T {
  return result.severity === "error" ? { ...result, severity: "warning", impact } : result;
}

/**
 * Completes the findings for the report: commands name this environment, a change of wrangler.toml is followed by a
 * deploy, and a consequence names the finding that caused it.
 */
export function reportable(findings: Finding[], config: ConfigFile, local: boolean): Finding[] {
  return findings.map((finding, index) => {
    const explained = explain(finding, findings.slice(0, index));
    const { seen, impact, remedy, needsDeploy, bearing: _bearing, ...rest } = explained;
    const wholeRemedy = needsDeploy && !local ? `${remedy}. Then npx vitrine deploy` : remedy;
    return {
      ...{ ...rest, seen: hintFor(config, seen) },
      ...(impact !== undefined && { impact: hintFor(config, impact) }),
      ...(wholeRemedy !== undefined && { remedy: hintFor(config, wholeRemedy) }),
    };
  });
}

function explain(finding: Finding, before: readonly Finding[]): Finding {
  const { bucket, bearing } = finding;
  if (bearing !== "consequence") return finding;
  const cause = before.find((earlier) => {
    const isRelated =
      earlier.bucket === undefined || bucket === undefined || earlier.bucket === bucket;
    const isWrong = earlier.severity === "error" || earlier.bearing === "passing";
    return isRelated && isWrong && earlier.check !== "image" && earlier.bearing !== "harmless";
  });
  if (cause === undefined) return finding;
  const impact = `most likely because of the finding above: ${cause.seen}`;
  const remedy = "fix that first, then run the doctor again";
  return { ...finding, needsDeploy: false, impact, remedy };
}

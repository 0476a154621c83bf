// What the doctor checks, and what a check reports: what it saw, what that means for visitors, and what to do. The words: a slot
// holds one key pair of a bucket, and the canary is an object of the bucket that is there to be requested. Pure.

import { type ConfigFile, commandFor } from "../wrangler/config-file.ts";

/** Every check, and what it asks. */
export const CHECKS = {
  configuration: "is the configuration free of mistakes, here and on the Worker?",
  reachable: "does S3 answer, with a valid TLS certificate?",
  endpoint: "is endpoint the address of an S3?",
  clock: "do the clocks of S3, of the Worker and of this machine agree?",
  region: "is the bucket in that region?",
  bucket: "does the bucket exist?",
  busy: "does S3 answer without an error of its own?",
  account: "does S3 answer without a refusal that is about the account?",
  keys: "are both secrets of each slot at hand, and can they be used?",
  "key-id": "does S3 know the access key id?",
  secret: "does the secret belong to that key id?",
  list: "may the key list, where a store or another bucket needs that?",
  prefix: "are there objects below the prefix?",
  sample: "may the key read an object, or a fallback, and is that an image?",
  parameter: "does S3 ignore the parameter x-vitrine of the URL that the edge fetches?",
  public: "is the bucket closed to requests without a key?",
  deployed: "does Vitrine answer at that URL, with this configuration?",
  health: "do the deployed keys work?",
  store: "does the store answer the Worker?",
  r2: "does the Worker reach the R2 bucket?",
  issuer: "does AWS find the Worker's public keys?",
  role: "does STS give the Worker credentials of the role?",
  "role-rights": "may the role read the bucket?",
  transformations: "does the edge transform images?",
  sources: "may the edge fetch from the bucket?",
  quota: "are there unique transformations left this month?",
  edge: "does the edge turn the canary into an image?",
  binding: "does the Images binding turn the canary into an image?",
  token: "are the keys and the name of each issuer right, and is a token needed?",
  image: "does a visitor get an image?",
  signing: "are the signing keys at hand the Worker's?",
  formats: "does each browser get a format that it can read?",
  originals: "do visitors get no original?",
  cache: "do browsers keep the image as configured?",
  "workers-cache": "does Cloudflare keep renditions for all visitors?",
  events: "do changes of the bucket reach the queue of this Worker?",
  zone: "do the settings of the zone let nobody else transform images, as far as they can be read?",
  "side-door": "does /cdn-cgi/image/ transform nothing for others?",
} as const;

export type Check = keyof typeof CHECKS;
export type Severity = "ok" | "note" | "warning" | "error";

export type Finding = {
  readonly check: Check;
  readonly severity: Severity;
  /** What it is about: a file, a bucket, a slot, a URL. Findings are grouped by it. */
  readonly about: string;
  /** The bucket's name in wrangler.toml, if the finding is about a bucket. */
  readonly bucket?: string;
  readonly seen: string;
  readonly impact?: string;
  readonly remedy?: string;
  /** Whether the remedy changes wrangler.toml, which a deployed Worker sees only after a deploy. */
  readonly needsDeploy?: boolean;
  /** Whether it is about a key of this machine, which the Worker may not have. */
  readonly isOfMachine?: boolean;
};

/** What a finding is about. */
export type Subject = Pick<Finding, "about" | "bucket">;

/** What is wrong, and what to do. Without an impact, `addImpacts` adds what visitors were seen to get. */
export type Problem = {
  readonly seen: string;
  readonly remedy: string;
  readonly impact?: string;
  readonly needsDeploy?: boolean;
  readonly isOfMachine?: boolean;
};

export function ok(check: Check, subject: Subject, seen: string): Finding {
  return { ...subject, check, severity: "ok", seen };
}

/** What is not wrong, or cannot be known. */
export function note(check: Check, subject: Subject, seen: string): Finding {
  return { ...subject, check, severity: "note", seen };
}

export function warning(check: Check, subject: Subject, problem: Problem): Finding {
  return { ...subject, check, severity: "warning", ...problem };
}

export function error(check: Check, subject: Subject, problem: Problem): Finding {
  return { ...subject, check, severity: "error", ...problem };
}

/** The text of a server may be very long, and `seen` may quote it. */
const MAX_TEXT_LENGTH = 2_000;

/** Completes the findings for the report. If a remedy changes wrangler.toml, "Then npx vitrine deploy" is added to it. */
export function completeFindings(
  findings: readonly Finding[],
  config: ConfigFile,
  isLocalRun: boolean,
): Finding[] {
  const deploy = commandFor(config, "npx vitrine deploy");

  return findings.map((finding) => {
    // The report has no field for `needsDeploy` and `isOfMachine`: they are left out of `rest`.
    const { seen, impact, remedy, needsDeploy, isOfMachine: _isOfMachine, ...rest } = finding;

    // The local run reads the file by itself.
    const isDeployNext = needsDeploy && !isLocalRun;
    const wholeRemedy = isDeployNext ? `${remedy}. Then ${deploy}` : remedy;

    return {
      ...rest,
      seen: seen.slice(0, MAX_TEXT_LENGTH),
      ...(impact !== undefined && { impact }),
      ...(wholeRemedy !== undefined && { remedy: wholeRemedy }),
    };
  });
}

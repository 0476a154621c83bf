import { keyFault } from "./key.ts";
import { bucketBase, defaultAddressing } from "./origin.ts";
import { is, matching, may, oneOf, type Read, type Report, table, type Vars } from "./schema.ts";
import type { Credentials } from "./sign.ts";

/** A private bucket and how to reach it. */
export type Bucket = {
  /** Its name in the configuration. */
  readonly name: string;
  /** The URL that every key of it follows. */
  readonly base: string;
  /** What every key begins with: nothing outside it can be reached. */
  readonly prefix: string;
  readonly region: string;
  readonly credentials: Credentials;
};

/** A bucket as it stands in wrangler.toml. */
export const bucketSchema = table({
  endpoint: is("a plain https:// URL", isEndpoint), // E6
  bucket: matching("a bucket's name", /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/),
  region: matching("a region", /^[a-z0-9-]+$/),
  prefix: may(is("a path that ends in a slash", isPrefix)),
  addressing: may(oneOf("virtual", "path")),
  credentials: may(matching("the beginning of a secret's name", /^[A-Z][A-Z0-9_]*$/), "AWS"),
});

export type BucketSettings = Read<typeof bucketSchema>;

/** What is wrong with a bucket's settings taken together. */
export function bucketFaults({ endpoint, bucket, addressing }: BucketSettings): string[] {
  const faults = [];
  if (addressing === "virtual" && bucket.includes(".")) {
    faults.push('has a dot in its name, which breaks TLS: set addressing = "path"'); // A4
  }
  if (endpoint.startsWith(`https://${bucket}.`)) {
    faults.push("has its own name in the endpoint: leave it out there");
  }
  return faults;
}

/** Puts a bucket's settings and its credentials together. */
export function openBucket(
  name: string,
  settings: BucketSettings,
  credentials: Credentials,
): Bucket {
  const { bucket, region, prefix = "" } = settings;
  const endpoint = settings.endpoint.replace(/\/+$/, "");
  const addressing = settings.addressing ?? defaultAddressing(endpoint, bucket);
  return { name, base: bucketBase(endpoint, bucket, addressing), prefix, region, credentials };
}

/** The names of the secrets that hold the credentials of a `credentials` word. */
export function secretNames(word: string): Record<keyof Credentials, string> {
  return { accessKeyId: `${word}_ACCESS_KEY_ID`, secretAccessKey: `${word}_SECRET_ACCESS_KEY` };
}

/**
 * Reads the credentials whose secrets begin with `word`. What is wrong with them is reported; no
 * message holds any part of a value.
 */
export function readCredentials(word: string, vars: Vars, report: Report): Credentials {
  const readSecret = (name: string): string => {
    const value = vars[name];
    if (typeof value === "string" && /^\S+$/.test(value)) return value;
    report(name, value ? "is not a secret without white space" : "is missing: set the secret");
    return "";
  };
  const names = secretNames(word);
  const credentials = {
    accessKeyId: readSecret(names.accessKeyId),
    secretAccessKey: readSecret(names.secretAccessKey),
  };
  if (credentials.accessKeyId.startsWith("ASIA")) {
    // A11
    report(
      names.accessKeyId,
      "is a session's key (ASIA…), and the edge does not pass on the token it needs: take an IAM user's",
    );
  }
  return credentials;
}

/** http:// is for this machine alone. */
function isEndpoint(value: unknown): value is string {
  if (typeof value !== "string" || !URL.canParse(value) || /[?#@\s]/.test(value)) return false;
  const { protocol, hostname } = new URL(value);
  return (
    protocol === "https:" || (protocol === "http:" && /^(localhost|127\.0\.0\.1)$/.test(hostname))
  );
}

function isPrefix(value: unknown): value is string {
  return (
    typeof value === "string" && value.endsWith("/") && keyFault(value.slice(0, -1)) === undefined
  );
}

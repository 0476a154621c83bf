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
export const bucketSchema = table(
  {
    endpoint: is("a plain https:// URL", isEndpoint), // E6
    bucket: matching("a bucket's name", /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/),
    region: matching("a region", /^[a-z0-9-]+$/),
    prefix: may(is("a path such as a/b/", isPrefix)),
    addressing: may(oneOf("virtual", "path")),
    credentials: may(
      matching("the beginning of a secret's name", /^(?!A[KS]IA)[A-Z][A-Z0-9_]{0,31}$/),
      "AWS",
    ),
  },
  ({ endpoint, bucket, addressing }, fault) => {
    if (endpoint === undefined || bucket === undefined) return;
    const { hostname, pathname } = new URL(endpoint);
    const own = hostname.startsWith(`${bucket}.`) && hostname.split(".").length > 3;
    if ((own && addressing !== "path") || pathname.endsWith(`/${bucket}`)) {
      fault("has the bucket in it: leave it out", "endpoint");
    } else if (addressing === "virtual" && bucket.includes(".")) {
      fault('breaks TLS, since the bucket has a dot in its name: set "path"', "addressing"); // A4
    } else if (!URL.canParse(bucketBase(endpoint, bucket, addressing ?? "path"))) {
      fault('needs an endpoint with a name: set "path"', "addressing");
    }
  },
);

export type BucketSettings = Read<typeof bucketSchema>;

/** Puts a bucket's settings and its credentials together. */
export function openBucket(
  name: string,
  settings: BucketSettings,
  credentials: Credentials,
): Bucket {
  const { bucket, region, prefix = "" } = settings;
  const endpoint = settings.endpoint.replace(/\/$/, "");
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
  const readSecret = (name: string, pattern: RegExp): string => {
    const value = vars[name];
    if (typeof value === "string" && pattern.test(value)) return value;
    report(
      name,
      value
        ? "has a character that no key has"
        : "is missing: set the secret, and list it under [secrets]",
    );
    return "";
  };
  const names = secretNames(word);
  const credentials = {
    accessKeyId: readSecret(names.accessKeyId, /^[\w.+=@-]+$/),
    secretAccessKey: readSecret(names.secretAccessKey, /^[\x21-\x7e]+$/),
  };
  if (credentials.accessKeyId.startsWith("ASIA")) {
    // A11
    report(
      names.accessKeyId,
      "is a session's key, whose token the edge does not pass on: take a user's",
    );
  }
  return credentials;
}

/** As it is sent, so that what is signed is what is sent. http:// is for this machine alone. */
function isEndpoint(value: unknown): value is string {
  if (typeof value !== "string" || !URL.canParse(value)) return false;
  if (new URL(value).href.replace(/\/$/, "") !== value.replace(/\/$/, "")) return false;
  return /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1)(?![\w.-]))[\w.~:[\]/-]*$/.test(value);
}

function isPrefix(value: unknown): value is string {
  return (
    typeof value === "string" && value.endsWith("/") && keyFault(value.slice(0, -1)) === undefined
  );
}

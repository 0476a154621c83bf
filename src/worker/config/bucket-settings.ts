// Checks a table `[vars.BUCKETS.<name>]` of wrangler.toml. It names a private bucket and says how the Worker reaches
// it: by a URL of S3's API, or, in R2, by a binding of the Worker. Pure: nothing here asks whether there is
// such a bucket, or whether a key opens it.

import { keyFault } from "../../url/key.ts";
import { hasProperty } from "../util/json.ts";
import { bindingName } from "./bindings.ts";
import {
  type AddMistake,
  boolean,
  choose,
  type Infer,
  oneOf,
  optional,
  type Schema,
  table,
  text,
  textLike,
  textThat,
} from "./schema.ts";

/**
 * What makes the pictures. `cf`: the image edge, which fetches the object itself. `binding`: the Images binding, for
 * which the Worker fetches the object. This is not the option `binding`, which names the binding of an R2 bucket.
 */
export type Engine = "cf" | "binding";

/** Whether the bucket's name is in the host of its URL (`virtual`) or in the path (A4). */
type Addressing = "virtual" | "path";

const BUCKET_NAME = /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/;

/** Words and numbers, such as `Acme Media/2026` or `s3://acme-media-production`: no key or token looks so. */
const WORDS = /^(?:(?:s3|[A-Z]?[a-z]{1,15}|[A-Z]{1,15}|\d{1,8})(?:[\s./:_-]+|$))+$/;

export const bucketText = textLike("a bucket name", BUCKET_NAME);

/** A bucket's name. A message repeats a wrong one, unless it could be a secret that was pasted into the wrong line. */
export const bucketName: Schema<string> = (value, path, report) => {
  const isWrongName = typeof value === "string" && !BUCKET_NAME.test(value);
  const isShown = isWrongName && value.length < 100 && WORDS.test(value);
  if (!isShown) return bucketText(value, path, report);

  report(path, `${JSON.stringify(value)} is not a bucket name`);
  return undefined;
};

const folder = optional(textThat("a path such as a/b/", isFolder), "");
const plainUrl = textThat("a plain https:// URL", isPlainUrl);

/** A word such as MEDIA_2. A key id of AWS (`AKIA…`, `ASIA…`) is refused, because messages show this word. */
const SECRET_PREFIX = /^(?!A[KS]IA)[A-Z][A-Z0-9_]{0,31}$/;

export const credentialsSchema = textLike("a word such as MEDIA_2", SECRET_PREFIX);

/** With the account and the name of the role: `arn:aws:iam::123456789012:role/vitrine`, in China `arn:aws-cn:…`. */
const ROLE_ARN = /^arn:[\w-]+:iam::\d*:role\/[\w+=,.@/-]+$/;

const s3BucketSchema = table(
  {
    /** The URL of S3's API, without the bucket. */
    endpoint: plainUrl,
    bucket: bucketName,
    region: textLike("a region", /^[a-z0-9-]+$/),
    /** The folder of the objects. No object outside of it can be reached. */
    prefix: folder,
    addressing: optional(oneOf("virtual", "path")),
    /** The key, below the prefix, of an object that /healthz tries. */
    canary: optional(text),
    /** The word with which the names of the bucket's secrets begin. */
    credentials: optional(credentialsSchema, "AWS"),
    engine: optional(oneOf("cf", "binding"), "cf"),
    /** The role of AWS that the Worker takes, in place of a key. */
    role: optional(textLike("the ARN of a role", ROLE_ARN)),
    /** The URL of STS, the service of AWS that gives the credentials of the role. */
    sts: optional(plainUrl),
    /** Whether the URL that the edge fetches has a parameter `x-vitrine` that changes with the object (A15). */
    source_parameter: optional(boolean, true),
  },
  (settings, addMistake) => {
    const { endpoint, bucket, addressing, engine, role, sts } = settings;

    checkCanary(settings, addMistake);

    // The edge passes on no session token, and a role has only session credentials (E1).
    if (role && engine !== "binding") addMistake('needs engine = "binding"', "role");
    if (sts && !role) addMistake("needs role", "sts");

    if (endpoint && bucket) checkBucketUrl(endpoint, bucket, addressing, addMistake);
  },
);

const r2BucketSchema = table(
  {
    binding: bindingName,
    bucket: optional(bucketName),
    prefix: folder,
    canary: optional(text),
    // The image edge fetches URLs, and a binding has none.
    engine: optional(oneOf("binding"), "binding"),
  },
  checkCanary,
);

export const bucketSchema = choose(
  (value) => hasProperty(value, "binding"),
  r2BucketSchema,
  s3BucketSchema,
);

export type S3Settings = Infer<typeof s3BucketSchema>;
export type R2Settings = Infer<typeof r2BucketSchema>;

/** Returns whether a bucket is reached by a binding. Only such settings have the option `binding`. */
export function isR2Settings(settings: S3Settings | R2Settings): settings is R2Settings {
  return hasProperty(settings, "binding");
}

/** What `checkCanary` reads. An option with a mistake is undefined. */
type CanarySettings = {
  readonly prefix?: string | undefined;
  readonly canary?: string | undefined;
};

/** Checks the whole key of the canary. */
function checkCanary(settings: CanarySettings, addMistake: AddMistake): void {
  const { prefix = "", canary } = settings;
  if (!canary) return;

  const fault = keyFault(prefix + canary);
  if (fault) addMistake(`impossible key: ${fault}`, "canary");
}

/**
 * A host name of at most three labels is taken for that of a server: `minio.example.com`. The first label of a longer
 * one may be the name of a bucket: `media.s3.example.com`.
 */
const MAX_SERVER_LABELS = 3;

/** Checks that the endpoint, the bucket's name and the addressing make a URL together. */
function checkBucketUrl(
  endpoint: string,
  bucket: string,
  addressing: Addressing | undefined,
  addMistake: AddMistake,
): void {
  if (bucket.includes("..")) {
    addMistake("has two dots in a row, as no bucket has", "bucket");
    return;
  }

  // The Worker adds the bucket's name to the endpoint, so the name must not be there already: for the bucket `media`,
  // `media.s3.example.com` and `s3.example.com/media` are mistakes. `media.example.com` is none: a server may be called
  // so, as may any host with `addressing = "path"` (A4).
  const { hostname, pathname } = new URL(endpoint);
  const startsWithBucket = hostname.startsWith(`${bucket}.`);
  const mayBeServer = addressing === "path" || hostname.split(".").length <= MAX_SERVER_LABELS;
  const hostNamesBucket = startsWithBucket && !mayBeServer;
  const pathNamesBucket = pathname.endsWith(`/${bucket}`);
  if (hostNamesBucket || pathNamesBucket) {
    addMistake("contains the bucket's name: remove it", "endpoint");
    return;
  }

  // By default, the Worker takes an addressing that fits.
  if (addressing !== "virtual") return;

  // The certificate of `*.s3.example.com` covers one more label, so not the host `my.bucket.s3.example.com` (A4).
  if (bucket.includes(".")) {
    addMistake('breaks TLS, as bucket has a dot: set "path"', "addressing");
    return;
  }

  // No bucket's name can stand in front of an IP address.
  const url = bucketUrl(endpoint, bucket, addressing);
  if (!URL.canParse(url)) addMistake('needs a host name in endpoint: set "path"', "addressing");
}

/**
 * http:// is only for an S3 on this machine, such as `http://localhost:9000`: the edge fetches https:// alone (E6). The
 * part `(?!…)` refuses a longer host name, such as `http://localhost.example`.
 */
const SCHEME = /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1)(?![\w.-]))/;

/** No `?`, `#`, `@` or `%`, and nothing else that a URL parser or a signer may change. */
const PLAIN_CHARACTERS = /^[\w.~:[\]/-]*$/;

/** Returns whether a URL has the spelling in which it is sent and signed. */
function isPlainUrl(value: string): boolean {
  if (!SCHEME.test(value)) return false;
  if (!PLAIN_CHARACTERS.test(value)) return false;

  // The parser adds a slash after a host. If it changed anything else, the signature would be of another URL (A2).
  const url = URL.parse(value);
  return url?.href === value || url?.href === `${value}/`;
}

/** Returns whether a text is a key and a slash. */
function isFolder(value: string): boolean {
  if (!value.endsWith("/")) return false;
  return keyFault(value.slice(0, -1)) === undefined;
}

/**
 * The URL of a bucket without a key (A4).
 * @param endpoint an absolute URL without query and fragment. `s3Bucket` has taken off a slash at its end
 * @example `https://s3.example.com/acme-media/` (path), `https://acme-media.s3.example.com/` (virtual)
 */
export function bucketUrl(endpoint: string, bucket: string, addressing: Addressing): string {
  if (addressing === "path") return `${endpoint}/${bucket}/`;

  const { protocol, host, pathname } = new URL(endpoint);
  const path = pathname === "/" ? "" : pathname;
  return `${protocol}//${bucket}.${host}${path}/`;
}

/**
 * Returns the addressing of a bucket that sets none (A4): `virtual` at AWS, if TLS allows the bucket's name in the
 * host, else `path`, which nearly every other provider takes.
 */
export function defaultAddressing(endpoint: string, bucket: string): Addressing {
  const { hostname } = new URL(endpoint);
  const isAws = /\.amazonaws\.com(\.cn)?$/.test(hostname);
  if (!isAws || bucket.includes(".")) return "path";
  return "virtual";
}

/** The URL of STS in a region of AWS. Regions in China have a domain of their own. */
export function defaultSts(region: string): string {
  const domain = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return `https://sts.${region}.${domain}`;
}

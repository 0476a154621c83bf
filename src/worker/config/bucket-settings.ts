// A bucket as wrangler.toml has it: reached by S3's API, or by a binding of the Worker. Pure.

import { keyFault } from "../../url/key.ts";
import { hasMethods, hasProperty } from "../util/json.ts";
import {
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

/** `cf`: the image edge fetches the object itself. `binding`: the Worker does, for the Images binding. */
export type Engine = "cf" | "binding";

const prefix = optional(textThat("a path such as a/b/", isPrefix), "");
const bucketName = textLike("a bucket name", /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/);

export const bindingName = textLike("the name of a binding", /^[A-Za-z_]\w*$/);

const s3BucketSchema = table(
  {
    endpoint: textThat("a plain https:// URL", isEndpoint), // E6
    bucket: bucketName,
    region: textLike("a region", /^[a-z0-9-]+$/),
    prefix,
    addressing: optional(oneOf("virtual", "path")),
    canary: optional(text),
    credentials: optional(
      textLike("a word such as MEDIA_2", /^(?!A[KS]IA)[A-Z][A-Z0-9_]{0,31}$/),
      "AWS",
    ),
    engine: optional(oneOf("cf", "binding"), "cf"),
    role: optional(textLike("the ARN of a role", /^arn:[\w-]+:iam::\d*:role\/[\w+=,.@/-]+$/)),
    sts: optional(textThat("a plain https:// URL", isEndpoint)),
    /** Whether the URL that the edge fetches names the object's bytes in a parameter (A15). */
    source_parameter: optional(boolean, true),
  },
  ({ endpoint, bucket, addressing, prefix = "", canary, engine = "cf", role, sts }, addMistake) => {
    checkCanary(prefix, canary, addMistake);
    // The edge passes on no session token (E1).
    if (role && engine === "cf") addMistake('needs engine = "binding"', "role");
    if (sts && !role) addMistake("needs role", "sts");
    if (!endpoint || !bucket) return;
    if (bucket.includes(".."))
      return addMistake("has two dots in a row, as no bucket has", "bucket");
    const { hostname, pathname } = new URL(endpoint);
    const inHost = hostname.startsWith(`${bucket}.`) && hostname.split(".").length > 3;
    if ((inHost && addressing !== "path") || pathname.endsWith(`/${bucket}`)) {
      addMistake("contains the bucket's name: remove it", "endpoint");
    } else if (addressing === "virtual" && bucket.includes(".")) {
      addMistake('breaks TLS, as bucket has a dot: set "path"', "addressing"); // A4
    } else if (!URL.canParse(bucketUrl(endpoint, bucket, addressing ?? "path"))) {
      addMistake('needs a host name in endpoint: set "path"', "addressing");
    }
  },
);

const r2BucketSchema = table(
  {
    binding: bindingName,
    bucket: optional(bucketName),
    prefix,
    canary: optional(text),
    engine: optional(oneOf("binding"), "binding"), // cf.image reads URLs only
  },
  ({ prefix = "", canary }, addMistake) => checkCanary(prefix, canary, addMistake),
);

export const bucketSchema = choose(
  (value) => hasProperty(value, "binding"),
  r2BucketSchema,
  s3BucketSchema,
);

export type S3Settings = Infer<typeof s3BucketSchema>;
export type R2Settings = Infer<typeof r2BucketSchema>;

function checkCanary(
  prefix: string,
  canary: string | undefined,
  addMistake: (message: string, at: string) => void,
): void {
  const reason = canary && keyFault(prefix + canary);
  if (reason) addMistake(`impossible key: ${reason}`, "canary");
}

/** Returns whether a URL has the spelling that is sent and signed. http:// is only for localhost. */
function isEndpoint(value: string): boolean {
  return (
    /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1)(?![\w.-]))[\w.~:[\]/-]*$/.test(value) &&
    [value, `${value}/`].includes(URL.parse(value)?.href ?? "")
  );
}

function isPrefix(value: string): boolean {
  return value.endsWith("/") && !keyFault(value.slice(0, -1));
}

type Addressing = "virtual" | "path";

/**
 * The URL of a bucket without a key (A4).
 * @param endpoint an absolute URL without query, fragment or slash at its end
 */
export function bucketUrl(endpoint: string, bucket: string, addressing: Addressing): string {
  if (addressing === "path") return `${endpoint}/${bucket}/`;
  const { protocol, host, pathname } = new URL(endpoint);
  return `${protocol}//${bucket}.${host}${pathname === "/" ? "" : pathname}/`;
}

/** Virtual-hosted if AWS serves the bucket and TLS allows its name, else path-style (A4). */
export function defaultAddressing(endpoint: string, bucket: string): Addressing {
  const aws = /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
  return aws && !bucket.includes(".") ? "virtual" : "path";
}

/** The URL of STS in a region of AWS. Regions in China have a domain of their own. */
export function defaultSts(region: string): string {
  return `https://sts.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
}

export type Images = Pick<ImagesBinding, "input" | "info">;

/** The binding of an R2 bucket that has originals. */
export type R2Source = Pick<R2Bucket, "get" | "head">;

/** The binding of an R2 bucket that holds renditions. */
export type Store = Pick<R2Bucket, "get" | "put" | "delete" | "list">;

const IMAGES = ["an Images binding", '[images] binding = "IMAGES"'] as const;
const R2 = ["an R2 bucket's binding", "it to [[r2_buckets]]"] as const;

export const imagesSchema = binding(hasMethods<Images>("input", "info"), ...IMAGES);
export const r2Schema = binding(hasMethods<R2Source>("get", "head"), ...R2);
export const storeSchema = binding(hasMethods<Store>("get", "put", "delete", "list"), ...R2);

/**
 * A binding. No message repeats a value: under a wrong name, it may be a secret.
 * @param missing what to add to the configuration if there is no such binding
 */
function binding<T>(
  test: (value: unknown) => value is T,
  expected: string,
  missing: string,
): Schema<T> {
  return (value, path, report) => {
    if (test(value)) return value;
    report(path, value === undefined ? `is missing: add ${missing}` : `is not ${expected}`);
    return undefined;
  };
}

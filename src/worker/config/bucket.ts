import { keyFault } from "../../url/key.ts";
import { bucketBase, defaultAddressing } from "./addressing.ts";
import type { SlotsRead, Unusable } from "./read-secrets.ts";
import { custom, oneOf, optional, type Read, table, text, textLike } from "./schema.ts";
import { isSameKey, type Slot } from "./slot.ts";

/** A private bucket and how to reach it. */
export type Bucket = {
  /** Its name in the configuration. */
  readonly name: string;
  /** Its name at the provider. */
  readonly bucket: string;
  /** The URL that every key of it follows. */
  readonly base: string;
  /** What every key begins with: nothing outside it can be reached. */
  readonly prefix: string;
  readonly region: string;
  /** The key of an object that /healthz looks at. */
  readonly canary: string | undefined;
  /** One or two, each with a key of its own: the first that S3 does not refuse is used. */
  readonly slots: readonly Slot[];
  /** The same with a next one that holds the current one's key, as at the end of a rotation. */
  readonly usable: readonly Slot[];
  readonly unusable: readonly Unusable[];
};

/** A bucket as it stands in wrangler.toml. */
export const bucketSchema = table(
  {
    endpoint: custom("a plain https:// URL", isEndpoint), // E6
    bucket: textLike("a bucket's name", /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/),
    region: textLike("a region", /^[a-z0-9-]+$/),
    prefix: optional(custom("a path such as a/b/", isPrefix), ""),
    addressing: optional(oneOf("virtual", "path")),
    canary: optional(text),
    credentials: optional(
      textLike("the beginning of a secret's name", /^(?!A[KS]IA)[A-Z][A-Z0-9_]{0,31}$/),
      "AWS",
    ),
  },
  ({ endpoint, bucket, addressing, prefix = "", canary }, fault) => {
    const wrong = canary && keyFault(prefix + canary);
    if (wrong) fault(`no object has such a key: ${wrong}`, "canary");
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

/** Puts a bucket's settings and its slots together. */
export function openBucket(
  name: string,
  settings: BucketSettings,
  { usable, unusable }: SlotsRead,
): Bucket {
  const { bucket, region, prefix, canary } = settings;
  const endpoint = settings.endpoint.replace(/\/$/, "");
  const addressing = settings.addressing ?? defaultAddressing(endpoint, bucket);
  const base = bucketBase(endpoint, bucket, addressing);
  const opened = usable.map((slot) => ({ ...slot })); // its own objects: signatures are kept by them
  const slots = opened.filter((slot, at) => at === 0 || !isSameKey(slot, opened[0]));
  const own = { name, bucket, base, prefix, region, canary: canary && prefix + canary };
  return { ...own, slots, usable: opened, unusable };
}

/** As it is sent, so that what is signed is what is sent. http:// is for this machine alone. */
function isEndpoint(value: unknown): value is string {
  return (
    typeof value === "string" &&
    /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1)(?![\w.-]))[\w.~:[\]/-]*$/.test(value) &&
    [value, `${value}/`].includes(URL.parse(value)?.href ?? "")
  );
}

function isPrefix(value: unknown): value is string {
  return (
    typeof value === "string" && value.endsWith("/") && keyFault(value.slice(0, -1)) === undefined
  );
}

// The settings of a new project, made of what the options say and of what is answered at the terminal. No I/O.

import { bucketSchema } from "../../worker/config/bucket-settings.ts";

/**
 * The options as they are typed; undefined: not given. Without an endpoint of S3's API, the bucket is one of R2, which a
 * binding reaches. Without environments there is the top level of wrangler.toml alone.
 */
export type Options = {
  readonly [option in "bucket" | "endpoint" | "host" | "environments"]?: string | undefined;
} & {
  /** Whether R2 stores the renditions. */
  readonly store: boolean;
};

/** One deployment of the project. */
export type Place = {
  /** Undefined: the top level of wrangler.toml. */
  readonly environment: string | undefined;
  readonly bucket: string;
  readonly host: string | undefined;
};

export type Settings = {
  /** The name of the Worker, to which wrangler adds that of an environment. */
  readonly name: string;
  /** In the order of their deploys. The last one is that of visitors, with the bucket and the host as they are given. */
  readonly places: readonly [Place, ...Place[]];
  /** Undefined: R2 by a binding. */
  readonly s3: { readonly endpoint: string; readonly region: string } | undefined;
} & Pick<Options, "store">;

/** @param options nothing is wrong with them */
export function settingsOf(options: Options, folder: string): Settings {
  const { bucket = "", endpoint, environments, store } = options;
  const host = options.host?.toLowerCase() || undefined;
  const [first = undefined, ...others] = namesOf(environments);
  const last = others.at(-1) ?? first;
  const placeOf = (environment: string | undefined): Place => {
    if (environment === last) return { environment, bucket, host };
    const ownHost = host && `${environment}.${host}`;
    return { environment, bucket: `${bucket}-${environment}`, host: ownHost };
  };
  return {
    name: workerNameOf(folder),
    places: [placeOf(first), ...others.map(placeOf)],
    s3: endpoint ? { endpoint, region: regionOf(endpoint) } : undefined,
    store,
  };
}

function namesOf(environments = ""): string[] {
  return environments === "" ? [] : environments.split(",").map((name) => name.trim());
}

/** A name for the Worker: that of the folder, as far as it may be one. */
function workerNameOf(folder: string): string {
  const plain = folder.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return plain.slice(0, 32).replace(/^-|-$/g, "") || "vitrine";
}

const REGION_IN_HOST =
  /^(?:s3\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|backblazeb2\.com|wasabisys\.com)|([a-z0-9-]+)\.digitaloceanspaces\.com)$/;

/** The region of an endpoint. If its host does not name one, it is what R2 and Google take, or MinIO's default. */
function regionOf(endpoint: string): string {
  const host = URL.parse(endpoint)?.hostname ?? "";
  const [, first, second] = REGION_IN_HOST.exec(host) ?? [];
  const isAuto = host === "storage.googleapis.com" || host.endsWith(".r2.cloudflarestorage.com");
  return first ?? second ?? (isAuto ? "auto" : "us-east-1");
}

const HOST =
  /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])$/i;
const R2_BUCKET = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

/** What is wrong with each option, in the order in which they are asked for. Undefined: nothing. */
export const MISTAKES = {
  bucket: (options: Options, folder: string) => {
    if (!options.bucket) return "is missing: the name of the bucket";
    const environments = environmentsMistake(options) ? "" : options.environments;
    const { name, places, s3, store } = settingsOf({ ...options, environments }, folder);
    for (const { bucket } of places) {
      const isR2 = s3 === undefined || s3.endpoint.includes(".r2.cloudflarestorage.com");
      if (isR2 && !R2_BUCKET.test(bucket)) {
        return `"${bucket}" is not the name of an R2 bucket: 3 to 63 letters a to z, digits and -`;
      }
      const mistake = s3 && schemaMistake({ ...s3, bucket }, "bucket");
      if (mistake) return mistake;
      // What wrangler calls the bucket of the binding RENDITIONS (T9).
      const stores = places.map(
        ({ environment: at }) => `${at ? `${name}-${at}` : name}-renditions`,
      );
      if (isR2 && store && stores.includes(bucket)) {
        return `${bucket} is the name that the bucket of the store gets: take another one, or add --no-store`;
      }
    }
    return undefined;
  },
  endpoint: ({ endpoint = "", bucket }: Options) => {
    if (endpoint.startsWith("http:")) return "http:// is for your own machine only";
    return endpoint ? schemaMistake({ endpoint, bucket, region: "auto" }, "endpoint") : undefined;
  },
  host: ({ host = "" }: Options) => {
    if (/\.(?:workers|pages)\.dev$/i.test(host))
      return "belongs to Cloudflare: take a zone of yours";
    if (host === "" || HOST.test(host)) return undefined;
    return `"${host}" is not a host name such as images.example.com, without https://, port and path`;
  },
  environments: environmentsMistake,
} as const satisfies Record<string, (options: Options, folder: string) => string | undefined>;

function environmentsMistake({ environments }: Options): string | undefined {
  const names = namesOf(environments);
  // Then the names of the Worker and of its store have at most 63 characters.
  const isRight = names.every((one) => /^[a-z][a-z0-9-]{0,16}[a-z0-9]$/.test(one));
  if (isRight && new Set(names).size === names.length) return undefined;
  return "are not names such as staging,production: each of 2 to 18 letters a to z, digits and -";
}

/** What the Worker itself would say of one key of a bucket. */
function schemaMistake(bucket: object, key: string): string | undefined {
  const found: string[] = [];
  bucketSchema(bucket, "", (path, message) => {
    if (path.endsWith(`.${key}`)) found.push(message);
  });
  return found[0];
}

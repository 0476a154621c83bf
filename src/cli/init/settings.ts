// The settings of a new project, from the options and the answers at the terminal. No I/O.

import { bucketSchema } from "../../worker/config/bucket-settings.ts";

export type InitOptions = {
  readonly bucket?: string | undefined;
  /** S3's. Without it, the bucket is in R2, and is read by a binding. */
  readonly endpoint?: string | undefined;
  readonly host?: string | undefined;
  readonly environments?: string | undefined;
};

export type SettingOption = keyof InitOptions;

export type ProjectSettings = {
  /** The name of the Worker. */
  readonly name: string;
  /** Visitors use the last one: its bucket and host are those of the options. */
  readonly deployments: readonly [Deployment, ...Deployment[]];
  /** Undefined: the bucket is in R2. */
  readonly s3: S3Endpoint | undefined;
};

/** One deployment of the project: an environment, or the top level of wrangler.toml. */
export type Deployment = {
  readonly environment: string | undefined;
  readonly bucket: string;
  readonly host: string | undefined;
};

export type S3Endpoint = {
  readonly endpoint: string;
  readonly region: string;
};

/**
 * @param options valid ones
 * @param folder becomes the name of the Worker
 */
export function settingsOf(options: InitOptions, folder: string): ProjectSettings {
  const { endpoint } = options;
  const s3 = endpoint ? { endpoint, region: regionOf(endpoint) } : undefined;
  return { name: workerNameOf(folder), deployments: deploymentsOf(options), s3 };
}

/** `My Images` becomes `my-images`. */
function workerNameOf(folder: string): string {
  const parts = folder.toLowerCase().match(/[a-z0-9]+/g) ?? ["vitrine"];
  const name = parts.join("-").slice(0, 32);
  return name.replace(/-$/, "");
}

function deploymentsOf(options: InitOptions): ProjectSettings["deployments"] {
  const { bucket = "" } = options;
  const host = options.host?.toLowerCase() || undefined;

  const names = namesOf(options.environments);
  const [first, ...otherNames] = names;
  if (first === undefined) return [{ environment: undefined, bucket, host }];

  const lastName = names.at(-1);
  const deploymentOf = (environment: string): Deployment => {
    if (environment === lastName) return { environment, bucket, host };
    return {
      environment,
      bucket: `${bucket}-${environment}`,
      host: host && `${environment}.${host}`,
    };
  };
  return [deploymentOf(first), ...otherNames.map(deploymentOf)];
}

function namesOf(environments: string | undefined): string[] {
  if (environments === undefined || environments === "") return [];
  return environments.split(",").map((name) => name.trim());
}

/** The host of an endpoint whose provider writes the region in it: `s3.eu-west-1.amazonaws.com`. */
const HOST_WITH_REGION =
  /^(?:s3\.)?(?!s3\.)(?<region>[a-z0-9-]+)\.(?:amazonaws|backblazeb2|wasabisys|digitaloceanspaces)\.com(?:\.cn)?$/;

function regionOf(endpoint: string): string {
  const host = URL.parse(endpoint)?.hostname ?? "";
  const region = HOST_WITH_REGION.exec(host)?.groups?.["region"];
  if (region !== undefined) return region;

  // Google and R2.
  const isAuto = host === "storage.googleapis.com" || host.endsWith(".r2.cloudflarestorage.com");
  if (isAuto) return "auto";

  // The default of Swift, and of many others.
  return "us-east-1";
}

const HOST = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/i;
const R2_BUCKET = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

/** With names of 18 characters, those of the Worker and of its store have at most 63. */
const ENVIRONMENT = /^[a-z][a-z0-9-]{0,16}[a-z0-9]$/;

/** @returns what is wrong with one of the options */
export function findMistake(option: SettingOption, options: InitOptions): string | undefined {
  const { bucket = "", endpoint = "", host = "", environments } = options;
  switch (option) {
    case "bucket":
      if (endpoint !== "") return findS3Mistake(endpoint, bucket, "bucket");
      if (R2_BUCKET.test(bucket)) return undefined;
      return `"${bucket}" is not the name of an R2 bucket: 3 to 63 letters a to z, digits and -`;

    case "endpoint":
      if (endpoint === "") return undefined;
      return findS3Mistake(endpoint, bucket, "endpoint");

    case "host":
      if (host === "" || HOST.test(host)) return undefined;
      return `"${host}" is not a host name such as images.example.com, without https://, port and path`;

    case "environments": {
      const names = namesOf(environments);
      const isUnique = new Set(names).size === names.length;
      if (isUnique && names.every((name) => ENVIRONMENT.test(name))) return undefined;
      return "are not names such as staging,production: each of 2 to 18 letters a to z, digits and -";
    }

    default:
      return option satisfies never;
  }
}

/** The Worker's own check of a bucket, as far as it is about one setting. */
function findS3Mistake(
  endpoint: string,
  bucket: string,
  setting: "endpoint" | "bucket",
): string | undefined {
  const messages: string[] = [];
  bucketSchema({ endpoint, bucket, region: "auto" }, "", (path, message) => {
    if (path.endsWith(`.${setting}`)) messages.push(message);
  });
  return messages[0];
}

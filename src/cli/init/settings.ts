// The settings of a new project, from the options and the answers at the terminal. No I/O.

import { bucketSchema } from "../../worker/config/bucket-settings.ts";

export type InitOptions = {
  readonly bucket?: string | undefined;
  /** S3's. Without it, the bucket is in R2, and is read by a binding. */
  readonly endpoint?: string | undefined;
  readonly host?: string | undefined;
  readonly environments?: string | undefined;
};

export type ProjectSettings = ReturnType<typeof settingsOf>;

/** One deployment of the project: an environment, or the top level of wrangler.toml. */
export type Deployment = ProjectSettings["deployments"][number];

/**
 * @param options valid ones
 * @param folder becomes the name of the Worker
 * @returns visitors use the last deployment: its bucket and host are those of the options
 */
export function settingsOf(options: InitOptions, folder: string) {
  const { bucket = "", endpoint } = options;
  const parts = folder.toLowerCase().match(/[a-z0-9]+/g) ?? ["vitrine"];
  const host = options.host?.toLowerCase() || undefined;
  const [first = undefined, ...otherNames] = namesOf(options.environments);
  const lastName = otherNames.at(-1) ?? first;
  const deploymentOf = (environment: string | undefined) => ({
    environment,
    bucket: environment === lastName ? bucket : `${bucket}-${environment}`,
    host: environment === lastName ? host : host && `${environment}.${host}`,
  });
  return {
    name: parts.join("-").slice(0, 32).replace(/-$/, ""),
    deployments: [deploymentOf(first), ...otherNames.map(deploymentOf)] as const,
    s3: endpoint ? { endpoint, region: regionOf(endpoint) } : undefined,
  };
}

function namesOf(environments = ""): string[] {
  return environments === "" ? [] : environments.split(",").map((name) => name.trim());
}

const REGION =
  /^(?:s3\.)?(?!s3\.)([a-z0-9-]+)\.(?:amazonaws|backblazeb2|wasabisys|digitaloceanspaces)\.com(?:\.cn)?$/;

/** The region in the endpoint's host, else that of R2 and Google, else the default of Swift and many others. */
function regionOf(endpoint: string): string {
  const host = URL.parse(endpoint)?.hostname ?? "";
  const isAuto = host === "storage.googleapis.com" || host.endsWith(".r2.cloudflarestorage.com");
  return REGION.exec(host)?.[1] ?? (isAuto ? "auto" : "us-east-1");
}

const HOST = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/i;
const R2_BUCKET = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

export function findMistake(
  option: "bucket" | "endpoint" | "host" | "environments",
  { bucket = "", endpoint = "", host = "", environments }: InitOptions,
): string | undefined {
  if (option === "host") {
    if (host === "" || HOST.test(host)) return undefined;
    return `"${host}" is not a host name such as images.example.com, without https://, port and path`;
  }
  if (option === "environments") {
    const names = namesOf(environments);
    // Then the names of the Worker and of its store have at most 63 characters.
    const isRight = names.every((name) => /^[a-z][a-z0-9-]{0,16}[a-z0-9]$/.test(name));
    if (isRight && new Set(names).size === names.length) return undefined;
    return "are not names such as staging,production: each of 2 to 18 letters a to z, digits and -";
  }
  if (endpoint !== "") return s3Mistake({ endpoint, bucket }, option);
  if (option === "endpoint" || R2_BUCKET.test(bucket)) return undefined;
  return `"${bucket}" is not the name of an R2 bucket: 3 to 63 letters a to z, digits and -`;
}

function s3Mistake(bucket: Record<"endpoint" | "bucket", string>, key: string): string | undefined {
  const messages: string[] = [];
  bucketSchema({ ...bucket, region: "auto" }, "", (path, message) => {
    if (path.endsWith(`.${key}`)) messages.push(message);
  });
  return messages[0];
}

// The configuration as the local run has it: each bucket is replaced by a bucket on this machine, and each issuer of
// tokens by one on this machine. The key that opens these buckets is made here and never deployed.

import { generateKeyPairSync, hash, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isSecret, secretNames } from "../../worker/config/read-secrets.ts";
import type { Vars } from "../../worker/config/schema.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import { ROUTE_VARIABLES } from "../../worker/config/split-vars.ts";
import { parseJson, tableOf } from "../../worker/util/json.ts";
import { replaceFile } from "../files/write-file.ts";
import type { EnvironmentConfig } from "./environment-config.ts";
import { localTokenVars, ownTokenVars } from "./local-issuer.ts";

export type LocalBucketSettings = Readonly<Record<string, unknown>> & {
  readonly bucket: string;
  readonly prefix?: string;
  readonly credentials?: string;
};

export type LocalRun = {
  /** Whether .dev.vars has BUCKETS: then those are asked, and none is replaced. */
  readonly hasOwnS3: boolean;
  readonly buckets: Readonly<Record<string, LocalBucketSettings>>;
  /** The secrets of .dev.vars, and the local keys for slots without one there. */
  readonly secrets: Vars;
  /** `ROUTES` and `ROUTES_2` with the local issuer in them, and `LOCAL_ISSUER`; neither where no route needs a token of it. */
  readonly tokenVars: Vars;
  /** The vars and the secrets, with the buckets and the issuers as in wrangler.toml. */
  readonly vars: Vars;
};

/** What the local run needs of an environment. */
type LocalConfig = Pick<EnvironmentConfig, "localVars" | "devVarNames" | "r2Buckets">;

/**
 * @param endpoint the URL of the local S3
 * @param keys the key that opens its buckets
 */
export function localRun(config: LocalConfig, endpoint: string, keys: Credentials): LocalRun {
  const { localVars, devVarNames, r2Buckets } = config;
  const hasOwnS3 = devVarNames.has("BUCKETS");
  const buckets = hasOwnS3 ? {} : localBuckets(localVars["BUCKETS"], endpoint, keys, r2Buckets);

  const secrets: Record<string, unknown> = localSecrets(buckets, devVarNames, keys);
  if (localVars["OIDC"] !== undefined) secrets["OIDC_SIGNING_KEY"] = localOidcKey();
  for (const [name, value] of Object.entries(localVars)) {
    if (isSecret(name)) secrets[name] = secretOfProject(value, keys);
  }

  // As with BUCKETS: if .dev.vars has routes, the issuers of all routes are asked, and none is replaced.
  const ownRoutes = ROUTE_VARIABLES.filter((variable) => devVarNames.has(variable));
  if (ownRoutes.length > 0) {
    const routes = ownRoutes.map((variable) => [variable, localVars[variable]]);
    const tokenVars = ownTokenVars(Object.fromEntries(routes));
    const vars = { ...localVars, ...secrets, ...tokenVars };
    return { hasOwnS3, buckets, secrets, tokenVars, vars };
  }

  const tokenVars = localTokenVars(localVars, new URL(endpoint).origin);
  const vars = { ...localVars, ...secrets };
  return { hasOwnS3, buckets, secrets, tokenVars, vars };
}

/** Replaces the local secret of another project, in a copied .dev.vars, by that of this project. */
function secretOfProject(value: unknown, keys: Credentials): unknown {
  const isOfOtherProject = isOfLocalKey(value) && value !== keys.accessKeyId;
  return isOfOtherProject ? keys.secretAccessKey : value;
}

/** The vars that the local run has in place of those of the configuration. */
export function replacedVars({ hasOwnS3, buckets, tokenVars }: LocalRun): Vars {
  return hasOwnS3 ? tokenVars : { ...tokenVars, BUCKETS: buckets };
}

/**
 * Replaces each bucket of `BUCKETS`, which is checked already, by a bucket on this machine. The local S3 and the
 * local keys also replace an R2 binding, and a role.
 * @param r2Buckets the R2 bindings of the configuration
 */
export function localBuckets(
  buckets: unknown,
  endpoint: string,
  keys: Credentials,
  r2Buckets: EnvironmentConfig["r2Buckets"] = [],
): Record<string, LocalBucketSettings> {
  const replaced: Record<string, LocalBucketSettings> = {};
  for (const [name, settings] of Object.entries(tableOf(buckets))) {
    replaced[name] = localBucket(tableOf(settings), endpoint, keys, r2Buckets);
  }
  return replaced;
}

function localBucket(
  settings: Readonly<Record<string, unknown>>,
  endpoint: string,
  keys: Credentials,
  r2Buckets: EnvironmentConfig["r2Buckets"],
): LocalBucketSettings {
  const { bucket: _bucket, binding, role, sts: _sts, ...rest } = settings;
  const isOpenedByEdge = binding === undefined && role === undefined;
  const actualName = actualBucketName(settings, r2Buckets);
  return {
    ...rest,
    ...(!isOpenedByEdge && { engine: "binding" }),
    endpoint,
    bucket: localBucketName(actualName, keys),
    region: "auto",
    addressing: "path",
  };
}

/** Returns the name that a bucket has at its provider. @param settings those of the bucket in `BUCKETS` */
export function actualBucketName(
  { bucket, binding }: Readonly<Record<string, unknown>>,
  r2Buckets: EnvironmentConfig["r2Buckets"],
): string {
  if (binding === undefined) return String(bucket);

  const bound = r2Buckets.find((r2Bucket) => r2Bucket.binding === binding);
  return String(bound?.bucket_name ?? binding);
}

/**
 * The keys of the local buckets, under the names that the configuration gives them.
 * @param presentNames the names that .dev.vars has; a slot is left out if one of its secrets is there
 */
function localSecrets(
  buckets: LocalRun["buckets"],
  presentNames: ReadonlySet<string>,
  keys: Credentials,
): Record<string, string> {
  const secrets: Record<string, string> = {};
  for (const { credentials = "AWS" } of Object.values(buckets)) {
    const { accessKeyId, secretAccessKey } = secretNames(credentials);
    if (presentNames.has(accessKeyId) || presentNames.has(secretAccessKey)) continue;

    secrets[accessKeyId] = keys.accessKeyId;
    secrets[secretAccessKey] = keys.secretAccessKey;
  }
  return secrets;
}

let oidcKey: string | undefined;

/** The key of the issuer, where .dev.vars has none. AWS does not know this key. */
function localOidcKey(): string {
  if (oidcKey !== undefined) return oidcKey;

  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  oidcKey = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return oidcKey;
}

export const LOCAL_KEY_FILE = ".wrangler/vitrine/local-key.json";
export const UPLOAD_KEY_FILE = ".wrangler/vitrine/upload-key.json";

/** What both halves of a local key begin with. No key of a provider does. */
const MARK = "vitrine-local-";

/**
 * Reads the key of a project's local buckets, or makes one if there is none. The file has the form that
 * `aws iam create-access-key` prints, which `vitrine rotate --key-file` takes.
 * @throws if the file cannot be read or made
 */
export function readLocalKeys(folder: string): Credentials {
  return readKeyFile(join(folder, LOCAL_KEY_FILE), `${MARK}key-id`);
}

/**
 * Reads the key with which an app may put objects into the local buckets, or makes one. It opens nothing else.
 * @throws if the file cannot be read or made
 */
export function readUploadKeys(folder: string): Credentials {
  return readKeyFile(join(folder, UPLOAD_KEY_FILE), `${MARK}upload-key-id`);
}

function readKeyFile(file: string, newKeyId: string): Credentials {
  if (!existsSync(file)) {
    const secret = MARK + randomBytes(32).toString("base64url");
    const AccessKey = { AccessKeyId: newKeyId, SecretAccessKey: secret };
    replaceFile(file, JSON.stringify({ AccessKey }));
  }

  const json = parseJson(readFileSync(file, "utf8"));
  const key = tableOf(tableOf(json)["AccessKey"]);
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = key;
  if (!isOfLocalKey(accessKeyId) || !isOfLocalKey(secretAccessKey)) {
    throw new Error(`${file} is broken. Remove it.`);
  }
  return { accessKeyId, secretAccessKey };
}

/** Returns whether a value is a half of a local key, which must never be deployed. */
export function isOfLocalKey(value: unknown): value is string {
  return typeof value === "string" && value.startsWith(MARK);
}

/** Returns whether a secret is the signing key that the local run puts into .dev.vars. */
export function isLocalSigningKey(name: string, value: unknown): boolean {
  if (name !== "URL_SIGNING_KEYS") return false;
  const keyNames = Object.keys(tableOf(value));
  return keyNames.join() === "local";
}

/** Returns the name on this machine of a bucket. The local S3 is R2: at most 63 characters, no dots, no underscores. */
export function localBucketName(bucket: string, { secretAccessKey }: Credentials): string {
  const secret = hash("sha256", `${secretAccessKey} ${bucket}`).slice(0, 32);
  const readable = bucket.replace(/[._]/g, "-").slice(0, 30);
  return `${readable}-${secret}`;
}

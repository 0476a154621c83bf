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

/**
 * @param endpoint the URL of the local S3
 * @param keys the key that opens its buckets
 */
export function localRun(
  {
    localVars,
    devVarNames,
    r2Buckets,
  }: Pick<EnvironmentConfig, "localVars" | "devVarNames" | "r2Buckets">,
  endpoint: string,
  keys: Credentials,
): LocalRun {
  const hasOwnS3 = devVarNames.has("BUCKETS");
  const buckets = hasOwnS3 ? {} : localBuckets(localVars["BUCKETS"], endpoint, keys, r2Buckets);
  const ownSecrets = Object.entries(localVars).filter(([name]) => isSecret(name));
  // The local secret of another project, in a copied .dev.vars, is replaced by the local secret of this project.
  const secretOfProject = (value: unknown) =>
    isOfLocalKey(value) && value !== keys.accessKeyId ? keys.secretAccessKey : value;
  const secrets = {
    ...localSecrets(buckets, devVarNames, keys),
    ...(localVars["OIDC"] === undefined ? {} : { OIDC_SIGNING_KEY: localOidcKey() }),
    ...Object.fromEntries(ownSecrets.map(([name, value]) => [name, secretOfProject(value)])),
  };

  // As with BUCKETS: if .dev.vars has routes, the issuers of all routes are asked, and none is replaced.
  const ownRoutes = ROUTE_VARIABLES.filter((variable) => devVarNames.has(variable));
  const hasOwnRoutes = ownRoutes.length > 0;
  const tokenVars = hasOwnRoutes
    ? ownTokenVars(Object.fromEntries(ownRoutes.map((variable) => [variable, localVars[variable]])))
    : localTokenVars(localVars, new URL(endpoint).origin);

  const vars = { ...localVars, ...secrets, ...(hasOwnRoutes && tokenVars) };
  return { hasOwnS3, buckets, secrets, tokenVars, vars };
}

/** The vars that the local run has in place of those of the configuration. */
export function replacedVars({ hasOwnS3, buckets, tokenVars }: LocalRun): Vars {
  return { ...tokenVars, ...(!hasOwnS3 && { BUCKETS: buckets }) };
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
  return Object.fromEntries(
    Object.entries(tableOf(buckets)).map(([id, settings]) => {
      const { bucket, binding, role, sts: _sts, ...rest } = tableOf(settings);
      const boundBucket =
        r2Buckets.find((r2Bucket) => r2Bucket.binding === binding)?.bucket_name ?? binding;
      const name = localBucketName(String(binding === undefined ? bucket : boundBucket), keys);
      const engine = binding !== undefined || role !== undefined ? { engine: "binding" } : {};
      const localS3 = { endpoint, bucket: name, region: "auto", addressing: "path" };
      return [id, { ...rest, ...engine, ...localS3 }];
    }),
  );
}

/**
 * The keys of the local buckets, under the names that the configuration gives them.
 * @param presentNames the names that .dev.vars has; a slot is left out if one of its secrets is there
 */
function localSecrets(
  buckets: LocalRun["buckets"],
  presentNames: ReadonlySet<string>,
  keys: Credentials,
): Vars {
  const slots = Object.values(buckets).map(({ credentials = "AWS" }) => secretNames(credentials));
  const localSlots = slots.filter(
    (names) => !presentNames.has(names.accessKeyId) && !presentNames.has(names.secretAccessKey),
  );
  return Object.fromEntries(
    localSlots.flatMap(({ accessKeyId, secretAccessKey }) => [
      [accessKeyId, keys.accessKeyId],
      [secretAccessKey, keys.secretAccessKey],
    ]),
  );
}

let oidcKey: string | undefined;

/** The key of the issuer, where .dev.vars has none. AWS does not know this key. */
function localOidcKey(): string {
  oidcKey ??= generateKeyPairSync("ec", { namedCurve: "P-256" })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
  return oidcKey;
}

export const LOCAL_KEY_FILE = ".wrangler/vitrine/local-key.json";
/** What both halves of a local key begin with. No key of a provider does. */
const MARK = "vitrine-local-";

/**
 * Reads the key of a project's local buckets, or makes one if there is none. The file has the form that
 * `aws iam create-access-key` prints, which `vitrine rotate --key-file` takes.
 * @throws if the file cannot be read or made
 */
export function readLocalKeys(folder: string): Credentials {
  const file = join(folder, LOCAL_KEY_FILE);
  if (!existsSync(file)) {
    const SecretAccessKey = MARK + randomBytes(32).toString("base64url");
    const AccessKey = { AccessKeyId: `${MARK}key-id`, SecretAccessKey };
    replaceFile(file, JSON.stringify({ AccessKey }));
  }
  const key = tableOf(tableOf(parseJson(readFileSync(file, "utf8")))["AccessKey"]);
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
  return name === "URL_SIGNING_KEYS" && Object.keys(tableOf(value)).join() === "local";
}

/** Returns the name on this machine of a bucket. The local S3 is R2: at most 63 characters, no dots, no underscores. */
export function localBucketName(bucket: string, { secretAccessKey }: Credentials): string {
  const secret = hash("sha256", `${secretAccessKey} ${bucket}`).slice(0, 32);
  return `${bucket.replace(/[._]/g, "-").slice(0, 30)}-${secret}`;
}

// What `npm start` makes of the configuration: every bucket is played by one on this machine.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { isTable, json } from "../../worker/base/json.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { isSecret, secretNames } from "../../worker/config/secret-names.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import type { KnownVars } from "./vars.ts";

/** A bucket's settings, as wrangler.toml has them. */
export type Settings = Readonly<Record<string, unknown>> & { bucket: string; prefix?: string };

export type LocalRun = {
  /** True where .dev.vars says which S3 to ask. */
  readonly own: boolean;
  /** The buckets that are played here. */
  readonly buckets: Readonly<Record<string, Settings>>;
  /** Those of .dev.vars, and what opens the buckets that are played here. */
  readonly secrets: Vars;
  /** The vars and the secrets, with the buckets as they stand in wrangler.toml. */
  readonly vars: Vars;
};

/** The keys that open the local private buckets: those of .dev.vars.example. */
export function localKeys(folder = "."): Credentials {
  const example = parseEnv(readFileSync(join(folder, ".dev.vars.example"), "utf8"));
  return {
    accessKeyId: example["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: example["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
}

/**
 * The buckets of the configuration, each played by a private bucket on this machine.
 * @param buckets `BUCKETS`, already found right
 * @param endpoint the local S3's
 */
export function localBuckets(buckets: unknown, endpoint: string): Record<string, Settings> {
  return Object.fromEntries(
    Object.entries(tableOf(buckets)).map(([name, settings]) => {
      const { bucket, ...rest } = isTable(settings) ? settings : {};
      // R2, which plays S3 here, takes neither dots nor underscores in a bucket's name.
      const played = String(bucket).replace(/[._]/g, "-");
      return [name, { ...rest, endpoint, bucket: played, region: "auto", addressing: "path" }];
    }),
  );
}

/**
 * What a Worker that `npm start` starts sees.
 * @param endpoint the local S3's
 */
export function localRun(
  { started, local }: Pick<KnownVars, "started" | "local">,
  endpoint: string,
  folder = ".",
): LocalRun {
  // Where .dev.vars names the buckets, it says which S3 to ask, and none is played here.
  const own = local.has("BUCKETS");
  const buckets = own ? {} : localBuckets(started["BUCKETS"], endpoint);
  const secrets = {
    ...(own ? {} : localSecrets(started["BUCKETS"], local, localKeys(folder))),
    ...Object.fromEntries(Object.entries(started).filter(([name]) => isSecret(name))),
  };
  return { own, buckets, secrets, vars: { ...started, ...secrets } };
}

/**
 * The secrets that open the local buckets, whatever words those of the configuration begin with.
 * @param given the names that .dev.vars has: a slot begun there is left alone
 */
function localSecrets(
  buckets: unknown,
  given: ReadonlySet<string>,
  { accessKeyId, secretAccessKey }: Credentials,
): Record<string, string> {
  const words = Object.values(tableOf(buckets)).map(
    (settings) => (isTable(settings) && settings["credentials"]) ?? "AWS",
  );
  return Object.fromEntries(
    words
      .filter((word) => typeof word === "string")
      .map((word) => secretNames(word))
      .filter((names) => !Object.values(names).some((name) => given.has(name)))
      .flatMap((names) => [
        [names.accessKeyId, accessKeyId],
        [names.secretAccessKey, secretAccessKey],
      ]),
  );
}

/** A table, as it is written or as a string of JSON. */
function tableOf(value: unknown): Readonly<Record<string, unknown>> {
  const table = json(value);
  return isTable(table) ? table : {};
}

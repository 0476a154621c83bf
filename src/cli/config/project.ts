// What a command knows of the project in this folder.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import {
  readSlots,
  type SlotsRead,
  secretNames,
  type Unusable,
} from "../../worker/config/read-secrets.ts";
import type { Fault } from "../command.ts";
import { type Secrets, valuesOf } from "../secrets/secrets.ts";
import type { KnownVars } from "./known-vars.ts";

export type Project = {
  readonly config: Config;
  /** The buckets as they are configured. In `config`, the local run has replaced them. */
  readonly configured: readonly Bucket[];
  readonly known: KnownVars;
  /** Whether it is the local run, which `npx vitrine dev` starts on this machine. */
  readonly local: boolean;
  /**
   * Where Vitrine is, without a slash at the end: what `--url` says, else the first domain of
   * wrangler.toml, else a fault. `""` is the page's own host, if `--url` says so.
   */
  readonly base: string | Fault;
  readonly secrets: Secrets;
  /** The file that `--secrets-file` names: its secrets are those that are deployed, or will be. */
  readonly secretsFile: string | undefined;
  /** What the names of a bucket's secrets begin with, by the bucket's name. */
  readonly words: ReadonlyMap<string, string>;
  readonly healthToken: string | undefined;
};

/** Returns whether the local run simulates the buckets. */
export function isPlayed({ local, known }: Project): boolean {
  return local && !known.local.has("BUCKETS");
}

/** The name of a bucket in wrangler.toml. The one on this machine is a secret of the local run. */
export function configuredName({ configured }: Project, { name, bucket }: Bucket): string {
  return configured.find((one) => one.name === name)?.bucket ?? bucket;
}

/** A bucket as the Worker has it: it reads an R2 bucket by its binding in the local run, too. */
export function bucketOfWorker({ configured }: Project, bucket: Bucket): Bucket {
  return configured.find(({ name, r2 }) => name === bucket.name && r2 !== undefined) ?? bucket;
}

/**
 * The slots of a bucket that have at least one secret at hand. A role has none of its own: an operator's
 * keys open the bucket instead. An R2 binding has none, and no key opens it.
 */
export function slotsAtHand({ config, words, secrets }: Project, name: string): SlotsRead {
  const bucket = config.buckets.find((one) => one.name === name);
  if (bucket?.r2 !== undefined) return { usable: [], unusable: [] };
  const word = words.get(name) ?? "AWS";
  const hasSessions = bucket?.engine === "binding";
  const { usable, unusable } = readSlots(word, valuesOf(secrets), () => {}, hasSessions);
  const isAtHand = ({ slot }: Unusable) =>
    Object.values(secretNames(word, slot)).some((secret) => secrets.has(secret));
  return { usable, unusable: unusable.filter(isAtHand) };
}

// What a rotation is about, and what it works with: the buckets that a key opens, and where their Vitrine is.
// Sends nothing.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Slot } from "../../worker/config/slot.ts";
import { type Fault, isFault, type World } from "../command.ts";
import { isPlayed, openSite, type Site } from "../config/project.ts";
import { commandLine } from "../terminal/shell.ts";
import { envFlag } from "../wrangler/config-file.ts";
import type { RunWrangler } from "../wrangler/run-wrangler.ts";

export const CREATE_KEY = "aws iam create-access-key --user-name vitrine";

export type Options = {
  readonly env?: string | undefined;
  readonly url?: string | undefined;
  readonly bucket?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly yes?: true | undefined;
};

/**
 * Seconds between two looks, seconds that all must stay right before a watched step, and how many looks
 * after a step may find something wrong.
 */
type Patience = { readonly every: number; readonly watched: number; readonly attempts: number };

/** After a minute, no old version of the Worker runs any more. The local run has one version. */
const PATIENCE: Patience = { every: 2, watched: 60, attempts: 60 };
const LOCAL_PATIENCE: Patience = { every: 0.25, watched: 1, attempts: 80 };

/** What has effects or takes time, so a test can replace it. */
export type Tools = {
  readonly run: RunWrangler;
  /** Waits for `ms`, or until it is interrupted. */
  readonly sleep: (ms: number, interrupted: AbortSignal) => Promise<void>;
  readonly patience?: Patience;
};

export type Rotation = Pick<Site, "base" | "local"> & {
  readonly world: World;
  readonly tools: Tools;
  readonly options: Options;
  readonly patience: Patience;
  /** The environment whose secrets are changed, and the files that say so. */
  readonly place: Site["known"];
  readonly healthToken: string;
  /** Whether the local run simulates the buckets: then there is no old key to deactivate. */
  readonly isPlayed: boolean;
  /** What the names of the secrets begin with: the `credentials` of the buckets. */
  readonly secretPrefix: string;
  /** Whether a slot may hold a session token: it is removed with its key. */
  readonly hasSessions: boolean;
  /** All buckets that these secrets open. */
  readonly buckets: readonly Bucket[];
};

/** A rotation whose new key is known. */
export type KeyedRotation = Rotation & { readonly key: Slot; readonly newEnd: string };

export function openRotation(world: World, options: Options, tools: Tools): Rotation | Fault {
  const site = openSite(world, options);
  if (isFault(site)) return site;
  const { base, local, healthToken, known: place, words, config } = site;
  if (healthToken === undefined) return { fault: tokenAdvice(site) };
  const secretPrefix = findSecretPrefix(site, options);
  if (isFault(secretPrefix)) return secretPrefix;
  const buckets = config.buckets.filter(({ name }) => words.get(name) === secretPrefix);
  const blind = buckets.find(({ canary }) => canary === undefined);
  if (blind !== undefined) {
    const reason = `BUCKETS.${blind.name} has no canary, so nothing shows whether the new key may read it`;
    const remedy = `Add a canary to ${place.file}, and deploy it (docs/doctor.md, “Health”)`;
    return { fault: `${reason}. ${remedy}` };
  }
  return {
    ...{ world, tools, options, base, local, place, healthToken, secretPrefix, buckets },
    patience: tools.patience ?? (local ? LOCAL_PATIENCE : PATIENCE),
    isPlayed: isPlayed(site),
    hasSessions: buckets.every(({ engine }) => engine !== "cf"), // A11
  };
}

function tokenAdvice({ local, known }: Site): string {
  const missing = "HEALTH_TOKEN is missing, or has fewer than 16 characters. Nothing was changed.";
  if (local) return `${missing} Put one into ${known.devVars} (docs/doctor.md, “Health”)`;
  return `${missing} Put the Worker's into the environment: export HEALTH_TOKEN=…
If it has none, set the output of openssl rand -base64 32 (docs/doctor.md, “Health”):
  npx wrangler secret put HEALTH_TOKEN${envFlag(known)}`;
}

function findSecretPrefix({ config, words }: Site, { bucket }: Options): string | Fault {
  const [only, ...more] = new Set(words.values());
  const named = config.buckets.find(({ name }) => name === (bucket ?? name));
  const prefix = bucket === undefined ? only : words.get(bucket);
  if (named === undefined) {
    return { fault: `there is no bucket "${bucket}". Known: ${[...words.keys()].join(", ")}` };
  }
  if (prefix === undefined) {
    const role = "a role opens it. To rotate OIDC_SIGNING_KEY: docs/keyless.md";
    return {
      fault: `${named.name} has no key to rotate: ${named.r2 ? "a binding opens it" : role}`,
    };
  }
  if (bucket !== undefined || more.length === 0) return prefix;
  const choices = [...words].map(([name, its]) => `--bucket ${name} (${its})`);
  return { fault: `there are several keys. Choose one by a bucket: ${choices.join(", ")}` };
}

/** The command to go on with. */
export function commandOf({ options, place }: Rotation, changed: Options = {}): string {
  const env = options.env === "" ? "" : place.environment;
  const { url, bucket, keyFile, yes } = { ...options, ...changed };
  return commandLine("rotate", { env, url, bucket, keyFile, yes });
}

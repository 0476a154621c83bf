// Opens a rotation: the buckets that a key opens, and where their Vitrine is. Sends nothing.

import type { Slot } from "../../worker/config/slot.ts";
import { type CommandFault, isFault, type World } from "../command.ts";
import { hasSecrets } from "../config/buckets.ts";
import { openProjectSite, type ProjectSite } from "../config/project.ts";
import { commandLine } from "../terminal/shell.ts";
import type { RunWrangler } from "../wrangler/run-wrangler.ts";

/**
 * A command for the IAM user of the key. Each environment has its own, which docs/environments.md names; the user of
 * another key than AWS_… is not known.
 */
export function iamCommand(rotation: Rotation, verb: string, noun = "access-key"): string {
  const { secretPrefix, envConfig } = rotation;
  const { environment } = envConfig;
  const user = environment === undefined ? "vitrine" : `vitrine-${environment}`;
  const name = hasKnownUser(rotation) ? user : `<the user of ${secretPrefix}>`;
  return `aws iam ${verb}-${noun} --user-name ${name}`;
}

/** Returns whether the key is that of the user whom docs/deploy.md makes: of the secrets AWS_…. */
export function hasKnownUser({ secretPrefix }: Rotation): boolean {
  return secretPrefix === "AWS";
}

type TextOption = "env" | "url" | "bucket" | "keyFile";
export type RotateOptions = { readonly [Name in TextOption]?: string | undefined } & {
  readonly yes?: true | undefined;
};

export type RotateTools = {
  readonly run: RunWrangler;
  readonly sleep: (ms: number, interrupted: AbortSignal) => Promise<void>;
  /** Seconds between two polls and before a watched step, and how many polls without a step there are at most. */
  readonly polling?: Readonly<Record<"intervalS" | "watchS" | "maxBlocked", number>>;
};

/** After a minute, no old version of the Worker runs any more. The local run has one version. */
const POLLING = { intervalS: 2, watchS: 60, maxBlocked: 60 };
const LOCAL_POLLING = { intervalS: 0.25, watchS: 1, maxBlocked: 80 };

export type Rotation = Exclude<ReturnType<typeof openRotation>, CommandFault>;

export type KeyedRotation = Rotation & { readonly key: Slot; readonly newMaskedId: string };

export function openRotation(world: World, options: RotateOptions, tools: RotateTools) {
  const site = openProjectSite(world, options);
  if (isFault(site)) return site;
  const { healthToken, isLocalRun, envConfig, config, tomlBuckets } = site;
  if (healthToken === undefined) {
    const missing = "HEALTH_TOKEN is missing, or has fewer than 16 characters. Nothing was changed";
    const file = isLocalRun ? envConfig.devVars : "the environment: export HEALTH_TOKEN=…";
    return { fault: `${missing}. Set it (docs/doctor.md, “Health”), and put it into ${file}` };
  }
  const secretPrefix = findSecretPrefix(site, options);
  if (isFault(secretPrefix)) return secretPrefix;
  const keyed = tomlBuckets.filter(
    (bucket) => hasSecrets(bucket) && bucket.access === secretPrefix,
  );
  const buckets = config.buckets.filter(({ name }) => keyed.some((bucket) => bucket.name === name));
  const blind = buckets.find(({ canary }) => canary === undefined);
  if (blind !== undefined) {
    const reason = `BUCKETS.${blind.name} has no canary, so nothing shows whether the new key may read it`;
    const remedy = `Add one to ${envConfig.file}, and deploy it (docs/doctor.md, “Health”)`;
    return { fault: `${reason}. ${remedy}` };
  }
  // Whether a slot may hold a session token, which is removed with its key (A11).
  const hasSessions = buckets.every(({ engine }) => engine !== "cf");
  const polling = tools.polling ?? (isLocalRun ? LOCAL_POLLING : POLLING);
  const rotation = { world, options, tools, polling, healthToken };
  return { ...site, ...rotation, secretPrefix, buckets, hasSessions };
}

function findSecretPrefix(
  { tomlBuckets }: ProjectSite,
  { bucket }: RotateOptions,
): string | CommandFault {
  const keyed = tomlBuckets.filter(hasSecrets);
  if (keyed.length === 0) {
    const reason = "a role or a binding opens each of them (docs/keyless.md)";
    return { fault: `no bucket has a key to rotate: ${reason}` };
  }

  const chosen = keyed.filter(({ name }) => bucket === undefined || name === bucket);
  const choices = keyed.map(({ name, access }) => `${name} (${access})`).join(", ");
  const [prefix, ...otherPrefixes] = new Set(chosen.map(({ access }) => access));
  if (prefix === undefined) {
    const reason = "It does not exist, or a role or a binding opens it (docs/keyless.md)";
    return { fault: `${bucket} has no key to rotate. ${reason}. Known: ${choices}` };
  }

  if (otherPrefixes.length > 0) {
    return { fault: `there are several keys. Choose one by --bucket: ${choices}` };
  }
  return prefix;
}

export function commandOf({ options, envConfig }: Rotation, keyFile = options.keyFile): string {
  const env = options.env === "" ? "" : envConfig.environment;
  const { url, bucket, yes } = options;
  return commandLine("rotate", { env, url, bucket, keyFile, yes });
}

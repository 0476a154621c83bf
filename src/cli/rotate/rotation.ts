// Opens a rotation: the buckets that a key opens, and where their Vitrine is. Sends nothing.

import type { Slot } from "../../worker/config/slot.ts";
import { type CommandFault, isFault, page, type World } from "../command.ts";
import { hasSecrets } from "../config/buckets.ts";
import { openProjectSite, type ProjectSite } from "../config/project.ts";
import { tokenRule } from "../secrets/secrets.ts";
import { commandLine } from "../terminal/shell.ts";
import type { RunWrangler } from "../wrangler/run-wrangler.ts";

export type RotateOptions = {
  readonly env?: string | undefined;
  readonly url?: string | undefined;
  readonly bucket?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly yes?: true | undefined;
};

export type RotateTools = {
  readonly run: RunWrangler;
  readonly sleep: (ms: number, interrupted: AbortSignal) => Promise<void>;
  /** Default: as long as S3 and Cloudflare need. */
  readonly polling?: Polling;
};

type Polling = {
  /** Seconds between two polls. */
  readonly intervalS: number;
  /** For how many seconds the conditions of a watched step must be met. */
  readonly watchS: number;
  /** How many polls without a step there are at most. */
  readonly maxBlocked: number;
};

/** After a minute, no old version of the Worker runs any more. */
const POLLING: Polling = { intervalS: 2, watchS: 60, maxBlocked: 60 };

/** The local run has one version. */
const LOCAL_POLLING: Polling = { intervalS: 0.25, watchS: 1, maxBlocked: 80 };

export type Rotation = ProjectSite & {
  readonly world: World;
  readonly options: RotateOptions;
  readonly tools: RotateTools;
  readonly polling: Polling;
  readonly healthToken: string;
  /** What the names of the key's secrets begin with: `AWS`. */
  readonly secretPrefix: string;
  /** Those that the key opens. */
  readonly buckets: ProjectSite["config"]["buckets"];
  /** Whether a slot may hold a session token, which is removed with its key (A11). */
  readonly canHoldSessions: boolean;
};

/** A rotation whose new key has been read. */
export type KeyedRotation = Rotation & {
  readonly key: Slot;
  readonly newMaskedId: string;
};

export function openRotation(
  world: World,
  options: RotateOptions,
  tools: RotateTools,
): Rotation | CommandFault {
  const site = openProjectSite(world, options);
  if (isFault(site)) return site;
  const { healthToken, isLocalRun, envConfig, config, tomlBuckets, secrets } = site;

  if (healthToken === undefined) {
    const source = isLocalRun ? envConfig.devVars : "the environment: export HEALTH_TOKEN=…";
    const mistake = secrets.has("HEALTH_TOKEN") ? tokenRule("HEALTH_TOKEN") : "is missing";
    return {
      fault: `HEALTH_TOKEN ${mistake}. Nothing was changed. Set it (${page("docs/doctor.md")}, “Health”), and put it into ${source}`,
    };
  }

  const secretPrefix = findSecretPrefix(site, options);
  if (isFault(secretPrefix)) return secretPrefix;

  // The local run replaces buckets, so their secrets are looked up as they are configured.
  const withKey = tomlBuckets.filter(hasSecrets).filter(({ access }) => access === secretPrefix);
  const names = withKey.map(({ name }) => name);
  const buckets = config.buckets.filter(({ name }) => names.includes(name));

  const withoutCanary = buckets.find(({ canary }) => canary === undefined);
  if (withoutCanary !== undefined) {
    return {
      fault: `BUCKETS.${withoutCanary.name} has no canary, so nothing shows whether the new key may read it. Add one to ${envConfig.file}, and deploy it (${page("docs/doctor.md")}, “Health”)`,
    };
  }

  const defaultPolling = isLocalRun ? LOCAL_POLLING : POLLING;
  return {
    ...site,
    world,
    options,
    tools,
    polling: tools.polling ?? defaultPolling,
    healthToken,
    secretPrefix,
    buckets,
    // Only the Images binding reads with session credentials.
    canHoldSessions: buckets.every(({ engine }) => engine !== "cf"),
  };
}

/** Finds the only key that there is to rotate, or that of the bucket that `--bucket` names. */
function findSecretPrefix(
  { tomlBuckets }: ProjectSite,
  { bucket: chosen }: RotateOptions,
): string | CommandFault {
  const withKey = tomlBuckets.filter(hasSecrets);
  if (withKey.length === 0) {
    return {
      fault: `no bucket has a key to rotate: a role or a binding opens each of them (${page("docs/keyless.md")})`,
    };
  }

  const choices = withKey.map(({ name, access }) => `${name} (${access})`).join(", ");
  if (chosen !== undefined) {
    const bucket = withKey.find(({ name }) => name === chosen);
    if (bucket !== undefined) return bucket.access;
    return {
      fault: `${chosen} has no key to rotate. It does not exist, or a role or a binding opens it (${page("docs/keyless.md")}). Known: ${choices}`,
    };
  }

  const [prefix, ...otherPrefixes] = new Set(withKey.map(({ access }) => access));
  if (prefix === undefined || otherPrefixes.length > 0) {
    return { fault: `there are several keys. Choose one by --bucket: ${choices}` };
  }
  return prefix;
}

/** Returns the command that goes on with a rotation. */
export function commandOf(
  { options, envConfig }: Rotation,
  keyFile: string | undefined = options.keyFile,
): string {
  // `--env ""` stays: it is the top level, whatever CLOUDFLARE_ENV says (S6).
  const env = options.env === "" ? "" : envConfig.environment;
  const { url, bucket, yes } = options;
  return commandLine("rotate", { env, url, bucket, keyFile, yes });
}

/**
 * Returns a command for the IAM user of the key. Each environment has its own user, which docs/environments.md names. The
 * user of another key than AWS_… is not known.
 * @param action such as `create-access-key`
 */
export function iamCommand(rotation: Rotation, action: string): string {
  const { secretPrefix, envConfig } = rotation;
  const { environment } = envConfig;

  let user = `<the user of ${secretPrefix}>`;
  if (hasKnownUser(rotation)) {
    user = environment === undefined ? "vitrine" : `vitrine-${environment}`;
  }
  return `aws iam ${action} --user-name ${user}`;
}

/** Returns whether the key is that of the user whom docs/deploy.md makes: of the secrets AWS_…. */
export function hasKnownUser({ secretPrefix }: Rotation): boolean {
  return secretPrefix === "AWS";
}

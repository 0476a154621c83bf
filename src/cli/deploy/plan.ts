// The plan of a deploy, which is printed before anything is sent: which keys and secrets replace which, which routes and
// presets change, and what is rendered anew. What the Worker has now is asked of its /healthz, and of nothing else: without
// an answer the plan says that it is not known. No message holds more of a key than its last four characters.

import type { ConfigHashes } from "../../worker/cache/config-hashes.ts";
import { hashConfig } from "../../worker/cache/config-hashes.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import { hashVars } from "../../worker/config/hash-vars.ts";
import { readToken } from "../../worker/config/read-secrets.ts";
import { maskKeyId } from "../../worker/config/slot.ts";
import { SLOT_NAMES } from "../../worker/http/refusal.ts";
import { tableOf } from "../../worker/util/json.ts";
import { BUILD_VERSION } from "../../worker/util/version.ts";
import { isFault, type World } from "../command.ts";
import { hasSecrets, slotsIn } from "../config/buckets.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import type { EventsSeen } from "../config/observe-events.ts";
import { createUrlCheck, findBaseUrl } from "../config/site-url.ts";
import {
  FREE,
  money,
  PRICE,
  readExpectedCosts,
  SOME_OBJECTS,
  transformationsOf,
} from "../config/transformations.ts";
import { checkPresence, fetchHealth, type Health } from "../http/ask-health.ts";
import { isNoAnswer } from "../http/body.ts";
import { count } from "../terminal/progress.ts";
import { commandFor, environmentText, hintFor } from "../wrangler/config-file.ts";
import { accessLines } from "./access.ts";
import type { Deployment } from "./check-s3.ts";
import { eventLines } from "./events.ts";

/** What the Worker has before the deploy. */
export type LiveWorker =
  | { readonly kind: "known"; readonly health: Health; readonly token: string }
  | { readonly kind: "unknown"; readonly reason: string };

/** How long the Worker may take: ms. It asks S3 meanwhile, which may be down. */
const TIMEOUT_MS = 20_000;

/** Asks the Worker what it has. The token is sent to a host that the routes give to this Worker, and to no other one. */
export async function askLiveWorker(
  { folder, env, interrupted }: World,
  { envConfig, secrets }: Deployment,
): Promise<LiveWorker> {
  const url = findBaseUrl(undefined, envConfig.patterns, "--url");
  if (isFault(url)) return { kind: "unknown", reason: "routes names no host to ask" };

  const foreign = createUrlCheck(folder, envConfig, "token")(url);
  if (foreign !== undefined) return { kind: "unknown", reason: foreign.fault };

  // The shell's token may be another environment's. The file's may be a new one: then the Worker has another one.
  const token = readToken(secrets, "HEALTH_TOKEN") ?? readToken(env, "HEALTH_TOKEN");
  if (token === undefined) return { kind: "unknown", reason: "there is no HEALTH_TOKEN at hand" };

  // Before the first deploy, something else may answer at that host.
  const absence = await checkPresence(url);
  if (absence !== undefined && !absence.isVitrine) {
    return { kind: "unknown", reason: `${url}/healthz: ${absence.reason}` };
  }

  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(TIMEOUT_MS)]);
  const tail = commandFor(envConfig, "npx wrangler tail");
  const health = await fetchHealth(url, token, tail, signal);
  const isOfFile = token === readToken(secrets, "HEALTH_TOKEN");
  if (isNoAnswer(health) && health.status === 401 && isOfFile) {
    const reason = `it has another HEALTH_TOKEN than this file, or none. Make sure that this is the file of ${environmentText(envConfig.environment)}: with another one's URL_SIGNING_KEYS, every signed URL is 404`;
    return { kind: "unknown", reason };
  }
  if (isNoAnswer(health)) return { kind: "unknown", reason: `${url}/healthz: ${health.reason}` };
  return { kind: "known", health, token };
}

/** @returns the lines of the plan */
export async function planOf(
  deployment: Deployment,
  live: LiveWorker,
  events?: EventsSeen,
): Promise<string[]> {
  const { envConfig, config, secrets } = deployment;
  const { environment, worker } = envConfig;
  const names = Object.keys(secrets).join(", ") || "no secret";
  const title = `Worker ${worker} (${environmentText(environment)}) gets ${names}. All others stay as they are deployed`;

  const hashes = await hashConfig(config, envConfig.deployedVars);
  const before = live.kind === "known" ? live.health.hashes : undefined;
  const accessChanges = before === undefined ? [] : accessLines(config, before, hashes);
  const lines = [...accessChanges, ...keyLines(deployment, live), ...secretLines(deployment, live)];
  if (live.kind === "unknown") {
    lines.push(`what the Worker has now is not known: ${live.reason}`);
  } else {
    const configuration = await hashVars(envConfig.deployedVars);
    lines.push(...versionLines(live.health));
    lines.push(...changeLines(deployment, live.health, configuration, hashes));
  }
  lines.push(storeLine(envConfig, live), ...eventLines(deployment, events));
  return [title, ...lines.map((line) => `  ${line}`)];
}

/** A line for each slot of each key: which key replaces which one. */
function keyLines({ config, secrets }: Deployment, live: LiveWorker): string[] {
  const lines: string[] = [];
  for (const bucket of config.buckets.filter(hasSecrets)) {
    const liveBucket =
      live.kind === "known"
        ? live.health.buckets.find((candidate) => candidate.bucket === bucket.name)
        : undefined;

    for (const name of SLOT_NAMES) {
      const slot = slotsIn(secrets, bucket).usable.find((candidate) => candidate.name === name);
      const liveSlot = liveBucket?.slots.find((candidate) => candidate.slot === name);

      const change = slotChange({
        newId: slot && maskKeyId(slot),
        oldId: liveSlot?.access_key,
        isWorking: liveSlot?.state === "ok",
        isKnown: liveBucket !== undefined,
      });
      if (change !== undefined) lines.push(`key of ${bucket.name}, slot ${name}: ${change}`);
    }
  }
  return lines;
}

type SlotChange = {
  /** The end of the id of the key that the file has for the slot, and of the one that the Worker has. */
  readonly newId: string | undefined;
  readonly oldId: string | undefined;
  /** Whether S3 accepts the old one. */
  readonly isWorking: boolean;
  /** Whether the Worker says what it has. */
  readonly isKnown: boolean;
};

/** @returns undefined if nothing is known, and nothing happens */
function slotChange({ newId, oldId, isWorking, isKnown }: SlotChange): string | undefined {
  if (newId === undefined && oldId === undefined) return undefined;
  if (newId === undefined) return `${oldId} stays`;
  if (oldId === newId) return `${newId} is set again`;
  if (oldId !== undefined)
    return `${oldId}${isWorking ? ", which works," : ""} is replaced by ${newId}`;
  return isKnown ? `${newId} is set, and there is none now` : `${newId} is set`;
}

function secretLines({ envConfig, secrets }: Deployment, live: LiveWorker): string[] {
  const lines: string[] = [];
  const staying = envConfig.requiredSecrets.filter((name) => !Object.hasOwn(secrets, name));
  if (staying.length > 0) lines.push(`secrets that stay: ${staying.join(", ")}`);

  const newToken = secrets["HEALTH_TOKEN"];
  const isReplaced = live.kind === "known" && newToken !== undefined && newToken !== live.token;
  if (isReplaced) lines.push("HEALTH_TOKEN is replaced by another one: tell your monitoring");
  return lines;
}

/** What changes in the configuration, and what that costs. */
function changeLines(
  { config, envConfig }: Deployment,
  health: Health,
  configuration: string,
  hashes: ConfigHashes,
): string[] {
  const liveHashes = health.hashes;
  if (health.configuration === configuration) return ["configuration: as it is deployed"];
  if (liveHashes === undefined)
    return ["configuration: not the deployed one. What differs is not known: the Worker is older"];

  const presets = {
    before: presetsOf(liveHashes.variants),
    after: presetsOf(hashes.variants),
  };
  return [
    "configuration: not the deployed one",
    ...differenceLine("buckets", liveHashes.buckets, hashes.buckets),
    ...differenceLine("routes", liveHashes.routes, hashes.routes),
    ...differenceLine("presets", presets.before, presets.after),
    ...immutableLines(config, envConfig, liveHashes),
    renditionLine(config, envConfig, liveHashes, hashes),
  ];
}

type Hashes = Readonly<Record<string, string>>;

/** Those that the Worker tells. */
type LiveHashes = NonNullable<Health["hashes"]>;

/** The presets with the hashes of all their variants. */
function presetsOf(variants: Hashes): Hashes {
  const presets: Record<string, string> = {};
  for (const [name, hash] of Object.entries(variants)) {
    const [preset = name] = name.split("@");
    presets[preset] = `${presets[preset] ?? ""} ${hash}`;
  }
  return presets;
}

/** What is new, changed and removed, as one line. @returns no line if nothing is */
function differenceLine(noun: string, before: Hashes, after: Hashes): string[] {
  const names = Object.keys(after);
  const differences = [
    { change: "new", names: names.filter((name) => !Object.hasOwn(before, name)) },
    {
      change: "changed",
      names: names.filter((name) => Object.hasOwn(before, name) && before[name] !== after[name]),
    },
    { change: "removed", names: Object.keys(before).filter((name) => !Object.hasOwn(after, name)) },
  ];
  const texts = differences
    .filter((difference) => difference.names.length > 0)
    .map((difference) => `${difference.change} ${difference.names.join(", ")}`);
  return texts.length === 0 ? [] : [`${noun}: ${texts.join("; ")}`];
}

/**
 * A line for each route that is immutable now, and not after the deploy: its keys may change from then on, and what
 * Workers Cache and browsers have may be of an older object.
 */
function immutableLines(
  { routes }: Config,
  envConfig: EnvironmentConfig,
  { immutable: before = [] }: LiveHashes,
): string[] {
  const changed = routes.filter(({ path, policy }) => !policy.isImmutable && before.includes(path));
  return changed.map(({ path, buckets }) => {
    const commands = buckets.map(({ name }) => `npx vitrine purge --bucket ${name}`);
    const command = hintFor(envConfig, commands.join(" and "));
    return `${path} is not immutable any more: after the deploy, purge the bucket by ${command}. Browsers keep what they have, for a year or its max_age`;
  });
}

/** What has to be rendered because its name is new, whatever it is called in wrangler.toml, and what that costs at most. */
function renditionLine(
  config: Config,
  { deployedVars }: EnvironmentConfig,
  before: LiveHashes,
  after: ConfigHashes,
): string {
  const oldVariants = Object.values(before.variants);
  const oldBuckets = Object.values(before.buckets);
  const isNewVariant = (name: string) => !oldVariants.includes(after.variants[name] ?? "");
  const isNewBucket = ({ name }: Bucket) => !oldBuckets.includes(after.buckets[name] ?? "");

  const newVariants = new Map([...config.variants].filter(([name]) => isNewVariant(name)));
  const ofNewBuckets = transformationsOf({
    ...config,
    buckets: config.buckets.filter((bucket) => isNewBucket(bucket)),
  });
  const ofOldBuckets = transformationsOf({
    ...config,
    buckets: config.buckets.filter((bucket) => !isNewBucket(bucket)),
    variants: newVariants,
  });

  const bounds = readExpectedCosts(deployedVars, () => {});
  const objects = { ...bounds?.objects };
  let total = 0;
  let isAssumed = false;
  for (const [bucket, each] of [...ofNewBuckets, ...ofOldBuckets]) {
    const objectCount = objects[bucket];
    if (each > 0 && objectCount === undefined) isAssumed = true;
    total += each * (objectCount ?? SOME_OBJECTS);
  }
  if (total === 0) return "renditions: none has to be made anew";

  const dollars = money(Math.max(0, total - FREE) * PRICE);
  const line = `renditions: at most ${count(total)} have to be made, for ${dollars} (docs/costs.md)`;
  const assumption = `Assumed: ${count(SOME_OBJECTS)} objects in a bucket, as COSTS.objects does not say`;
  return isAssumed ? `${line}. ${assumption}` : line;
}

function versionLines({ version }: Health): string[] {
  const isSame = version === undefined || version === BUILD_VERSION;
  return isSame ? [] : [`Vitrine: ${version} is replaced by ${BUILD_VERSION}`];
}

function storeLine({ deployedVars, r2Buckets }: EnvironmentConfig, live: LiveWorker): string {
  const { store } = tableOf(deployedVars["ANSWERS"]);
  const health = live.kind === "known" ? live.health : undefined;
  // A Vitrine that says no version says nothing of its store.
  const isKnown = health?.version !== undefined;
  const hasStore = health?.store !== undefined;

  if (store === undefined) {
    return hasStore ? "store: none. The Worker has one, which is not used any more" : "store: none";
  }

  const bucket = r2Buckets.find(({ binding }) => binding === store)?.bucket_name;
  const name = bucket === undefined ? `${store}` : `${store}, the R2 bucket ${bucket}`;
  return isKnown && !hasStore ? `store: ${name}, which is new` : `store: ${name}`;
}

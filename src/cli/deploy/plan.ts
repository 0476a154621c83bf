// The plan of a deploy, which is printed before anything is sent: which keys and secrets replace which, which routes and
// presets change, and what is rendered anew. Of a Worker that does not answer, the plan says that it is not known. No
// message holds more of a key than its last four characters.

import type { ConfigHashes } from "../../worker/cache/config-hashes.ts";
import { hashConfig } from "../../worker/cache/config-hashes.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import { hashVars } from "../../worker/config/hash-vars.ts";
import { maskKeyId } from "../../worker/config/slot.ts";
import { SLOT_NAMES, type SlotName } from "../../worker/http/refusal.ts";
import { tableOf } from "../../worker/util/json.ts";
import { BUILD_VERSION } from "../../worker/util/version.ts";
import { page } from "../command.ts";
import { hasSecrets, slotsIn } from "../config/buckets.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import { readExpectedCosts } from "../config/expected-costs.ts";
import type { EventsSeen } from "../config/observe-events.ts";
import {
  dollarsOf,
  money,
  presetHashes,
  SOME_OBJECTS,
  transformationsOf,
} from "../config/transformations.ts";
import type { Health } from "../http/ask-health.ts";
import { count } from "../terminal/progress.ts";
import { commandFor, environmentText } from "../wrangler/config-file.ts";
import { accessLines } from "./access.ts";
import type { Deployment } from "./check-s3.ts";
import { eventLines } from "./events.ts";
import type { LiveWorker } from "./live-worker.ts";

/** @returns the lines of the plan */
export async function planOf(
  deployment: Deployment,
  live: LiveWorker,
  events?: EventsSeen,
): Promise<string[]> {
  const { envConfig, config } = deployment;
  const hashes = await hashConfig(config, envConfig.deployedVars);
  const configuration = await hashVars(envConfig.deployedVars);
  const liveHealth = live.kind === "known" ? live.health : undefined;

  const lines = [
    // First, because nobody may miss that private pictures are shown to everybody.
    ...accessLines(config, liveHealth?.hashes, hashes),
    ...keyLines(deployment, liveHealth),
    ...secretLines(deployment, live),
    ...workerLines(deployment, live, configuration, hashes),
    storeLine(envConfig, liveHealth),
    ...eventLines(deployment, events),
  ];
  return [titleOf(deployment), ...lines.map((line) => `  ${line}`)];
}

function titleOf({ envConfig, secrets }: Deployment): string {
  const { environment, worker } = envConfig;
  const names = Object.keys(secrets).join(", ") || "no secret";
  return `Worker ${worker} (${environmentText(environment)}) gets ${names}. All others stay as they are deployed`;
}

/** A line for each slot of each key: which key replaces which one. */
function keyLines({ config, secrets }: Deployment, liveHealth: Health | undefined): string[] {
  const lines: string[] = [];
  for (const bucket of config.buckets.filter(hasSecrets)) {
    const { usable } = slotsIn(secrets, bucket);
    const liveBucket = liveHealth?.buckets.find((candidate) => candidate.bucket === bucket.name);

    for (const name of SLOT_NAMES) {
      const slot = usable.find((candidate) => candidate.name === name);
      const liveSlot = liveBucket?.slots.find((candidate) => candidate.slot === name);
      const line = slotLine(bucket.name, name, {
        newId: slot && maskKeyId(slot),
        oldId: liveSlot?.access_key,
        isOldAccepted: liveSlot?.state === "ok",
        isOldKnown: liveBucket !== undefined,
      });
      if (line !== undefined) lines.push(line);
    }
  }
  return lines;
}

type SlotChange = {
  /** The end of the id of the key that the file has for the slot. */
  readonly newId: string | undefined;
  /** The end of the id of the key that the Worker has in it. */
  readonly oldId: string | undefined;
  /** Whether S3 accepts the old key. */
  readonly isOldAccepted: boolean;
  /** Whether the Worker says what it has. */
  readonly isOldKnown: boolean;
};

/** @returns undefined if nothing is known, and nothing happens */
function slotLine(bucket: string, slot: SlotName, change: SlotChange): string | undefined {
  const { newId, oldId, isOldAccepted, isOldKnown } = change;
  const title = `key of ${bucket}, slot ${slot}`;

  if (newId === undefined) {
    if (oldId === undefined) return undefined;
    return `${title}: ${oldId} stays`;
  }

  if (oldId === undefined) {
    if (isOldKnown) return `${title}: ${newId} is set, and there is none now`;
    return `${title}: ${newId} is set`;
  }

  if (oldId === newId) return `${title}: ${newId} is set again`;
  if (isOldAccepted) return `${title}: ${oldId}, which works, is replaced by ${newId}`;
  return `${title}: ${oldId} is replaced by ${newId}`;
}

function secretLines({ envConfig, secrets }: Deployment, live: LiveWorker): string[] {
  const lines: string[] = [];
  const staying = envConfig.requiredSecrets.filter((name) => !Object.hasOwn(secrets, name));
  if (staying.length > 0) {
    // Before a first deploy there is nothing that could stay, and wrangler refuses it.
    const isThere = live.kind === "known";
    const title = isThere ? "secrets that stay" : "secrets that the Worker must have already";
    lines.push(`${title}: ${staying.join(", ")}`);
  }

  const newToken = secrets["HEALTH_TOKEN"];
  const isReplaced = live.kind === "known" && newToken !== undefined && newToken !== live.token;
  if (isReplaced) lines.push("HEALTH_TOKEN is replaced by another one: tell your monitoring");
  return lines;
}

/** What changes in the version and in the configuration, and what that costs. */
function workerLines(
  deployment: Deployment,
  live: LiveWorker,
  configuration: string,
  hashes: ConfigHashes,
): string[] {
  if (live.kind === "unknown") return [`what the Worker has now is not known: ${live.reason}`];

  const { health } = live;
  const lines: string[] = [];
  const isSameVersion = health.version === undefined || health.version === BUILD_VERSION;
  if (!isSameVersion) lines.push(`Vitrine: ${health.version} is replaced by ${BUILD_VERSION}`);

  if (health.configuration === configuration) {
    lines.push("configuration: as it is deployed");
    return lines;
  }

  if (health.hashes === undefined) {
    lines.push(
      "configuration: not the deployed one. What differs is not known: the Worker is older",
    );
    return lines;
  }

  lines.push("configuration: not the deployed one");
  lines.push(...changeLines(deployment, health.hashes, hashes));
  return lines;
}

function changeLines(
  { config, envConfig }: Deployment,
  liveHashes: ConfigHashes,
  hashes: ConfigHashes,
): string[] {
  const livePresets = presetHashes(liveHashes.variants);
  const presets = presetHashes(hashes.variants);

  return [
    ...differenceLine("buckets", liveHashes.buckets, hashes.buckets),
    ...differenceLine("routes", liveHashes.routes, hashes.routes),
    ...differenceLine("presets", livePresets, presets),
    ...immutableLines(config, envConfig, liveHashes),
    renditionLine(config, envConfig, liveHashes, hashes),
  ];
}

type Hashes = Readonly<Record<string, string>>;

/** What is new, changed and removed, as one line. @returns no line if nothing is */
function differenceLine(noun: string, before: Hashes, after: Hashes): string[] {
  const names = Object.keys(after);
  const added = names.filter((name) => !Object.hasOwn(before, name));
  const staying = names.filter((name) => Object.hasOwn(before, name));
  const changed = staying.filter((name) => before[name] !== after[name]);
  const removed = Object.keys(before).filter((name) => !Object.hasOwn(after, name));

  const differences: string[] = [];
  if (added.length > 0) differences.push(`new ${added.join(", ")}`);
  if (changed.length > 0) differences.push(`changed ${changed.join(", ")}`);
  if (removed.length > 0) differences.push(`removed ${removed.join(", ")}`);

  if (differences.length === 0) return [];
  return [`${noun}: ${differences.join("; ")}`];
}

/**
 * A line for each route that is immutable now, and not after the deploy: its keys may change from then on, and what
 * Workers Cache and browsers have may be of an older object.
 */
function immutableLines(
  { routes }: Config,
  envConfig: EnvironmentConfig,
  { immutable: liveImmutable }: ConfigHashes,
): string[] {
  const purge = commandFor(envConfig, "npx vitrine purge");
  const lines: string[] = [];
  for (const { path, policy, buckets } of routes) {
    if (policy.isImmutable || !liveImmutable.includes(path)) continue;

    const commands = buckets.map(({ name }) => `${purge} --bucket ${name}`).join(" and ");
    lines.push(
      `${path} is not immutable any more: after the deploy, purge the bucket by ${commands}. Browsers keep what they have, for a year or its max_age`,
    );
  }
  return lines;
}

/** What has to be rendered because its name is new, and what that costs at most. */
function renditionLine(
  config: Config,
  envConfig: EnvironmentConfig,
  before: ConfigHashes,
  after: ConfigHashes,
): string {
  const { total, isAssumed } = countNewRenditions(config, envConfig, before, after);
  if (total === 0) return "renditions: none has to be made anew";

  const dollars = money(dollarsOf(total));
  if (!isAssumed) {
    return `renditions: at most ${count(total)} have to be made, for ${dollars} (${page("docs/costs.md")})`;
  }
  return `renditions: at most ${count(total)} have to be made, for ${dollars} (${page("docs/costs.md")}). Assumed: ${count(SOME_OBJECTS)} objects in a bucket, as COSTS.objects does not say`;
}

type RenditionCount = {
  readonly total: number;
  /** Whether COSTS.objects does not say how many objects a bucket has. */
  readonly isAssumed: boolean;
};

function countNewRenditions(
  config: Config,
  envConfig: EnvironmentConfig,
  before: ConfigHashes,
  after: ConfigHashes,
): RenditionCount {
  const objectCounts = readExpectedCosts(envConfig.deployedVars, () => {})?.objects;
  let total = 0;
  let isAssumed = false;

  for (const [bucket, perObject] of newTransformations(config, before, after)) {
    if (perObject === 0) continue;

    const objectCount = objectCounts?.[bucket];
    if (objectCount === undefined) isAssumed = true;
    total += perObject * (objectCount ?? SOME_OBJECTS);
  }
  return { total, isAssumed };
}

/**
 * How many renditions of one object each bucket needs anew: all of a new bucket, and those of a new variant of another
 * one. A bucket or a variant that only has another name in wrangler.toml is not new.
 */
function newTransformations(
  config: Config,
  before: ConfigHashes,
  after: ConfigHashes,
): ReadonlyMap<string, number> {
  const oldBuckets = Object.values(before.buckets);
  const oldVariants = Object.values(before.variants);
  const isNewBucket = ({ name }: Bucket) => !oldBuckets.includes(after.buckets[name] ?? "");
  const isNewVariant = (name: string) => !oldVariants.includes(after.variants[name] ?? "");

  const newBuckets = config.buckets.filter((bucket) => isNewBucket(bucket));
  const stayingBuckets = config.buckets.filter((bucket) => !isNewBucket(bucket));
  const newVariants = new Map([...config.variants].filter(([name]) => isNewVariant(name)));

  const ofNewBuckets = transformationsOf({ ...config, buckets: newBuckets });
  const ofStayingBuckets = transformationsOf({
    ...config,
    buckets: stayingBuckets,
    variants: newVariants,
  });
  return new Map([...ofNewBuckets, ...ofStayingBuckets]);
}

function storeLine(
  { deployedVars, r2Buckets }: EnvironmentConfig,
  liveHealth: Health | undefined,
): string {
  const hasLiveStore = liveHealth?.store !== undefined;
  const { store } = tableOf(deployedVars["ANSWERS"]);
  if (store === undefined) {
    return hasLiveStore
      ? "store: none. The Worker has one, which is not used any more"
      : "store: none";
  }

  const bucket = r2Buckets.find(({ binding }) => binding === store)?.bucket_name;
  const name = bucket === undefined ? `${store}` : `${store}, the R2 bucket ${bucket}`;

  // A Vitrine that says no version says nothing of its store.
  const isLiveStoreKnown = liveHealth?.version !== undefined;
  const isNew = isLiveStoreKnown && !hasLiveStore;
  return isNew ? `store: ${name}, which is new` : `store: ${name}`;
}

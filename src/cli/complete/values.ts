// The values that a shell may complete: presets, buckets, and the keys of the local bucket.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Bucket, s3Bucket } from "../../worker/config/bucket.ts";
import { bucketSchema, isR2Settings } from "../../worker/config/bucket-settings.ts";
import { presetSchema, variantsOfPreset } from "../../worker/config/preset.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import { writtenPresets } from "../../worker/config/split-vars.ts";
import { tableOf } from "../../worker/util/json.ts";
import { isFault, type World } from "../command.ts";
import { LOCAL_KEY_FILE, localBuckets, readLocalKeys } from "../config/local-run.ts";
import { objectNameOf, parsePrefix } from "../objects/bucket-key.ts";
import { listPage } from "../objects/list-page.ts";
import { readSettings, type Settings } from "./settings.ts";

/** So many keys of a bucket are listed at most. Nobody reads more of them. */
const MAX_KEYS = 200;

/**
 * How long a Tab waits for the local run: s. Another program may listen at its port and never answer, and a busy machine
 * answers late.
 */
const TIMEOUT_S = 5;

/**
 * Returns the values that mean themselves in a shell. bash expands what it completes as if it were typed, so it would run
 * the command of a key such as `$(…)`: `help compgen`, "each resultant word is expanded". A value that begins with a dash
 * would be an option of the command.
 */
export function plainValues(values: Iterable<string>): string[] {
  return [...values].filter((value) => /^[\w./@+,][\w./@+,-]*$/.test(value));
}

/** The variants of the presets: `card`, `card@2x`. A preset with mistakes has none. */
export function variantNames(world: World, env: string | undefined): readonly string[] {
  const { vars } = readSettings(world, env);

  const names: string[] = [];
  for (const { name, option, value } of writtenPresets(vars)) {
    const preset = presetSchema(value, option, ignoreMistake);
    if (preset === undefined) continue;

    for (const [variant] of variantsOfPreset(name, preset)) names.push(variant);
  }
  return names;
}

export function bucketNames(world: World, env: string | undefined): readonly string[] {
  const { vars } = readSettings(world, env);
  return Object.keys(tableOf(vars["BUCKETS"]));
}

/** A Tab reports no mistakes. */
function ignoreMistake(): void {}

/**
 * Lists the objects of the local buckets, as commands name them.
 * @param typed what their names begin with
 * @returns none if the local run does not run now
 */
export async function localObjectNames(
  world: World,
  env: string | undefined,
  typed: string,
): Promise<readonly string[]> {
  const keys = localKeysOf(world);
  const endpoint = localEndpoint(world);
  if (keys === undefined || endpoint === undefined) return [];

  const settings = readSettings(world, env);
  // A folder of a stranger may name an S3 anywhere. Only this machine's own is asked.
  if (settings.hasOwnS3) return [];

  const buckets = readLocalBuckets(settings, endpoint, keys);
  const lists = buckets.map((bucket) => listNames(world, { bucket, buckets }, keys, typed));
  const names = (await Promise.all(lists)).flat();
  return names.filter((name) => name.startsWith(typed));
}

/** The key of the local buckets, if a local run has made one. A Tab makes none. */
function localKeysOf({ folder }: World): Credentials | undefined {
  if (!existsSync(join(folder, LOCAL_KEY_FILE))) return undefined;

  try {
    return readLocalKeys(folder);
  } catch {
    // The local run says that the file is broken.
    return undefined;
  }
}

/** The local S3. It is on this machine, whatever PORT says. */
function localEndpoint({ env }: World): string | undefined {
  const port = env["PORT"] ?? "8787";
  return /^\d{1,5}$/.test(port) ? `http://localhost:${port}/cdn-cgi/local/r2/s3` : undefined;
}

/** @returns none if one of them has a mistake: its name would be missing, and names of objects would be ambiguous */
function readLocalBuckets(
  { vars, r2Buckets }: Settings,
  endpoint: string,
  keys: Credentials,
): readonly Bucket[] {
  const written = localBuckets(vars["BUCKETS"], endpoint, keys, r2Buckets);

  const buckets: Bucket[] = [];
  for (const [name, value] of Object.entries(written)) {
    const settings = bucketSchema(value, `BUCKETS.${name}`, ignoreMistake);
    if (settings === undefined || isR2Settings(settings)) return [];
    buckets.push(s3Bucket(name, settings));
  }
  return buckets;
}

type BucketInList = { readonly bucket: Bucket; readonly buckets: readonly Bucket[] };

async function listNames(
  world: World,
  { bucket, buckets }: BucketInList,
  keys: Credentials,
  typed: string,
): Promise<readonly string[]> {
  // A half of the bucket's own name is no prefix of a key.
  const start = parsePrefix(buckets, typed);
  const isHere = !isFault(start) && start.bucket.name === bucket.name;
  const prefix = bucket.prefix + (isHere ? start.key : "");

  const options = { prefix, maxKeys: MAX_KEYS, timeoutS: TIMEOUT_S };
  const page = await listPage(bucket, keys, options, world.now());
  if (page.kind === "no-page") return [];

  return page.objects.map((object) => {
    const key = object.key.slice(bucket.prefix.length);
    return objectNameOf(buckets, { bucket, key });
  });
}

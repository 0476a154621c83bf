// The values that a shell may complete: environments, presets, buckets, and the keys of the local bucket.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import { isFault, isMistake, type World } from "../command.ts";
import { readRawFile } from "../config/environment-config.ts";
import { LOCAL_KEY_FILE } from "../config/local-run.ts";
import { openProject, type Project, slotsAtHand, usesLocalS3 } from "../config/project.ts";
import { objectNameOf, parsePrefix } from "../objects/bucket-key.ts";
import { listPage } from "../objects/list-page.ts";

/** So many keys of a bucket are listed at most. Nobody reads more of them. */
const MAX_KEYS = 200;

/**
 * Returns the values that mean themselves in a shell. bash expands what it completes as if it were typed, so it would run
 * the command of a key such as `$(…)`: `help compgen`, "each resultant word is expanded".
 */
export function plainValues(values: Iterable<string>): string[] {
  return [...values].filter((value) => /^[\w./@+,-]+$/.test(value));
}

export function environmentNames({ folder }: World): readonly string[] {
  const raw = readRawFile(folder);
  return isMistake(raw) ? [] : raw.environments;
}

/** The variants of the configuration: `card`, `card@2x`. A configuration with mistakes has none. */
export function variantNames(world: World, env: string | undefined): readonly string[] {
  const config = readConfiguration(world, env);
  return config === undefined ? [] : [...config.variants.keys()];
}

export function bucketNames(world: World, env: string | undefined): readonly string[] {
  const config = readConfiguration(world, env);
  return config === undefined ? [] : config.buckets.map(({ name }) => name);
}

function readConfiguration(world: World, env: string | undefined): Config | undefined {
  const project = openProject(world, { env });
  return isFault(project) ? undefined : project.config;
}

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
  // To open the local project would make its key.
  if (!existsSync(join(world.folder, LOCAL_KEY_FILE))) return [];

  const port = world.env["PORT"] ?? "8787";
  const project = openProject(world, { env, url: `http://localhost:${port}` });
  // A folder of a stranger may name an S3 anywhere. Only this machine's own is asked.
  if (isFault(project) || !usesLocalS3(project)) return [];

  const { buckets } = project.config;
  const lists = buckets.map((bucket) => listNames(world, project, bucket, typed));
  const names = (await Promise.all(lists)).flat();
  return names.filter((name) => name.startsWith(typed));
}

async function listNames(
  world: World,
  project: Project,
  bucket: Bucket,
  typed: string,
): Promise<readonly string[]> {
  const [slot] = slotsAtHand(project, bucket).usable;
  if (slot === undefined) return [];

  // A half of the bucket's own name is no prefix of a key.
  const { buckets } = project.config;
  const start = parsePrefix(buckets, typed);
  const isHere = !isFault(start) && start.bucket.name === bucket.name;
  const prefix = bucket.prefix + (isHere ? start.key : "");

  const options = { prefix, maxKeys: MAX_KEYS };
  const page = await listPage(bucket, slot.credentials, options, world.now());
  if (page.kind === "no-page") return [];

  return page.objects.map((object) => {
    const key = object.key.slice(bucket.prefix.length);
    return objectNameOf(buckets, { bucket, key });
  });
}

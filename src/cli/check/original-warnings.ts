// Warns of originals that visitors will not see, as far as a configuration tells: the objects that it names, and the
// files of `objects/`, which the local run puts into its buckets. It reads the beginning of each file, and sends nothing.

import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { join, relative } from "node:path";
import { keyFault } from "../../url/key.ts";
import type { Engine } from "../../worker/config/bucket-settings.ts";
import type { Report } from "../config/check-environments.ts";
import type { Warning } from "../config/mistakes.ts";
import {
  doubtfulFormatOf,
  type KnownOriginal,
  type PredictedRefusal,
  predictedAnswer,
  predictRefusal,
  refusalReasonByName,
} from "../picture/predict-refusal.ts";
import { visible } from "../terminal/shell.ts";

const FOLDER = "objects";
const HEAD_BYTES = 4_096;

/** How many files are named: a folder may have thousands. */
const MAX_NAMED = 10;

/** An object that the configuration names: its key, or the end of it, and the path of the setting. */
type NamedObject = { readonly path: string; readonly key: string; readonly engine: Engine };

/** Warns of objects by their names. Which objects a `*` stands for, nobody knows here. */
export function nameWarnings({ environment, config }: Report): Warning[] {
  if (config === undefined) return [];
  const { buckets, routes } = config;
  const objects: NamedObject[] = [];

  for (const { name, canary, engine } of buckets) {
    if (canary) objects.push({ path: `BUCKETS.${name}.canary`, key: canary, engine });
  }
  for (const { option: path, bucket, mapping, fallback } of routes) {
    const ending = mapping.key.parts.at(-1);
    if (ending) {
      const { engine } = bucket;
      objects.push({ path: `the end of ${path}.object`, key: ending, engine });
    }
    if (fallback === undefined) continue;

    const { key, bucket: fallbackBucket } = fallback;
    objects.push({ path: `${path}.fallback`, key, engine: fallbackBucket.engine });
  }

  return objects.flatMap(({ path, key, engine }) => {
    const reason = refusalReasonByName(key, engine);
    if (reason === undefined) return [];
    const message = `${path} is ${key}: ${reason}`;
    return [{ environment, message, remedy: "use a JPEG, PNG or WebP" }];
  });
}

/**
 * Warns of files that none of the engines shows.
 * @param projectFolder the folder of the project
 */
export function fileWarnings(projectFolder: string, reports: readonly Report[]): Warning[] {
  const folder = join(projectFolder, FOLDER);
  const buckets = reports.flatMap(({ config }) => config?.buckets ?? []);
  const engines = new Set(buckets.map(({ engine }) => engine));
  const warnings: Warning[] = [];

  for (const path of existsSync(folder) ? filesIn(folder) : []) {
    const key = relative(folder, path).replaceAll("\\", "/");
    if (keyFault(key) !== undefined) continue; // the local run leaves it out

    const original = readOriginal(path);
    const prediction = original && predictForAll(original, engines);
    if (prediction === undefined) continue;

    const { remedy } = prediction;
    warnings.push({ message: `${FOLDER}/${visible(key)}: ${predictedAnswer(prediction)}`, remedy });
  }

  const more = warnings.length - MAX_NAMED;
  if (more <= 0) return warnings;

  const message = `${FOLDER}/: visitors may not see ${more} more files`;
  const remedy = "the page of npx vitrine dev names them";
  return [...warnings.slice(0, MAX_NAMED), { message, remedy }];
}

/** Finds the files of a folder, and follows no link: it could lead back to the folder. */
function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));

  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesIn(path);
    return entry.isFile() ? [path] : [];
  });
}

/** @returns undefined if the file cannot be read, or is gone */
function readOriginal(path: string): KnownOriginal | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const head = new Uint8Array(HEAD_BYTES);
    const length = readSync(file, head);
    return { format: doubtfulFormatOf(head.subarray(0, length)), bytes: fstatSync(file).size };
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Predicts a refusal if each engine refuses. Which bucket will have the object, and by which route, is not known. */
function predictForAll(
  original: KnownOriginal,
  engines: ReadonlySet<Engine>,
): PredictedRefusal | undefined {
  const all = [...engines].map((engine) => predictRefusal(original, { engine, svg: true }));
  return all.includes(undefined) ? undefined : all[0];
}

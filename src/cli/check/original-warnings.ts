// Warns of originals that visitors will not see, as far as a configuration tells: the objects that it names, and the
// files of `objects/`, which the local run puts into its buckets. It reads the beginning of each file, and sends nothing.

import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { join, relative } from "node:path";
import { keyFault } from "../../url/key.ts";
import type { Engine } from "../../worker/config/bucket-settings.ts";
import type { Config } from "../../worker/config/config.ts";
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

/** An object that the configuration names: its key, or the end of it, and the setting, as a text and as its path. */
type NamedObject = {
  readonly setting: string;
  readonly path: string;
  readonly key: string;
  readonly engine: Engine;
};

/** Warns of objects by their names. Which objects a `*` stands for, nobody knows here. */
export function nameWarnings({ environment, config }: Report): Warning[] {
  if (config === undefined) return [];

  const warnings: Warning[] = [];
  for (const { setting, path, key, engine } of namedObjects(config)) {
    const reason = refusalReasonByName(key, engine);
    if (reason === undefined) continue;

    const message = `${setting} is ${key}: ${reason}`;
    warnings.push({ environment, path, message, remedy: "use a JPEG, PNG or WebP" });
  }
  return warnings;
}

function namedObjects({ buckets, routes }: Config): readonly NamedObject[] {
  const objects: NamedObject[] = [];
  for (const { name, canary, engine } of buckets) {
    if (canary === undefined) continue;

    const path = `BUCKETS.${name}.canary`;
    objects.push({ setting: path, path, key: canary, engine });
  }

  for (const { option, bucket, mapping, fallback } of routes) {
    const ending = mapping.key.parts.at(-1);
    if (ending !== undefined) {
      const path = `${option}.object`;
      objects.push({ setting: `the end of ${path}`, path, key: ending, engine: bucket.engine });
    }
    if (fallback === undefined) continue;

    const { engine } = fallback.bucket;
    const path = `${option}.fallback`;
    objects.push({ setting: path, path, key: fallback.key, engine });
  }
  return objects;
}

/**
 * Warns of files that none of the engines shows.
 * @param projectFolder the folder of the project
 */
export function fileWarnings(projectFolder: string, reports: readonly Report[]): Warning[] {
  const folder = join(projectFolder, FOLDER);
  if (!existsSync(folder)) return [];

  const buckets = reports.flatMap(({ config }) => config?.buckets ?? []);
  const engines = new Set(buckets.map(({ engine }) => engine));

  const warnings: Warning[] = [];
  for (const path of filesIn(folder)) {
    // The local run leaves out what is no key.
    const key = relative(folder, path).replaceAll("\\", "/");
    if (keyFault(key) !== undefined) continue;

    const original = readOriginal(path);
    if (original === undefined) continue;

    const prediction = predictForAll(original, engines);
    if (prediction === undefined) continue;

    const source = `${FOLDER}/${key}`;
    const message = `${visible(source)}: ${predictedAnswer(prediction)}`;
    warnings.push({ message, remedy: prediction.remedy, source });
  }

  const unnamedCount = warnings.length - MAX_NAMED;
  if (unnamedCount <= 0) return warnings;

  const rest = {
    message: `${FOLDER}/: visitors may not see ${unnamedCount} more files`,
    remedy: "the page of npx vitrine dev names them",
  };
  return [...warnings.slice(0, MAX_NAMED), rest];
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

    const format = doubtfulFormatOf(head.subarray(0, length));
    return { format, bytes: fstatSync(file).size };
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
  let first: PredictedRefusal | undefined;
  for (const engine of engines) {
    const prediction = predictRefusal(original, { engine, svg: true });
    if (prediction === undefined) return undefined;
    first ??= prediction;
  }
  return first;
}

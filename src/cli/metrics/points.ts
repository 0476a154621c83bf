// The data points of requests, as src/worker/log/metrics.ts writes them, and the file in which the local run keeps its own.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isPlainObject, parseJson } from "../../worker/util/json.ts";

/** A data point. The columns of `blobs` and `doubles` are those of docs/metrics.md. */
export type Point = {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** How many requests it stands for: the column `_sample_interval`. */
  readonly weight: number;
  readonly blobs: readonly string[];
  readonly doubles: readonly number[];
};

/** The file of a local run, below the project's folder: a data point on each line, as JSON. */
export function pointsFile(environment: string | undefined): string {
  const name = environment === undefined ? "points.jsonl" : `points.${environment}.jsonl`;
  return join(".wrangler/vitrine", name);
}

/** The older half of a file that was full. */
export function olderPointsFile(file: string): string {
  return `${file}.1`;
}

export type LocalPoints = {
  readonly points: readonly Point[];
  /** How many lines are no data points. A killed local run may leave half a line. */
  readonly unreadable: number;
};

/**
 * Reads the data points of a local run, the older ones first.
 * @returns undefined if there is no file
 * @throws the error of the file system if it cannot be read
 */
export function readLocalPoints(
  folder: string,
  environment: string | undefined,
): LocalPoints | undefined {
  const file = join(folder, pointsFile(environment));
  const texts = [olderPointsFile(file), file].map(readIfThere).filter((text) => text !== undefined);
  if (texts.length === 0) return undefined;

  const lines = texts.flatMap((text) => text.split("\n")).filter((line) => line !== "");

  const points: Point[] = [];
  for (const line of lines) {
    const point = readPoint(line);
    if (point !== undefined) points.push(point);
  }
  return { points, unreadable: lines.length - points.length };
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const isMissing = error instanceof Error && Object(error).code === "ENOENT";
    if (!isMissing) throw error;
    return undefined;
  }
}

const COLUMNS = { blobs: 7, doubles: 2 } as const;

function readPoint(line: string): Point | undefined {
  const value = parseJson(line);
  if (!isPlainObject(value)) return undefined;

  const { time, blobs, doubles } = value;
  if (typeof time !== "number" || !Number.isFinite(time)) return undefined;
  if (!isListOf(blobs, COLUMNS.blobs, isText)) return undefined;
  if (!isListOf(doubles, COLUMNS.doubles, isFigure)) return undefined;
  return { time, weight: 1, blobs, doubles };
}

const isText = (value: unknown): value is string => typeof value === "string";

/** Far above what a site has in a month. */
const MAX_FIGURE = 1e18;

/** Returns whether a value is a number that can be added up: no sum of such numbers is infinite. */
export function isFigure(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= MAX_FIGURE;
}

function isListOf<T>(
  value: unknown,
  length: number,
  isItem: (item: unknown) => item is T,
): value is readonly T[] {
  return Array.isArray(value) && value.length === length && value.every(isItem);
}

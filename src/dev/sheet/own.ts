// Images of one's own in the local buckets: what was put there, and how it is put.

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { localKeys } from "../../cli/project/local.ts";
import { keyFault } from "../../url/key.ts";
import { json } from "../../worker/base/json.ts";
import type { Config } from "../../worker/config/config.ts";
import { putObject } from "../fill.ts";
import { describe, type Known, placeFor } from "./contents.ts";

/** Beside the state of wrangler's own, where the buckets lie. */
const LIST = ".wrangler/local/own.json";

/** The edge reads no larger one: 100 MB (L1). */
export const MOST_BYTES = 100_000_000;

/**
 * What was put there, the last one first.
 * @throws where the list is broken
 */
export function listOwn(): Known[] {
  if (!existsSync(LIST)) return [];
  const list: unknown = json(readFileSync(LIST, "utf8"));
  if (!Array.isArray(list)) throw new Error(`${LIST} is broken: remove it, and start again`);
  return list;
}

/** Writes it whole or not at all. */
function keepList(list: readonly Known[]): void {
  writeFileSync(`${LIST}.tmp`, JSON.stringify(list));
  renameSync(`${LIST}.tmp`, LIST);
}

/**
 * Puts an image into the local bucket that the first route for it leads to.
 * @param file its name, which becomes the end of its key
 * @param now milliseconds since 1970
 * @returns why it was not put; undefined where it was
 */
export async function putOwn(
  config: Config,
  file: string,
  body: Uint8Array,
  type: string,
  now: number,
): Promise<string | undefined> {
  const fault = keyFault(file);
  if (fault !== undefined) return `no key can end in this name: ${fault}`;
  const place = placeFor(config, file);
  if (place === undefined) return "no route leads to own/*";
  const known = await describe(place.key, "own", body);
  if (known === undefined) return "it is no image that the local edge reads (HEIC is none either)";
  if (known.format === "svg" && !place.route.svg) return "an SVG: its route needs svg = true";
  const { base, prefix } = place.route.bucket;
  try {
    await putObject(base, prefix + place.key, localKeys(), type, body);
  } catch (error) {
    return `${error}`;
  }
  const put = { ...known, at: now };
  keepList([put, ...listOwn().filter(({ key }) => key !== known.key)]);
  return undefined;
}

/** Takes an image of one's own off the sheet. The object stays in the bucket, where it harms nobody. */
export function forgetOwn(key: string): void {
  keepList(listOwn().filter((known) => known.key !== key));
}

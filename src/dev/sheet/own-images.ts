// The images that the user adds to the local buckets, and the list of them.

import { existsSync, readFileSync } from "node:fs";
import { readLocalKeys } from "../../cli/config/local-run.ts";
import { replaceFile } from "../../cli/files/write-file.ts";
import { keyFault } from "../../url/key.ts";
import { parseJson } from "../../worker/base/json.ts";
import type { Config } from "../../worker/config/config.ts";
import { putObject } from "../put-object.ts";
import { describe, type Known } from "./describe.ts";
import { placeFor } from "./place-for.ts";

/** Beside the state of wrangler, which holds the buckets. */
const LIST = ".wrangler/vitrine/own-images.json";

/**
 * Lists the images, the newest first.
 * @throws if the list is broken
 */
export function listOwnImages(): Known[] {
  if (!existsSync(LIST)) return [];
  const list: unknown = parseJson(readFileSync(LIST, "utf8"));
  if (!Array.isArray(list)) throw new Error(`${LIST} is broken. Remove it and start again.`);
  return list;
}

function writeList(list: readonly Known[]): void {
  replaceFile(LIST, JSON.stringify(list));
}

/**
 * Puts an image into the local bucket of the first route that shows it.
 * @param file its name, which becomes the end of its key
 * @param now ms since 1970
 * @returns why it was refused; undefined: it is there
 */
export async function putOwnImage(
  config: Config,
  file: string,
  body: Uint8Array,
  type: string,
  now: number,
): Promise<string | undefined> {
  const fault = keyFault(file);
  if (fault !== undefined) return `a key cannot end with this name: ${fault}`;
  const place = placeFor(config, file);
  if (place === undefined) return "no route leads to own/*, where your own images go";
  const known = await describe(place.key, "own", body);
  if (known === undefined) return whyUnread(body);
  if (known.format === "svg" && !place.route.svg) return "an SVG needs a route with svg = true";
  const { base, prefix } = place.route.bucket;
  try {
    await putObject(base, prefix + place.key, readLocalKeys("."), type, body);
  } catch (error) {
    return `${error}`;
  }
  const added = { ...known, at: now };
  writeList([added, ...listOwnImages().filter(({ key }) => key !== known.key)]);
  return undefined;
}

/** Why there is no description of a file. */
function whyUnread(body: Uint8Array): string {
  const isHeic = /^ftyp(?:hei|hev|mif1|msf1)/.test(
    Buffer.from(body.subarray(4, 16)).toString("latin1"),
  );
  return isHeic ? "the local edge does not read HEIC" : "it is no image, or it is damaged";
}

/** Removes an image from the contact sheet. The object stays in the bucket. */
export function forgetOwnImage(key: string): void {
  writeList(listOwnImages().filter((known) => known.key !== key));
}

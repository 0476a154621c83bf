// Describes the images of the local buckets.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../../cli/command.ts";
import { loadSharp } from "../../emulator/edge/sharp.ts";
import { BROKEN, HARD_KEYS, OBJECTS } from "../objects.ts";
import type { Picture } from "./data.ts";

/** An object of the bucket, without its renditions. */
export type Known = Omit<Picture, "renditions" | "costs">;

/** Reads format and size of an image. Returns undefined if it is not an image. */
export async function describe(
  key: string,
  group: Known["group"],
  body: Uint8Array,
): Promise<Known | undefined> {
  const sharp = loadSharp();
  try {
    const { format, autoOrient } = await sharp(body).metadata();
    return { key, group, bytes: body.length, format, ...autoOrient };
  } catch {
    return undefined; // the message of sharp would not help the user
  }
}

/** The fixtures, which are in every local bucket. */
export async function describeFixtures(): Promise<Known[]> {
  const folder = join(PACKAGE_ROOT, "fixtures/objects");
  const shown = OBJECTS.filter((object) => !BROKEN.includes(object));
  const all = shown.map(({ key, file }) =>
    describe(key, HARD_KEYS.includes(key) ? "hard" : "pictures", readFileSync(join(folder, file))),
  );
  return (await Promise.all(all)).filter((known) => known !== undefined);
}

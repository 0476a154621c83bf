// Fills a local bucket with the fixtures.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../cli/command.ts";
import type { Credentials } from "../worker/config/slot.ts";
import { OBJECTS } from "./objects.ts";
import { putObject } from "./put-object.ts";

/**
 * @param base the URL that comes before every key
 * @param prefix the beginning of every key
 * @param progress is told how many objects are done, and how many there are
 * @throws if the S3 refuses an object
 */
export async function fillBucket(
  base: string,
  prefix: string,
  keys: Credentials,
  progress: (done: number, all: number) => void,
): Promise<void> {
  for (const [index, { key, file, type }] of OBJECTS.entries()) {
    const body = readFileSync(join(PACKAGE_ROOT, "fixtures/objects", file));
    await putObject(base, prefix + key, keys, type, body);
    progress(index + 1, OBJECTS.length);
  }
}

// Keeps on disk what takes long to make, from one run to the next: renditions, what the others send, similarities. The
// name of a file is a hash of all that decides about its content, so nothing old is ever used.

import { hash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { ROOT } from "../../support/built.ts";

const FOLDER = join(ROOT, ".wrangler/test/bytes");
mkdirSync(FOLDER, { recursive: true });

/**
 * Returns what `make` made for this key, now or in an earlier run.
 * @param key all that decides about the value, as JSON
 */
export async function remember<Value>(
  key: readonly unknown[],
  make: () => Promise<Value>,
): Promise<Value> {
  const path = join(FOLDER, sha1(JSON.stringify(key)));
  if (existsSync(path)) return deserialize(readFileSync(path));

  const value = await make();

  // Renamed when it is whole: a run may be stopped at any time.
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, serialize(value));
  renameSync(unfinished, path);
  return value;
}

export function sha1(data: string | Uint8Array): string {
  return hash("sha1", data);
}

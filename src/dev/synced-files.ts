// Remembers over a restart which files the local buckets were filled with. So the next start puts only those that changed
// meanwhile, and an upload to the key of a file stays.

import { hash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { replaceFile } from "../cli/files/write-file.ts";
import { parseJson, tableOf } from "../worker/util/json.ts";

export const SYNCED_FILES = ".wrangler/vitrine/synced-files.json";

export type SyncedFiles = {
  /** Returns whether the last file that was put at a key had these bytes. */
  readonly isPut: (key: string, body: Uint8Array) => boolean;
  readonly notePut: (key: string, body: Uint8Array) => void;
  /** Writes what was noted. @throws the error of the file system */
  readonly save: () => void;
};

/** Opens the record of all local buckets. If it is missing or broken, all files count as new. */
export function openSyncedFiles(recordFile: string) {
  const text = existsSync(recordFile) ? readFileSync(recordFile, "utf8") : "{}";
  /** The hashes by the name of the bucket on this machine and the whole key, which are a path. */
  const hashes = new Map(Object.entries(tableOf(parseJson(text))));

  const ofBucket = (bucket: string): SyncedFiles => ({
    isPut: (key, body) => hashes.get(`${bucket}/${key}`) === hash("sha256", body),
    notePut: (key, body) => void hashes.set(`${bucket}/${key}`, hash("sha256", body)),
    save: () => replaceFile(recordFile, JSON.stringify(Object.fromEntries(hashes))),
  });
  return { ofBucket };
}

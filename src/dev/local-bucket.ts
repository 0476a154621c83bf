// The local buckets: lists, reads and changes objects, and syncs them with the fixtures and the folder `objects/`.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import { listFiles, type OnLeftOut, tryToRead } from "../cli/files/list-files.ts";
import { type Listed, listPage } from "../cli/objects/list-page.ts";
import { sniffImageType } from "../cli/picture/sniff.ts";
import { keyFault } from "../url/key.ts";
import type { Bucket } from "../worker/config/bucket.ts";
import type { Credentials } from "../worker/config/slot.ts";
import { originUrl } from "../worker/origin/object-url.ts";
import { sign } from "../worker/origin/sigv4.ts";
import { FIXTURE_OBJECTS, FIXTURES } from "./fixture-objects.ts";
import type { SyncedFiles } from "./synced-files.ts";

/** The URL before every key, and the prefix of every key. */
export type BucketLocation = Pick<Bucket, "baseUrl" | "prefix">;

/** An object to put. */
export type Upload = {
  readonly body: Uint8Array;
  readonly type: string;
  /** Its focal point, as metadata. */
  readonly focus?: string;
};

/** Gets, puts or deletes an object. @throws if the S3 refuses it. Nothing shows its URL: the name of a bucket is secret */
export async function sendToS3(
  method: "GET" | "PUT" | "DELETE",
  { baseUrl, prefix }: BucketLocation,
  key: string,
  keys: Credentials,
  upload?: Upload,
): Promise<Uint8Array> {
  const url = originUrl(baseUrl, prefix + key);
  const signed = await sign(url, "auto", keys, Date.now(), method);
  const headers = {
    ...signed,
    ...(upload && { "content-type": upload.type }),
    ...(upload?.focus && { "x-amz-meta-focus": upload.focus }),
  };

  const response = await fetch(url, { method, headers, ...(upload && { body: upload.body }) });
  if (!response.ok) throw new Error(`The local S3 refuses ${method} ${key}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Lists the objects of a bucket by their keys without its prefix. @throws if the S3 does not answer */
export async function listBucket(
  bucket: Pick<Bucket, "baseUrl" | "prefix" | "region">,
  keys: Credentials,
): Promise<Listed[]> {
  const objects: Listed[] = [];
  let next: string | undefined;
  do {
    const result = await listPage(bucket, keys, { prefix: bucket.prefix, next }, Date.now());
    if (result.kind === "no-page") {
      throw new Error(`The local S3 lists nothing: ${result.answer.status}`);
    }

    objects.push(...result.objects);
    next = result.next;
  } while (next !== undefined);

  return objects.map((object) => ({ ...object, key: object.key.slice(bucket.prefix.length) }));
}

/** What happened to an object. `key` is whole, with the bucket's prefix. */
export type ObjectChange =
  | { readonly kind: "put"; readonly key: string; readonly body: Uint8Array }
  | { readonly kind: "deleted"; readonly key: string };

type ObjectFile = {
  readonly path: string;
  readonly type?: string;
  /** Changes with the file. */
  readonly state: string;
};

type ObjectFiles = ReadonlyMap<string, ObjectFile>;

type SyncOptions = {
  /** Gets what a look does. The first look fills the bucket, and is no change. */
  readonly onChange?: (change: ObjectChange) => void;
  /** Gets, at each look, the files that cannot be objects, and why. */
  readonly onLeftOut?: OnLeftOut;
  /** The project's folder of objects. Default: `objects`. */
  readonly folder?: string;
  /** What earlier runs put into the bucket. Default: the first look puts all files. */
  readonly syncedFiles?: SyncedFiles;
};

/**
 * Returns a function that looks at the files once: it puts those that are new or changed, deletes the objects of deleted
 * files, and returns how many files were put. While it runs, a second call waits for its end, and does nothing.
 */
export function createBucketSync(
  location: BucketLocation,
  keys: Credentials,
  { onChange, onLeftOut = () => {}, folder = "objects", syncedFiles }: SyncOptions = {},
) {
  /** What the bucket has. */
  const synced = new Map<string, ObjectFile>();
  let latest: ObjectFiles | undefined;
  let running: Promise<number> | undefined;

  const look = async (): Promise<number> => {
    const files = readObjectFiles(folder, location.prefix, onLeftOut);
    if (files === undefined) return 0;

    const before = latest;
    if (before === undefined && syncedFiles !== undefined) {
      const unchanged = await findUnchanged(location, keys, files, syncedFiles, onLeftOut);
      for (const [key, file] of unchanged) synced.set(key, file);
    }

    latest = files;
    let count = 0;
    const failures: unknown[] = [];

    for (const key of keysToSync(synced, before, files)) {
      const file = files.get(key);
      try {
        const change = await syncObject(location, key, keys, file, onLeftOut);
        if (change === undefined) continue;

        if (file === undefined || change.kind === "deleted") {
          synced.delete(key);
        } else {
          synced.set(key, file);
          syncedFiles?.notePut(change.key, change.body);
          count += 1;
        }
        if (before !== undefined) onChange?.(change);
      } catch (error) {
        // The next look tries it again. No other object waits for it.
        failures.push(error);
      }
    }

    if (count > 0) syncedFiles?.save();
    if (failures.length > 0) throw failures[0];
    return count;
  };

  return async (): Promise<number> => {
    if (running !== undefined) {
      await running;
      return 0;
    }

    running = look();
    try {
      return await running;
    } finally {
      running = undefined;
    }
  };
}

/**
 * Finds the files that an earlier run has put, and that nobody changed since. Their objects may be others now: an app or
 * the contact sheet has replaced them. An object that is gone needs its file again.
 */
async function findUnchanged(
  location: BucketLocation,
  keys: Credentials,
  files: ObjectFiles,
  syncedFiles: SyncedFiles,
  onLeftOut: OnLeftOut,
): Promise<ObjectFiles> {
  const unchanged = new Map<string, ObjectFile>();
  for (const [key, file] of files) {
    const body = tryToRead(file.path, readFile, onLeftOut);
    const isPut = body !== undefined && syncedFiles.isPut(location.prefix + key, body);
    if (isPut) unchanged.set(key, file);
  }
  if (unchanged.size === 0) return unchanged;

  const listed = await listBucket({ ...location, region: "auto" }, keys);
  const present = new Set(listed.map(({ key }) => key));
  for (const key of unchanged.keys()) {
    if (!present.has(key)) unchanged.delete(key);
  }
  return unchanged;
}

/**
 * Returns the keys whose files are not what the bucket has. After the first look, two looks in a row must see the same of
 * a file: before that, it may be half written, or an editor may be replacing it.
 * @param before what the look before this one saw
 */
function keysToSync(
  synced: ObjectFiles,
  before: ObjectFiles | undefined,
  files: ObjectFiles,
): readonly string[] {
  const keys = new Set([...files.keys(), ...synced.keys()]);
  return [...keys].filter((key) => {
    const state = files.get(key)?.state;
    if (state === synced.get(key)?.state) return false;
    return before === undefined || state === before.get(key)?.state;
  });
}

/**
 * Puts the file of an object, or deletes the object of a file that is gone.
 * @returns undefined if the file has gone since the look, which the next one sees, or cannot be read
 */
async function syncObject(
  location: BucketLocation,
  key: string,
  keys: Credentials,
  file: ObjectFile | undefined,
  onLeftOut: OnLeftOut,
): Promise<ObjectChange | undefined> {
  const wholeKey = location.prefix + key;
  if (file === undefined) {
    await sendToS3("DELETE", location, key, keys);
    return { kind: "deleted", key: wholeKey };
  }

  const body = tryToRead(file.path, readFile, onLeftOut);
  if (body === undefined) return undefined;

  const type = file.type ?? sniffImageType(body) ?? "application/octet-stream";
  await sendToS3("PUT", location, key, keys, { type, body });
  return { kind: "put", key: wholeKey, body };
}

/** The files by the keys of their objects. Those of the folder win. @returns undefined while a folder is being deleted */
function readObjectFiles(
  folder: string,
  prefix: string,
  onLeftOut: OnLeftOut,
): ObjectFiles | undefined {
  const names = existsSync(folder) ? listFiles(folder, onLeftOut) : [];
  if (names === undefined) return undefined;

  const files = new Map<string, ObjectFile>();
  for (const { key, file, type } of FIXTURE_OBJECTS) {
    if (keyFault(prefix + key) !== undefined) continue;

    const path = join(FIXTURES, file);
    const state = tryToRead(path, stateOf, onLeftOut);
    if (state !== undefined) files.set(key, { path, type, state });
  }

  for (const name of names) {
    // Only on Windows a backslash separates folders. Elsewhere it is a part of a name, which no key may have.
    const key = name.replaceAll(sep, "/");
    const path = join(folder, name);

    const fault = keyFault(prefix + key);
    if (fault !== undefined) {
      onLeftOut(path, `it cannot be a key (${fault}). Give it another name`);
      continue;
    }

    const state = tryToRead(path, stateOf, onLeftOut);
    if (state !== undefined) files.set(key, { path, state });
  }
  return files;
}

const readFile = (path: string) => readFileSync(path);

/** @returns a text that changes with the file; undefined: it is none */
function stateOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats?.isFile()) return undefined;

  // A file that takes the place of another one may have its size, and its times: those of a file system are coarse. It
  // is another file of the disk.
  return `${stats.ino} ${stats.mtimeMs} ${stats.ctimeMs} ${stats.size}`;
}

// The local buckets: lists, reads and changes objects, and syncs them with the fixtures and the folder `objects/`.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Listed, listPage } from "../cli/objects/list-page.ts";
import { sniffImageType } from "../cli/picture/sniff.ts";
import { keyFault } from "../url/key.ts";
import type { Bucket } from "../worker/config/bucket.ts";
import type { Credentials } from "../worker/config/slot.ts";
import { originUrl } from "../worker/origin/object-url.ts";
import { sign } from "../worker/origin/sigv4.ts";
import { FIXTURE_OBJECTS, FIXTURES } from "./fixture-objects.ts";

/** The URL before every key, and the prefix of every key. */
export type BucketLocation = Pick<Bucket, "baseUrl" | "prefix">;

/** An object to put. `focus` is its focal point, as metadata. */
export type Upload = { readonly body: Uint8Array; readonly type: string; readonly focus?: string };

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
  const metadata = upload?.focus && { "x-amz-meta-focus": upload.focus };
  const headers = { ...signed, ...(upload && { "content-type": upload.type }), ...metadata };
  const response = await fetch(url, { method, headers, ...(upload && { body: upload.body }) });
  if (!response.ok) throw new Error(`The local S3 refuses ${method} ${key}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Lists the objects of a bucket by their keys without its prefix. @throws if the S3 does not answer */
export async function listBucket(bucket: Bucket, keys: Credentials): Promise<Listed[]> {
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

/** `state` changes with the file. */
type ObjectFile = { readonly path: string; readonly state: string; readonly type?: string };

/**
 * Returns a function that puts new and changed files into a bucket, and deletes the objects of deleted files. That
 * function returns how many files were put.
 * @param folder the project's folder of objects
 */
export function createBucketSync(location: BucketLocation, keys: Credentials, folder = "objects") {
  let synced = new Map<string, ObjectFile>();
  return async (): Promise<number> => {
    const files = objectFiles(folder, location.prefix);
    const changed = [...files].filter(([key, { state }]) => synced.get(key)?.state !== state);
    const gone = [...synced.keys()].filter((key) => !files.has(key));
    synced = files;
    for (const [key, { path, type }] of changed) {
      const body = readFileSync(path);
      const upload = { type: type ?? sniffImageType(body) ?? "application/octet-stream", body };
      await sendToS3("PUT", location, key, keys, upload);
    }
    for (const key of gone) await sendToS3("DELETE", location, key, keys);
    return changed.length;
  };
}

/** The files by the keys of their objects. Those of the folder win. */
function objectFiles(folder: string, prefix: string): Map<string, ObjectFile> {
  const fixtures = FIXTURE_OBJECTS.map(({ file, ...fixture }) => ({
    ...fixture,
    path: join(FIXTURES, file),
  }));
  const options = { recursive: true, encoding: "utf8" } as const;
  const names = existsSync(folder) ? readdirSync(folder, options) : [];
  const files = names.map((name) => {
    return { key: name.replaceAll("\\", "/"), path: join(folder, name) };
  });
  const all = [...fixtures, ...files].filter(({ key }) => keyFault(prefix + key) === undefined);
  return new Map(
    all.flatMap(({ key, ...source }) => {
      const stats = statSync(source.path, { throwIfNoEntry: false });
      return stats?.isFile() ? [[key, { ...source, state: `${stats.mtimeMs} ${stats.size}` }]] : [];
    }),
  );
}

// The local buckets: what they hold, and what is put into them: the fixtures, and the files of the project's folder
// `objects/`. Files are followed, so that one that is changed or deleted is so in the bucket, too.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Listed, listPage } from "../cli/objects/list-page.ts";
import { sniff } from "../cli/picture/sniff.ts";
import { keyFault } from "../url/key.ts";
import type { Bucket } from "../worker/config/bucket.ts";
import type { Credentials } from "../worker/config/slot.ts";
import { originUrl } from "../worker/origin/object-url.ts";
import { sign } from "../worker/origin/sigv4.ts";
import { FIXTURES, OBJECTS } from "./fixture-objects.ts";

/** The URL that comes before every key, and the beginning of every key. */
export type Place = Pick<Bucket, "baseUrl" | "prefix">;

/** An object to put. `focus` is its focal point, as metadata. */
export type Put = { readonly body: Uint8Array; readonly type: string; readonly focus?: string };

/** Gets, puts or deletes an object. @throws if the S3 refuses it */
export async function askBucket(
  method: "GET" | "PUT" | "DELETE",
  { baseUrl: base, prefix }: Place,
  key: string,
  keys: Credentials,
  put?: Put,
): Promise<Uint8Array> {
  const url = originUrl(base, prefix + key);
  const signed = await sign(url, "auto", keys, Date.now(), method);
  const metadata = put?.focus && { "x-amz-meta-focus": put.focus };
  const headers = { ...signed, ...(put && { "content-type": put.type }), ...metadata };
  const response = await fetch(url, { method, headers, ...(put && { body: put.body }) });
  if (!response.ok) {
    throw new Error(`The local S3 refuses ${method} ${url}: ${response.status}`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

/** Lists the objects of a bucket by their keys without its prefix. @throws if the S3 does not answer */
export async function listBucket(bucket: Bucket, keys: Credentials): Promise<Listed[]> {
  const objects: Listed[] = [];
  let next: string | undefined;
  do {
    const page = await listPage(bucket, keys, { prefix: bucket.prefix, next }, Date.now());
    if (!("objects" in page)) throw new Error(`The local S3 lists nothing: ${page.status}`);
    objects.push(...page.objects);
    next = page.next;
  } while (next !== undefined);
  return objects.map((one) => ({ ...one, key: one.key.slice(bucket.prefix.length) }));
}

/** A file that is an object: where it is, and a text that changes with it. */
type Source = { readonly path: string; readonly state: string; readonly type?: string };

/**
 * Returns a function that puts into a bucket what is new or has changed in the files, and deletes what is gone. It
 * returns how many files it put.
 * @param folder that of the project whose files are objects
 */
export function createFiller(place: Place, keys: Credentials, folder = "objects") {
  let known = new Map<string, Source>();
  return async (): Promise<number> => {
    const files = sourceFiles(folder);
    const changed = [...files].filter(([key, { state }]) => known.get(key)?.state !== state);
    const gone = [...known.keys()].filter((key) => !files.has(key));
    known = files;
    for (const [key, { path, type }] of changed) {
      const body = readFileSync(path);
      const put = { type: type ?? sniff(body) ?? "application/octet-stream", body };
      await askBucket("PUT", place, key, keys, put);
    }
    for (const key of gone) await askBucket("DELETE", place, key, keys);
    return changed.length;
  };
}

/** The files by the keys of their objects. Those of the folder win. */
function sourceFiles(folder: string): Map<string, Source> {
  const fixtures = OBJECTS.map(({ file, ...one }) => ({ ...one, path: join(FIXTURES, file) }));
  const names = existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: "utf8" })
    : [];
  const own = names.map((name) => ({ key: name.replaceAll("\\", "/"), path: join(folder, name) }));
  const all = [...fixtures, ...own.filter(({ key }) => keyFault(key) === undefined)];
  return new Map(
    all.flatMap(({ key, ...source }) => {
      const found = statSync(source.path, { throwIfNoEntry: false });
      return found?.isFile() ? [[key, { ...source, state: `${found.mtimeMs} ${found.size}` }]] : [];
    }),
  );
}

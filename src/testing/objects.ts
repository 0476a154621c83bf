// Reads the option `objects`: which originals are in which bucket.

import { readFileSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import { listFiles } from "../cli/files/list-files.ts";
import { sniffImageType } from "../cli/picture/sniff.ts";
import { keyFault } from "../url/key.ts";
import type { Bucket } from "../worker/config/bucket.ts";
import type { Config } from "../worker/config/config.ts";
import { isPlainObject } from "../worker/util/json.ts";

/** An original, as the emulators take it. */
export type Original = {
  readonly body: Uint8Array;
  readonly type: string;
  readonly metadata: Readonly<Record<string, string>>;
};

/**
 * Reads the originals of all buckets.
 * @throws {TypeError} with a line for each mistake
 */
export function readObjects(
  objects: unknown,
  config: Config,
): ReadonlyMap<Bucket, ReadonlyMap<string, Original>> {
  const result = new Map<Bucket, ReadonlyMap<string, Original>>();
  if (objects === undefined) return result;

  const mistakes: string[] = [];
  for (const [name, list] of listsByBucket(objects, config, mistakes)) {
    const bucket = config.buckets.find((candidate) => candidate.name === name);
    if (bucket === undefined) {
      mistakes.push(`objects.${name}: there is no such bucket. There is ${namesOf(config)}`);
      continue;
    }
    result.set(bucket, readList(list, bucket, config, mistakes));
  }

  if (mistakes.length > 0) {
    throw new TypeError(mistakes.map((mistake) => `createVitrine: ${mistake}`).join("\n"));
  }
  return result;
}

const namesOf = ({ buckets }: Config) => buckets.map(({ name }) => name).join(", ");

/** The folder or the table of each bucket, by its name. */
function listsByBucket(
  objects: unknown,
  config: Config,
  mistakes: string[],
): readonly (readonly [name: string, list: unknown])[] {
  if (isPlainObject(objects)) {
    const values = Object.values(objects);
    const isByBucket = values.length > 0 && values.every((value) => isList(value));
    if (isByBucket) return Object.entries(objects);
  }

  const [first, ...others] = config.buckets;
  if (first !== undefined && others.length === 0) return [[first.name, objects]];

  const example = first === undefined ? "media" : first.name;
  mistakes.push(
    `objects: there are several buckets, ${namesOf(config)}: write { ${example}: … } with the objects of each`,
  );
  return [];
}

/** Returns whether a value is a folder, or a table of objects. An object has a body. */
function isList(value: unknown): boolean {
  return typeof value === "string" || (isPlainObject(value) && !Object.hasOwn(value, "body"));
}

function readList(
  list: unknown,
  bucket: Bucket,
  config: Config,
  mistakes: string[],
): ReadonlyMap<string, Original> {
  if (typeof list === "string") return readFolder(list, bucket, mistakes);

  const originals = new Map<string, Original>();
  if (!isPlainObject(list)) {
    mistakes.push("objects: is neither a folder nor a table of objects by their keys");
    return originals;
  }

  for (const [key, value] of Object.entries(list)) {
    const fault = objectFault(key, value) ?? routeFault(key, bucket, config);
    if (fault === undefined) originals.set(key, originalOf(value));
    else mistakes.push(`objects: ${key}: ${fault}`);
  }
  return originals;
}

/** Reads all files, except hidden ones. */
function readFolder(
  folder: string,
  { prefix }: Bucket,
  mistakes: string[],
): ReadonlyMap<string, Original> {
  const originals = new Map<string, Original>();
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    mistakes.push(`objects: there is no folder ${folder}`);
    return originals;
  }

  const onLeftOut = (path: string, reason: string) =>
    void mistakes.push(`objects: ${path}: ${reason}`);
  for (const name of listFiles(folder, onLeftOut) ?? []) {
    const key = name.replaceAll(sep, "/");
    const path = join(folder, name);
    if (!statSync(path).isFile()) continue;

    const fault = keyFault(prefix + key);
    if (fault === undefined) originals.set(key, originalOf(readFileSync(path)));
    else mistakes.push(`objects: ${path}: no object has this key: ${fault}`);
  }
  return originals;
}

/** Says what is wrong with an object of a test. */
function objectFault(key: string, value: unknown): string | undefined {
  const fault = keyFault(key);
  if (fault !== undefined) return `no object has this key: ${fault}`;

  const object = value instanceof Uint8Array ? { body: value } : value;
  if (!isPlainObject(object) || !(object["body"] instanceof Uint8Array)) {
    const isPromise = value instanceof Promise || Object(value).body instanceof Promise;
    const hint = isPromise ? ". It is a Promise: await it" : "";
    return `is neither bytes (a Buffer or Uint8Array) nor { body: bytes }${hint}`;
  }

  const unknown = Object.keys(object).filter((name) => !OPTIONS.includes(name));
  if (unknown.length > 0) return `unknown: ${unknown.join(", ")}. Known: ${OPTIONS.join(", ")}`;

  const { type, metadata } = object;
  if (type !== undefined && typeof type !== "string") return "its type is no text";
  if (metadata !== undefined && !isMetadata(metadata)) return "its metadata is no table of texts";
  return undefined;
}

const OPTIONS = ["body", "type", "metadata"];

function isMetadata(value: unknown): value is Readonly<Record<string, string>> {
  return isPlainObject(value) && Object.values(value).every((text) => typeof text === "string");
}

/** Says if no route shows an object: a test of it would prove nothing. */
function routeFault(key: string, bucket: Bucket, config: Config): string | undefined {
  const isShown = config.routes.some((route) => {
    const isOfRoute = route.buckets.includes(bucket) && route.mapping.key.form.test(key);
    const isFallback =
      route.fallback?.bucket === bucket && route.fallback.key === bucket.prefix + key;
    return isOfRoute || isFallback;
  });
  const isCanary = bucket.canary === bucket.prefix + key;
  if (isShown || isCanary || isOverlay(key, config)) return undefined;

  return `no route shows it: add a route that leads to ${bucket.name}/${key}, or put it into the bucket later`;
}

/** Returns whether a preset draws an object over its pictures. */
function isOverlay(key: string, { variants }: Config): boolean {
  return [...variants.values()].some((variant) => JSON.stringify(variant).includes(key));
}

/** @throws {TypeError} if it is no object */
export function checkedOriginal(key: string, value: unknown): Original {
  const fault = objectFault(key, value);
  if (fault !== undefined) throw new TypeError(`${key}: ${fault}`);
  return originalOf(value);
}

/** @param value is checked */
function originalOf(value: unknown): Original {
  const object: Partial<Original> = value instanceof Uint8Array ? { body: value } : Object(value);
  const { body = new Uint8Array(), metadata = {} } = object;
  const type = object.type ?? sniffImageType(body) ?? "application/octet-stream";
  return { body, type, metadata };
}

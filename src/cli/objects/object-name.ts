// Reads which object a name means, for all commands: `key` if the configuration has one bucket, `BUCKET/key`
// if it has several. A key is the part after the bucket's prefix. No I/O.

import type { Bucket } from "../../worker/config/bucket.ts";
import { type Fault, isFault } from "../command.ts";
import { optionOf } from "../terminal/shell.ts";

/** An object, or what its key begins with. */
export type Found = { readonly bucket: Bucket; readonly key: string };

/** Why a name is ambiguous, and a clear name for each of its meanings. */
type Unclear = { readonly unclear: string; readonly names: readonly string[] };

/** Reads a name. One that could mean two objects is refused, never guessed. */
export function readName(buckets: readonly Bucket[], name: string): Found | Unclear {
  const [only, ...more] = buckets;
  const named = buckets.find((bucket) => name.startsWith(`${bucket.name}/`));
  const key = named && name.slice(named.name.length + 1);
  if (only !== undefined && more.length === 0) {
    if (key === undefined) return { bucket: only, key: name };
    // The bucket's name twice: once for the bucket, once as the beginning of the key.
    if (key.startsWith(`${only.name}/`)) return { bucket: only, key };
    const unclear = `does it begin with the name of the bucket, or does its key begin with ${only.name}/?`;
    return { unclear, names: [key, `${only.name}/${name}`] };
  }
  if (named !== undefined && key !== undefined) return { bucket: named, key };
  return { unclear: "which bucket is it in?", names: buckets.map((one) => `${one.name}/${name}`) };
}

/** Returns the name that means this object. It is the inverse of `readName`. */
export function nameOf(buckets: readonly Bucket[], { bucket, key }: Found): string {
  const isClear = buckets.length === 1 && !key.startsWith(`${bucket.name}/`);
  return isClear ? key : `${bucket.name}/${key}`;
}

/** @param write writes a name where it can be pasted */
export function unclearText({ unclear, names }: Unclear, write: (name: string) => string): string {
  return `${unclear} Write ${names.map(write).join(" or ")}`;
}

/** Reads the value of an option that names an object, or what keys begin with. */
export function readOption(
  buckets: readonly Bucket[],
  option: "--key" | "--prefix",
  name: string,
): Found | Fault {
  const found = readName(buckets, name);
  if (!("unclear" in found)) return found;
  const write = (one: string) => optionOf(option, one);
  return { fault: `${write(name)}: ${unclearText(found, write)}` };
}

/** Reads all objects that `--key` names. */
export function readKeys(
  buckets: readonly Bucket[],
  names: readonly string[] = [],
): readonly Found[] | Fault {
  const found = names.map((name) => readOption(buckets, "--key", name));
  return found.find(isFault) ?? found.filter((one) => "bucket" in one);
}

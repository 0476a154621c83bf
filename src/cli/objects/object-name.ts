// Reads which object a name means, for all commands: `key` if the configuration has one bucket, `BUCKET/key`
// if it has several. A key is the part after the bucket's prefix. No I/O.

import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Fault } from "../command.ts";
import { optionOf } from "../terminal/shell.ts";

/** An object, or what its key begins with. */
export type Found = { readonly bucket: Bucket; readonly key: string };

/** Why a name is ambiguous, and a clear name for each of its meanings. */
type Unclear = { readonly unclear: string; readonly names: readonly string[] };

/** Reads a name. One that could mean two objects is refused, never guessed. */
function readName(buckets: readonly Bucket[], name: string): Found | Unclear {
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

/**
 * Reads the name of an object.
 * @param write writes a name where it can be pasted
 * @returns the reason if it is ambiguous, or no key of an object
 */
export function readObject(
  buckets: readonly Bucket[],
  name: string,
  write: (name: string) => string,
): Found | { readonly reason: string } {
  const problem = name === "" ? "empty" : keyFault(name);
  if (problem !== undefined) return { reason: problem };
  const object = readName(buckets, name);
  if ("unclear" in object) return { reason: unclearText(object, write) };
  const { bucket, key } = object;
  const reason = keyFault(bucket.prefix + key);
  if (reason !== undefined) return { reason };
  const right = key.slice(bucket.prefix.length);
  if (bucket.prefix === "" || right === "" || !key.startsWith(bucket.prefix)) return object;
  // It would be the key of another object.
  const advice = `write ${write(nameOf(buckets, { bucket, key: right }))}. If its key has that prefix twice, name its public URL`;
  return { reason: `begins with the bucket's prefix, which is no part of a name: ${advice}` };
}

function unclearText({ unclear, names }: Unclear, write: (name: string) => string): string {
  return `${unclear} Write ${names.map(write).join(" or ")}`;
}

/** Reads the value of `--prefix`: what the names of objects begin with. */
export function readPrefix(buckets: readonly Bucket[], prefix: string): Found | Fault {
  const found = readName(buckets, prefix);
  if (!("unclear" in found)) return found;
  const write = (one: string) => optionOf("--prefix", one);
  return { fault: `${write(prefix)}: ${unclearText(found, write)}` };
}

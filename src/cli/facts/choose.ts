// Reads which objects the arguments mean: those that begin with a prefix, or the keys on stdin. No I/O.

import type { Bucket } from "../../worker/config/bucket.ts";
import { type Fault, isFault } from "../command.ts";
import type { Found } from "../objects/object-name.ts";
import { argumentsOf } from "../terminal/shell.ts";

/** What to list, or that keys come on stdin. */
export type Choice = { readonly listed: readonly [Found, ...Found[]] } | { readonly piped: true };

/** @returns a fault if the arguments make no sense */
export function choose(buckets: readonly Bucket[], args: readonly string[]): Choice | Fault {
  if (args.includes("-")) {
    if (args.length === 1) return { piped: true };
    return { fault: "- stands for keys on stdin: give no bucket with it" };
  }
  const [only, ...more] = buckets;
  if (args.length === 0 && only !== undefined && more.length === 0) {
    return { listed: [{ bucket: only, key: "" }] };
  }
  const found = args.map((arg) => readArgument(buckets, arg));
  const wrong = found.find(isFault);
  if (wrong !== undefined) return wrong;
  const [first, ...others] = found.filter((one) => "bucket" in one);
  if (first === undefined) return { fault: `Which bucket? Write ${namesOf(buckets, "")}` };
  const other = others.find(({ bucket }) => bucket !== first.bucket);
  if (other === undefined) return { listed: [first, ...others] };
  return { fault: twoBuckets(first.bucket, other.bucket) };
}

/** A file is by key, and two buckets may have the same key. */
export function twoBuckets(one: Bucket, other: Bucket): string {
  return `${one.name} and ${other.name} are two buckets. Run it for each, with a file of its own`;
}

function readArgument(buckets: readonly Bucket[], arg: string): Found | Fault {
  const bucket = buckets.find(({ name }) => arg === name || arg.startsWith(`${name}/`));
  if (bucket !== undefined) return { bucket, key: arg.slice(bucket.name.length + 1) };
  return { fault: `${arg}: begin it with a bucket. Write ${namesOf(buckets, `/${arg}`)}` };
}

function namesOf(buckets: readonly Bucket[], rest: string): string {
  return buckets.map(({ name }) => argumentsOf([name + rest])).join(" or ");
}

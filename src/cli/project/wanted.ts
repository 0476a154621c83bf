// Which object is meant by what an operator gives: a key, or a public URL.

import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { readOrder } from "../../worker/request/read-order.ts";
import type { Impossible } from "../terminal/lines.ts";
import type { Project } from "./project.ts";

/** An object that is meant. */
export type Wanted = {
  /** As it was given, but for a signature. */
  readonly given: string;
  /** Undefined: a key was given, without a bucket. */
  readonly bucket: Bucket | undefined;
  /** Below the bucket's prefix. */
  readonly key: string;
  /** Of a signed URL. */
  readonly version?: string | undefined;
};

/** No key begins so: it would have an empty segment. */
const URL_LIKE = /^https?:\/\//i;
const CLAIM = /[?&]exp=\d+&kid=/;
const CONTROL = /\p{Cc}/u;
const VERSION = /[?&]v=([\w.-]{1,64})(?:&|$)/;

export function isImpossible(found: object | string): found is Impossible {
  return typeof found === "object" && "reason" in found;
}

/** Without the signature of a signed URL: it opens what it is of, and is to be neither told nor kept. */
export function withoutSignature(given: string): string {
  // A key may look as if it had one, and is to be given again as it is.
  if (!URL_LIKE.test(given) && !given.startsWith("/") && !CLAIM.test(given)) return given;
  return given.replace(/([?&;]sig=)[^&#\s]{16,}/g, "$1***");
}

/**
 * @param hosts where this Vitrine is, as far as it is known
 * @param bucket of keys, where it is known
 */
export function readGiven(
  project: Project,
  hosts: readonly string[],
  bucket: Bucket | undefined,
  line: string | Impossible,
): Wanted | Impossible {
  const found = isImpossible(line) ? line : read(project, hosts, bucket, line);
  return { ...found, given: withoutSignature(found.given) };
}

function read(
  { config }: Project,
  hosts: readonly string[],
  bucket: Bucket | undefined,
  given: string,
): Wanted | Impossible {
  if (!URL_LIKE.test(given)) {
    const reason = keyFault((bucket?.prefix ?? "") + given) ?? (given === "" ? "empty" : undefined);
    return reason === undefined ? { given, bucket, key: given } : { given, reason };
  }
  // What URL parsers take away would be lost on the way.
  if (!URL.canParse(given) || CONTROL.test(given)) return { given, reason: "is no URL" };
  const url = new URL(given);
  if (hosts.length > 0 && !hosts.some((host) => isOf(url.host, host))) {
    return { given, reason: `is not a URL of this Vitrine, which is at ${hosts.join(", ")}` };
  }
  const order = readOrder(config, url.pathname);
  if (order.route === undefined) return { given, reason: "no route has this path" };
  const { route, object: key } = order;
  const reason = keyFault(order.key);
  if (reason !== undefined) return { given, reason };
  if (bucket !== undefined && route.bucket !== bucket) {
    return { given, reason: `is of the bucket ${route.bucket.name}` };
  }
  const version = route.signing && VERSION.exec(url.search)?.[1];
  return { given, bucket: route.bucket, key, version };
}

/** True if a host is one of those that a pattern stands for: `images.example.com`, `*.example.com`. */
export function isOf(host: string, pattern: string): boolean {
  return pattern.startsWith("*") ? host.endsWith(pattern.slice(1)) : host === pattern;
}

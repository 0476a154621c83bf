// Reads which object an operator means: they give its name, or a public URL.

import { keyFault } from "../../url/key.ts";
import { withoutSignatures } from "../../worker/base/without-signatures.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { resolveRequest } from "../../worker/request/resolve-request.ts";
import type { Project } from "../config/project.ts";
import { isHostOf, type OwnUrls } from "../config/site-url.ts";
import { readName, unclearText } from "../objects/object-name.ts";
import type { Impossible } from "../terminal/lines.ts";

export type Wanted = {
  /** As it was given, without the signature. */
  readonly given: string;
  readonly bucket: Bucket;
  /** Without the prefix of its bucket. */
  readonly key: string;
  /** That of a signed URL. */
  readonly version?: string | undefined;
};

/** No key begins like this: it would have an empty segment. */
const URL_LIKE = /^https?:\/\//i;
const CLAIM = /[?&]exp=\d+&kid=/;
const CONTROL = /\p{Cc}/u;
const VERSION = /[?&]v=([\w.-]{1,64})(?:&|$)/;

export function isImpossible(found: object | string): found is Impossible {
  return typeof found === "object" && "reason" in found;
}

/** Removes the signature of a signed URL. It is a credential: never print or store it. */
export function withoutSignature(given: string): string {
  // A key that looks as if it had a signature stays as it is.
  if (!URL_LIKE.test(given) && !given.startsWith("/") && !CLAIM.test(given)) return given;
  return withoutSignatures(given);
}

/** @param write writes the name of an object where it can be pasted */
export function readGiven(
  project: Project,
  own: OwnUrls,
  line: string | Impossible,
  write: (name: string) => string,
): Wanted | Impossible {
  const found = isImpossible(line) ? line : read(project, own, line, write);
  return { ...found, given: withoutSignature(found.given) };
}

function read(
  { config }: Project,
  { hosts, refuse }: OwnUrls,
  given: string,
  write: (name: string) => string,
): Wanted | Impossible {
  if (!URL_LIKE.test(given)) return readObject(config.buckets, given, write);
  // A URL parser drops some of these characters, and would read another key.
  if (!URL.canParse(given) || CONTROL.test(given)) return { given, reason: "is not a URL" };
  const url = new URL(given);
  const others = refuse(given);
  if (others !== undefined) return { given, reason: others.fault };
  if (hosts.length > 0 && !hosts.some((host) => isHostOf(url.host, host))) {
    return { given, reason: `is not a URL of this Vitrine, which is at ${hosts.join(", ")}` };
  }
  const order = resolveRequest(config, url.pathname);
  if (order.route === undefined) return { given, reason: "no route has this path" };
  const { route, object: key } = order;
  const reason = keyFault(order.key);
  if (reason !== undefined) return { given, reason };
  const version = route.signing && VERSION.exec(url.search)?.[1];
  return { given, bucket: route.bucket, key, version };
}

/** Reads the name of an object. @param write writes a name where it can be pasted */
export function readObject(
  buckets: readonly Bucket[],
  given: string,
  write: (name: string) => string,
): Wanted | Impossible {
  const wrong = given === "" ? "empty" : keyFault(given);
  if (wrong !== undefined) return { given, reason: wrong };
  const found = readName(buckets, given);
  if ("unclear" in found) return { given, reason: unclearText(found, write) };
  const reason = keyFault(found.bucket.prefix + found.key);
  return reason === undefined ? { given, ...found } : { given, reason };
}

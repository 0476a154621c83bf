// Asks S3 with a key for the first byte of one object of a bucket, and says what the answer proves about the key. It
// sends one GET. A proxy or a website endpoint may answer in place of S3, with 200 and a page: that proves nothing.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { sign } from "../../worker/origin/sigv4.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import { requestS3, type S3RequestResult } from "../http/ask-s3.ts";

export type KeyAnswer = {
  readonly kind: KeyAnswerKind;
  readonly reply: S3RequestResult;
};

type KeyAnswerKind =
  /** S3 gives the canary, or says that the object is missing, which it says to a key that may list (A6). */
  | "opens"
  /** S3 answers AccessDenied: it knows the key, and does not let it read this object, or learn that it is missing. */
  | "denied"
  /** S3 does not accept the key (A7). */
  | "refused"
  /** S3 is busy, is silent, or says something else. Or the answer is not S3's. */
  | "unknown";

/**
 * Asks for the canary, or for an object that cannot exist.
 * @param credentials undefined: as a stranger
 * @param now milliseconds since 1970
 */
export async function askWithKey(
  bucket: Bucket,
  credentials: Credentials | undefined,
  now: number,
): Promise<KeyAnswer> {
  const { baseUrl, prefix, region, canary } = bucket;
  const key = canary ?? `${prefix}vitrine-deploy-${crypto.randomUUID()}`;
  const url = originUrl(baseUrl, key);

  const headers = new Headers({ range: "bytes=0-0" });
  if (credentials !== undefined) {
    const signed = await sign(url, region, credentials, now);
    for (const [name, value] of new Headers(signed)) headers.set(name, value);
  }

  const reply = await requestS3(url, { headers }, now);
  return { kind: kindOf(reply, bucket), reply };
}

function kindOf(reply: S3RequestResult, { region, canary }: Bucket): KeyAnswerKind {
  const { result } = verdictOf(reply, region);
  // Without a code it may be a proxy's reply.
  const hasCode = reply.code !== undefined;

  switch (result) {
    case "served":
      return canary !== undefined && isObject(reply) ? "opens" : "unknown";

    case "slot-refused":
      return hasCode ? "refused" : "unknown";

    case "object-refused":
      if (hasCode && reply.status === 404) return "opens";
      return reply.code === "AccessDenied" ? "denied" : "unknown";

    default:
      return "unknown";
  }
}

/** Returns whether S3 has sent the canary, an image: S3 sends an ETag with each object, and no page instead of an image. */
function isObject({ headers }: S3RequestResult): boolean {
  if (headers === undefined || !headers.has("etag")) return false;
  const type = headers.get("content-type") ?? "";
  return !type.startsWith("text/html");
}

// Fetches originals with the S3 keys at hand: again if S3 is busy, with the next slot if S3 refuses the current one,
// and only so many bytes at a time. No original is kept.

import { parseS3Reply, type S3Reply } from "../../worker/base/s3-reply.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Slot } from "../../worker/config/slot.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { sign } from "../../worker/origin/sigv4.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import type { World } from "../command.ts";
import {
  answerOf,
  createPace,
  failureOf,
  type Retrying,
  retrying,
  waitOf,
} from "../http/retrying.ts";
import { plainEtag } from "../objects/list-page.ts";
import type { Take } from "../picture/budget.ts";
import { type Came, fetchOnce } from "./fetch-once.ts";

/** `trouble`: S3 failed, and another try may help. `halt`: no other object can be read either. */
export type Missing = {
  readonly why: string;
  readonly kind: "object" | "trouble" | "halt";
};

export type Original = { readonly bytes: Uint8Array; readonly etag: string | undefined };

/** Reads an object, and does something with it. Undefined: it was interrupted. */
export type GetOriginal = <T>(
  key: string,
  etag: string | undefined,
  use: (original: Original) => Promise<T>,
) => Promise<T | "unchanged" | "too-large" | Missing | undefined>;

/** Milliseconds for a whole answer. It may wait for the memory of other originals. */
const TIMEOUT = 3_600_000;
const LONGEST_WAIT = 60_000;

/**
 * @param slots the keys to try, in this order
 * @param memory takes the bytes of an original, before they come
 */
export function createGetter(
  { now, interrupted: signal }: World,
  bucket: Bucket,
  slots: readonly [Slot, ...Slot[]],
  memory: Take,
): GetOriginal {
  const pace = createPace(now, signal);
  let used = 0;

  return async (key, etag, use) => {
    for (;;) {
      const at = used;
      const slot = slots[at];
      if (slot === undefined) return { why: "S3 refuses every key", kind: "halt" };
      const got = await getWith(slot, key, etag, use);
      if (!isRefused(got)) return got;
      if (at === slots.length - 1) return { why: `S3 says ${got.refused}`, kind: "halt" };
      used = Math.max(used, at + 1); // The Worker does the same.
    }
  };

  async function getWith<T>(
    { credentials }: Slot,
    key: string,
    etag: string | undefined,
    use: (original: Original) => Promise<T>,
  ): Promise<T | "unchanged" | "too-large" | Missing | Refused | undefined> {
    const url = originUrl(bucket.base, bucket.prefix + key);
    let came: Came | undefined;
    const settings: Retrying = {
      limit: 5,
      statuses: [408, 429, 500, 502, 503, 504],
      longestWait: LONGEST_WAIT,
      beyond: "wait",
      timeout: TIMEOUT,
      signal,
      before: pace.turn,
      async send() {
        // Each time: a signature is only good for 15 minutes (A7).
        const signed = await sign(url, bucket.region, credentials, now());
        const headers = { ...signed, ...(etag !== undefined && { "if-none-match": `"${etag}"` }) };
        came = await fetchOnce(url, { headers, signal }, memory);
        if (came.status === 429) pace.hold(Math.min(waitOf(came, now()), LONGEST_WAIT));
        return answerOf({ ...came, statusText: "" }, came.text);
      },
    };
    try {
      await retrying(settings).get(url);
    } catch (error) {
      const failure = failureOf(error, settings);
      if (failure === undefined) return undefined;
      if (typeof failure === "string") return { why: failure, kind: "trouble" };
      if (failure.status === 304) return "unchanged";
      return missingBy(parseS3Reply(failure, await failure.text(), now()), bucket.region);
    }
    try {
      if (came?.bytes === undefined) return "too-large";
      const told = came.headers.get("etag");
      return await use({ bytes: came.bytes, etag: told ? plainEtag(told) : undefined });
    } finally {
      came?.release();
    }
  }
}

type Refused = { readonly refused: string };

function isRefused(got: unknown): got is Refused {
  return typeof got === "object" && got !== null && "refused" in got;
}

/** Why S3 does not give an object. */
function missingBy(said: S3Reply, region: string): Missing | Refused {
  const { fault, reason, origin } = verdictOf(said, region);
  const word = origin ?? said.code ?? `${said.status}`;
  if (fault === "slot") return { refused: word };
  const why = `S3 says ${word}${reason === undefined ? "" : `: ${reason}`}`;
  if (fault === "setup") return { why, kind: "halt" };
  return { why, kind: fault === "object" ? "object" : "trouble" };
}

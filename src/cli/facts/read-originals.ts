// Reads the facts of changed originals, a few at a time. It sends only GETs, as the Worker does, and writes no file.

import { hash } from "node:crypto";
import pMap from "p-map";
import type { Fact } from "../../client/types.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import type { Slot } from "../../worker/config/slot.ts";
import { canRetry, detailsOf, isRefusal, type Refusal } from "../../worker/http/refusal.ts";
import { NO_CONTEXT } from "../../worker/http/send.ts";
import { openObject } from "../../worker/origin/open-object.ts";
import { readFocus } from "../../worker/request/focus.ts";
import { readBytes } from "../../worker/util/bytes.ts";
import { TIMED_OUT } from "../../worker/util/time.ts";
import type { World } from "../command.ts";
import { MAX_ORIGINAL_BYTES } from "../http/ask-s3.ts";
import { sleep } from "../http/retry.ts";
import type { Listed } from "../objects/list-page.ts";
import {
  doubtfulFormatOf,
  formatOfType,
  type KnownOriginal,
  predictionText,
  predictRefusal,
} from "../picture/predict-refusal.ts";
import { isNoFact, NO_PICTURE, type NoFact, readFact, TOO_LARGE } from "../picture/read-fact.ts";
import { createProgress } from "../terminal/progress.ts";
import type { FactsByKey } from "./facts-file.ts";

export type FactsResult = {
  readonly facts: FactsByKey;
  /** Why an original has no facts, by its key. */
  readonly missing: ReadonlyMap<string, string>;
  /** What visitors get in place of an original, by its key. */
  readonly refused: ReadonlyMap<string, string>;
  /** How many objects this run has requested, including those that are no pictures. */
  readonly requested: number;
  /** How many were not requested, because the command stopped before. */
  readonly unread: number;
};

/** Originals in memory at once: each has 100 MB at most. */
const CONCURRENCY = 4;
/** How long an original may take to arrive: ms. */
const TIMEOUT_MS = 600_000;
/** Waits before S3 is asked again, if it fails or is busy: ms. */
const DELAYS_MS = [500, 1_000, 2_000, 4_000, 8_000];
/** After so many failures in a row, S3 is down or refuses the key. */
const MAX_FAILURES = 20;
const BROKEN_OFF: Refusal = { event: "origin-failed", reason: "it broke off", isTransient: true };

/**
 * The version differs by ETag and focal point. It does not reveal the ETag, which may be the MD5 of a private original:
 * apps put facts into pages. If the number at the beginning of the hashed text changes, all originals are read again.
 */
function versionOf(etag: string, focus: Fact["focus"]): string {
  const point = focus ? ` ${focus.x},${focus.y}` : "";
  return hash("sha256", `1 ${etag}${point}`, "base64url").slice(0, 12);
}

/**
 * @param slots the S3 keys to try, in this order
 * @param objects as S3 lists them, by key below the bucket's prefix
 * @param previous the facts of an earlier run
 */
export async function readOriginals(
  world: World,
  config: Config,
  bucket: Bucket,
  slots: readonly Slot[],
  objects: ReadonlyMap<string, Listed>,
  previous: FactsByKey,
): Promise<FactsResult> {
  const { interrupted } = world;
  const facts = new Map<string, Fact>();
  const missing = new Map<string, string>();
  const refused = new Map<string, string>();

  // No list has the focal points of unchanged originals.
  const variants = [...config.variants.values()];
  const asksFocus = variants.some(({ image }) => image.gravity === "object");

  const toRequest: Listed[] = [];
  for (const object of objects.values()) {
    const previousFact = previous.get(object.key);
    const isUnchanged = previousFact !== undefined && isCurrent(previousFact, object.etag);
    if (isUnchanged) facts.set(object.key, previousFact);
    if (!isUnchanged || asksFocus) toRequest.push(object);
  }

  const svg = config.routes.some((route) => route.svg && route.buckets.includes(bucket));
  const predict = (key: string, original: KnownOriginal): void => {
    const prediction = predictRefusal(original, { engine: bucket.engine, svg });
    if (prediction) refused.set(key, predictionText(prediction));
  };

  const progress = createProgress(world, "originals", toRequest.length);
  let [requested, failures] = [0, 0];
  const readNext = async ({ key, bytes = 0 }: Listed): Promise<void> => {
    if (failures >= MAX_FAILURES || interrupted.aborted) return;
    requested += 1;
    const read = () => readOriginal(bucket, slots, key, facts.get(key));

    let result = bytes > MAX_ORIGINAL_BYTES ? TOO_LARGE : await read();
    for (const delay of DELAYS_MS) {
      const isTimeout = isRefusal(result) && result.event === "timed-out";
      if (!(canRetry(result) || isTimeout) || interrupted.aborted) break;
      await sleep(delay, interrupted);
      result = await read();
    }

    progress.step();
    if (isRefusal(result)) {
      const isOfObject = result.event === "object-missing" || result.event === "object-denied";
      failures = isOfObject ? 0 : failures + 1;
      const { s3Code, status, reason } = detailsOf(result); // "S3: AccessDenied: missing, or …"
      missing.set(key, ["S3", s3Code ?? status, reason].filter(Boolean).join(": "));
      return;
    }

    failures = 0;
    if (!isNoFact(result)) {
      facts.set(key, result);
      return;
    }

    const { format, isNoPicture, reason } = result;
    if (!isNoPicture) missing.set(key, reason);
    if (format !== undefined) predict(key, { format, bytes });
  };
  await pMap(toRequest, readNext, { concurrency: CONCURRENCY });
  progress.clear();

  for (const [key, fact] of facts) {
    const { type, bytes } = fact;
    predict(key, { format: formatOfType(type), bytes, sides: fact });
  }
  return { facts, missing, refused, requested, unread: toRequest.length - requested };
}

const isCurrent = ({ version, focus }: Fact, etag?: string) =>
  etag !== undefined && version === versionOf(etag, focus);

/** Reads an original: with the next slot if S3 refuses the first one; only its head if its previous fact is current. */
async function readOriginal(
  bucket: Bucket,
  [slot, ...otherSlots]: readonly Slot[],
  key: string,
  previous?: Fact,
): Promise<Fact | NoFact | Refusal> {
  const deadline = Date.now() + TIMEOUT_MS;
  const part = previous ? "head" : "whole";
  const options = { part, context: NO_CONTEXT, deadline, credential: slot } as const;
  const opened = await openObject(bucket, bucket.prefix + key, options);
  if (isRefusal(opened)) {
    const canUseNextSlot = opened.event === "origin-denied" && otherSlots.length > 0;
    return canUseNextSlot ? readOriginal(bucket, otherSlots, key, previous) : opened;
  }

  const { etag, type, length = 0, body } = opened;
  const format = doubtfulFormatOf(body.head);
  const focus = readFocus(opened);
  const metadata = { ...(focus && { focus }), ...(etag && { version: versionOf(etag, focus) }) };
  if (previous) {
    const { focus: _focus, ...rest } = previous;
    if (isCurrent(previous, etag)) return { ...rest, ...metadata };
    return readOriginal(bucket, slot ? [slot] : [], key); // the object has changed since it was listed
  }
  if (type === "none" || length > MAX_ORIGINAL_BYTES) {
    body.cancel();
    return { ...(type === "none" ? NO_PICTURE : TOO_LARGE), format };
  }

  const bytes = await readBytes(body.stream, MAX_ORIGINAL_BYTES, deadline).catch(() => undefined);
  if (bytes === "too-long") return TOO_LARGE;
  if (!bytes || bytes === TIMED_OUT) return BROKEN_OFF;

  const result = await readFact(bytes);
  return isNoFact(result) ? { ...result, format } : { ...result, ...metadata };
}

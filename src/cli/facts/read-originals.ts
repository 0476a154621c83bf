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

const BROKEN_OFF: Refusal = {
  event: "origin-failed",
  reason: "it broke off",
  isTransient: true,
};

/** What is known of an original after a request. */
type ReadResult = Fact | NoFact | Refusal;

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
  const facts = currentFacts(objects, previous);
  const toRequest = asksFocus(config)
    ? [...objects.values()]
    : [...objects.values()].filter(({ key }) => !facts.has(key));

  const results = await requestAll(world, bucket, slots, toRequest, facts);

  const missing = new Map<string, string>();
  const refused = new Map<string, string>();
  const svg = config.routes.some((route) => route.svg && route.buckets.includes(bucket));
  const predict = (key: string, original: KnownOriginal): void => {
    const prediction = predictRefusal(original, { engine: bucket.engine, svg });
    if (prediction !== undefined) refused.set(key, predictionText(prediction));
  };

  for (const [{ key, bytes }, result] of results) {
    if (isRefusal(result)) {
      missing.set(key, refusalText(result));
      continue;
    }
    if (!isNoFact(result)) {
      facts.set(key, result);
      continue;
    }

    const { format, isNoPicture, reason } = result;
    if (!isNoPicture) missing.set(key, reason);
    if (format !== undefined) predict(key, { format, bytes: bytes ?? 0 });
  }

  for (const [key, fact] of facts) {
    const { type, bytes } = fact;
    predict(key, { format: formatOfType(type), bytes, sides: fact });
  }

  const unread = toRequest.length - results.size;
  return { facts, missing, refused, requested: results.size, unread };
}

/** The facts of an earlier run whose objects have not changed since. */
function currentFacts(
  objects: ReadonlyMap<string, Listed>,
  previous: FactsByKey,
): Map<string, Fact> {
  const facts = new Map<string, Fact>();
  for (const { key, etag } of objects.values()) {
    const fact = previous.get(key);
    if (fact !== undefined && isCurrent(fact, etag)) facts.set(key, fact);
  }
  return facts;
}

/** Returns whether all originals are requested, also those that have not changed: no list has their focal points. */
function asksFocus({ variants }: Config): boolean {
  return [...variants.values()].some(({ image }) => image.gravity === "object");
}

/**
 * Requests originals, a few at a time, until S3 has failed too often, or the command is interrupted.
 * @param facts current ones: of such an original, only the head is read
 * @returns what was requested
 */
async function requestAll(
  world: World,
  bucket: Bucket,
  slots: readonly Slot[],
  objects: readonly Listed[],
  facts: FactsByKey,
): Promise<Map<Listed, ReadResult>> {
  const results = new Map<Listed, ReadResult>();
  const progress = createProgress(world, "originals", objects.length);
  let failures = 0;

  const requestNext = async (object: Listed): Promise<void> => {
    if (failures >= MAX_FAILURES || world.interrupted.aborted) return;

    const result = await requestOriginal(world, bucket, slots, object, facts.get(object.key));
    failures = isFailure(result) ? failures + 1 : 0;
    results.set(object, result);
    progress.step();
  };
  await pMap(objects, requestNext, { concurrency: CONCURRENCY });

  progress.clear();
  return results;
}

/** Returns whether S3 may be down, or may refuse the key: it says nothing of the object itself. */
function isFailure(result: ReadResult): boolean {
  if (!isRefusal(result)) return false;
  return result.event !== "object-missing" && result.event !== "object-denied";
}

/** Requests an original, and again if S3 fails or is busy. */
async function requestOriginal(
  { interrupted }: World,
  bucket: Bucket,
  slots: readonly Slot[],
  { key, bytes }: Listed,
  currentFact: Fact | undefined,
): Promise<ReadResult> {
  if (bytes !== undefined && bytes > MAX_ORIGINAL_BYTES) return TOO_LARGE;

  let result = await readOriginal(bucket, slots, key, currentFact);
  for (const delay of DELAYS_MS) {
    const isTimeout = isRefusal(result) && result.event === "timed-out";
    const isTransient = canRetry(result) || isTimeout;
    if (!isTransient || interrupted.aborted) break;

    await sleep(delay, interrupted);
    result = await readOriginal(bucket, slots, key, currentFact);
  }
  return result;
}

/** Reads an original: with the next slot if S3 refuses the first one; only its head if its previous fact is current. */
async function readOriginal(
  bucket: Bucket,
  slots: readonly Slot[],
  key: string,
  previous?: Fact,
): Promise<ReadResult> {
  const [slot, ...otherSlots] = slots;
  const deadline = Date.now() + TIMEOUT_MS;
  const opened = await openObject(bucket, bucket.prefix + key, {
    part: previous === undefined ? "whole" : "head",
    context: NO_CONTEXT,
    deadline,
    credential: slot,
  });

  if (isRefusal(opened)) {
    const canUseNextSlot = opened.event === "origin-denied" && otherSlots.length > 0;
    return canUseNextSlot ? readOriginal(bucket, otherSlots, key, previous) : opened;
  }

  const { etag, type, length, body } = opened;
  const format = doubtfulFormatOf(body.head);
  const focus = readFocus(opened);
  const version = etag && versionOf(etag, focus);
  const metadata = { ...(focus && { focus }), ...(version && { version }) };

  if (previous !== undefined) {
    const { focus: _focus, ...otherFields } = previous;
    if (isCurrent(previous, etag)) return { ...otherFields, ...metadata };

    // The object has changed since it was listed.
    const workingSlots = slot === undefined ? [] : [slot];
    return readOriginal(bucket, workingSlots, key);
  }

  if (type === "none") {
    body.cancel();
    return { ...NO_PICTURE, format };
  }
  if (length !== undefined && length > MAX_ORIGINAL_BYTES) {
    body.cancel();
    return { ...TOO_LARGE, format };
  }

  let bytes: Awaited<ReturnType<typeof readBytes>>;
  try {
    bytes = await readBytes(body.stream, MAX_ORIGINAL_BYTES, deadline);
  } catch {
    return BROKEN_OFF;
  }
  if (bytes === "too-long") return TOO_LARGE;
  if (bytes === TIMED_OUT) return BROKEN_OFF;

  const result = await readFact(bytes);
  return isNoFact(result) ? { ...result, format } : { ...result, ...metadata };
}

/** @param etag undefined: S3 gives none, so nobody knows whether the object has changed */
function isCurrent({ version, focus }: Fact, etag: string | undefined): boolean {
  return etag !== undefined && version === versionOf(etag, focus);
}

/**
 * The version differs by ETag and focal point. It does not reveal the ETag, which may be the MD5 of a private original:
 * apps put facts into pages. If the number at the beginning of the hashed text changes, all originals are read again.
 */
function versionOf(etag: string, focus: Fact["focus"]): string {
  const point = focus === undefined ? "" : ` ${focus.x},${focus.y}`;
  const digest = hash("sha256", `1 ${etag}${point}`, "base64url");
  return digest.slice(0, 12);
}

/** `S3: AccessDenied: missing, or …` */
function refusalText(refusal: Refusal): string {
  const { s3Code, status, reason } = detailsOf(refusal);
  const parts = ["S3", s3Code ?? status, reason];
  return parts.filter(Boolean).join(": ");
}

// Reads the facts of the originals that changed, a few at a time. It sends GETs alone, opens objects as the Worker
// does, and keeps no original: so many bytes and pixels are in memory at a time, whatever the originals are.

import { hash } from "node:crypto";
import pMap from "p-map";
import type { Fact } from "../../client/types.ts";
import { readBytes } from "../../worker/base/bytes.ts";
import { isRefusal, mayPass, type Refusal, type Upstream } from "../../worker/base/refusal.ts";
import { TIMED_OUT } from "../../worker/base/time.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Slot } from "../../worker/config/slot.ts";
import { type OpenedObject, openObject } from "../../worker/origin/open-object.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import type { World } from "../command.ts";
import { MOST_BYTES } from "../http/ask-s3.ts";
import { sleep } from "../http/retry.ts";
import type { Listed } from "../objects/list-page.ts";
import { createBudget } from "../picture/budget.ts";
import { MAX_PIXELS, NO_PICTURE, type NoFact, readFact, TOO_LARGE } from "../picture/read-fact.ts";
import { createProgress } from "../terminal/progress.ts";
import type { Facts } from "./facts-file.ts";

export type Outcome = {
  readonly facts: Facts;
  /** Why there is no fact, by key. */
  readonly missing: ReadonlyMap<string, string>;
  /** The objects that are no pictures. */
  readonly foreign: readonly string[];
  /** How many originals were read now. */
  readonly read: number;
  /** How many were not asked for, because it ended before. */
  readonly left: number;
  /** Why it ended before, unless it was interrupted. */
  readonly stopped?: string | undefined;
};

/** Originals at once. */
const CONCURRENCY = 6;
/** How long an original may take to arrive, once there is memory for it: ms. */
const TIMEOUT_MS = 600_000;
/** How long to wait before S3 is asked again, if it fails or is busy: ms. */
const DELAYS_MS = [500, 1_000, 2_000, 4_000, 8_000];
/** So many objects in a row that S3 fails to give: it is out of order. */
const MAX_FAILURES = 20;
/** Nothing goes on after the answer. */
const NO_CONTEXT = { waitUntil: () => {} };

/** Raise it when facts are read in another way: all originals are then read again. */
const READER = 1;

/**
 * Another one for each ETag. It names the bytes, and does not tell the ETag, which may be the MD5 of a private
 * original: apps put the file into pages.
 */
function versionOf(etag: string): string {
  return hash("sha256", `${READER} ${etag}`, "base64url").slice(0, 12);
}

/**
 * @param slots the keys to try, in this order
 * @param objects as S3 lists them, by key below the bucket's prefix
 * @param known the facts of an earlier run
 */
export async function readOriginals(
  world: World,
  bucket: Bucket,
  slots: readonly [Slot, ...Slot[]],
  objects: ReadonlyMap<string, Listed>,
  known: Facts,
): Promise<Outcome> {
  const facts = new Map<string, Fact>();
  const missing = new Map<string, string>();
  const foreign: string[] = [];
  const changed: Listed[] = [];
  for (const object of objects.values()) {
    const before = known.get(object.key);
    const isSame = object.etag !== undefined && before?.version === versionOf(object.etag);
    if (before !== undefined && isSame) facts.set(object.key, before);
    else changed.push(object);
  }
  const progress = createProgress(world, "originals", changed.length);
  const readOriginal = createReader(world, bucket, slots);
  let [read, left, failures] = [0, 0, 0];
  let stopped: string | undefined;
  await pMap(
    changed,
    async ({ key, bytes = 0 }) => {
      if (stopped !== undefined || world.interrupted.aborted) {
        left += 1;
        return;
      }
      const result = bytes > MOST_BYTES ? TOO_LARGE : await readOriginal(key);
      progress.step();
      failures = isRefusal(result) && !isOfObject(result) ? failures + 1 : 0;
      if (isRefusal(result)) {
        const reason = refusalText(result);
        missing.set(key, reason);
        if (isSlotRefused(result, bucket)) stopped ??= reason;
        else if (failures === MAX_FAILURES) {
          stopped ??= `the last ${MAX_FAILURES} requests failed, the last one with: ${reason}`;
        }
        return;
      }
      read += 1;
      if (!("reason" in result)) facts.set(key, result);
      else if (result.foreign) foreign.push(key);
      else missing.set(key, result.reason);
    },
    { concurrency: CONCURRENCY },
  );
  progress.end();
  return { facts, missing, foreign, read, left, stopped };
}

/** Returns a function that reads an original, and asks S3 again where that may help. */
function createReader({ interrupted }: World, bucket: Bucket, slots: readonly [Slot, ...Slot[]]) {
  const withBytes = createBudget(MOST_BYTES);
  // The pixels that are decoded at a time are at most those of one picture that is as large as may be.
  const withPixels = createBudget(MAX_PIXELS);
  let [credential, ...others] = slots;

  async function open(key: string): Promise<OpenedObject | Refusal> {
    for (;;) {
      const used = credential;
      const options = { part: "whole", deadline: Date.now() + TIMEOUT_MS, credential } as const;
      const opened = await openObject(bucket, bucket.prefix + key, options, NO_CONTEXT);
      if (!isRefusal(opened) || !isSlotRefused(opened, bucket)) return opened;
      if (used !== credential) continue; // another original has found the next slot
      const [next, ...rest] = others;
      if (next === undefined) return opened;
      [credential, others] = [next, rest]; // the Worker does the same
    }
  }

  async function readOnce(key: string): Promise<Fact | NoFact | Refusal> {
    const opened = await open(key);
    if (isRefusal(opened)) return opened;
    const { etag, type, length = MOST_BYTES, body } = opened;
    if (type === "none" || length > MOST_BYTES) {
      body.cancel();
      return type === "none" ? NO_PICTURE : TOO_LARGE;
    }
    return withBytes(length, async () => {
      const bytes = await readBytes(body.stream, MOST_BYTES, Date.now() + TIMEOUT_MS).catch(
        brokenOff,
      );
      if (isRefusal(bytes)) return bytes;
      if (bytes === "too-long") return TOO_LARGE;
      if (bytes === TIMED_OUT) return { event: "timed-out", reason: "it did not arrive in time" };
      const fact = await readFact(bytes, withPixels);
      return "reason" in fact || etag === undefined ? fact : { ...fact, version: versionOf(etag) };
    });
  }

  return async (key: string): Promise<Fact | NoFact | Refusal> => {
    for (const delay of DELAYS_MS) {
      const result = await readOnce(key);
      const isPassing = mayPass(result) || (isRefusal(result) && result.event === "timed-out");
      if (!isPassing || interrupted.aborted) return result;
      await sleep(delay, interrupted);
    }
    return readOnce(key);
  };
}

function brokenOff(error: unknown): Refusal {
  return { event: "origin-failed", reason: `it broke off: ${error}`, passing: true };
}

const NO_FACTS: Upstream = {};

/** Returns whether S3 refuses the key itself. */
function isSlotRefused(refusal: Refusal, { region }: Bucket): boolean {
  const { s3 }: Upstream = { ...NO_FACTS, ...refusal };
  return s3 !== undefined && verdictOf(s3, region).fault === "slot";
}

/** Returns whether S3 works, and does not give this very object. */
function isOfObject({ event }: Refusal): boolean {
  return event === "object-missing" || event === "object-denied";
}

/** Why S3 does not give an object: `S3 says AccessDenied: missing, or not allowed by the key's policy`. */
function refusalText(refusal: Refusal): string {
  const { origin, status, reason }: Upstream = { ...NO_FACTS, ...refusal };
  const code = origin ?? status;
  if (code === undefined) return `no answer: ${reason}`;
  return `S3 says ${code}${reason === undefined ? "" : `: ${reason}`}`;
}

// Answers /healthz. Without a token: only whether the configuration is right. With the bearer token,
// it tries every slot of every bucket: 503 if a bucket has no slot that works.

import { plain } from "./answer/answer.ts";
import { mistakeText } from "./base/mistake.ts";
import type { Refusal } from "./base/refusal.ts";
import { isSameText } from "./base/same-text.ts";
import type { SlotName } from "./base/slot-name.ts";
import { LATE, within } from "./base/time-limit.ts";
import type { R2Source } from "./config/bindings.ts";
import type { Bucket } from "./config/bucket.ts";
import type { Config } from "./config/config.ts";
import { keyEnd, type Slot } from "./config/slot.ts";
import { originUrl } from "./s3/object-url.ts";
import { askWith, PATIENCE_MS } from "./s3/probe.ts";
import { type EdgeHealth, tryEngines } from "./try-engines.ts";

/** What S3 says about a slot, or why the Worker cannot ask with it. */
export type SlotHealth = {
  slot: SlotName;
  /** The end of the key id; absent for an incomplete slot. */
  access_key?: string;
  /** `ok`, S3's code, `unreachable`, or `incomplete`. */
  state: string;
  /** What is wrong with the secrets of an incomplete slot. */
  mistakes?: string[];
  /** The bucket's region according to S3, if it is not the configured one (A5). */
  region?: string | undefined;
  /** How far S3's clock is ahead of the Worker's: s. */
  clock?: number | undefined;
  /** The status of a missing object: 404 if the key may list the bucket, else 403 (A6). */
  missing?: number | undefined;
};

export type BucketHealth = EdgeHealth & {
  bucket: string;
  slots: SlotHealth[];
  /** Of an R2 bucket: `ok`, or `unreachable`. */
  r2?: string;
};

export async function answerHealth(
  request: Request,
  { buckets, healthToken, answers: { timeout } }: Config,
): Promise<Response | Refusal> {
  const { method } = request;
  if (method !== "GET" && method !== "HEAD") {
    return { event: "method-not-allowed", method, allow: "GET, HEAD" };
  }
  const authorization = request.headers.get("authorization");
  if (authorization === null) return plain(200, "ok");
  if (!healthToken) {
    return {
      event: "health-denied",
      reason: "HEALTH_TOKEN needs 16 or more ASCII characters",
    };
  }
  if (
    !(await isSameText(authorization.replace(/^bearer +/i, "Bearer "), `Bearer ${healthToken}`))
  ) {
    return { event: "health-denied", reason: "not the HEALTH_TOKEN" };
  }
  const tried = await Promise.all(buckets.map((bucket) => tryBucket(bucket, timeout)));
  const ok = tried.every(({ slots, r2 }) => slots.some(works) || r2 === "ok");
  const type = { "content-type": "application/json" };
  return plain(ok ? 200 : 503, JSON.stringify({ ok, buckets: tried }, null, 2), type);
}

/** Returns whether a slot can be used. */
export function works({ state }: SlotHealth): boolean {
  return state === "ok";
}

async function tryBucket(bucket: Bucket, timeout: number): Promise<BucketHealth> {
  const { usable, r2 } = bucket;
  const tried = await Promise.all(usable.map((slot) => trySlot(bucket, slot)));
  const unusable = bucket.unusable.map((one): SlotHealth => {
    return { slot: one.slot, state: "incomplete", mistakes: one.mistakes.map(mistakeText) };
  });
  const slots = [...tried, ...unusable].sort((one) => (one.slot === "current" ? -1 : 1));
  const working = tried.findIndex(works);
  const slot = usable[Math.max(0, working)];
  const edge = await tryEngines(bucket, slot, Date.now() + timeout * 1000);
  return { bucket: bucket.name, slots, ...(r2 && { r2: await tryR2(bucket, r2) }), ...edge };
}

/** Asks S3 with a slot for an object that is missing and for the canary. */
export async function trySlot(
  bucket: Pick<Bucket, "base" | "prefix" | "region" | "canary">,
  slot: Slot,
): Promise<SlotHealth> {
  const ask = (key: string) => askWith(slot, bucket.region, originUrl(bucket.base, key));
  const [missing, canary] = await Promise.all([
    ask(`${bucket.prefix}vitrine-health-${crypto.randomUUID()}`),
    bucket.canary ? ask(bucket.canary) : undefined,
  ]);
  const known = missing.verdict.fault === "object";
  // A missing canary does not mean that the slot is wrong.
  const reads = !canary || canary.verdict.fault === "none" || canary.said.status === 404;
  const { region, ahead, status } = missing.said;
  const { code, status: answered = "unreachable" } = (known && canary ? canary : missing).said;
  return {
    slot: slot.name,
    access_key: keyEnd(slot),
    // Only this says ok: a code of that name is no proof.
    state: known && reads ? "ok" : code && code !== "ok" ? code : `${answered}`,
    region: region === bucket.region ? undefined : region,
    clock: ahead,
    missing: known ? status : undefined,
  };
}

/** Asks R2 for the canary, or for an object that is missing. */
async function tryR2({ prefix, canary }: Bucket, r2: R2Source): Promise<string> {
  try {
    const asked = r2.head(canary ?? `${prefix}vitrine-health-${crypto.randomUUID()}`);
    return (await within(PATIENCE_MS, asked)) === LATE ? "unreachable" : "ok";
  } catch {
    return "unreachable";
  }
}

// What S3 says of a slot: for /healthz, and for a rotation.

import type { SlotName } from "./base/slot-name.ts";
import type { Bucket } from "./config/bucket.ts";
import { keyEnd, type Slot } from "./config/slot.ts";
import { originUrl } from "./origin/object-url.ts";
import { askWith } from "./origin/probe.ts";

/** What S3 says about a slot, or why the Worker cannot ask with it. */
export type SlotHealth = {
  slot: SlotName;
  /** The end of the key id; absent for an incomplete slot. */
  access_key?: string;
  /** `ok`, S3's code, `unreachable`, or `incomplete`. */
  state: string;
  /** The status of S3's answer, if `state` is not `ok`. */
  answered?: number | undefined;
  /** What is wrong with the secrets of an incomplete slot. */
  mistakes?: string[];
  /** The bucket's region according to S3, if it is not the configured one (A5). */
  region?: string | undefined;
  /** How far S3's clock is ahead of the Worker's: s. */
  clock?: number | undefined;
  /** The status of a missing object: 404 if the key may list the bucket, else 403 (A6). */
  missing?: number | undefined;
};

/** Returns whether a slot or a role can be used. */
export function works({ state }: Pick<SlotHealth, "state">): boolean {
  return state === "ok";
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
  const { code, status: answered } = (known && canary ? canary : missing).said;
  const isWell = known && reads;
  return {
    slot: slot.name,
    access_key: keyEnd(slot),
    // Only this says ok: a code of that name is no proof.
    state: isWell ? "ok" : code && code !== "ok" ? code : `${answered ?? "unreachable"}`,
    answered: isWell ? undefined : answered,
    region: region === bucket.region ? undefined : region,
    clock: ahead,
    missing: known ? status : undefined,
  };
}

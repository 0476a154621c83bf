// What S3 says of a slot: for /healthz, and for a rotation.

import type { Bucket } from "./config/bucket.ts";
import { maskKeyId, type Slot } from "./config/slot.ts";
import { isRefusal, type Refusal, type SlotName, upstreamOf } from "./http/refusal.ts";
import type { RequestScope } from "./http/send.ts";
import { openObject } from "./origin/open-object.ts";
import { isGone } from "./origin/verdict.ts";

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
  /** 404 if S3 says of a missing object that it is missing, else 403: the key may not list the bucket (A6). */
  missing?: number | undefined;
};

/** Returns whether a slot or a role can be used. */
export function works({ state }: Pick<SlotHealth, "state">): boolean {
  return state === "ok";
}

/** A key that no object has. */
export function missingKey({ prefix }: Pick<Bucket, "prefix">): string {
  return `${prefix}vitrine-health-${crypto.randomUUID()}`;
}

/** Asks S3 with a slot for an object that is missing and for the canary. */
export async function trySlot(
  bucket: Bucket,
  slot: Slot,
  scope: RequestScope,
): Promise<SlotHealth> {
  const open = (key: string) =>
    openObject(bucket, key, { ...scope, part: "head", credential: slot });
  const [missing, canary] = await Promise.all([
    open(missingKey(bucket)),
    bucket.canary ? open(bucket.canary) : undefined,
  ]);
  // S3 knows the slot where it refuses the object alone.
  const isKnown = isRefusal(missing) && missing.event.startsWith("object-");
  // A missing canary does not mean that the slot is wrong.
  const isRead = !canary || !isRefusal(canary) || canary.event === "object-missing";
  const { region, ahead } = replyOf(missing);
  const { code, status: answered } = replyOf(isKnown && canary ? canary : missing);
  const isWell = isKnown && isRead;
  return {
    slot: slot.name,
    access_key: maskKeyId(slot),
    // Only this says ok: a code of that name is no proof.
    state: isWell ? "ok" : code && code !== "ok" ? code : `${answered ?? "unreachable"}`,
    answered: isWell ? undefined : answered,
    region: region === bucket.region ? undefined : region,
    clock: ahead,
    missing: isKnown ? (isGone(missing) ? 404 : 403) : undefined,
  };
}

function replyOf(opened: object | Refusal) {
  return (isRefusal(opened) && upstreamOf(opened).s3) || {};
}

import { logNotice } from "../base/log.ts";
import { type Denied, isDenied, type Refusal } from "../base/refusal.ts";
import type { Bucket } from "../config/bucket.ts";
import type { Print } from "../edge/rendition.ts";
import { allRefused, slotNotices } from "./notice.ts";
import { type Context, findVerdict, isProbing, probe } from "./probe.ts";
import { signWith } from "./sign-request.ts";
import type { SignedHeaders } from "./sigv4.ts";
import { inOrder, isDue, isHopeless, takeBack } from "./slot.ts";
import type { Verdict } from "./verdict.ts";

/** Makes a print with the headers that sign the request. */
type Make = (headers: SignedHeaders) => Promise<Print | Refusal>;

/**
 * Has a print made with one of the bucket's slots, or with the other one where S3 refuses the first.
 * Since the edge hides S3's reasons (R3), and a missing object may look like a dead key (A6), S3 itself
 * is asked for them, and the log is told what changed.
 */
export async function withSlots(
  bucket: Bucket,
  url: string,
  context: Context,
  make: Make,
): Promise<Print | Refusal> {
  let denial: { readonly fault: Verdict["fault"]; readonly refusal: Refusal } | undefined;
  try {
    for (const slot of inOrder(bucket.slots)) {
      // The first is asked with even if it is refused: the edge may have the print (C1).
      const began = Date.now();
      if (denial !== undefined && isHopeless(slot, began)) continue;

      let print = await make(await signWith(slot, url, bucket.region, began));
      if (!isDenied(print)) {
        if (denial !== undefined) takeBack(slot, began);
        return print;
      }
      const { verdict, firm } = await findVerdict(bucket, slot, url, print, context);
      if (verdict.fault === "none") {
        print = await make(await signWith(slot, url, bucket.region, Date.now()));
        if (!isDenied(print)) return print;
      }
      const { fault } = verdict;
      if (denial === undefined || WEIGHTS[fault] > WEIGHTS[denial.fault]) {
        denial = { fault, refusal: conclude(print, verdict) };
      }
      if (firm && (fault === "setup" || fault === "object")) break;
    }
    const dead = bucket.slots.every(({ refused }) => refused !== undefined);
    if (denial === undefined || (denial.fault === "slot" && dead))
      return allRefused(bucket, Date.now());
    return denial.refusal;
  } finally {
    followUp(bucket, url, context);
  }
}

/** Which verdict tells most of a request that was denied to every slot. */
const WEIGHTS = { slot: 0, object: 1, unknown: 2, none: 3, setup: 4 } as const satisfies Record<
  Verdict["fault"],
  number
>;

/** Tells the log what changed, and has a refused slot tried again when that is due. */
function followUp(bucket: Bucket, url: string, context: Context): void {
  const tell = () => slotNotices(bucket).forEach(logNotice);
  tell();
  const due = bucket.slots.find((slot) => isDue(slot, Date.now()));
  if (due !== undefined && !isProbing(bucket)) {
    context.waitUntil(probe(bucket, due, url).then(tell));
  }
}

/** What a denial means, now that it is known whose fault it is. */
function conclude(denied: Denied, verdict: Verdict): Refusal {
  const { origin, reason } = { reason: undefined, ...verdict };
  switch (verdict.fault) {
    case "object": {
      const missing = origin === "NoSuchKey" || origin === "404";
      return { ...denied, event: missing ? "object-missing" : "object-denied", origin, reason };
    }
    case "none": {
      const alone = "S3 gives it to the Worker, and not to the edge; or an overlay is denied";
      return { ...denied, reason: alone };
    }
    case "slot":
    case "setup":
    case "unknown":
      return { ...denied, origin, reason };
  }
}

// Tries a bucket's slots in turn: the next one where S3 refuses the current one.

import { mistakeText } from "../base/mistake.ts";
import { type Denied, isDenied, type Refusal } from "../base/refusal.ts";
import { LATE } from "../base/time-limit.ts";
import { type BucketMemory, isAllRefusedTold } from "./advance.ts";
import {
  areAllRefused,
  type BucketState,
  isJustRefused,
  refusedSlots,
  runningProbe,
  slotsInOrder,
  slotToRetry,
} from "./bucket-state.ts";
import { conclude, hasServed } from "./conclude.ts";
import { type Context, probe, type Visit, verdictOn } from "./probe.ts";
import { signWith } from "./sign-request.ts";
import type { SignedHeaders } from "./sigv4.ts";
import type { Verdict } from "./verdict.ts";

/** Signs a request for another object with the same slot. */
export type Sign = (url: string) => SignedHeaders | Promise<SignedHeaders>;

/** How much a verdict tells of a request that was denied to every slot. */
const WEIGHTS = { slot: 0, object: 1, unknown: 2, none: 3, setup: 4 } as const satisfies Record<
  Verdict["fault"],
  number
>;

/**
 * Does something with one of the bucket's slots, or with the other one where S3 refuses the first.
 * The edge hides S3's reasons (R3), and a missing object may look like a dead key (A6). So S3 itself is
 * asked for them, unless a denial has S3's own answer. The log is told what changed.
 * @param url the object's URL at the origin
 * @param make sends the request, with the headers that sign it
 */
export async function withSlots<Made extends object>(
  memory: BucketMemory,
  url: string,
  visit: Visit,
  make: (headers: SignedHeaders, sign: Sign) => Promise<Made | Refusal>,
): Promise<Made | Refusal> {
  const { region } = memory.state().bucket;
  let denial: { readonly fault: Verdict["fault"]; readonly refusal: Refusal } | undefined;
  try {
    for (const slot of slotsInOrder(memory.state())) {
      // The first slot is tried even if S3 refuses it: the edge may have kept the rendition (C1).
      const began = Date.now();
      if (denial && isJustRefused(memory.state(), slot, began)) continue;

      const sign: Sign = (one) => signWith(slot, one, region, Date.now());
      let made = await make(await sign(url), sign);
      if (!isDenied(made)) {
        if (denial && hasServed(made)) memory.learn({ type: "slot-served", slot, began });
        return made;
      }
      const found = await verdictOn(memory, slot, url, made, visit);
      if (found === LATE) return unexplained(made);
      const { verdict, firm, certain } = found;
      if (verdict.fault === "none") {
        made = await make(await sign(url), sign);
        if (!isDenied(made)) return made;
      }
      const { fault } = verdict;
      if (!denial || WEIGHTS[fault] > WEIGHTS[denial.fault]) {
        denial = { fault, refusal: conclude(made, verdict, certain) };
      }
      if (firm && (fault === "setup" || fault === "object")) break;
    }
    const isDead = areAllRefused(memory.state());
    if (denial && !(denial.fault === "slot" && isDead)) return denial.refusal;
    const now = Date.now();
    const refusal = allRefused(memory.state(), now);
    memory.learn({ type: "all-refused", now });
    return refusal;
  } finally {
    settle(memory, url, visit.context);
  }
}

/** Tells the log what changed, and has a refused slot tried again where that is due. */
function settle(memory: BucketMemory, url: string, context: Context): void {
  memory.learn({ type: "settled" });
  const now = Date.now();
  const slot = slotToRetry(memory.state(), now);
  if (!slot || runningProbe(memory.state(), now)) return;
  context.waitUntil(probe(memory, slot, url).then(() => memory.learn({ type: "settled" })));
}

/** The answer while S3 refuses all slots. The log has it once a minute. */
function allRefused(state: BucketState, now: number): Refusal {
  const mistakes = state.bucket.unusable.flatMap((one) => one.mistakes.map(mistakeText));
  const remedy = "correct the key, its id or its secret: npx vitrine doctor says which is wrong";
  const reason = [remedy, ...mistakes].join("; ");
  const repeated = isAllRefusedTold(state, now);
  return { event: "slots-refused", slots: refusedSlots(state), reason, repeated };
}

/** A denial that S3 does not explain in time. Another slot might have opened the object. */
function unexplained({ said: _said, ...denied }: Denied): Refusal {
  return { ...denied, event: "timed-out", reason: "denied, and S3 does not say why in time" };
}

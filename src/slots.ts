import type { Bucket } from "./bucket.ts";
import { logNotice } from "./log.ts";
import { allRefused, denialNotices, slotNotices } from "./notice.ts";
import type { Print } from "./print.ts";
import { askOrigin, EDGE_ALONE, forOthers, type Verdict, verdictOf } from "./probe.ts";
import { type Denied, isDenied, type Refusal } from "./refusal.ts";
import { sign } from "./sign.ts";
import { freshVerdict, inOrder, isDue, isRefused, type Slot } from "./slot.ts";

/** What lets work go on after the answer. */
export type Context = Pick<ExecutionContext, "waitUntil">;

/** Makes a print with the headers that sign the request. */
type Make = (headers: Headers) => Promise<Print | Refusal>;

/** After how long a probe of another request is not waited for any more: milliseconds. */
const PROBE_MS = 10_000;

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
  const outcome = await trySlots(bucket, url, context, make);
  const tell = () => slotNotices(bucket).forEach(logNotice);
  tell();
  denialNotices(bucket, outcome, Date.now()).forEach(logNotice);
  const due = bucket.slots.find((slot) => isDue(slot, Date.now()));
  if (due !== undefined && bucket.probing === undefined) {
    context.waitUntil(probe(bucket, due, url).then(tell));
  }
  return outcome;
}

async function trySlots(
  bucket: Bucket,
  url: string,
  context: Context,
  make: Make,
): Promise<Print | Refusal> {
  const { slots } = bucket;
  let denied: Refusal | undefined;
  for (const slot of inOrder(slots)) {
    // The first is asked with even if it is refused: the edge may have the print (C1).
    if (denied !== undefined && isRefused(slot) && freshVerdict(slot, Date.now())) continue;
    const attempt = async () => make(await sign(url, bucket.region, slot.credentials, Date.now()));

    let print = await attempt();
    if (!isDenied(print)) {
      // The edge cannot have had what it just denied to the other slot.
      if (denied !== undefined && isRefused(slot)) note(slot, { fault: "none" });
      return print;
    }
    let verdict = await findVerdict(bucket, slot, url, print.status, context);
    if (verdict.fault === "none") {
      print = await attempt();
      if (!isDenied(print)) return print;
      verdict = note(slot, EDGE_ALONE);
    }
    const refusal = conclude(print, verdict);
    if (!mayDiffer(verdict)) return refusal;
    if (denied === undefined || verdict.fault !== "slot") denied = refusal;
  }
  return denied === undefined || slots.every(isRefused) ? allRefused(bucket, Date.now()) : denied;
}

/** True where another slot may do better. */
function mayDiffer(verdict: Verdict): boolean {
  if (verdict.fault === "object") return verdict.before === true;
  return verdict.fault === "slot" || verdict.fault === "unknown";
}

/** What a denial means, now that it is known whose fault it is. */
function conclude(denied: Denied, verdict: Verdict): Refusal {
  const { origin, reason } = { reason: undefined, ...verdict };
  const missing = origin === "NoSuchKey" || origin === "404";
  const event = missing ? "object-missing" : "object-denied";
  return { ...denied, origin, reason, ...(verdict.fault === "object" && { event }) };
}

/**
 * Whose fault it is that an object was denied to a slot. S3 is asked, unless it just was: once at a
 * time for a bucket, however many visitors want to know.
 * @param status what it was denied with
 */
async function findVerdict(
  bucket: Bucket,
  slot: Slot,
  url: string,
  status: number | undefined,
  context: Context,
): Promise<Verdict> {
  for (let waited = false; ; waited = true) {
    const known = freshVerdict(slot, Date.now());
    if (known !== undefined) return forOthers(known, status, !waited);
    const { probing } = bucket;
    if (probing === undefined || Date.now() >= probing.until) break;
    await Promise.race([probing.ended, sleep(probing.until - Date.now())]);
  }
  const probed = probe(bucket, slot, url);
  context.waitUntil(probed); // others wait for it, also when this visitor has left
  return probed;
}

/** Asks S3 what it has against a slot, and notes what it says. */
function probe(bucket: Bucket, slot: Slot, url: string): Promise<Verdict> {
  const ask = async () => {
    const now = Date.now();
    const said = await askOrigin(url, await sign(url, bucket.region, slot.credentials, now), now);
    bucket.probing = undefined;
    return note(slot, verdictOf(said, bucket.region));
  };
  const ended = ask();
  bucket.probing = { ended, until: Date.now() + PROBE_MS };
  return ended;
}

function note(slot: Slot, verdict: Verdict): Verdict {
  slot.last = { at: Date.now(), verdict };
  return verdict;
}

function sleep(ms: number): Promise<void> {
  return new Promise((settle) => setTimeout(settle, ms));
}

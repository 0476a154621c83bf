// Asks S3 itself what it has against a slot: its words do not come through the edge (R3). Never reads
// an object's bytes.

import { type Denied, isRefusal } from "../base/refusal.ts";
import type { Said } from "../base/said.ts";
import { drop, send } from "../base/send.ts";
import { LATE, within } from "../base/time-limit.ts";
import type { Slot } from "../config/slot.ts";
import type { BucketMemory } from "./advance.ts";
import { type Finding, freshFinding, PROBE_MS, runningProbe } from "./bucket-state.ts";
import { signWith } from "./sign-request.ts";
import { forOthers, readSaid, type Verdict, verdictOf } from "./verdict.ts";

/** Lets work go on after the answer. */
export type Context = Pick<ExecutionContext, "waitUntil">;

/** One visitor's request. */
export type Visit = {
  readonly context: Context;
  /** Until when the visitor waits: ms since 1970. */
  readonly deadline: number;
};

/** How long S3 may take: ms. */
export const PATIENCE_MS = 3_000;

/** Asks S3 for the first byte of an object, with a slot. */
export async function askWith(
  slot: Slot,
  region: string,
  url: string,
): Promise<{ said: Said; verdict: Verdict }> {
  const now = Date.now();
  const headers = { ...(await signWith(slot, url, region, now)), range: "bytes=0-0" };
  const answer = await send(url, { headers, cache: "no-store" }, Date.now() + PATIENCE_MS);
  if (!isRefusal(answer)) drop(answer.body);
  const said = isRefusal(answer) ? {} : readSaid(answer, answer.text, now);
  return { said, verdict: verdictOf(said, region) };
}

/**
 * Whose fault it is that an object was denied to a slot. Asks S3, unless the denial has its own answer, or
 * it answered within the last seconds; one question at a time for a bucket, however many visitors wait.
 * @returns the verdict, and how sure it is. It is firm if S3 said it of this very object, and certain
 *   if it said so for this very request. What S3 said of another object is a guess: the slot may have
 *   died since, or this object may be special. LATE if S3 does not answer before the visitor's time is
 *   over.
 */
export async function verdictOn(
  memory: BucketMemory,
  slot: Slot,
  url: string,
  { edge = "", status, said }: Denied,
  { context, deadline }: Visit,
): Promise<{ verdict: Verdict; firm: boolean; certain: boolean } | typeof LATE> {
  if (said) {
    const verdict = verdictOf(said, memory.state().bucket.region);
    memory.learn({ type: "slot-answered", slot, finding: { url, verdict, at: Date.now() } });
    return { verdict, firm: true, certain: true };
  }
  const denial = `${edge}/${status}`;
  for (;;) {
    const found = freshFinding(memory.state(), slot, denial, Date.now());
    if (found?.url === url) return { verdict: found.verdict, firm: true, certain: false };
    if (found) return { verdict: forOthers(found.verdict, status), firm: false, certain: false };
    const running = runningProbe(memory.state(), Date.now());
    if (!running) break;
    const left = deadline - Date.now();
    if (left <= 0) return LATE;
    await within(Math.min(PROBE_MS, left), running.ended);
  }
  const probed = probe(memory, slot, url, denial);
  context.waitUntil(probed); // others wait for it, also when this visitor has left
  const finding = await within(deadline - Date.now(), probed);
  return finding === LATE ? LATE : { verdict: finding.verdict, firm: true, certain: true };
}

/**
 * Asks S3 what it has against a slot, and remembers the answer.
 * @param denial the kind of the denial that it is asked about, if there was one
 */
export function probe(
  memory: BucketMemory,
  slot: Slot,
  url: string,
  denial?: string,
): Promise<Finding> {
  const { region } = memory.state().bucket;
  const ask = async (): Promise<Finding> => {
    const { verdict } = await askWith(slot, region, url);
    const finding = { url, denial, verdict, at: Date.now() };
    memory.learn({ type: "probe-ended", slot, finding });
    return finding;
  };
  const ended = ask();
  memory.learn({ type: "probe-started", probe: { ended, began: Date.now() } });
  return ended;
}

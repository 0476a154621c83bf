import { type Denied, isRefusal } from "../base/refusal.ts";
import type { Bucket } from "../config/bucket.ts";
import { ask, drop } from "../edge/ask-edge.ts";
import { wordIn } from "../edge/codes.ts";
import { signWith } from "./sign-request.ts";
import type { SignedHeaders } from "./sigv4.ts";
import { type Finding, freshFinding, note, type Slot } from "./slot.ts";
import { forOthers, type Said, type Verdict, verdictOf } from "./verdict.ts";

/** What lets work go on after the answer. */
export type Context = Pick<ExecutionContext, "waitUntil">;

/** How long S3 may take: seconds. */
const PATIENCE_S = 3;

/**
 * Asks S3 itself, not the edge, for the first byte of an object, to learn what it says: its words do
 * not come through the edge (R3). The object's bytes are not read.
 * @param headers those that sign the request
 * @param now milliseconds since 1970
 */
export async function askOrigin(url: string, headers: SignedHeaders, now: number): Promise<Said> {
  const ranged = { ...headers, range: "bytes=0-0" };
  const answer = await ask(url, { headers: ranged, cache: "no-store" }, PATIENCE_S);
  if (isRefusal(answer)) return {};
  drop(answer.body);
  return readSaid(answer, answer.text, now);
}

/** What S3 says by an answer that is no object, or by the headers of one. */
export function readSaid(
  { status, headers }: Pick<Response, "status" | "headers">,
  text: string,
  now: number,
): Said {
  const date = Date.parse(headers.get("date") ?? "");
  return {
    status,
    code: wordIn(text, "Code"),
    region: wordIn(text, "Region") ?? headers.get("x-amz-bucket-region") ?? undefined,
    // A date has no fractions of a second: on average half of one was cut off.
    ahead: Number.isNaN(date) ? undefined : Math.round((date + 500 - now) / 1000),
  };
}

/** Asks S3 itself for an object with a slot. */
export async function askWith(
  slot: Slot,
  region: string,
  url: string,
): Promise<{ said: Said; verdict: Verdict }> {
  const now = Date.now();
  const said = await askOrigin(url, await signWith(slot, url, region, now), now);
  return { said, verdict: verdictOf(said, region) };
}

/** After how long a probe of another request is not waited for any more: milliseconds. */
const PROBE_MS = 5_000;

/**
 * Whose fault it is that an object was denied to a slot. S3 is asked, unless it just was: once at a
 * time for a bucket, however many visitors want to know.
 * @returns the verdict, and whether it is firm: S3 said it of this very object. What it said of another
 *   one is a guess, for the slot may have died in between, or S3 have something against that object
 */
export async function findVerdict(
  bucket: Bucket,
  slot: Slot,
  url: string,
  { status }: Denied,
  context: Context,
): Promise<{ verdict: Verdict; firm: boolean }> {
  for (;;) {
    const found = freshFinding(slot, Date.now());
    if (found?.url === url) return { verdict: found.verdict, firm: true };
    if (found !== undefined) return { verdict: forOthers(found.verdict, status), firm: false };
    if (!isProbing(bucket)) break;
    await Promise.race([bucket.probing?.ended, sleep(PROBE_MS)]);
  }
  const probed = probe(bucket, slot, url);
  context.waitUntil(probed); // others wait for it, also when this visitor has left
  return { verdict: (await probed).verdict, firm: true };
}

/** True while S3 is being asked. */
export function isProbing({ probing }: Bucket): boolean {
  return probing !== undefined && Date.now() < probing.until;
}

/** Asks S3 what it has against a slot, and notes what it says. */
export function probe(bucket: Bucket, slot: Slot, url: string): Promise<Finding> {
  const ask = async (): Promise<Finding> => {
    const { verdict } = await askWith(slot, bucket.region, url);
    const finding = { url, verdict, at: Date.now() };
    note(slot, finding);
    bucket.probing = undefined;
    return finding;
  };
  const ended = ask();
  bucket.probing = { ended, until: Date.now() + PROBE_MS };
  return ended;
}

function sleep(ms: number): Promise<void> {
  return new Promise((settle) => setTimeout(settle, ms));
}

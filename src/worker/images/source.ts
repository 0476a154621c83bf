// Opens an object for the Images binding, from S3 or from R2, and checks it before a byte is used. What S3
// says is its own word: nothing stands between it and the Worker.

import { type Denied, isRefusal, type Refusal } from "../base/refusal.ts";
import { drop, send } from "../base/send.ts";
import { LATE, within } from "../base/time-limit.ts";
import type { R2Source } from "../config/bindings.ts";
import { failureFor } from "../edge/codes.ts";
import type { Sign } from "../origin/failover.ts";
import { readSaid } from "../origin/verdict.ts";
import { type Counted, readCounted } from "./counted.ts";
import { type Sniffed, sniff } from "./sniff.ts";

/** An object whose first bytes are those of an image. */
export type Opened = Counted &
  Sniffed & {
    /** In bytes. */
    readonly length: number;
    /** When it was changed, as HTTP writes it, if it is known. */
    readonly modified: string | undefined;
  };

/** Opens an object by its key: the one that is wanted, or one that is drawn on it. */
export type Open = (key: string) => Promise<Opened | Refusal>;

/** The longest object that the binding takes (B1): bytes. */
const LONGEST = 20_000_000;

/**
 * Opens an object of S3.
 * @param deadline ms since 1970
 */
export async function openS3(url: string, sign: Sign, deadline: number): Promise<Opened | Refusal> {
  // An encoding would hide how long the object is.
  const asked = { ...(await sign(url)), "accept-encoding": "identity" };
  const answer = await send(url, { headers: asked, cache: "no-store" }, deadline);
  if (isRefusal(answer)) {
    return answer.event === "edge-failed" ? { ...answer, event: "origin-failed" } : answer;
  }
  const { status, headers, body } = answer;
  if (status !== 200) {
    drop(body);
    const failure = failureFor(status, undefined, answer.text);
    const { event, passing } = failure;
    if (event === "timed-out" || passing) return failure;
    if (status === 429) return { ...failure, event: "origin-failed", passing: true };
    if (status < 300) return { event: "origin-failed", status, reason: "S3 sends no whole object" };
    const said = readSaid(answer, answer.text, Date.now());
    const denied: Denied = { event: "origin-denied", status, said };
    return denied;
  }
  const length = headers.get("content-length") ?? "";
  if (headers.has("content-encoding")) return unreadable(body, "it has a content-encoding");
  if (!/^\d+$/.test(length)) return elsewhere(body, "S3 does not say how long it is");
  return open(body, Number(length), headers.get("last-modified") ?? undefined, deadline);
}

/** Opens an object of an R2 bucket by its binding. */
export async function openR2(
  r2: R2Source,
  key: string,
  deadline: number,
): Promise<Opened | Refusal> {
  try {
    const asked = r2.get(key);
    const object = await within(deadline - Date.now(), asked);
    if (object === LATE) {
      asked.then((late) => drop(late?.body ?? null)).catch(() => {});
      return { event: "timed-out", reason: "no answer of R2 in time" };
    }
    if (!object) return { event: "object-missing", certain: true };
    return await open(object.body, object.size, object.uploaded.toUTCString(), deadline);
  } catch (error) {
    return { event: "origin-failed", reason: `R2 failed: ${error}`, passing: true };
  }
}

async function open(
  body: ReadableStream | null,
  length: number,
  modified: string | undefined,
  deadline: number,
): Promise<Opened | Refusal> {
  if (length > LONGEST)
    return elsewhere(body, `it has ${length} bytes, and 20,000,000 are the most`);
  if (!body || length === 0) return unreadable(body, "it is empty");
  const counted = await readCounted(body, length, deadline);
  if (isRefusal(counted)) return counted;
  const sniffed = sniff(counted.head);
  if (sniffed) return { ...counted, ...sniffed, length, modified };
  counted.drop();
  return unreadable(null, "its first bytes are of no image that the Images binding reads");
}

/** The object alone is wrong, and stays so until it is replaced. */
function unreadable(body: ReadableStream | null, reason: string): Refusal {
  drop(body);
  return { event: "source-unreadable", reason, certain: true };
}

/** The same, but the other engine may read it. */
function elsewhere(body: ReadableStream | null, reason: string): Refusal {
  drop(body);
  return { event: "source-unreadable", reason, certain: true, elsewhere: true };
}

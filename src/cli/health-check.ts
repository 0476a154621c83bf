// What the deep /healthz of a Vitrine says, read without trust: whoever answers there may be anybody.

import { isTable, json } from "../schema.ts";
import { SLOT_NAMES, type SlotName } from "../slot.ts";
import { type Fault, isFault } from "./world.ts";

export type SlotSeen = {
  readonly slot: SlotName;
  /** The end of the key's id; undefined of an incomplete one. */
  readonly end: string | undefined;
  /** `ok`, S3's code, `unreachable`, or `incomplete`. */
  readonly state: string;
};

export type BucketSeen = {
  readonly bucket: string;
  /** Those that there are. */
  readonly slots: readonly SlotSeen[];
};

/** Milliseconds that the Worker may take, which asks S3 and the edge. */
const PATIENCE_MS = 30_000;
const LONGEST = 100_000;

const SAYS = new Map([
  [401, "the HEALTH_TOKEN at hand is not the Worker's, or that has none: README.md, “Health”"],
  [500, "the Worker's configuration is broken, and its log says how: npx wrangler tail"],
]);

/** Asks for the health of every bucket. */
export async function askHealth(
  base: string,
  token: string,
  interrupted: AbortSignal,
): Promise<readonly BucketSeen[] | Fault> {
  const url = `${base}/healthz`;
  try {
    const answer = await fetch(url, {
      headers: { authorization: `Bearer ${token}` },
      redirect: "manual", // the token is for this host alone
      signal: AbortSignal.any([interrupted, AbortSignal.timeout(PATIENCE_MS)]),
    });
    const text = await answer.text();
    if (answer.status === 200 || answer.status === 503) {
      const read = readHealth(text.slice(0, LONGEST));
      return isFault(read) ? { fault: `${url}: ${read.fault}` } : read;
    }
    return { fault: `${url}: ${SAYS.get(answer.status) ?? `answers ${answer.status}`}` };
  } catch (error) {
    return { fault: `${url} does not answer: ${reasonOf(error)}` };
  }
}

/** Why `fetch` failed, in the words of what lies under it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return `${error}`;
  const { cause } = error;
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}

/** Reads the answer of the deep form. */
export function readHealth(text: string): readonly BucketSeen[] | Fault {
  const report = json(text);
  const buckets = isTable(report) ? report["buckets"] : undefined;
  if (!Array.isArray(buckets)) return { fault: "is no health of a Vitrine's" };
  const read: BucketSeen[] = [];
  for (const entry of buckets) {
    const { bucket, slots } = isTable(entry) ? entry : {};
    if (typeof bucket !== "string" || !Array.isArray(slots)) {
      return { fault: "is no health of a Vitrine's" };
    }
    const seen: SlotSeen[] = [];
    for (const slot of slots.map(readSlot)) {
      if (isFault(slot)) return slot;
      seen.push(slot);
    }
    read.push({ bucket, slots: seen });
  }
  return read;
}

function readSlot(entry: unknown): SlotSeen | Fault {
  const { slot: name, state, access_key: end } = isTable(entry) ? entry : {};
  const slot = SLOT_NAMES.find((known) => known === name);
  if (slot === undefined || typeof state !== "string" || !/^[\w.-]{1,64}$/.test(state)) {
    return { fault: "is no health of a Vitrine's" };
  }
  if (state === "incomplete") return { slot, state, end: undefined };
  if (typeof end !== "string" || !/^…[\x21-\x7e]{0,4}$/.test(end)) {
    return { fault: "does not say which key a slot has: deploy Vitrine from here first" };
  }
  return { slot, state, end };
}

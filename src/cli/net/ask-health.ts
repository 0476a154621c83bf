// What a deployed Vitrine says of itself at /healthz, read without trust: whoever answers there may be
// anybody.

import { PROTECTION } from "../../worker/answer/answer.ts";
import { isTable, json } from "../../worker/base/json.ts";
import { SLOT_NAMES } from "../../worker/base/slot-name.ts";
import type { BucketHealth, SlotHealth } from "../../worker/health.ts";
import { fetchBody, isLate, reasonOf } from "./body.ts";

export type Health = { readonly buckets: readonly BucketHealth[] };

/** Why there is no health to read. */
export type NoHealth = {
  /** Of an answer that is none; absent where none came. */
  readonly status?: number;
  /** In plain words. */
  readonly reason: string;
};

/** How long the Worker may take, which asks S3 and the edge: seconds. */
const PATIENCE_S = 60;
const LONGEST = 100_000;

/** What others hardly send with a word of health. */
const OWN = "content-security-policy";

const SAYS = new Map([
  [401, "the HEALTH_TOKEN at hand is not the Worker's, or that has none: docs/doctor.md, “Health”"],
  [500, "the Worker's configuration is broken, and its log says how: npx wrangler tail"],
]);

/** Asks for the deep form. */
export async function askHealth(
  base: string,
  token: string,
  interrupted?: AbortSignal,
): Promise<Health | NoHealth> {
  const answer = await ask(base, { authorization: `Bearer ${token}` }, interrupted);
  if (!("text" in answer)) return answer;
  const { status } = answer;
  const text = answer.text.replaceAll(token, "…"); // whoever answers may say what they were told
  if (status !== 200 && status !== 503) {
    return { status, reason: SAYS.get(status) ?? `it answers ${status}` };
  }
  return readHealth(text) ?? { status, reason: "what it answers is no health of a Vitrine's" };
}

/**
 * Asks whether a Vitrine with a good configuration is there. Others may have a /healthz that says ok: the
 * token is none of their business.
 * @returns undefined if so
 */
export async function askWhetherThere(base: string): Promise<NoHealth | undefined> {
  const answer = await ask(base, {});
  if (!("text" in answer)) return answer;
  const { status, headers, text } = answer;
  const own = headers.get(OWN) === PROTECTION[OWN];
  if (status === 200 && text === "ok\n" && own) return undefined;
  return { status, reason: `it answers ${status} ${text.trim().slice(0, 40)}` };
}

async function ask(
  base: string,
  headers: Record<string, string>,
  interrupted?: AbortSignal,
): Promise<Answer | NoHealth> {
  let head: Pick<Response, "status" | "headers"> | undefined;
  const take = (answer: Response) => {
    head = answer;
    return LONGEST;
  };
  try {
    // No redirect is followed: the token is for this host alone.
    // Nor may it drip for ever.
    const late = AbortSignal.timeout(2 * PATIENCE_S * 1000);
    const signal = interrupted === undefined ? late : AbortSignal.any([interrupted, late]);
    const init = { headers, signal };
    const { bytes } = await fetchBody(`${base}/healthz`, init, PATIENCE_S, take);
    const text = new TextDecoder().decode(bytes);
    return { status: head?.status ?? 0, headers: head?.headers ?? new Headers(), text };
  } catch (error) {
    return {
      reason: `no answer: ${isLate(error) ? `not within ${PATIENCE_S} s` : reasonOf(error)}`,
    };
  }
}

type Answer = { readonly status: number; readonly headers: Headers; readonly text: string };

/** Reads what `src/worker/health.ts` writes. */
function readHealth(text: string): Health | undefined {
  const report = json(text);
  const entries = isTable(report) ? report["buckets"] : undefined;
  const buckets = Array.isArray(entries) ? entries.map(readBucket) : [undefined];
  return isWhole(buckets) ? { buckets } : undefined;
}

function isWhole<T>(read: (T | undefined)[]): read is T[] {
  return !read.includes(undefined);
}

function readBucket(entry: unknown): BucketHealth | undefined {
  const { bucket, slots: entries, edge, answered } = isTable(entry) ? entry : {};
  const slots = Array.isArray(entries) ? entries.map(readSlot) : [undefined];
  if (!isText(bucket) || !isText(edge) || !isWhole(slots)) return undefined;
  return { bucket, slots, edge, ...(typeof answered === "number" && { answered }) };
}

function readSlot(entry: unknown): SlotHealth | undefined {
  const {
    slot: name,
    access_key,
    state,
    region,
    clock,
    missing,
    mistakes,
  } = isTable(entry) ? entry : {};
  const slot = SLOT_NAMES.find((known) => known === name);
  if (slot === undefined || !isText(state)) return undefined;
  const isEnd = typeof access_key === "string" && /^…[\x21-\x7e]{0,4}$/.test(access_key);
  return {
    slot,
    ...(isEnd && { access_key }),
    state,
    ...(isText(region) && { region }),
    ...(typeof clock === "number" && { clock }),
    ...(typeof missing === "number" && { missing }),
    ...(Array.isArray(mistakes) && { mistakes: mistakes.map(String) }),
  };
}

/** True of a name, a code, or a word or two. */
function isText(value: unknown): value is string {
  return typeof value === "string" && /^[\w. -]{1,64}$/.test(value);
}

// What a deployed Vitrine says of itself at /healthz.

import type { BucketHealth, SlotHealth } from "../health.ts";
import { isTable } from "../schema.ts";
import { SLOT_NAMES } from "../slot.ts";

export type Health = { readonly ok: boolean; readonly buckets: readonly BucketHealth[] };

/** Why there is no health to read. */
export type NoHealth = {
  /** Of an answer that is none; absent where none came. */
  readonly status?: number;
  /** In plain words. */
  readonly reason: string;
};

const PATIENCE_MS = 60_000;

/** Asks for the deep form. What does not look like it is none. */
export async function askHealth(base: string, token: string): Promise<Health | NoHealth> {
  const answer = await ask(base, { authorization: `Bearer ${token}` });
  if (!("text" in answer)) return answer;
  const { status, text } = answer;
  if (status === 401)
    return { status, reason: "HEALTH_TOKEN is another one there, or not set there" };
  const health = status === 200 || status === 503 ? readHealth(text) : undefined;
  return health ?? { status, reason: `it answers ${status}, and no health` };
}

/** Asks whether a Vitrine with a good configuration is there. @returns undefined if so */
export async function askWhetherThere(base: string): Promise<NoHealth | undefined> {
  const answer = await ask(base, {});
  if (!("text" in answer)) return answer;
  const { status, text } = answer;
  if (status === 200 && text.trim() === "ok") return undefined;
  return { status, reason: `it answers ${status} ${text.trim().slice(0, 40)}` };
}

async function ask(
  base: string,
  headers: Record<string, string>,
): Promise<{ readonly status: number; readonly text: string } | NoHealth> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    const answer = await fetch(`${base}/healthz`, { headers, redirect: "manual", signal });
    return { status: answer.status, text: await answer.text() };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = cause instanceof Error ? cause.message : `${cause}`;
    return { reason: signal.aborted ? "it does not answer within 60 s" : reason };
  }
}

/** Reads what `src/health.ts` writes. */
function readHealth(text: string): Health | undefined {
  const read = parse(text);
  if (!isTable(read) || typeof read["ok"] !== "boolean" || !Array.isArray(read["buckets"])) {
    return undefined;
  }
  const buckets = read["buckets"].map(readBucket);
  const known = buckets.filter((bucket) => bucket !== undefined);
  return known.length < buckets.length ? undefined : { ok: read["ok"], buckets: known };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readBucket(value: unknown): BucketHealth | undefined {
  if (!isTable(value)) return undefined;
  const { bucket, slots, edge, answered } = value;
  if (typeof bucket !== "string" || typeof edge !== "string" || !Array.isArray(slots))
    return undefined;
  const known = slots.map(readSlot).filter((slot) => slot !== undefined);
  if (known.length < slots.length) return undefined;
  return { bucket, slots: known, edge, ...(typeof answered === "number" && { answered }) };
}

function readSlot(value: unknown): SlotHealth | undefined {
  if (!isTable(value)) return undefined;
  const { slot, access_key, state, region, clock, missing, mistakes } = value;
  const name = SLOT_NAMES.find((known) => known === slot);
  if (name === undefined || typeof state !== "string") return undefined;
  return {
    slot: name,
    state,
    ...(typeof access_key === "string" && { access_key }),
    ...(typeof region === "string" && { region }),
    ...(typeof clock === "number" && { clock }),
    ...(typeof missing === "number" && { missing }),
    ...(Array.isArray(mistakes) && { mistakes: mistakes.map(String) }),
  };
}

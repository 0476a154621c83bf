// Asks /healthz of a Vitrine. The answer is not trusted: anybody may answer at that host.

import { PROTECTION } from "../../worker/answer/answer.ts";
import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import { SLOT_NAMES } from "../../worker/base/refusal.ts";
import type { BucketHealth, RoleHealth } from "../../worker/health.ts";
import type { SlotHealth } from "../../worker/try-slot.ts";
import { fetchText } from "./body.ts";

export type Health = {
  readonly buckets: readonly BucketHealth[];
  /** The hash of its configuration. Older Workers do not report it. */
  readonly configuration?: string;
};

/** Why there is no health to read; without a status, no answer came. */
export type NoHealth = { readonly status?: number; readonly reason: string };

/** Seconds that the Worker may take; it asks S3 and the edge meanwhile. */
const PATIENCE_S = 60;
const LONGEST = 100_000; // bytes

/** A header that other servers hardly send from /healthz. */
const OWN = "content-security-policy";

const SAYS = new Map([
  [
    401,
    "the HEALTH_TOKEN at hand is not the Worker's, or the Worker has none: docs/doctor.md, “Health”",
  ],
  [500, "the Worker's configuration is broken; its log says how: npx wrangler tail"],
]);

export async function askHealth(
  base: string,
  token: string,
  interrupted?: AbortSignal,
): Promise<Health | NoHealth> {
  const answer = await ask(base, { authorization: `Bearer ${token}` }, interrupted);
  if (!("text" in answer)) return answer;
  const { status } = answer;
  const text = answer.text.replaceAll(token, "…"); // an answer may repeat what it was asked with
  if (status !== 200 && status !== 503) {
    return { status, reason: SAYS.get(status) ?? `it answers ${status}` };
  }
  return readHealth(text) ?? { status, reason: "its answer is not the health of a Vitrine" };
}

/**
 * Asks whether a Vitrine with a right configuration is there. It sends no token, because another server
 * may answer.
 * @returns undefined if it is there
 */
export async function askWhetherThere(base: string): Promise<NoHealth | undefined> {
  const answer = await ask(base, {});
  if (!("text" in answer)) return answer;
  const { status, headers, text } = answer;
  const own = headers.get(OWN) === PROTECTION[OWN];
  if (status === 200 && text === "ok\n" && own) return undefined;
  return { status, reason: `it answers ${status} ${text.trim().slice(0, 40)}` };
}

async function ask(base: string, headers: Record<string, string>, signal?: AbortSignal) {
  const init = { headers, ...(signal && { signal }) };
  const answer = await fetchText(`${base}/healthz`, init, PATIENCE_S, LONGEST);
  return "reason" in answer ? { reason: `no answer: ${answer.reason}` } : answer;
}

/** Reads what `src/worker/health.ts` writes. */
function readHealth(text: string): Health | undefined {
  const report = parseJson(text);
  const { buckets: entries, configuration } = isPlainObject(report) ? report : {};
  const buckets = Array.isArray(entries) ? entries.map(readBucket) : [undefined];
  if (!isWhole(buckets)) return undefined;
  return { buckets, ...(isText(configuration) && { configuration }) };
}

function isWhole<T>(read: (T | undefined)[]): read is T[] {
  return !read.includes(undefined);
}

function readBucket(entry: unknown): BucketHealth | undefined {
  const { bucket, slots: entries, edge, answered, r2, role } = isPlainObject(entry) ? entry : {};
  const slots = Array.isArray(entries) ? entries.map(readSlot) : [undefined];
  if (!isText(bucket) || !isText(edge) || !isWhole(slots)) return undefined;
  return {
    ...{ bucket, slots, edge },
    ...(typeof answered === "number" && { answered }),
    ...(isText(r2) && { r2 }),
    ...(isPlainObject(role) && { role: readRole(role) }),
  };
}

const LONGEST_REASON = 300; // characters

function readRole(table: Readonly<Record<string, unknown>>): RoleHealth {
  const { role, state, reason, expires, renewal, mistakes, missing } = table;
  const short = (text: unknown) => `${text}`.slice(0, LONGEST_REASON);
  return {
    role: short(role),
    state: isText(state) ? state : "unknown",
    ...(typeof reason === "string" && { reason: short(reason) }),
    ...(isDate(expires) && { expires }),
    ...(isText(renewal) && { renewal }),
    ...(typeof missing === "number" && { missing }),
    ...(Array.isArray(mistakes) && { mistakes: mistakes.map(short) }),
  };
}

function isDate(value: unknown): value is string {
  return typeof value === "string" && /^[\d:.TZ-]{10,30}$/.test(value);
}

function readSlot(entry: unknown): SlotHealth | undefined {
  const table = isPlainObject(entry) ? entry : {};
  const { access_key, state, region, clock, missing, answered, mistakes } = table;
  const slot = SLOT_NAMES.find((known) => known === table["slot"]);
  if (slot === undefined || !isText(state)) return undefined;
  const isEnd = typeof access_key === "string" && /^…[\x21-\x7e]{0,4}$/.test(access_key);
  return {
    slot,
    ...(isEnd && { access_key }),
    state,
    ...(isText(region) && { region }),
    ...(typeof clock === "number" && { clock }),
    ...(typeof missing === "number" && { missing }),
    ...(typeof answered === "number" && { answered }),
    ...(Array.isArray(mistakes) && { mistakes: mistakes.map(String) }),
  };
}

/** Returns whether it is a name, a code, or a few words. */
function isText(value: unknown): value is string {
  return typeof value === "string" && /^[\w. -]{1,64}$/.test(value);
}

// Asks /healthz of a Vitrine. The answer is not trusted: anybody may answer at that host. A report that is not
// exactly of the Worker's form is refused, and the token is never in what is returned.

import { PROTECTION } from "../../worker/answer/answer.ts";
import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import { SLOT_NAMES } from "../../worker/base/refusal.ts";
import type { BucketHealth } from "../../worker/health.ts";
import { fetchText } from "./body.ts";

export type Health = {
  readonly buckets: readonly BucketHealth[];
  /** The hash of its configuration. */
  readonly configuration?: string;
};

/** Why there is no health to read; without a status, no answer came. */
export type NoHealth = { readonly status?: number; readonly reason: string };

/** Seconds that the Worker may take; it asks S3 and the edge meanwhile. */
const TIMEOUT_S = 60;
const MAX_BYTES = 100_000;

/** A header that other servers hardly send from /healthz. */
const POLICY = "content-security-policy";

const REASONS = new Map([
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
    return { status, reason: REASONS.get(status) ?? `it answers ${status}` };
  }
  const health = parseJson(text);
  return isHealth(health)
    ? health
    : { status, reason: "its answer is not the health of a Vitrine" };
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
  const isVitrine = headers.get(POLICY) === PROTECTION[POLICY];
  if (status === 200 && text === "ok\n" && isVitrine) return undefined;
  return { status, reason: `it answers ${status} ${text.trim().slice(0, 40)}` };
}

async function ask(base: string, headers: Record<string, string>, signal?: AbortSignal) {
  const init = { headers, ...(signal && { signal }) };
  const answer = await fetchText(`${base}/healthz`, init, TIMEOUT_S, MAX_BYTES);
  return "reason" in answer ? { reason: `no answer: ${answer.reason}` } : answer;
}

type Guard = (value: unknown) => boolean;

const matches =
  (pattern: RegExp): Guard =>
  (value) =>
    typeof value === "string" && pattern.test(value);
const listOf =
  (guard: Guard): Guard =>
  (value) =>
    Array.isArray(value) && value.every(guard);
/** @param maybe the fields that may be absent */
const objectOf =
  (fields: Readonly<Record<string, Guard>>, maybe: Readonly<Record<string, Guard>>): Guard =>
  (value) =>
    isPlainObject(value) &&
    Object.entries(fields).every(([name, guard]) => guard(value[name])) &&
    Object.entries(maybe).every(([name, guard]) => value[name] === undefined || guard(value[name]));

const number: Guard = (value) => typeof value === "number";
/** A name, a code, or a few words. */
const word = matches(/^[\w. -]{1,64}$/);
/** A sentence: it is made visible before it is printed. */
const text = matches(/^.{0,1000}$/s);
const keyEnd = matches(/^…[\x21-\x7e]{0,4}$/);
const date = matches(/^[\d:.TZ-]{10,30}$/);
const slotName = matches(new RegExp(`^(?:${SLOT_NAMES.join("|")})$`));

/** What was learnt of a slot or a role. */
const TRIED = {
  region: word,
  clock: number,
  missing: number,
  answered: number,
  mistakes: listOf(text),
};
const slot = objectOf({ slot: slotName, state: word }, { ...TRIED, access_key: keyEnd });
const role = objectOf(
  { role: text, state: word },
  { ...TRIED, reason: text, expires: date, renewal: word },
);
const bucket = objectOf(
  { bucket: word, edge: word, slots: listOf(slot) },
  { answered: number, r2: word, role },
);
/** The form of what `src/worker/health.ts` writes. */
const report = objectOf({ buckets: listOf(bucket) }, { configuration: word });

function isHealth(value: unknown): value is Health {
  return report(value);
}

// Asks /healthz of a Vitrine. The answer is not trusted: anybody may answer at that host. A report is refused if a
// field that is checked here has another form; others may be there, too. What is returned never has the token.

import type { ConfigHashes } from "../../worker/cache/config-hashes.ts";
import type { BucketHealth } from "../../worker/operator.ts";
import { PROTECTION } from "../../worker/response/answer.ts";
import type { StoreReport } from "../../worker/store/last-calls.ts";
import { isPlainObject, parseJson } from "../../worker/util/json.ts";
import { page } from "../command.ts";
import { fetchText, isNoAnswer, type NoAnswer } from "./body.ts";

/** What is absent, the Worker does not have, or its version does not report. The times are in ISO 8601. */
export type Health = {
  readonly buckets: readonly BucketHealth[];
  readonly configuration?: string;
  /** The version of Vitrine. */
  readonly version?: string;
  /** Undefined for a Vitrine before December 2026. So is a part of it, for one that has no such option yet. */
  readonly hashes?: Omit<ConfigHashes, NewHashes> & Partial<Pick<ConfigHashes, NewHashes>>;
} & Readonly<Partial<StoreReport>>;

/** What later versions have added. */
type NewHashes = "immutable" | "tokens" | "signed";

export type HealthFailure = NoAnswer & {
  /** What is wrong with the Worker's configuration: `AWS_SECRET_ACCESS_KEY: is missing: …`. */
  readonly mistakes?: readonly string[];
};

/** Seconds that the Worker may take; it asks S3 and the edge meanwhile. */
const TIMEOUT_S = 60;
const MAX_BYTES = 100_000;

/** @param tailCommand shows the log of the Worker that is asked: `npx wrangler tail --env staging` */
export async function fetchHealth(
  baseUrl: string,
  token: string,
  tailCommand: string,
  signal?: AbortSignal,
): Promise<Health | HealthFailure> {
  const headers = { authorization: `Bearer ${token}` };
  const result = await fetchHealthz(baseUrl, { headers, ...(signal && { signal }) });
  if (isNoAnswer(result)) return result;

  const { status, text } = result;
  const health = withoutToken(parseJson(text), token);
  if (status === 500 && isBroken(health)) {
    const { mistakes } = health;
    const reason = `the Worker's configuration is broken: ${mistakes.join("; ")}`;
    return { kind: "no-answer", status, reason, mistakes };
  }

  if (status !== 200 && status !== 503) {
    return { kind: "no-answer", status, reason: reasonOf(status, tailCommand) };
  }

  if (isHealth(health)) return health;

  return { kind: "no-answer", status, reason: "its answer is not the health of a Vitrine" };
}

function reasonOf(status: number, tailCommand: string): string {
  switch (status) {
    case 401:
      return `the HEALTH_TOKEN at hand is not the Worker's, or the Worker has none: ${page("docs/doctor.md")}, “Health”`;
    case 500:
      return `the Worker's configuration is broken; its log says how: ${tailCommand}`;
    default:
      return `it answers ${status}`;
  }
}

export type Absence = NoAnswer & {
  /** Whether a Vitrine answers, with a broken configuration for example. */
  readonly isVitrine?: boolean;
  /** What is in front of it, as far as it says so. */
  readonly obstacle?: "challenge" | "redirect";
};

/**
 * Asks whether a Vitrine with a right configuration is at a URL. It sends no token, because another server
 * may answer.
 * @returns undefined if there is one
 */
export async function checkPresence(baseUrl: string): Promise<Absence | undefined> {
  const result = await fetchHealthz(baseUrl, {});
  if (isNoAnswer(result)) return result;

  const { status, headers, text } = result;
  if (status === 200 && text === "ok\n" && isOfVitrine(headers)) return undefined;

  const absence = { kind: "no-answer", status, isVitrine: isOfVitrine(headers) } as const;
  if (headers.has("cf-mitigated")) {
    const reason = `it answers ${status}: a challenge of Cloudflare`;
    return { ...absence, reason, obstacle: "challenge" };
  }
  if (status >= 300 && status < 400) {
    const reason = `it redirects (${status}) to ${headers.get("location")?.slice(0, 100)}`;
    return { ...absence, reason, obstacle: "redirect" };
  }
  return { ...absence, reason: `it answers ${status} ${text.trim().slice(0, 40)}` };
}

/** Returns whether an answer has the policy of the Worker, which other servers hardly send. */
export function isOfVitrine(headers: Headers): boolean {
  const policy = "content-security-policy";
  return headers.get(policy) === PROTECTION[policy];
}

async function fetchHealthz(url: string, init: RequestInit): ReturnType<typeof fetchText> {
  const result = await fetchText(`${url}/healthz`, init, TIMEOUT_S, MAX_BYTES);
  if (isNoAnswer(result)) return { kind: "no-answer", reason: `no answer: ${result.reason}` };
  return result;
}

/** A server may repeat the request: takes the token out of all texts, also if the JSON has escapes for its characters. */
export function withoutToken(value: unknown, token: string): unknown {
  const plain = JSON.stringify(value) ?? "null";
  const escapedToken = JSON.stringify(token).slice(1, -1);
  return parseJson(plain.replaceAll(escapedToken, "…"));
}

type Guard = (value: unknown) => boolean;

const matches = (pattern: RegExp) => (value: unknown) =>
  typeof value === "string" && pattern.test(value);
/** A name, a code, a time, or a few words. */
const isWord = matches(/^[\w.: -]{1,64}$/);
/** A sentence, or the end of a key: it is made visible before it is printed. */
const text = matches(/^.{0,1000}$/s);
/** At most the last four characters of a key id. */
const isKeyEnd = matches(/^…?[\x21-\x7e]{0,4}$/);
const listOf = (guard: Guard) => (value: unknown) => Array.isArray(value) && value.every(guard);
const maybe = (guard: Guard) => (value: unknown) => value === undefined || guard(value);
const objectOf = (fields: Readonly<Record<string, Guard>>) => (value: unknown) =>
  isPlainObject(value) && Object.entries(fields).every(([name, guard]) => guard(value[name]));

const isHash = matches(/^[0-9a-f]{8}$/);
const isName = matches(/^\P{C}{1,200}$/u);
const areHashes = (value: unknown) =>
  isPlainObject(value) && Object.values(value).every(isHash) && Object.keys(value).every(isName);
const hashed = { buckets: areHashes, routes: areHashes, variants: areHashes };
const paths = maybe(listOf(isName));
const added = { immutable: paths, tokens: maybe(areHashes), signed: paths };
const hashes = maybe(objectOf({ ...hashed, ...added }));

const [code, count] = [maybe(isWord), maybe((value) => typeof value === "number")]; // or absent
/** It becomes a setting that an operator may copy. */
const region = maybe(matches(/^[a-z0-9-]{1,32}$/));
const reply = { state: isWord, region, clock: count, missing: count, answered: count };
const credential = { ...reply, mistakes: maybe(listOf(text)) };
const slot = { ...credential, slot: matches(/^(?:current|next)$/), access_key: maybe(isKeyEnd) };
const role = { ...credential, role: text, reason: maybe(text), expires: code, renewal: code };
const access = { slots: listOf(objectOf(slot)), r2: code, role: maybe(objectOf(role)) };
const flag = maybe((value) => typeof value === "boolean");
const attempts = { edge: isWord, answered: count, needs_list: flag };
const bucket = objectOf({ bucket: isWord, ...access, ...attempts });
const calls = { last_event: code, last_purge: code };
const store = maybe(objectOf({ state: isWord }));
/** `0.3.0-dev.214+f80c1696`: a `+` is before the commit. */
const version = maybe(matches(/^[\w.+-]{1,100}$/));
const parts = { configuration: code, version, hashes };
/** Returns whether a value has the form of what `src/worker/operator.ts` writes. */
const isHealth = (value: unknown): value is Health =>
  objectOf({ buckets: listOf(bucket), ...parts, store, ...calls })(value);

const isFilled = (value: unknown) =>
  listOf(text)(value) && Array.isArray(value) && value.length > 0;
type Broken = { readonly version?: string; readonly mistakes: readonly string[] };
/** Returns whether a value has the form of what it writes while the configuration is broken. */
const isBroken = (value: unknown): value is Broken =>
  objectOf({ version, mistakes: isFilled })(value);

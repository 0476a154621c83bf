// Asks /healthz of a Vitrine. The answer is not trusted, because any server may answer at that host. A report is refused
// if a field that is checked here has another form; fields that are not checked may be there. The result never has the
// token: it is taken out of all texts.

import type { ConfigHashes } from "../../worker/cache/config-hashes.ts";
import type { BucketHealth } from "../../worker/operator.ts";
import { PROTECTION } from "../../worker/response/answer.ts";
import type { StoreReport } from "../../worker/store/last-calls.ts";
import { isPlainObject, parseJson } from "../../worker/util/json.ts";
import { page } from "../command.ts";
import { fetchText, isNoAnswer, type NoAnswer, type TextBody } from "./body.ts";

/** An absent field: the Worker has no such part, or its version does not report it. Times are in ISO 8601. */
export type Health = {
  readonly buckets: readonly BucketHealth[];
  readonly configuration?: string;
  /** The version of Vitrine. */
  readonly version?: string;
  readonly hashes?: ConfigHashes;
} & Readonly<Partial<StoreReport>>;

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
  const answer = await fetchHealthz(baseUrl, { headers, ...(signal && { signal }) });
  if (isNoAnswer(answer)) return answer;

  const { status, text } = answer;
  const health = withoutToken(parseJson(text), token);
  if (status === 500 && isBrokenReport(health)) {
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
  const answer = await fetchHealthz(baseUrl, {});
  if (isNoAnswer(answer)) return answer;

  const { status, headers, text } = answer;
  const isVitrine = isOfVitrine(headers);
  if (status === 200 && text === "ok\n" && isVitrine) return undefined;

  if (headers.has("cf-mitigated")) {
    const reason = `it answers ${status}: a challenge of Cloudflare`;
    return { kind: "no-answer", status, isVitrine, reason, obstacle: "challenge" };
  }
  if (status >= 300 && status < 400) {
    const target = headers.get("location")?.slice(0, 100);
    const reason = `it redirects (${status}) to ${target}`;
    return { kind: "no-answer", status, isVitrine, reason, obstacle: "redirect" };
  }

  const beginning = text.trim().slice(0, 40);
  return { kind: "no-answer", status, isVitrine, reason: `it answers ${status} ${beginning}` };
}

/** Returns whether an answer has the policy of the Worker, which other servers hardly send. */
export function isOfVitrine(headers: Headers): boolean {
  const policy = "content-security-policy";
  return headers.get(policy) === PROTECTION[policy];
}

async function fetchHealthz(baseUrl: string, init: RequestInit): Promise<TextBody | NoAnswer> {
  const answer = await fetchText(`${baseUrl}/healthz`, init, TIMEOUT_S, MAX_BYTES);
  if (!isNoAnswer(answer)) return answer;
  return { kind: "no-answer", reason: `no answer: ${answer.reason}` };
}

/**
 * Takes the token out of all texts: a server may repeat the request in its answer. The value is written as JSON again,
 * so that the server's own escapes cannot hide the token.
 */
export function withoutToken(value: unknown, token: string): unknown {
  const plain = JSON.stringify(value) ?? "null";
  const escapedToken = JSON.stringify(token).slice(1, -1);
  return parseJson(plain.replaceAll(escapedToken, "…"));
}

// The form of a report, from the smallest values up to the whole.

type Guard = (value: unknown) => boolean;

const matches =
  (pattern: RegExp): Guard =>
  (value) =>
    typeof value === "string" && pattern.test(value);

const listOf =
  (guard: Guard): Guard =>
  (value) =>
    Array.isArray(value) && value.every(guard);

const optional =
  (guard: Guard): Guard =>
  (value) =>
    value === undefined || guard(value);

/** An object whose named fields have these forms. It may have others. */
const objectOf =
  (fields: Readonly<Record<string, Guard>>): Guard =>
  (value) =>
    isPlainObject(value) && Object.entries(fields).every(([name, guard]) => guard(value[name]));

const isNumber: Guard = (value) => typeof value === "number";
const isBoolean: Guard = (value) => typeof value === "boolean";

/** A name, a code, a time, or a few words. */
const isWord = matches(/^[\w.: -]{1,64}$/);

/** A sentence, or the end of a key: it is made visible before it is printed. */
const isText = matches(/^.{0,1000}$/s);

/** At most the last four characters of a key id. */
const isKeyEnd = matches(/^…?[\x21-\x7e]{0,4}$/);

/** A region becomes a setting that an operator may copy. */
const isRegion = matches(/^[a-z0-9-]{1,32}$/);

/** `0.3.0-dev.214+f80c1696`: a `+` is before the commit. */
const isVersion = matches(/^[\w.+-]{1,100}$/);

const isSlotName = matches(/^(?:current|next)$/);

const isName = matches(/^\P{C}{1,200}$/u);
const isHash = matches(/^[0-9a-f]{8}$/);

/** Hashes by name. */
const isHashTable: Guard = (value) =>
  isPlainObject(value) && Object.keys(value).every(isName) && Object.values(value).every(isHash);

/** The hashes of the configuration. A Worker of version 0.2 has none. */
const isHashes = objectOf({
  buckets: isHashTable,
  routes: isHashTable,
  variants: isHashTable,
  immutable: listOf(isName),
  tokens: isHashTable,
  signed: listOf(isName),
});

/** What S3 says to a slot or to a session of a role. */
const CREDENTIAL_FIELDS = {
  state: isWord,
  region: optional(isRegion),
  clock: optional(isNumber),
  missing: optional(isNumber),
  answered: optional(isNumber),
  mistakes: optional(listOf(isText)),
} as const;

const isSlot = objectOf({
  ...CREDENTIAL_FIELDS,
  slot: isSlotName,
  access_key: optional(isKeyEnd),
});

const isRole = objectOf({
  ...CREDENTIAL_FIELDS,
  role: isText,
  reason: optional(isText),
  expires: optional(isWord),
  renewal: optional(isWord),
});

const isBucket = objectOf({
  bucket: isWord,
  slots: listOf(isSlot),
  r2: optional(isWord),
  role: optional(isRole),
  edge: isWord,
  answered: optional(isNumber),
  needs_list: optional(isBoolean),
});

const isHealthReport = objectOf({
  buckets: listOf(isBucket),
  configuration: optional(isWord),
  version: optional(isVersion),
  hashes: optional(isHashes),
  store: optional(objectOf({ state: isWord })),
  last_event: optional(isWord),
  last_purge: optional(isWord),
});

/** Returns whether a value has the form of what `src/worker/operator.ts` writes. */
function isHealth(value: unknown): value is Health {
  return isHealthReport(value);
}

/** What the Worker reports while its configuration is broken. */
type BrokenReport = {
  readonly version?: string;
  readonly mistakes: readonly string[];
};

const hasBrokenForm = objectOf({
  version: optional(isVersion),
  mistakes: listOf(isText),
});

function isBrokenReport(value: unknown): value is BrokenReport {
  if (!hasBrokenForm(value) || !isPlainObject(value)) return false;
  const { mistakes } = value;
  return Array.isArray(mistakes) && mistakes.length > 0;
}

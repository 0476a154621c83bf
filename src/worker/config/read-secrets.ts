// Reads the secrets: the key pairs of buckets (their slots `current` and `next`), the tokens of /healthz and /purge,
// and the keys that sign public URLs. No message holds any part of a secret. No I/O.

import { readSigningKeys, type SigningKey } from "../../url/grant.ts";
import { type ConfigMistake, SLOT_NAMES, type SlotName } from "../http/refusal.ts";
import type { ReportMistake, Vars } from "./schema.ts";
import type { Credentials, Slot } from "./slot.ts";

/** A slot that cannot be used, and why. */
export type UnusableSlot = {
  readonly slot: SlotName;
  readonly mistakes: readonly ConfigMistake[];
};

/** The slots of a bucket. A next slot without a single secret is in neither list: it is empty most of the time. */
export type BucketSlots = {
  readonly usable: readonly Slot[];
  readonly unusable: readonly UnusableSlot[];
};

/** For each part of a slot's credentials, the name of the secret that holds it. */
type SecretNames = Readonly<Record<keyof Credentials, string>>;

/**
 * No slash and no comma, which would end the id in the header for S3: `Credential=<id>/<date>/…,`. A colon is right:
 * the ids of OpenStack Swift have one.
 */
const KEY_ID = /^[\w.+=@:-]+$/;

/** ASCII without spaces and control characters. */
const PRINTABLE = /^[\x21-\x7e]+$/;

/**
 * Reads the slots whose secrets begin with `secretPrefix`.
 * @param canUseSessions whether session credentials can be used: the edge does not pass on their token (A11)
 */
export function readSlots(
  secretPrefix: string,
  vars: Vars,
  report: ReportMistake,
  canUseSessions = false,
): BucketSlots {
  const usable: Slot[] = [];
  const unusable: UnusableSlot[] = [];

  for (const name of SLOT_NAMES) {
    const names = secretNames(secretPrefix, name);
    const hasSecret = Object.values(names).some((secret) => vars[secret]);

    // The next slot is empty most of the time, so a deploy must not require its secrets.
    const isRequired = name === "current";
    if (!isRequired && !hasSecret) continue;

    const mistakes: ConfigMistake[] = [];
    const collect: ReportMistake = (path, message) => mistakes.push({ path, message });
    const readText = (secret: string, pattern: RegExp) =>
      readSecret(vars, secret, isRequired, collect, pattern);

    const accessKeyId = readText(names.accessKeyId, KEY_ID);
    const secretAccessKey = readText(names.secretAccessKey, PRINTABLE);

    // Only session credentials, which expire, have a token.
    const hasToken = Boolean(vars[names.sessionToken]);
    const sessionToken = hasToken ? readText(names.sessionToken, PRINTABLE) : undefined;
    checkSession(names, vars, canUseSessions, collect);

    if (mistakes.length === 0 && accessKeyId && secretAccessKey) {
      const session = sessionToken ? { sessionToken } : undefined;
      usable.push({ name, credentials: { accessKeyId, secretAccessKey, ...session } });
    } else {
      unusable.push({ slot: name, mistakes });
    }
  }

  // A mistake that is reported stops all images. Between two `wrangler secret put`, a slot has only half of its secrets
  // (S1), and that must stop nothing. So the mistakes of the slots are reported only if no slot can be used.
  if (usable.length === 0) {
    for (const slot of unusable) {
      for (const { path, message } of slot.mistakes) report(path, message);
    }
  }
  return { usable, unusable };
}

/** Checks that session credentials have their token, without which S3 refuses them, and that they can be used (A11). */
function checkSession(
  names: SecretNames,
  vars: Vars,
  canUseSessions: boolean,
  addMistake: ReportMistake,
): void {
  const { accessKeyId, sessionToken } = names;
  const id = vars[accessKeyId];
  const isSessionKey = typeof id === "string" && id.startsWith("ASIA");
  const hasToken = Boolean(vars[sessionToken]);

  if (isSessionKey && !canUseSessions) {
    // with or without a token
    const remedy = 'use a permanent one, or engine = "binding"';
    addMistake(accessKeyId, `is a temporary session key: ${remedy}`);
  } else if (isSessionKey && !hasToken) {
    addMistake(accessKeyId, `is a temporary session key: set ${sessionToken}, too`);
  } else if (hasToken && !canUseSessions) {
    // a token beside a key that does not look like that of a session
    addMistake(sessionToken, 'needs engine = "binding": the edge does not pass it on');
  }
}

const NOT_TEXT =
  "is not text: set it with npx wrangler secret put, not as a binding of a Secrets Store";

/**
 * Reads a secret, and reports it if it is missing or wrong.
 * @param isRequired whether its name belongs under `[secrets]`, so that a deploy requires it. Only the message differs
 * @param pattern what the whole secret has to match. By default, any text is right
 * @returns undefined after it has reported a mistake
 */
export function readSecret(
  vars: Vars,
  name: string,
  isRequired: boolean,
  report: ReportMistake,
  pattern?: RegExp,
): string | undefined {
  const value = vars[name];

  if (!value) {
    const hint = isRequired ? ", and list it under [secrets]" : "";
    report(name, `is missing: set the secret${hint}`);
  } else if (typeof value !== "string") {
    report(name, NOT_TEXT);
  } else if (pattern && !pattern.test(value)) {
    report(name, "has an invalid character");
  } else {
    return value;
  }
  return undefined;
}

/** Printable ASCII without spaces at the ends, which a header would lose. */
const TOKEN = /^[\x21-\x7e][\x20-\x7e]*[\x21-\x7e]$/;

/** How long a token must be: characters. Anybody may try to guess the token of /purge as often as they like. */
export const MIN_LENGTHS = { HEALTH_TOKEN: 16, PURGE_TOKEN: 32 } as const;

/**
 * Reads the token that opens the detailed form of /healthz, or /purge. A bad token opens nothing, but is not reported,
 * because a mistake would stop all images. Only a binding in place of the token is reported.
 * @returns undefined if the token is missing, too short, or has a character that a header cannot send
 */
export function readToken(
  vars: Vars,
  name: keyof typeof MIN_LENGTHS,
  report?: ReportMistake,
): string | undefined {
  const token = vars[name];
  if (!token) return undefined;

  if (typeof token !== "string") {
    report?.(name, NOT_TEXT);
    return undefined;
  }

  if (token.length < MIN_LENGTHS[name]) return undefined;
  if (!TOKEN.test(token)) return undefined;
  return token;
}

/** Reads the keys that sign public URLs, by their ids (`kid`). The first key signs, and all of them verify. */
export function readUrlKeys(vars: Vars, report: ReportMistake): ReadonlyMap<string, SigningKey> {
  const name = "URL_SIGNING_KEYS";
  const secret = readSecret(vars, name, true, report);
  if (!secret) return new Map();

  return readSigningKeys(secret, (message) => report(name, message));
}

/**
 * The names of the secrets of slots. They begin with a word that the configuration chooses.
 * @example `AWS_ACCESS_KEY_ID`, `MEDIA_2_SESSION_TOKEN_NEXT`
 */
const SLOT_SECRET = /_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)(?:_NEXT)?$/;

/** The names of all other secrets. */
export const SINGLE_SECRETS = [
  "HEALTH_TOKEN",
  "PURGE_TOKEN",
  "URL_SIGNING_KEYS",
  "OIDC_SIGNING_KEY",
  "OIDC_SIGNING_KEY_NEXT",
];

/** Returns whether a variable of this name is a secret. */
export function isSecret(name: string): boolean {
  return SLOT_SECRET.test(name) || SINGLE_SECRETS.includes(name);
}

/**
 * Returns the names of the secrets of a slot.
 * @param secretPrefix the bucket's `credentials`: the word with which the names begin
 * @example `AWS_ACCESS_KEY_ID`, and in the next slot `AWS_ACCESS_KEY_ID_NEXT`
 */
export function secretNames(secretPrefix: string, slot: SlotName = "current"): SecretNames {
  const suffix = slot === "next" ? "_NEXT" : "";
  return {
    accessKeyId: `${secretPrefix}_ACCESS_KEY_ID${suffix}`,
    secretAccessKey: `${secretPrefix}_SECRET_ACCESS_KEY${suffix}`,
    sessionToken: `${secretPrefix}_SESSION_TOKEN${suffix}`,
  };
}

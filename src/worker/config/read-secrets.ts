// Reads the secrets. No message holds any part of a secret. No I/O.

import { readSigningKeys, type SigningKey } from "../../url/grant.ts";
import { type ConfigMistake, SLOT_NAMES, type SlotName } from "../http/refusal.ts";
import type { ReportMistake, Vars } from "./schema.ts";
import type { Credentials, Slot } from "./slot.ts";

/** A slot that cannot be used, and why. */
export type UnusableSlot = {
  readonly slot: SlotName;
  readonly mistakes: readonly ConfigMistake[];
};

/** The slots of a bucket. Without a single secret, the next slot is in neither list. */
export type BucketSlots = {
  readonly usable: readonly Slot[];
  readonly unusable: readonly UnusableSlot[];
};

/** A slash or a comma would end the id in the header that it is signed in. Swift's ids have a colon. */
const KEY_ID = /^[\w.+=@:-]+$/;
const PRINTABLE = /^[\x21-\x7e]+$/;

/**
 * Reads the slots whose secrets begin with `secretPrefix`. A mistake is reported only if no slot can be used:
 * between two `wrangler secret put`, a slot has only half of its secrets (S1).
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
    const mistakes: ConfigMistake[] = [];
    const addMistake = (path: string, message: string) => mistakes.push({ path, message });
    const read = (secret: string, pattern: RegExp): string => {
      const value = vars[secret];
      // The next slot is empty most of the time: a deploy must not require it.
      const reason = secretMistake(value, pattern, name === "current");
      if (reason) addMistake(secret, reason);
      return typeof value === "string" ? value : "";
    };
    const hasToken = Boolean(vars[names.sessionToken]);
    const credentials = {
      accessKeyId: read(names.accessKeyId, KEY_ID),
      secretAccessKey: read(names.secretAccessKey, PRINTABLE),
      ...(hasToken && { sessionToken: read(names.sessionToken, PRINTABLE) }),
    };
    if (credentials.accessKeyId.startsWith("ASIA") && !(canUseSessions && hasToken)) {
      const remedy = canUseSessions
        ? `set ${names.sessionToken}, too`
        : 'use a permanent one, or engine = "binding"';
      addMistake(names.accessKeyId, `is a temporary session key: ${remedy}`); // A11
    } else if (hasToken && !canUseSessions) {
      addMistake(names.sessionToken, 'needs engine = "binding": the edge does not pass it on'); // A11
    }
    const hasSecret = Object.values(names).some((secret) => vars[secret]);
    if (mistakes.length === 0) usable.push({ name, credentials });
    else if (hasSecret || name === "current") unusable.push({ slot: name, mistakes });
  }
  if (usable.length === 0) {
    for (const { path, message } of unusable.flatMap((one) => one.mistakes)) report(path, message);
  }
  return { usable, unusable };
}

const NOT_TEXT =
  "is not text: set it with npx wrangler secret put, not as a binding of a Secrets Store";

/**
 * What is wrong with the value of a secret.
 * @param isListed whether a deploy requires the secret
 */
export function secretMistake(value: unknown, form: RegExp, isListed: boolean): string | undefined {
  if (!value) return `is missing: set the secret${isListed ? ", and list it under [secrets]" : ""}`;
  if (typeof value !== "string") return NOT_TEXT;
  return form.test(value) ? undefined : "has an invalid character";
}

// Printable ASCII without spaces at the ends, which a header would lose.
const TOKEN = /^[\x21-\x7e][\x20-\x7e]*[\x21-\x7e]$/;

/** How long a token must be: characters. Anybody may try to guess the token of /purge as often as they like. */
const MIN_LENGTHS = { HEALTH_TOKEN: 16, PURGE_TOKEN: 32 } as const;

/**
 * Reads the token for /healthz or /purge. Only a token that is no text is a mistake: any other bad token opens nothing.
 * @returns undefined if it is missing, easy to guess or impossible to send
 */
export function readToken(
  vars: Vars,
  name: keyof typeof MIN_LENGTHS,
  report?: ReportMistake,
): string | undefined {
  const token = vars[name];
  if (token && typeof token !== "string") report?.(name, NOT_TEXT);
  const isLong = typeof token === "string" && token.length >= MIN_LENGTHS[name];
  return isLong && TOKEN.test(token) ? token : undefined;
}

/** The keys that sign public URLs, by kid. The first one signs. */
export function readUrlKeys(vars: Vars, report: ReportMistake): ReadonlyMap<string, SigningKey> {
  const { URL_SIGNING_KEYS: secret } = vars;
  const addMistake = (message: string) => report("URL_SIGNING_KEYS", message);
  const missing = secretMistake(secret, /./s, true);
  if (!missing) return readSigningKeys(`${secret}`, addMistake); // it is text
  addMistake(missing);
  return new Map();
}

/** The secrets of slots: their names begin with a word that the configuration chooses. */
const SLOT_SECRET = /_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)(?:_NEXT)?$/;

/** The names of all other secrets. */
export const SINGLE_SECRETS = [
  ...["HEALTH_TOKEN", "PURGE_TOKEN", "URL_SIGNING_KEYS"],
  ...["OIDC_SIGNING_KEY", "OIDC_SIGNING_KEY_NEXT"],
];

/** Returns whether a variable of this name is a secret. */
export function isSecret(name: string): boolean {
  return SLOT_SECRET.test(name) || SINGLE_SECRETS.includes(name);
}

/** The names of the secrets of a slot. @param secretPrefix the bucket's `credentials` */
export function secretNames(
  secretPrefix: string,
  slot: SlotName = "current",
): Required<Record<keyof Credentials, string>> {
  const suffix = slot === "next" ? "_NEXT" : "";
  return {
    accessKeyId: `${secretPrefix}_ACCESS_KEY_ID${suffix}`,
    secretAccessKey: `${secretPrefix}_SECRET_ACCESS_KEY${suffix}`,
    sessionToken: `${secretPrefix}_SESSION_TOKEN${suffix}`,
  };
}

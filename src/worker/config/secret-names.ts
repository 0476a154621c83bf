// The names of the secrets. Never their values.

import type { SlotName } from "../base/slot-name.ts";
import type { Credentials } from "./slot.ts";

/** Those of buckets: their names begin with a word that the configuration chooses. */
const OF_SLOT = /_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)(?:_NEXT)?$/;

/** All others. */
export const SINGLE_SECRETS = [
  ...["HEALTH_TOKEN", "PURGE_TOKEN", "URL_SIGNING_KEYS"],
  ...["OIDC_SIGNING_KEY", "OIDC_SIGNING_KEY_NEXT"],
];

/** The value of a secret that its Secrets Store never returned. */
export const UNOPENED = Symbol("unopened");

/** Returns whether a variable of this name is a secret. */
export function isSecret(name: string): boolean {
  return OF_SLOT.test(name) || SINGLE_SECRETS.includes(name);
}

/** The names of the secrets of a slot. `word` is the bucket's `credentials`. */
export function secretNames(
  word: string,
  slot: SlotName = "current",
): Required<Record<keyof Credentials, string>> {
  const end = slot === "next" ? "_NEXT" : "";
  return {
    accessKeyId: `${word}_ACCESS_KEY_ID${end}`,
    secretAccessKey: `${word}_SECRET_ACCESS_KEY${end}`,
    sessionToken: `${word}_SESSION_TOKEN${end}`,
  };
}

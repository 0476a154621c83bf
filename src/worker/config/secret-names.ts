// The names of the secrets. Never their values.

import type { SlotName } from "../base/slot-name.ts";
import type { Credentials } from "./slot.ts";

const SECRET =
  /_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)(?:_NEXT)?$|^(?:(?:HEALTH|PURGE|CLOUDFLARE_API)_TOKEN|URL_SIGNING_KEYS|OIDC_SIGNING_KEY(?:_NEXT)?)$/;

/** The value of a secret that its Secrets Store never returned. */
export const UNOPENED = Symbol("unopened");

/** Returns whether a variable of this name is a secret. */
export function isSecret(name: string): boolean {
  return SECRET.test(name);
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

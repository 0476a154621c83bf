// A private key of the OIDC issuer, as a file of secrets has it: what is wrong with it. No message contains any part
// of a key. Pure.

import { createPrivateKey } from "node:crypto";
import { readKey } from "../../worker/config/issuer-key.ts";

export const OIDC_KEYS = ["OIDC_SIGNING_KEY", "OIDC_SIGNING_KEY_NEXT"];

/** What is wrong with a key, before it is deployed; undefined: nothing. */
export function oidcKeyFault(name: string, pem: string): string | undefined {
  const read = readKey(name, pem);
  if (typeof read === "string") return read;
  try {
    createPrivateKey(pem);
    return undefined;
  } catch {
    return "is damaged: make it with openssl genpkey, as docs/keyless.md says"; // the error may quote it
  }
}

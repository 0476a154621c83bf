// Reads `[vars.OIDC]` and the keys with which the Worker proves to AWS who it is. Pure. No message holds any
// part of a key.

import { parseJson } from "../base/json.ts";
import type { Mistake } from "../base/refusal.ts";
import { type Issuer, type IssuerKey, readKey } from "./issuer-key.ts";
import { secretFault } from "./read-secrets.ts";
import { optional, type Report, table, textLike, textThat, type Vars } from "./schema.ts";

/** What the Worker says in a token, and with which keys it signs. */
export type Oidc = Issuer & {
  /** One or two. The first one signs. */
  readonly keys: readonly IssuerKey[];
  /** What is wrong with a key that is left out. */
  readonly mistakes: readonly Mistake[];
};

/** Printable, and none of the characters that a policy of IAM reads as a pattern. */
const CLAIM = /^[\w.:/@+=,-]{1,255}$/;

const oidcSchema = table({
  issuer: textThat("an origin such as https://images.example.com, without a path", isIssuer),
  subject: optional(textLike("a plain word such as vitrine", CLAIM), "vitrine"),
  audience: optional(
    textLike("a plain word such as sts.amazonaws.com", CLAIM),
    "sts.amazonaws.com",
  ),
});

const SECRETS = ["OIDC_SIGNING_KEY", "OIDC_SIGNING_KEY_NEXT"] as const;

/**
 * Undefined where the Worker is no issuer. A mistake in a key is reported only if no key can be used: each
 * `wrangler secret put` is deployed at once (S1), and a mistake stops all images.
 */
export function readOidc(vars: Vars, report: Report): Oidc | undefined {
  if (vars["OIDC"] === undefined) return undefined;
  const settings = oidcSchema(parseJson(vars["OIDC"]), "OIDC", report);
  const keys: IssuerKey[] = [];
  const mistakes: Mistake[] = [];
  for (const path of SECRETS) {
    const value = vars[path];
    const isNeeded = path === "OIDC_SIGNING_KEY";
    if (!isNeeded && !value) continue;
    const missing = secretFault(value, /./s, isNeeded);
    const key = missing ?? readKey(path, `${value}`);
    if (typeof key === "string") mistakes.push({ path, message: key });
    else keys.push(key);
  }
  if (keys.length > 0) return settings && { ...settings, keys, mistakes };
  for (const { path, message } of mistakes) report(path, message);
  return undefined;
}

/** As AWS compares it: in the very spelling of the provider in IAM. http:// is only for localhost. */
function isIssuer(value: string): boolean {
  const isPlain = /^(https:\/\/[\w.-]+|http:\/\/(localhost|127\.0\.0\.1)(:\d+)?)$/.test(value);
  return isPlain && URL.parse(value)?.origin === value;
}

// Reads `[vars.OIDC]` and the private keys with which the Worker proves to AWS who it is. Checks only the
// form of a key: its import takes a promise. Pure. No message holds any part of a key.

import { decodeBase64 } from "../../url/encoding.ts";
import type { ConfigMistake } from "../http/refusal.ts";
import { toHex } from "../util/bytes.ts";
import { parseJson } from "../util/json.ts";
import { secretMistake } from "./read-secrets.ts";
import {
  type Infer,
  optional,
  type ReportMistake,
  table,
  textLike,
  textThat,
  type Vars,
} from "./schema.ts";

/** Printable, and none of the characters that a policy of IAM reads as a pattern. */
const CLAIM = /^[\w.:/@+=,-]{1,255}$/;

const oidcSchema = table({
  /** Where the issuer's public keys are found, in the very spelling of the provider in IAM. */
  issuer: textThat("an origin such as https://images.example.com, without a path", isIssuer),
  subject: optional(textLike("a plain word such as vitrine", CLAIM), "vitrine"),
  audience: optional(
    textLike("a plain word such as sts.amazonaws.com", CLAIM),
    "sts.amazonaws.com",
  ),
});

/** Who the Worker is for AWS. */
export type Issuer = Infer<typeof oidcSchema>;

/** The claims of the Worker's tokens, and the keys that sign them. */
export type Oidc = Issuer & {
  /** One or two. The first one signs. */
  readonly keys: readonly IssuerKey[];
  /** What is wrong with a key that is left out. */
  readonly mistakes: readonly ConfigMistake[];
};

export type IssuerKey = {
  /** The name of the secret. */
  readonly secret: string;
  /** PKCS#8 in DER. */
  readonly der: Uint8Array<ArrayBuffer>;
};

const SECRETS = ["OIDC_SIGNING_KEY", "OIDC_SIGNING_KEY_NEXT"] as const;

/**
 * Undefined where the Worker is no issuer. A mistake in a key is reported only if no key can be used: each
 * `wrangler secret put` is deployed at once (S1), and a mistake stops all images.
 */
export function readOidc(vars: Vars, report: ReportMistake): Oidc | undefined {
  if (vars["OIDC"] === undefined) return undefined;
  const settings = oidcSchema(parseJson(vars["OIDC"]), "OIDC", report);
  const keys: IssuerKey[] = [];
  const mistakes: ConfigMistake[] = [];
  for (const path of SECRETS) {
    const value = vars[path];
    const isNeeded = path === "OIDC_SIGNING_KEY";
    if (!isNeeded && !value) continue;
    const missing = secretMistake(value, /./s, isNeeded);
    const key = missing ?? readKey(path, `${value}`);
    if (typeof key === "string") mistakes.push({ path, message: key });
    else keys.push(key);
  }
  if (keys.length > 0) return settings && { ...settings, keys, mistakes };
  for (const { path, message } of mistakes) report(path, message);
  return undefined;
}

/** http:// is only for localhost. */
function isIssuer(value: string): boolean {
  const isPlain = /^(https:\/\/[\w.-]+|http:\/\/(localhost|127\.0\.0\.1)(:\d+)?)$/.test(value);
  return isPlain && URL.parse(value)?.origin === value;
}

/** What is in a key, in hexadecimal: the identifiers of the algorithm and of the curve, for ES256. */
const IDENTIFIERS = "06072a8648ce3d020106082a8648ce3d030107";

/** The identifiers stand in front of the key itself. */
const HEAD_BYTES = 48;

const PEM = /^\s*-----BEGIN ([A-Z0-9 ]+)-----\s([A-Za-z\d+/=\s]+)-----END \1-----\s*$/;

const REMEDY = "make it with openssl genpkey, as docs/keyless.md says";

/** Reads a key as `openssl genpkey` writes it (PKCS#8 in PEM). @returns the key, or what is wrong with it */
export function readKey(secret: string, pem: string): IssuerKey | string {
  const [, label = "", base64 = ""] = PEM.exec(pem) ?? [];
  if (label !== "PRIVATE KEY") {
    const actual = label && `, but ${label}`;
    return `is not PRIVATE KEY in PEM (PKCS#8), with all its lines${actual}: ${REMEDY}`;
  }
  try {
    const der = decodeBase64(base64);
    const head = toHex(der.slice(0, HEAD_BYTES));
    return head.includes(IDENTIFIERS) ? { secret, der } : `is no EC key (P-256): ${REMEDY}`;
  } catch {
    return `is damaged, its base64 is wrong: ${REMEDY}`; // the error may hold any part of the key
  }
}

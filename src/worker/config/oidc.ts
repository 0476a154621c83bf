// Reads `[vars.OIDC]` and the private keys with which the Worker proves to AWS who it is. The Worker is an issuer of
// tokens (OpenID Connect): it signs a token with such a key, and for the token, AWS gives it the temporary credentials
// of a role. Only the form of a key is checked here, because its import is asynchronous. No message holds any part
// of a key. No I/O.

import type { ConfigMistake } from "../http/refusal.ts";
import { parseJson } from "../util/json.ts";
import { readSecret } from "./read-secrets.ts";
import {
  type Infer,
  optional,
  type ReportMistake,
  table,
  textLike,
  textThat,
  type Vars,
} from "./schema.ts";

/** What a claim may be: printable, and without `*` and `?`, which a policy of IAM reads as a pattern. */
const CLAIM = /^[\w.:/@+=,-]{1,255}$/;

/** The address of a site, without a path. */
export const originSchema = textThat(
  "an origin such as https://images.example.com, without a path",
  isExactOrigin,
);

export const oidcSchema = table({
  /** Where AWS finds the issuer's public keys. It must have the very spelling of the provider in IAM. */
  issuer: originSchema,
  /** The claim `sub`: whom a token names. */
  subject: optional(textLike("a plain word such as vitrine", CLAIM), "vitrine"),
  /** The claim `aud`: for whom a token is. */
  audience: optional(
    textLike("a plain word such as sts.amazonaws.com", CLAIM),
    "sts.amazonaws.com",
  ),
});

/** Who the Worker is for AWS. */
export type Issuer = Infer<typeof oidcSchema>;

/** The claims of the Worker's tokens, and the keys that sign them. */
export type Oidc = Issuer & {
  /** One key, or two during a rotation. The first one signs. */
  readonly keys: readonly IssuerKey[];
  /** What is wrong with a key that is left out. */
  readonly mistakes: readonly ConfigMistake[];
};

export type IssuerKey = {
  /** The name of the secret. */
  readonly secret: string;
  /** The private key: PKCS#8 in PEM. It begins with its label. */
  readonly pem: string;
};

const KEY_SECRETS = ["OIDC_SIGNING_KEY", "OIDC_SIGNING_KEY_NEXT"] as const;

/** Reads who the Worker is for AWS. @returns undefined if the Worker is no issuer, or if a mistake was reported */
export function readOidc(vars: Vars, report: ReportMistake): Oidc | undefined {
  if (vars["OIDC"] === undefined) return undefined;
  const issuer = oidcSchema(parseJson(vars["OIDC"]), "OIDC", report);

  const keys: IssuerKey[] = [];
  const mistakes: ConfigMistake[] = [];
  const addMistake: ReportMistake = (path, message) => mistakes.push({ path, message });

  for (const secret of KEY_SECRETS) {
    // The next key is there only during a rotation.
    const isRequired = secret === "OIDC_SIGNING_KEY";
    if (!isRequired && !vars[secret]) continue;

    const pem = readSecret(vars, secret, isRequired, addMistake);
    if (!pem) continue;

    const key = readIssuerKey(secret, pem, addMistake);
    if (key) keys.push(key);
  }

  // A reported mistake stops all images. So it is reported only if no key can be used, and is only noted otherwise: a
  // damaged key, which `wrangler secret put` deploys at once (S1 of docs/rules.md), does no harm beside a good one.
  if (keys.length === 0) {
    for (const { path, message } of mistakes) report(path, message);
    return undefined;
  }

  if (!issuer) return undefined;
  return { ...issuer, keys, mistakes };
}

/** For example `https://images.example.com`. */
export const PUBLIC_ORIGIN = /^https:\/\/[\w.-]+$/;

/** For a Worker or a site on this machine: `http://localhost:8787`. */
export const LOCAL_ORIGIN = /^http:\/\/(localhost|127\.0\.0\.1)(:\d+)?$/;

/** AWS compares the issuer letter by letter, so only the spelling is right that a parser would not change. */
function isExactOrigin(value: string): boolean {
  const hasForm = PUBLIC_ORIGIN.test(value) || LOCAL_ORIGIN.test(value);
  if (!hasForm) return false;
  return URL.parse(value)?.origin === value;
}

/**
 * How a key for ES256 names its algorithm, in DER: two object identifiers (RFC 5480), `id-ecPublicKey` and the curve
 * P-256. The byte 06 announces an identifier, and its length follows.
 */
const EC_P256 = "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";

/**
 * Three parts: `-----BEGIN PRIVATE KEY-----`, whose label is any capital letters, digits and spaces; lines of base64;
 * and `-----END PRIVATE KEY-----`, where `\k<label>` is the same label again. White space may stand around all of it.
 */
const PEM =
  /^\s*-----BEGIN (?<label>[A-Z0-9 ]+)-----\s(?<base64>[A-Za-z\d+/=\s]+)-----END \k<label>-----\s*$/;

/**
 * Reads a private key as `openssl genpkey` writes it: PKCS#8 in PEM.
 * @param secret the name of the secret
 * @returns undefined after it has reported a mistake
 */
export function readIssuerKey(
  secret: string,
  pem: string,
  report: ReportMistake,
): IssuerKey | undefined {
  const addMistake = (fault: string) =>
    report(secret, `${fault}: make it with openssl genpkey, as docs/keyless.md says`);

  // A text that is no PEM has no label.
  const groups = PEM.exec(pem)?.groups;
  const { label, base64 = "" } = groups ?? {};
  if (label !== "PRIVATE KEY") {
    const actual = label ? `, but ${label}` : "";
    addMistake(`is not PRIVATE KEY in PEM (PKCS#8), with all its lines${actual}`);
    return undefined;
  }

  try {
    const isEcP256 = atob(base64).includes(EC_P256);
    if (isEcP256) return { secret, pem: pem.trim() };
    addMistake("is no EC key (P-256)");
  } catch {
    // The message does not quote the error, which may hold any part of the key.
    addMistake("is damaged, its base64 is wrong");
  }
  return undefined;
}

// The keys of the issuer, imported: what signs tokens, and what everybody may see of it. No private part
// leaves this file.

import { base64url, utf8 } from "../../url/grant.ts";
import type { Mistake } from "../base/refusal.ts";
import type { IssuerKey } from "../config/issuer-key.ts";
import type { Oidc } from "../config/oidc.ts";

/** A key that signs, and the name by which AWS finds its public half. */
export type Signer = {
  readonly kid: string;
  readonly algorithm: IssuerKey["algorithm"];
  readonly sign: (text: BufferSource) => Promise<ArrayBuffer>;
};

/** A public key (RFC 7517). */
export type PublicKey = Readonly<Record<string, string>>;

type IssuerKeys = {
  /** The first one signs. None, if no key can be imported. */
  readonly signers: readonly Signer[];
  readonly published: readonly PublicKey[];
  /** What is wrong with a key that is left out. */
  readonly mistakes: readonly Mistake[];
};

const ALGORITHMS = {
  ES256: {
    imported: { name: "ECDSA", namedCurve: "P-256" },
    signing: { name: "ECDSA", hash: "SHA-256" },
    members: ["crv", "x", "y"],
  },
  RS256: {
    imported: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    signing: { name: "RSASSA-PKCS1-v1_5" },
    members: ["e", "n"],
  },
} as const;

/** RFC 7518, section 3.3: bits. In base64url, a modulus of 2048 bits has 342 characters. */
const MIN_MODULUS_LENGTH = 342;

const known = new WeakMap<Oidc, IssuerKeys>();

/** Imports the keys of an issuer, once. */
export async function issuerKeysOf(oidc: Oidc): Promise<IssuerKeys> {
  const before = known.get(oidc);
  if (before) return before;
  const imported = await Promise.all(oidc.keys.map(importKey));
  const keys = imported.flatMap((one) => ("mistake" in one ? [] : [one]));
  // At the end of a rotation, both secrets may hold the same key.
  const different = keys.filter(
    ({ signer }, at) => keys.findIndex((other) => other.signer.kid === signer.kid) === at,
  );
  const faults = imported.flatMap((one) => ("mistake" in one ? [one.mistake] : []));
  const result = {
    signers: different.map(({ signer }) => signer),
    published: different.map((one) => one.published),
    mistakes: [...oidc.mistakes, ...faults],
  };
  known.set(oidc, result);
  return result;
}

type Imported = { readonly signer: Signer; readonly published: PublicKey };

async function importKey(key: IssuerKey): Promise<Imported | { readonly mistake: Mistake }> {
  const { algorithm, der, secret } = key;
  const { imported, signing, members } = ALGORITHMS[algorithm];
  const mistake = (message: string) => ({ mistake: { path: secret, message } });
  try {
    const [signs, shows] = await Promise.all([
      crypto.subtle.importKey("pkcs8", der, imported, false, ["sign"]),
      crypto.subtle.importKey("pkcs8", der, imported, true, ["sign"]),
    ]);
    const whole: object = await crypto.subtle.exportKey("jwk", shows);
    const open = new Map<string, unknown>(Object.entries(whole));
    const kty = algorithm === "ES256" ? "EC" : "RSA";
    const shown = Object.fromEntries(members.map((name) => [name, `${open.get(name)}`]));
    if (shown["n"] !== undefined && shown["n"].length < MIN_MODULUS_LENGTH) {
      return mistake("is shorter than 2048 bits: make a longer one");
    }
    const kid = await thumbprint({ ...shown, kty });
    const sign = (text: BufferSource) => crypto.subtle.sign(signing, signs, text);
    const published = { kty, use: "sig", alg: algorithm, kid, ...shown };
    return { signer: { kid, algorithm, sign }, published };
  } catch {
    // What it throws may hold anything.
    return mistake("cannot be imported: it is damaged, or of another kind than it says");
  }
}

/** RFC 7638: the hash of the members that make the key, in the order of their names. */
async function thumbprint(members: PublicKey): Promise<string> {
  const sorted = Object.entries(members).sort(([one], [other]) => (one < other ? -1 : 1));
  const text = JSON.stringify(Object.fromEntries(sorted));
  return base64url(await crypto.subtle.digest("SHA-256", utf8(text)));
}

// The keys of the issuer, imported: what signs tokens, and what everybody may see of it. No private part
// leaves this file.

import { encodeBase64url, utf8 } from "../../url/encoding.ts";
import type { IssuerKey, Oidc } from "../config/oidc.ts";
import type { ConfigMistake } from "../http/refusal.ts";

/** A key that signs, and the name by which AWS finds its public half. */
export type Signer = {
  readonly kid: string;
  readonly sign: (text: BufferSource) => Promise<ArrayBuffer>;
};

/** A public key (RFC 7517). */
type PublicKey = Readonly<Record<string, string>>;

type IssuerKeys = {
  /** The first signer signs. None, if no key can be imported. */
  readonly signers: readonly Signer[];
  readonly published: readonly PublicKey[];
  /** What is wrong with a key that is left out. */
  readonly mistakes: readonly ConfigMistake[];
};

const IMPORTED = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING = { name: "ECDSA", hash: "SHA-256" };

const keysByOidc = new WeakMap<Oidc, IssuerKeys>();

/** Imports the keys of an issuer, once. */
export async function issuerKeysOf(oidc: Oidc): Promise<IssuerKeys> {
  const cached = keysByOidc.get(oidc);
  if (cached) return cached;
  const imported = await Promise.all(oidc.keys.map(importKey));
  const keys = imported.flatMap((one) => ("mistake" in one ? [] : [one]));
  // At the end of a rotation, both secrets may hold the same key.
  const different = keys.filter(
    ({ signer }, at) => keys.findIndex((one) => one.signer.kid === signer.kid) === at,
  );
  const faults = imported.flatMap((one) => ("mistake" in one ? [one.mistake] : []));
  const result = {
    signers: different.map(({ signer }) => signer),
    published: different.map((one) => one.published),
    mistakes: [...oidc.mistakes, ...faults],
  };
  keysByOidc.set(oidc, result);
  return result;
}

type Imported = { readonly signer: Signer; readonly published: PublicKey };

async function importKey(key: IssuerKey): Promise<Imported | { readonly mistake: ConfigMistake }> {
  const { der, secret } = key;
  try {
    const [signingKey, exportableKey] = await Promise.all([
      crypto.subtle.importKey("pkcs8", der, IMPORTED, false, ["sign"]),
      crypto.subtle.importKey("pkcs8", der, IMPORTED, true, ["sign"]),
    ]);
    const privateJwk: object = await crypto.subtle.exportKey("jwk", exportableKey);
    const { x, y }: { readonly x?: unknown; readonly y?: unknown } = privateJwk;
    const jwk = { kty: "EC", crv: "P-256", x: `${x}`, y: `${y}` };
    const kid = await thumbprint(jwk);
    const sign = (text: BufferSource) => crypto.subtle.sign(SIGNING, signingKey, text);
    return { signer: { kid, sign }, published: { ...jwk, use: "sig", alg: "ES256", kid } };
  } catch {
    // The error may hold any part of the key.
    return { mistake: { path: secret, message: "cannot be imported: it is damaged" } };
  }
}

/** RFC 7638: the hash of the members that make the key, in the order of their names. */
async function thumbprint(members: PublicKey): Promise<string> {
  const sorted = Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify(Object.fromEntries(sorted));
  return encodeBase64url(await crypto.subtle.digest("SHA-256", utf8(text)));
}

// The keys of the issuer, imported. The Worker is the issuer of its own tokens: it signs them with a private key, and
// shows the public half, by which AWS checks them. During a rotation there are two keys.
// No private part leaves this file: a key that signs cannot be exported, and no error of an import is passed on.

import { encodeBase64url, utf8 } from "../../url/encoding.ts";
import type { IssuerKey, Oidc } from "../config/oidc.ts";
import type { ConfigMistake } from "../http/refusal.ts";

/** A key that signs. */
export type Signer = {
  /** The name by which AWS finds the public half. */
  readonly kid: string;
  readonly sign: (text: BufferSource) => Promise<ArrayBuffer>;
};

/** A public key, as a JWK (RFC 7517). `x` and `y` are its point on the curve P-256. */
type PublishedKey = {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
  readonly use: "sig";
  readonly alg: "ES256";
  readonly kid: string;
};

type IssuerKeys = {
  /** The key to sign with, and then, during a rotation, the other one. There is none if no key can be imported. */
  readonly signers: readonly Signer[];
  /** What the issuer shows, in the order of the signers. */
  readonly published: readonly PublishedKey[];
  /** What is wrong with a key that is left out. */
  readonly mistakes: readonly ConfigMistake[];
};

const keysByOidc = new WeakMap<Oidc, IssuerKeys>();

/** Imports the keys of an issuer, once. */
export async function issuerKeysOf(oidc: Oidc): Promise<IssuerKeys> {
  const cached = keysByOidc.get(oidc);
  if (cached) return cached;

  const importedKeys = await Promise.all(oidc.keys.map(importKey));

  const signers: Signer[] = [];
  const published: PublishedKey[] = [];
  const mistakes = [...oidc.mistakes];
  for (const imported of importedKeys) {
    if (imported.kind === "damaged") {
      mistakes.push(imported.mistake);
      continue;
    }

    // At the end of a rotation, both secrets may hold the same key.
    const { signer } = imported;
    if (signers.some(({ kid }) => kid === signer.kid)) continue;

    signers.push(signer);
    published.push(imported.published);
  }

  const keys = { signers, published, mistakes };
  keysByOidc.set(oidc, keys);
  return keys;
}

type ImportedKey =
  | { readonly kind: "usable"; readonly signer: Signer; readonly published: PublishedKey }
  | { readonly kind: "damaged"; readonly mistake: ConfigMistake };

/**
 * What is read of an exported private key: its public half, two texts in every key that can be imported. The key also
 * has the private part `d`.
 */
type ExportedPoint = { readonly x?: unknown; readonly y?: unknown };

const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE_ALGORITHM = { name: "ECDSA", hash: "SHA-256" };

async function importKey({ der, secret: secretName }: IssuerKey): Promise<ImportedKey> {
  try {
    // The key is imported twice. The one that signs lives on, and cannot be exported. The other one is exported here,
    // which is the only way to its public half, and is forgotten.
    const [signingKey, exportableKey] = await Promise.all([
      crypto.subtle.importKey("pkcs8", der, KEY_ALGORITHM, false, ["sign"]),
      crypto.subtle.importKey("pkcs8", der, KEY_ALGORITHM, true, ["sign"]),
    ]);
    const exported: object = await crypto.subtle.exportKey("jwk", exportableKey);
    const { x, y }: ExportedPoint = exported; // this type hides the private part

    // The name is the thumbprint of RFC 7638: a hash of the members that make the key, in alphabetical order.
    const members = JSON.stringify({ crv: "P-256", kty: "EC", x, y });
    const hash = await crypto.subtle.digest("SHA-256", utf8(members));
    const kid = encodeBase64url(hash);

    const sign = (text: BufferSource) => {
      return crypto.subtle.sign(SIGNATURE_ALGORITHM, signingKey, text);
    };
    return {
      kind: "usable",
      signer: { kid, sign },
      published: { kty: "EC", crv: "P-256", x: `${x}`, y: `${y}`, use: "sig", alg: "ES256", kid },
    };
  } catch {
    // The error is dropped: it may hold any part of the key.
    const mistake = { path: secretName, message: "cannot be imported: it is damaged" };
    return { kind: "damaged", mistake };
  }
}

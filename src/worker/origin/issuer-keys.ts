// The keys of the issuer, imported. The Worker is the issuer of its own tokens: it signs them with a private key, and
// shows the public half, by which AWS checks them. During a rotation there are two keys.
// No private part leaves this file: a key that signs cannot be exported, and no error of an import is passed on.

import { type CryptoKey, calculateJwkThumbprint, exportJWK, importPKCS8 } from "jose";
import type { IssuerKey, Oidc } from "../config/oidc.ts";
import type { ConfigMistake } from "../http/refusal.ts";

/** The algorithm of the Worker's tokens. */
export const TOKEN_ALGORITHM = "ES256";

/** A key that signs. */
export type Signer = {
  /** The name by which AWS finds the public half. */
  readonly kid: string;
  readonly key: CryptoKey;
};

/** A public key, as a JWK (RFC 7517): the members that are public, each a text in every key that can be imported. */
type PublishedKey = Readonly<
  Record<"kty" | "crv" | "x" | "y" | "use" | "alg" | "kid", string | undefined>
>;

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

async function importKey({ pem, secret: secretName }: IssuerKey): Promise<ImportedKey> {
  try {
    // The key is imported twice. The one that signs lives on, and cannot be exported. The other one is exported here,
    // which is the only way to its public half, and is forgotten.
    const [signingKey, exportableKey] = await Promise.all([
      importPKCS8(pem, TOKEN_ALGORITHM),
      importPKCS8(pem, TOKEN_ALGORITHM, { extractable: true }),
    ]);

    const exported = await exportJWK(exportableKey);
    const kid = await calculateJwkThumbprint(exported);

    // The export has the private part, too, so the public members are named.
    const { kty, crv, x, y } = exported;
    return {
      kind: "usable",
      signer: { kid, key: signingKey },
      published: { kty, crv, x, y, use: "sig", alg: TOKEN_ALGORITHM, kid },
    };
  } catch {
    // The error is dropped: it may hold any part of the key.
    const mistake = { path: secretName, message: "cannot be imported: it is damaged" };
    return { kind: "damaged", mistake };
  }
}

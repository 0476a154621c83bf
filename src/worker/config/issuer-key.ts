// Reads a private key as `openssl genpkey` writes it (PKCS#8 in PEM). Only its form: importing it takes a
// promise. Pure. No message holds any part of a key.

import { hex } from "../base/bytes.ts";

/** Who the Worker is for AWS. */
export type Issuer = {
  /** Where its public keys are found: `https://images.example.com`. */
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
};

export type IssuerKey = {
  /** The name of the secret. */
  readonly secret: string;
  /** PKCS#8 in DER. */
  readonly der: Uint8Array<ArrayBuffer>;
};

/** What is in a key, in hexadecimal: the identifiers of the algorithm and of the curve, for ES256. */
const IDENTIFIERS = "06072a8648ce3d020106082a8648ce3d030107";

/** The identifier stands in front of the key itself: bytes. */
const HEAD = 48;

const PEM = /^\s*-----BEGIN ([A-Z0-9 ]+)-----\s([\w+/=\s]+)-----END \1-----\s*$/;

const MAKE = "make it with openssl genpkey, as docs/keyless.md says";

/** @returns the key, or what is wrong with it */
export function readKey(secret: string, pem: string): IssuerKey | string {
  const [, label = "", base64 = ""] = PEM.exec(pem) ?? [];
  if (label !== "PRIVATE KEY") {
    const what = label === "" ? "" : `, but ${label}`;
    return `is not PRIVATE KEY in PEM (PKCS#8), with all its lines${what}: ${MAKE}`;
  }
  const der = decode(base64);
  if (!der) return `is damaged, its base64 is wrong: ${MAKE}`;
  const head = hex(der.slice(0, HEAD));
  return head.includes(IDENTIFIERS) ? { secret, der } : `is no EC key (P-256): ${MAKE}`;
}

function decode(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch {
    return undefined; // what it throws may hold anything
  }
}

import { type CompactJWSHeaderParameters, createRemoteJWKSet, errors } from "jose";
import type { RequestScope } from "../http/send.ts";

export type KeyLookup =
  | { readonly kind: "key"; readonly key: CryptoKey }
  | { readonly kind: "no-key"; readonly reason: string }
  | { readonly kind: "keys-failed"; readonly reason: string; readonly repeated: boolean };

const sets = new Map<string, ReturnType<typeof createRemoteJWKSet>>();

export async function findKey(
  keysUrl: string,
  header: CompactJWSHeaderParameters,
  _scope: RequestScope,
): Promise<KeyLookup> {
  const set = sets.get(keysUrl) ?? createRemoteJWKSet(new URL(keysUrl));
  sets.set(keysUrl, set);
  try {
    return { kind: "key", key: await set(header) };
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return { kind: "no-key", reason: "no key" };
    return { kind: "keys-failed", reason: `${error}`, repeated: false };
  }
}

// A slot: one of the two credential pairs with which the Worker may sign its requests to a bucket, `current` and
// `next`. With two of them, an operator can replace a key while visitors go on seeing pictures: one always works. A
// slot never changes. origin/bucket-state.ts remembers whether S3 refuses it at the moment.

import type { SlotName } from "../http/refusal.ts";

export type Credentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Only session credentials, which expire, have a token (A11). */
  readonly sessionToken?: string;
};

export type Slot = {
  readonly name: SlotName;
  readonly credentials: Credentials;
};

/** Returns whether two slots hold the same key. A slot that does not exist holds no key. */
export function isSameKey(a: Slot, b: Slot | undefined): boolean {
  if (!b) return false;

  const keyA = a.credentials;
  const keyB = b.credentials;
  return (
    keyA.accessKeyId === keyB.accessKeyId &&
    keyA.secretAccessKey === keyB.secretAccessKey &&
    keyA.sessionToken === keyB.sessionToken
  );
}

/** A slot, or credentials that are in no slot: `npx vitrine doctor` has some. */
type WithKeyId = { readonly credentials: Pick<Credentials, "accessKeyId"> };

/** How many characters at the beginning of a key id are never shown. */
const HIDDEN_LENGTH = 8;

/**
 * Returns the last four characters of the key id, by which an operator recognises the key. A short id shows fewer,
 * because its first eight characters stay hidden.
 * @example `AKIAIOSFODNN7EXAMPLE` becomes `…MPLE`
 */
export function maskKeyId(slot: WithKeyId): string {
  const visible = slot.credentials.accessKeyId.slice(HIDDEN_LENGTH);
  const lastFour = visible.slice(-4);
  return `…${lastFour}`;
}

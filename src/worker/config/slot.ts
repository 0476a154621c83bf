// One of the credential pairs of a bucket. Immutable: origin/bucket-state.ts has whether S3 refuses it.

import type { SlotName } from "../http/refusal.ts";

export type Credentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of session credentials, which expire (A11). */
  readonly sessionToken?: string;
};

export type Slot = {
  readonly name: SlotName;
  readonly credentials: Credentials;
};

/** Returns whether two slots hold the same key. */
export function isSameKey({ credentials: a }: Slot, slot: Slot | undefined): boolean {
  const b = slot?.credentials;
  return (
    a.accessKeyId === b?.accessKeyId &&
    a.secretAccessKey === b.secretAccessKey &&
    a.sessionToken === b.sessionToken
  );
}

/** The last four characters of the key id, by which an operator recognises the key. Of a short id, fewer. */
export function maskKeyId({
  credentials: { accessKeyId },
}: {
  readonly credentials: Pick<Credentials, "accessKeyId">;
}): string {
  return `…${accessKeyId.slice(8).slice(-4)}`;
}

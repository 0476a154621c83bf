// Bugs on purpose. Each breaks a property: a property that no bug breaks proves nothing.

import { BROKEN_ADDRESSES } from "./broken-addresses.ts";
import { BROKEN_REQUESTS } from "./broken-requests.ts";

export const BROKEN = { ...BROKEN_REQUESTS, ...BROKEN_ADDRESSES };

export type BrokenName = keyof typeof BROKEN;

export function isBrokenName(name: string): name is BrokenName {
  return Object.hasOwn(BROKEN, name);
}

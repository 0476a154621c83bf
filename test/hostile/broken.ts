// Bugs, each of which breaks a property: one that nothing can break proves nothing.

import { BROKEN_ADDRESSES } from "./broken-addresses.ts";
import { BROKEN_REQUESTS } from "./broken-requests.ts";
import type { PropertyName } from "./properties.ts";

export type Bug = {
  readonly breaks: PropertyName;
  /** Below src/. */
  readonly file: string;
  /** What stands there once, and what the bug makes of it. */
  readonly from: string;
  readonly to: string;
};

export const BROKEN = { ...BROKEN_REQUESTS, ...BROKEN_ADDRESSES };

export type BrokenName = keyof typeof BROKEN;

export function isBrokenName(name: string): name is BrokenName {
  return Object.hasOwn(BROKEN, name);
}

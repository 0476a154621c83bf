// Bugs on purpose. Each breaks a property: a property that no bug breaks proves nothing.

import { BROKEN_ADDRESSES } from "./broken-addresses.ts";
import { BROKEN_REQUESTS } from "./broken-requests.ts";
import type { PropertyName } from "./properties.ts";

export type Bug = {
  readonly breaks: PropertyName;
  /** Below src/. */
  readonly file: string;
  /** A text that the file contains once, and the text that replaces it. */
  readonly from: string;
  readonly to: string;
};

export const BROKEN = { ...BROKEN_REQUESTS, ...BROKEN_ADDRESSES };

export type BrokenName = keyof typeof BROKEN;

export function isBrokenName(name: string): name is BrokenName {
  return Object.hasOwn(BROKEN, name);
}

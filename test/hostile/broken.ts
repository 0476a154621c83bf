// Bugs on purpose. Each breaks a property: a property that no bug breaks proves nothing.

import { BROKEN_ADDRESSES } from "./broken-addresses.ts";
import { BROKEN_CERTAINTY } from "./broken-certainty.ts";
import { BROKEN_FACTS } from "./broken-facts.ts";
import { BROKEN_IMAGES } from "./broken-images.ts";
import { BROKEN_KEPT } from "./broken-kept.ts";
import { BROKEN_REQUESTS } from "./broken-requests.ts";
import { BROKEN_STORED } from "./broken-stored.ts";

export const BROKEN = {
  ...BROKEN_REQUESTS,
  ...BROKEN_ADDRESSES,
  ...BROKEN_CERTAINTY,
  ...BROKEN_KEPT,
  ...BROKEN_FACTS,
  ...BROKEN_IMAGES,
  ...BROKEN_STORED,
};

export type BrokenName = keyof typeof BROKEN;

export function isBrokenName(name: string): name is BrokenName {
  return Object.hasOwn(BROKEN, name);
}

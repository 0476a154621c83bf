// The names of a bucket's credential slots.

export const SLOT_NAMES = ["current", "next"] as const;

export type SlotName = (typeof SLOT_NAMES)[number];

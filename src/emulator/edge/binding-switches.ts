// What is open of the Images binding, or can go wrong with it. Each is a switch, as those of the edge are.

export const BINDING_TROUBLES = [
  ...([undefined, "throws", "stalls", "stalls-midway", "breaks-off", "lies", "original"] as const),
] as const;

/**
 * The switches of the Images binding.
 * @example
 * const switches: Partial<BindingSwitches> = { bindingFault: "stalls" };
 */
export type BindingSwitches = {
  /** B3. False: the account may not use the Images binding. */
  bindingAllowed: boolean;
  /** B1: how many bytes an image may have that the binding gets. */
  bindingBytes: number;
  /** B9, open: what the binding keeps of the EXIF data in a JPEG. */
  bindingMetadata: "dropped" | "copyright" | "kept";
  /** B6, open: what comes of an animation that is too large. */
  bindingAnimation: "original" | "error";
  /** B6, open: whether the original comes back where it is smaller than what was made of it. */
  bindingSmaller: "original" | "rendition";
  /** B6, open: what comes in place of an AVIF above 1,200 px. */
  bindingAvif: "original" | "error" | "webp";
  /** B10, open: what is the same source to the binding: the same bytes, or nothing at all. */
  bindingSame: "call" | "bytes";
  /**
   * What goes wrong with the binding. It throws, or never answers; its output stops or breaks off midway, is
   * of another type than it says, or is the original.
   */
  bindingFault: (typeof BINDING_TROUBLES)[number];
};

/** What is documented, or the value that is harder for the Worker. */
export const STRICT_BINDING = {
  bindingAllowed: true,
  bindingBytes: 20e6,
  bindingMetadata: "kept",
  bindingAnimation: "original",
  bindingSmaller: "original",
  bindingAvif: "original",
  bindingSame: "call",
  bindingFault: undefined,
} as const satisfies BindingSwitches;

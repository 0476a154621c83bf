// What an R2 bucket can be made to do wrong.

export const R2_FAULTS = [
  /** The binding throws: an internal error of R2. */
  "throws",
  /** Nothing comes: no object, or only half of its body. */
  "stall",
  "stall-midway",
  /** The body breaks off after its half. */
  "cut-short",
  /** The object says that it has half as many bytes as it has, or twice as many. */
  "says-less",
  "says-more",
] as const;

// What an R2 bucket can be made to do wrong, and what it says when it refuses a call.

export const R2_METHODS = ["head", "get", "put", "delete", "list"] as const;
type Method = (typeof R2_METHODS)[number];

export const R2_FAULTS = [
  /** The binding throws: an internal error of R2. All its methods do, or one. */
  "throws",
  ...R2_METHODS.map((method) => `throws-${method}` as const),
  /** Nothing comes: no answer, or only half of a body. */
  "stall",
  ...R2_METHODS.map((method) => `stall-${method}` as const),
  "stall-midway",
  /** A put is one write too many for its key: 429 (T3). */
  "busy",
  /** The bucket was deleted. */
  "gone",
  /** The body breaks off after its half. */
  "cut-short",
  /** The object says that it has half as many bytes as it has, or twice as many. */
  "says-less",
  "says-more",
] as const;

const TEXTS = {
  internal: "We encountered an internal error. Please try again. (10001)",
  bucket: "The specified bucket does not exist. (10006)",
  metadata: "Your metadata headers exceed the maximum allowed metadata size. (10012)",
  key: "The specified object name is not valid. (10020)",
  limit: "MaxKeys params must be positive integer <= 1000. (10022)",
  keys: "The number of keys in the request must be between 1 and 1000 inclusive. (10027)",
  range: "The requested range is not satisfiable (10039)",
  busy: "Reduce your concurrent request rate for the same object. (10058)",
};

/** Returns what the binding throws. */
export function r2Error(method: Method, reason: keyof typeof TEXTS): Error {
  return new Error(`${method}: ${TEXTS[reason]}`);
}

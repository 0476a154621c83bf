// What a strict STS can be made to do wrong.

export const STS_FAULTS = [
  /** Busy, or an internal error. */
  "Throttling",
  "ServiceUnavailable",
  "InternalFailure",
  /** STS cannot reach the issuer, or the issuer says no. */
  "IDPCommunicationError",
  "IDPRejectedClaim",
  /** The region is not activated for STS. */
  "RegionDisabledException",
  /** The connection breaks before the answer; or nothing comes. */
  "reset",
  "stall",
  /** A page of something between answers 200 in its place. */
  "garbage",
] as const;

/** What S3 said when it was asked itself. */
export type Said = {
  /** HTTP status; absent where no answer came. */
  readonly status?: number;
  /** S3's error code, as `SignatureDoesNotMatch`. */
  readonly code?: string | undefined;
  /** The region that the bucket is in, where it was asked for in another one (A5). */
  readonly region?: string | undefined;
  /** Seconds by which S3's clock is ahead of the Worker's. */
  readonly ahead?: number | undefined;
};

/**
 * Whose fault it is that a request was denied, with S3's code and what to do about it. `none`: S3 gives
 * the object to the Worker. `object`: it knows the slot, and denies the object. `setup`: no slot can be
 * right here. `slot`: it refuses the slot.
 */
export type Verdict =
  | {
      readonly fault: "none" | "object" | "setup" | "unknown";
      readonly origin?: string | undefined;
      readonly reason?: string | undefined;
      /** True where it is of this object alone. */
      readonly objectOnly?: boolean;
    }
  | { readonly fault: "slot"; readonly origin: string };

/** What is said of a denied object where S3 does not say it (A6). */
const DENIED = "missing, or not allowed by the key's policy";

/** What S3's codes mean (A5, A6, A7, A9). */
const FAULTS = new Map<string, readonly ["object" | "slot" | "unknown", reason?: string]>([
  ["AccessDenied", ["object", DENIED]],
  ["InvalidObjectState", ["object", "in an archive: restore it"]],
  ["NoSuchKey", ["object"]],
  ["NoSuchBucket", ["unknown", "check bucket"]],
  ["AuthorizationHeaderMalformed", ["slot"]],
  ["ExpiredToken", ["slot"]],
  ["InvalidAccessKeyId", ["slot"]],
  ["InvalidArgument", ["slot"]], // R2's, of a key id that is no key id
  ["InvalidSecurity", ["slot"]],
  ["InvalidToken", ["slot"]],
  ["SignatureDoesNotMatch", ["slot"]],
]);

/**
 * What follows from S3's words.
 * @param configured the region that was asked for
 */
export function verdictOf(said: Said, configured: string): Verdict {
  const { status, code: origin, region = configured, ahead } = said;
  if (status === undefined) return { fault: "unknown", reason: "S3 itself does not answer" };
  // 416: the object is empty, and has no first byte.
  if ([200, 206, 416].includes(status)) return { fault: "none" };
  if (origin === "RequestTimeTooSkewed") {
    const apart = ahead === undefined ? "over 15 minutes from" : `${ahead} s ahead of`;
    const reason = `S3's clock is ${apart} the Worker's: set the one that is wrong`;
    return { fault: "setup", origin, reason };
  }
  if (status === 401) return { fault: "slot", origin: origin ?? "401" };
  const [fault, reason] = FAULTS.get(origin ?? "") ?? [];
  if (region !== configured && (fault === undefined || origin === "AuthorizationHeaderMalformed")) {
    const wrong = `the bucket is in ${region}: set region to it, also where endpoint names one`;
    return { fault: "setup", origin, reason: wrong };
  }
  if (fault !== undefined) return { fault, origin: origin ?? "", reason };
  if (status === 404) return { fault: "object", origin: origin ?? "404" };
  if (status >= 300 && status < 400) {
    const reason = "S3 redirects: check endpoint and region";
    return { fault: "setup", origin, reason, objectOnly: true };
  }
  // A 400 for no reason above is of the object, as where its encryption's key cannot be used.
  return {
    fault: "unknown",
    origin,
    reason: `S3 itself answers ${status}: look its code up`,
    objectOnly: status === 400,
  };
}

/** True where S3 knew the slot. */
export function knowsSlot({ fault }: Verdict): boolean {
  return fault === "none" || fault === "object";
}

/**
 * What S3 just said of a slot over one object, as it holds for another.
 * @param status what the other one was denied with: a missing object's is 401 or 403 (A6, A7)
 */
export function forOthers(verdict: Verdict, status: number | undefined): Verdict {
  if (!knowsSlot(verdict) && !("objectOnly" in verdict && verdict.objectOnly)) return verdict;
  if (status === 401 || status === 403) return { fault: "object", reason: DENIED };
  return { fault: "unknown", reason: "a bad request, or a redirect" };
}

// What S3 itself says of a request.

export type Said = {
  /** The HTTP status; absent if no answer came. */
  readonly status?: number;
  /** S3's error code, such as `SignatureDoesNotMatch`. */
  readonly code?: string | undefined;
  /** The bucket's region, if the Worker asked in another one (A5). */
  readonly region?: string | undefined;
  /** How far S3's clock is ahead of the Worker's: s. */
  readonly ahead?: number | undefined;
};

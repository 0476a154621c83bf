// Session credentials that the strict S3 knows.

/**
 * Session credentials.
 * @example
 * const session: Session = { secretAccessKey: "a-secret", sessionToken: "a-token", expires: 0 };
 */
export type Session = {
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** ms since 1970. */
  readonly expires: number;
  /** Whether the role's policy denies what it allowed when the session began (K9). */
  readonly revoked?: boolean;
};

/**
 * Sessions by their access key ids.
 * @example
 * const s3 = createS3({ ...settings, sessions: new Map([["ASIA1", session]]) satisfies Sessions });
 */
export type Sessions = ReadonlyMap<string, Session>;

// Why STS refuses.

/** A refusal: the status, the code and the message. */
export type StsRefusal = {
  readonly status: number;
  readonly code: string;
  readonly message: string;
};

/** Makes a refusal of the token: the most frequent one (K7). */
export function invalidToken(message: string): StsRefusal {
  return { status: 400, code: "InvalidIdentityToken", message };
}

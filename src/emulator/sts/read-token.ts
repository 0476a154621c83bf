// Reads a web identity token as STS does: its form, its claims and its times (K6, K7). No clock: `now` is
// passed in.

import { isTable } from "../is-table.ts";
import { invalidToken, type StsRefusal } from "./refusal.ts";

/** The claims that STS reads. */
export type Claims = { readonly iss: string; readonly sub: string; readonly aud: string };

/** A token whose signature is not checked yet. */
export type Read = {
  readonly algorithm: "RS256" | "ES256";
  readonly kid: string | undefined;
  readonly claims: Claims;
  readonly exp: number;
  /** What the signature covers. */
  readonly signed: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
};

const NO_JWT =
  "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";

/** How far the clock of an issuer may be ahead: s. AWS does not say how far. */
const SKEW = 300;

/** @param now ms since 1970 */
export function readToken(token: string, now: number): Read | StsRefusal {
  const [head = "", body = "", signature = "", ...more] = token.split(".");
  const header = parsed(head);
  const claims = parsed(body);
  if (header === undefined || claims === undefined || signature === "" || more.length > 0) {
    return invalidToken(NO_JWT);
  }
  const { alg, kid } = header;
  if (alg !== "RS256" && alg !== "ES256") {
    return invalidToken("Provided Token has an unsupported signature algorithm"); // K4
  }
  const { iss, sub, exp, nbf, iat } = claims;
  const aud = Array.isArray(claims["aud"]) ? claims["aud"][0] : claims["aud"];
  if (typeof iss !== "string") return invalidToken("Missing a required claim: iss");
  if (typeof sub !== "string") return invalidToken("Missing a required claim: sub");
  if (typeof aud !== "string") return invalidToken("Missing a required claim: aud");
  if (typeof exp !== "number") return invalidToken("Missing a required claim: exp");
  if (typeof iat !== "number") return invalidToken("Missing a required claim: iat");
  const begins = Math.max(iat, typeof nbf === "number" ? nbf : iat);
  if (begins > now / 1000 + SKEW) return invalidToken("Token not yet valid"); // K6
  return {
    algorithm: alg,
    kid: typeof kid === "string" ? kid : undefined,
    claims: { iss, sub, aud },
    exp,
    signed: new Uint8Array(Buffer.from(`${head}.${body}`)),
    signature: bytesOf(signature),
  };
}

function parsed(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytesOf(part)));
    return isTable(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64url, "base64url"));
}

// The token by which AWS knows the Worker: a JWT that one of the issuer's keys signs. No clock: `now` is
// passed in. A token is a credential: it is sent to STS, and never logged.

import { base64url, utf8 } from "../../url/grant.ts";
import type { Issuer } from "../config/issuer-key.ts";
import type { Signer } from "./issuer-keys.ts";

/** How long a token is good, and how far its beginning lies back for a clock that is behind: s. */
const LASTS = 300;
const BACK = 60;

/** @param now ms since 1970 */
export async function makeToken(
  { issuer, subject, audience }: Issuer,
  { kid, algorithm, sign }: Signer,
  now: number,
): Promise<string> {
  const at = Math.floor(now / 1000);
  const head = { alg: algorithm, kid, typ: "JWT" };
  const claims = {
    ...{ iss: issuer, sub: subject, aud: audience },
    ...{ iat: at - BACK, exp: at + LASTS, jti: crypto.randomUUID() },
  };
  const text = `${encode(head)}.${encode(claims)}`;
  const signature = await sign(utf8(text));
  return `${text}.${base64url(signature)}`;
}

function encode(part: object): string {
  return base64url(utf8(JSON.stringify(part)));
}

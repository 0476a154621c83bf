// Verifies a web identity token by the keys that its issuer publishes, as STS does (K2–K7). The checks are those
// of `jose`; what AWS does otherwise stands here.

import { createRemoteJWKSet, customFetch, decodeJwt, errors, jwtVerify } from "jose";
import type { Network } from "../../../src/emulator/fetch.ts";

export type StsRefusal = {
  readonly status: number;
  readonly code: string;
  readonly message: string;
};

/** The claims that STS reads. */
export type Claims = { readonly iss: string; readonly sub: string; readonly aud: string };

type VerifierSettings = {
  readonly fetch: Network;
  readonly providers: ReadonlyMap<string, { readonly clientIds: readonly string[] }>;
  readonly now: () => number;
  readonly asksAgain: boolean;
};

/** How long STS keeps the keys of an issuer: ms. K5, open. */
const DAY_MS = 24 * 3600_000;

/** How far the clock of an issuer may be ahead: s. AWS does not say how far. */
const SKEW_S = 300;

const invalidToken = (message: string): StsRefusal => ({
  status: 400,
  code: "InvalidIdentityToken",
  message,
});

/** The issuer does not answer, or answers 5xx (K2). */
class Unreachable extends Error {}

/** Returns the function that verifies, and the list of the URLs that it asks. */
export function createTokenVerifier({ fetch, providers, now, asksAgain }: VerifierSettings) {
  const asked: string[] = [];
  const keySets = new Map<string, ReturnType<typeof createRemoteJWKSet>>();

  /** Follows no redirect. AWS does not say whether it does. */
  async function ask(url: string): Promise<Response> {
    asked.push(url);
    const answer = await fetch(url, { redirect: "manual" }).catch(() => undefined);
    if (answer === undefined || answer.status >= 500) throw new Unreachable(url);
    return answer;
  }

  async function findKeys(issuer: string) {
    const known = keySets.get(issuer);
    if (known) return known;
    const answer = await ask(`${issuer}/.well-known/openid-configuration`);
    const document: unknown = await answer.json();
    const { issuer: name, jwks_uri: uri } = Object(document);
    if (name !== issuer || typeof uri !== "string" || !uri.startsWith("https://")) {
      throw new errors.JWKSInvalid("the document of the issuer is wrong");
    }
    const keys = createRemoteJWKSet(new URL(uri), {
      [customFetch]: ask,
      cacheMaxAge: DAY_MS,
      cooldownDuration: asksAgain ? 0 : DAY_MS, // before that, an unknown key is not looked for
    });
    keySets.set(issuer, keys);
    return keys;
  }

  /** @throws what `verifyToken` makes refusals of */
  async function verify(token: string): Promise<Claims | StsRefusal> {
    const { iss = "" } = decodeJwt(token);
    const provider = providers.get(iss);
    if (!provider) return invalidToken("No OpenIDConnect provider found in your account");
    const { payload } = await jwtVerify<{ iss: string; sub: string; exp: number; iat: number }>(
      token,
      await findKeys(iss),
      {
        algorithms: ["RS256", "ES256"],
        audience: [...provider.clientIds],
        requiredClaims: ["iss", "sub", "aud", "exp", "iat"],
        clockTolerance: SKEW_S,
        currentDate: new Date(now()),
      },
    );
    // `jose` tolerates an end that is over, and accepts any `iat`.
    if (payload.exp * 1000 <= now()) throw new errors.JWTExpired("is over", payload);
    if (payload.iat > now() / 1000 + SKEW_S) return invalidToken("Token not yet valid");
    return { iss, sub: payload.sub, aud: [payload.aud].flat()[0] ?? "" };
  }

  const verifyToken = (token: string) =>
    verify(token).catch((error: unknown): StsRefusal => {
      if (error instanceof Unreachable) {
        return { status: 400, code: "IDPCommunicationError", message: "not reached" };
      }
      if (error instanceof errors.JWTExpired) {
        return { status: 400, code: "ExpiredTokenException", message: "Token expired" };
      }
      return invalidToken(String(error));
    });
  return { verifyToken, asked };
}

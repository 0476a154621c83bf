// Verifiers that others wrote. Each takes the discovery document and the keys of an issuer over a given network, and
// throws where it refuses a token.

import { JwtVerifier } from "aws-jwt-verify";
import { SimpleJwksCache } from "aws-jwt-verify/jwk";
import * as jose from "jose";
import * as openid from "openid-client";
import { ISSUER } from "../../support/issuer.ts";

const AUDIENCE = "sts.amazonaws.com";

type Get = (url: string) => Promise<Response>;

/** Throws unless a token is of ISSUER, for AUDIENCE. Returns its subject. */
export type Verifier = (token: string, get: Get) => Promise<string | undefined>;

/** It finds the keys without a discovery document, at the usual path. */
async function verifyByAws(token: string, get: Get) {
  const fetcher = { fetch: async (uri: string) => (await get(uri)).arrayBuffer() };
  const settings = { issuer: ISSUER, audience: AUDIENCE };
  const verifier = JwtVerifier.create(settings, { jwksCache: new SimpleJwksCache({ fetcher }) });
  return (await verifier.verify(token)).sub;
}

async function verifyByJose(token: string, get: Get) {
  const answer = await get(`${ISSUER}/.well-known/openid-configuration`);
  const { jwks_uri: uri }: { readonly jwks_uri: string } = await answer.json();
  const keys = jose.createRemoteJWKSet(new URL(uri), { [jose.customFetch]: get });
  return (await jose.jwtVerify(token, keys, { issuer: ISSUER, audience: AUDIENCE })).payload.sub;
}

/** It gets the token as an ID token, from a token endpoint that the issuer does not have. */
async function verifyByOpenid(token: string, get: Get) {
  const endpoint = "https://client.example/token";
  const answer = { access_token: "none", token_type: "bearer", id_token: token };
  const customFetch: openid.CustomFetch = async (url) =>
    url === endpoint ? Response.json(answer) : get(url);
  const options = { [openid.customFetch]: customFetch };
  const discovered = await openid.discovery(new URL(ISSUER), AUDIENCE, {}, openid.None(), options);
  const { supportsPKCE: _, ...server } = discovered.serverMetadata();
  const metadata = { ...server, token_endpoint: endpoint };
  const client = new openid.Configuration(metadata, AUDIENCE, {}, openid.None());
  client[openid.customFetch] = customFetch;
  openid.enableNonRepudiationChecks(client);
  return (await openid.refreshTokenGrant(client, "none")).claims()?.sub;
}

export const VERIFIERS = {
  "aws-jwt-verify": verifyByAws,
  jose: verifyByJose,
  "openid-client": verifyByOpenid,
} satisfies Record<string, Verifier>;

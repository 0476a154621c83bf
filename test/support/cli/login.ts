// A login, for tests of commands: an issuer of tokens in the network, with its keys and its discovery document.

import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import { HttpResponse, type HttpResponseResolver, http } from "msw";
import { network } from "../network.ts";

export const ISSUER = "https://login.example.com/";
export const KEYS = `${ISSUER}jwks.json`;

/** The table of a route which that login opens: each user their own folder. */
export const TOKEN = {
  issuer: ISSUER,
  audience: "images",
  keys: KEYS,
  cookie: "session",
  claims: { sub: ":user" },
};

export const USERS = {
  path: "/users/:user/:preset/*",
  object: "media/users/:user/*",
  token: TOKEN,
} as const;

export type Login = {
  /** Its public key. */
  readonly jwk: Promise<JWK>;
  /** Signs a token for Alice that is good for an hour, with these changes. */
  readonly sign: (claims?: JWTPayload, header?: object) => Promise<string>;
  /** What it answers. A test may change it. */
  keys: () => Response | Promise<Response>;
  document: () => Response;
};

const PAIR = generateKeyPair("ES256");
const JWK_OF_PAIR = PAIR.then(async ({ publicKey }) => {
  return { ...(await exportJWK(publicKey)), kid: "k1", use: "sig", alg: "ES256" };
});

/** Puts the login into the network. */
export function serveLogin(): Login {
  const login: Login = {
    jwk: JWK_OF_PAIR,
    sign: async (claims = {}, header = {}) => {
      const exp = Math.floor(Date.now() / 1000) + 3600;
      const usual = { iss: ISSUER, aud: "images", sub: "alice", exp };
      const { privateKey } = await PAIR;
      return new SignJWT({ ...usual, ...claims })
        .setProtectedHeader({ alg: "ES256", kid: "k1", ...header })
        .sign(privateKey);
    },
    keys: async () => HttpResponse.json({ keys: [await JWK_OF_PAIR] }),
    document: () => HttpResponse.json({ issuer: ISSUER, jwks_uri: KEYS }),
  };

  const answer: HttpResponseResolver = ({ request }) => {
    const { pathname } = new URL(request.url);
    if (pathname === new URL(KEYS).pathname) return login.keys();
    if (pathname === "/.well-known/openid-configuration") return login.document();
    return new HttpResponse(null, { status: 404 });
  };

  network.use(http.get(`${ISSUER}*`, answer));
  return login;
}

// A real OpenID provider, and a browser that logs in to an app of it. All run on this machine: the app and the browser
// reach the provider by the URL of its issuer, as behind a proxy that ends TLS.

import { createServer } from "node:http";
import type { JWK } from "jose";
import { HttpResponse, http, passthrough } from "msw";
import Provider from "oidc-provider";
import * as openid from "openid-client";
import { listenLocally } from "../../../src/emulator/local-server.ts";
import { ALGORITHMS } from "./libraries.ts";

export const LOGIN = "https://login.example.com";
/** Where it publishes its keys. */
export const LOGIN_KEYS = `${LOGIN}/jwks`;
/** The audience of its access tokens. The one of an ID token is the app. */
export const IMAGES = "https://images.example.com/";

const CALLBACK = "https://app.example.com/callback";

/** Each app gets tokens of its own algorithm. */
export const appOf = (alg: string) => `app-${alg}`;

export type LoginServer = {
  /** Replaces the private keys with which it signs, and which it publishes. */
  use(keys: readonly JWK[]): void;
  /** Answers a request for a URL below LOGIN. */
  fetch(url: string, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
};

/** @param send fetches from this machine */
export async function startLoginServer(send: typeof fetch): Promise<LoginServer> {
  let provider = createProvider([]);
  const server = createServer((request, answer) => void provider.callback()(request, answer));
  const { url: address, close } = await listenLocally(server, 0);

  return {
    use(keys) {
      provider = createProvider(keys);
    },
    fetch(url, init = {}) {
      const { pathname, search, host } = new URL(url);
      const headers = new Headers(init.headers);
      headers.set("x-forwarded-proto", "https");
      headers.set("x-forwarded-host", host);
      return send(new URL(pathname + search, address), { ...init, headers, redirect: "manual" });
    },
    close,
  };
}

function createProvider(keys: readonly JWK[]): Provider {
  const algorithms = [...ALGORITHMS];
  const provider = new Provider(LOGIN, {
    clients: algorithms.map((alg) => ({
      client_id: appOf(alg),
      redirect_uris: [CALLBACK],
      token_endpoint_auth_method: "none",
      id_token_signed_response_alg: alg,
    })),
    cookies: { keys: ["signs the cookies of a login"] },
    enabledJWA: { idTokenSigningAlgValues: algorithms },
    features: {
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, _resource, { clientId }) => ({
          scope: "read",
          audience: IMAGES,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: algorithms.find((alg) => appOf(alg) === clientId) ?? "RS256" } },
        }),
      },
    },
    jwks: { keys: [...keys] },
  });
  provider.proxy = true;
  return provider;
}

/** The tokens that an app gets after somebody logged in. */
export type Login = { readonly idToken: string; readonly accessToken: string };

/** Logs somebody in to the app of an algorithm, by the authorization-code flow with PKCE. */
export async function logIn(server: LoginServer, user: string, alg: string): Promise<Login> {
  const customFetch: openid.CustomFetch = (url, { method, headers, body }) =>
    server.fetch(url, { method, headers, ...(body && { body: `${body}` }) });
  const metadata = { id_token_signed_response_alg: alg };
  const options = { [openid.customFetch]: customFetch };
  const issuer = new URL(LOGIN);
  const app = await openid.discovery(issuer, appOf(alg), metadata, openid.None(), options);

  const verifier = openid.randomPKCECodeVerifier();
  const url = openid.buildAuthorizationUrl(app, {
    redirect_uri: CALLBACK,
    scope: "openid read",
    resource: IMAGES,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  });
  const callback = await browse(server, url, user);

  const checks = { pkceCodeVerifier: verifier };
  const parameters = { resource: IMAGES };
  const tokens = await openid.authorizationCodeGrant(app, callback, checks, parameters);
  return { idToken: tokens.id_token ?? "", accessToken: tokens.access_token };
}

/** Follows redirects, and sends each form of the provider, until it is back at the app. */
async function browse(server: LoginServer, start: URL, user: string): Promise<URL> {
  const cookies = new Map<string, string>();
  const form = { method: "POST", body: new URLSearchParams({ login: user, password: "any" }) };
  let url = start;
  let init: RequestInit = {};
  while (!url.href.startsWith(CALLBACK)) {
    const cookie = Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; ");
    const answer = await server.fetch(url.href, { ...init, headers: { cookie } });
    for (const [pair = ""] of answer.headers.getSetCookie().map((line) => line.split(";"))) {
      const at = pair.indexOf("=");
      cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }

    const page = await answer.text();
    const location = answer.headers.get("location");
    const [, prompt] = /name="prompt" value="(\w+)"/.exec(page) ?? [];
    if (location === null && prompt === undefined) throw new Error(`no form at ${url}: ${page}`);
    if (prompt !== undefined) form.body.set("prompt", prompt);
    init = prompt === undefined ? {} : form;
    url = new URL(location ?? url, url);
  }
  return url;
}

/** The handlers by which the Worker reaches the keys of a provider. @param onRequest is called for each request for them */
export function handlersOfLogin(login: LoginServer, onRequest: () => void) {
  return [
    http.get(LOGIN_KEYS, async () => {
      onRequest();
      const answer = await login.fetch(LOGIN_KEYS);
      return new HttpResponse(await answer.text(), answer);
    }),
    http.all(/^http:\/\/(?:127\.0\.0\.1|localhost):/, () => passthrough()),
  ];
}

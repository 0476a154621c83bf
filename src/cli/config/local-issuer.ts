// The issuer of tokens of the local run. It stands for each issuer of the configuration, as a local bucket stands for
// each bucket: developers sign in as anybody, without an account. One key signs for all of them, which is made here and
// never deployed. A deployed Worker takes no token of it: its issuers are https URLs, and this one is at localhost.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { JWK } from "jose";
import { encodeKey } from "../../url/encoding.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { ROUTE_VARIABLES, writtenRoutes } from "../../worker/config/split-vars.ts";
import { isPlainObject, parseJson, tableOf } from "../../worker/util/json.ts";
import { replaceFile } from "../files/write-file.ts";

/** The path of the local issuer. The name of an issuer that it stands for follows. */
export const LOCAL_ISSUER_PATH = "/.vitrine/issuer/";

/** The path of its public keys. */
export const LOCAL_JWKS_PATH = `${LOCAL_ISSUER_PATH}jwks.json`;

const HTTPS = "https://";

/** Cloudflare Access: its keys and its cookie may be left out of the configuration. */
const ACCESS_ISSUER = /^https:\/\/[\w-]+\.cloudflareaccess\.com$/;
const ACCESS_COOKIE = "CF_Authorization";

/** The URL of an issuer on this machine, which only .dev.vars may have. */
const ON_THIS_MACHINE = /^http:\/\/(?:localhost|127\.0\.0\.1)(?=[:/]|$)/;

/**
 * Returns the vars that the local run has for its tokens: `ROUTES` and `ROUTES_2` with the local issuer in place of each
 * issuer, and `LOCAL_ISSUER`. Audience, claims and cookie stay, so what works here works after a deploy.
 * @param vars with the routes, unchecked. What has a mistake stays as it is, to be reported
 * @param origin of the local run: `http://localhost:8787`
 * @returns no vars if no route needs a token
 */
export function localTokenVars(vars: Vars, origin: string): Vars {
  if (tokenTablesOf(vars).length === 0) return {};

  const replaced: Record<string, unknown> = { LOCAL_ISSUER: origin + LOCAL_ISSUER_PATH };
  for (const variable of ROUTE_VARIABLES) {
    const routes: unknown = parseJson(vars[variable]);
    if (!Array.isArray(routes)) continue;
    replaced[variable] = routes.map((route: unknown) => replaceIssuers(route, origin));
  }
  return replaced;
}

/** A route with the local issuer in place of each of its issuers. */
function replaceIssuers(route: unknown, origin: string): unknown {
  const routeTable = tableOf(route);
  const { token } = routeTable;
  if (token === undefined) return route;
  if (!Array.isArray(token)) return { ...routeTable, token: replaceIssuer(token, origin) };

  const tokens = token.map((table) => replaceIssuer(table, origin));
  return { ...routeTable, token: tokens };
}

/** @param table one table `token` of a route */
function replaceIssuer(table: unknown, origin: string): unknown {
  if (!isPlainObject(table)) return table;

  const { issuer, keys, cookie } = table;
  if (typeof issuer !== "string" || !issuer.startsWith(HTTPS)) return table;

  const isAccess = ACCESS_ISSUER.test(issuer);
  const hasKeys = typeof keys === "string" ? keys.startsWith(HTTPS) : isAccess;
  const needsCookie = isAccess && cookie === undefined;
  return {
    ...table,
    issuer: localIssuerOf(issuer, origin),
    ...(hasKeys && { keys: origin + LOCAL_JWKS_PATH }),
    ...(needsCookie && { cookie: ACCESS_COOKIE }),
  };
}

/**
 * Returns the vars for routes of .dev.vars, whose issuers are asked, and not replaced: `LOCAL_ISSUER`, if one of them is
 * on this machine.
 */
export function ownTokenVars(vars: Vars): Vars {
  for (const { issuer } of tokenTablesOf(vars)) {
    const isLocal = typeof issuer === "string" && ON_THIS_MACHINE.test(issuer);
    if (isLocal) return { LOCAL_ISSUER: issuer };
  }
  return {};
}

/** The tables `token` of all routes. */
function tokenTablesOf(vars: Vars): Readonly<Record<string, unknown>>[] {
  const tokens = writtenRoutes(vars).flatMap(({ value }) => tableOf(value)["token"]);
  return tokens.filter(isPlainObject);
}

/** Returns the local issuer that stands for another one. Each has one of its own, so a token for one is none for others. */
function localIssuerOf(issuer: string, origin: string): string {
  return origin + LOCAL_ISSUER_PATH + encodeKey(issuer.slice(HTTPS.length));
}

/** Returns the issuer that a local issuer stands for; undefined: it is none. */
export function replacedIssuerOf(issuer: string): string | undefined {
  const [, name] = issuer.split(LOCAL_ISSUER_PATH);
  if (name === undefined || !ON_THIS_MACHINE.test(issuer)) return undefined;
  return HTTPS + decodeURIComponent(name);
}

export const LOCAL_ISSUER_KEY_FILE = ".wrangler/vitrine/local-issuer.json";
const ALGORITHM = "ES256";

const KEY_FIELDS = ["kty", "crv", "x", "y", "d"] as const;

/** A private key on the curve P-256, as a JWK. */
type PrivateKey = Readonly<Record<(typeof KEY_FIELDS)[number], string>>;

function isPrivateKey(value: unknown): value is PrivateKey {
  const key = tableOf(value);
  return KEY_FIELDS.every((name) => typeof key[name] === "string");
}

/**
 * Reads the private key of the project's local issuer, or makes one if there is none.
 * @throws if the file cannot be read or made
 */
async function readPrivateKey(folder: string): Promise<JWK> {
  const { calculateJwkThumbprint, exportJWK, generateKeyPair } = await import("jose");
  const file = join(folder, LOCAL_ISSUER_KEY_FILE);
  if (!existsSync(file)) {
    const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
    const jwk = await exportJWK(privateKey);
    replaceFile(file, JSON.stringify(jwk));
  }

  const key = parseJson(readFileSync(file, "utf8"));
  if (!isPrivateKey(key)) throw new Error(`${file} is broken. Remove it.`);

  const kid = await calculateJwkThumbprint(key);
  return { ...key, kid, alg: ALGORITHM, use: "sig" };
}

/**
 * Returns the public keys of the local issuer, as a JWKS (RFC 7517) in JSON.
 * @throws if the file of the key cannot be read or made
 */
export async function localJwks(folder: string): Promise<string> {
  const { d: _privateHalf, ...publicKey } = await readPrivateKey(folder);
  return JSON.stringify({ keys: [publicKey] });
}

/** What a token of the local issuer says, besides its times. */
export type LocalClaims = Readonly<Record<string, string | readonly string[]>> & {
  readonly iss: string;
};

/**
 * Signs a token of the local issuer.
 * @param expiresIn in s
 * @param now ms since 1970
 * @throws if the file of the key cannot be read or made
 */
export async function signLocalToken(
  folder: string,
  claims: LocalClaims,
  expiresIn: number,
  now: number,
): Promise<string> {
  const { importJWK, SignJWT } = await import("jose");
  const jwk = await readPrivateKey(folder);
  const key = await importJWK(jwk, ALGORITHM);

  const issuedAt = Math.floor(now / 1000);
  const payload = { ...claims, iat: issuedAt, exp: issuedAt + expiresIn };
  const header = { alg: ALGORITHM, kid: `${jwk.kid}`, typ: "JWT" };
  return new SignJWT(payload).setProtectedHeader(header).sign(key);
}

/**
 * Reads a token of the local issuer.
 * @param now ms since 1970
 * @returns its claims; undefined if the local issuer did not sign it, or if it has expired
 */
export async function readLocalToken(
  folder: string,
  token: string,
  now: number,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { importJWK, jwtVerify } = await import("jose");
  const { d: _privateHalf, ...publicKey } = await readPrivateKey(folder);

  try {
    const key = await importJWK(publicKey, ALGORITHM);
    const options = { algorithms: [ALGORITHM], currentDate: new Date(now) };
    const { payload } = await jwtVerify(token, key, options);
    return payload;
  } catch {
    // It is a cookie of another app of this machine, or it has expired.
    return undefined;
  }
}

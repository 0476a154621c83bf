// Signs the visitor of the contact sheet in, as somebody whom a token of the local issuer names, as the login of an app
// would. The token is a cookie for the paths of its routes alone, and for the sheet: a cookie of localhost is sent to
// every port, so one for all paths would end the session of the app beside this local run.

import { type CommandFault, isFault } from "../../cli/command.ts";
import { readLocalToken, replacedIssuerOf, signLocalToken } from "../../cli/config/local-issuer.ts";
import { claimsOf, type NamedClaims } from "../../cli/token/claims.ts";
import { encodePath } from "../../url/encoding.ts";
import { readName } from "../../url/grammar.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { isPathName, type TokenRule } from "../../worker/config/token.ts";
import { isPlainObject } from "../../worker/util/json.ts";

/** What one token opens: the routes whose tables have one issuer and one cookie. */
export type SignIn = Pick<TokenRule, "issuer" | "audiences" | "claims"> & {
  /** Undefined: only a header opens these routes. */
  readonly cookie: string | undefined;
  readonly routes: readonly BoundRoute[];
};

/** A field of the form: a claim of the token, whose text the visitor chooses. */
export type SignInField = {
  readonly claim: string;
  /** What it may be. Undefined: any text. */
  readonly choices: readonly string[] | undefined;
};

/** Who is signed in: the claims of the token, until a time in s since 1970. */
export type SignedIn = { readonly text: string; readonly expires: number };

/** How long a token is valid: s. */
const LIFETIME_S = 8 * 3600;

/** In characters: a cookie holds 4 kB. */
const MAX_CLAIM_LENGTH = 1_024;

/** The path of the sheet's own answers. With the cookie, they say who is signed in. */
const SHEET_PATH = "/.vitrine/";

/** Groups the tables `token` of all routes for which the local issuer signs, in their order. */
export function signInsOf(routes: readonly BoundRoute[]): readonly SignIn[] {
  const signIns = new Map<string, SignIn>();

  for (const route of routes) {
    for (const rule of route.tokenRules ?? []) {
      if (replacedIssuerOf(rule.issuer) === undefined) continue;

      const { issuer, cookie } = rule;
      const id = JSON.stringify([issuer, cookie]);
      const group = signIns.get(id) ?? emptySignIn(issuer, cookie);
      signIns.set(id, withRule(group, rule, route));
    }
  }

  return [...signIns.values()];
}

function emptySignIn(issuer: string, cookie: string | undefined): SignIn {
  return { issuer, cookie, audiences: [], claims: new Map(), routes: [] };
}

/** Adds a table: a token of the result obeys it, too. */
function withRule(signIn: SignIn, rule: TokenRule, route: BoundRoute): SignIn {
  const claims = new Map(signIn.claims);
  for (const [claim, texts] of rule.claims) {
    const earlierTexts = claims.get(claim) ?? [];
    const allTexts = new Set([...earlierTexts, ...texts]);
    claims.set(claim, [...allTexts]);
  }

  const audiences = new Set([...signIn.audiences, ...rule.audiences.slice(0, 1)]);
  const routes = new Set([...signIn.routes, route]);
  return { ...signIn, audiences: [...audiences], claims, routes: [...routes] };
}

/** The claims that the visitor chooses. A claim with a single text has no choice. */
export function fieldsOf({ claims }: SignIn): readonly SignInField[] {
  const fields: SignInField[] = [];
  for (const [claim, texts] of claims) {
    if (texts.some(isPathName)) fields.push({ claim, choices: undefined });
    else if (texts.length > 1) fields.push({ claim, choices: texts });
  }
  return fields;
}

/** The claims by which the path of a picture decides who sees it. */
export type PictureOwner = {
  /** The index of the group whose token opens it. */
  readonly group: number;
  readonly claims: NamedClaims;
};

/**
 * Returns who sees a picture: by the first table of its route that the local issuer signs for, one with a cookie
 * before others.
 * @param path decoded
 * @returns undefined if the local issuer signs for none
 */
export function ownerOf(
  { tokenRules, mapping }: BoundRoute,
  path: string,
  signIns: readonly SignIn[],
): PictureOwner | undefined {
  const rules = tokenRules ?? [];
  const localRules = rules.filter(({ issuer }) => replacedIssuerOf(issuer) !== undefined);
  const rule = localRules.find(({ cookie }) => cookie !== undefined) ?? localRules[0];
  if (rule === undefined) return undefined;

  const claims = new Map<string, readonly string[]>();
  for (const [claim, texts] of rule.claims) {
    const pathName = texts.find(isPathName);
    if (pathName === undefined) continue;

    const text = readName(mapping, path, pathName);
    if (text !== undefined) claims.set(claim, [text]);
  }

  const group = signIns.findIndex(
    ({ issuer, cookie }) => issuer === rule.issuer && cookie === rule.cookie,
  );
  return { group, claims };
}

/** `sub = alice, org = acme`, in the words of the configuration. */
export function claimsText(claims: NamedClaims): string {
  const texts = [...claims].map(([claim, values]) => `${claim} = ${values.join(", ")}`);
  return texts.join(", ");
}

/**
 * Signs a token for what the visitor wrote into the form.
 * @param body the claims, as an object of texts in JSON
 * @param now ms since 1970
 * @returns the headers `Set-Cookie`
 */
export async function signIn(
  folder: string,
  group: SignIn,
  body: unknown,
  now: number,
): Promise<readonly string[] | CommandFault> {
  if (group.cookie === undefined) return { fault: "no cookie opens these routes, only Bearer" };

  const named = parseClaims(group, body);
  if (isFault(named)) return named;

  // One token opens several routes. A claim of one of them may be left out.
  const usedClaims = new Map<string, readonly string[]>();
  for (const [claim, texts] of group.claims) {
    const isOfPath = texts.every(isPathName);
    if (named.has(claim) || !isOfPath) usedClaims.set(claim, texts);
  }
  if (named.size === 0 && usedClaims.size < group.claims.size) {
    return { fault: `name one of ${[...group.claims.keys()].join(", ")}` };
  }

  const claims = claimsOf({ ...group, claims: usedClaims }, named);
  if (isFault(claims)) return claims;

  const token = await signLocalToken(folder, claims, LIFETIME_S, now);
  return cookiesOf(group, group.cookie, token, LIFETIME_S);
}

/** Returns the headers `Set-Cookie` that sign the visitor out. */
export function signOut(group: SignIn): readonly string[] {
  if (group.cookie === undefined) return [];
  return cookiesOf(group, group.cookie, "", 0);
}

function parseClaims(group: SignIn, body: unknown): NamedClaims | CommandFault {
  if (!isPlainObject(body)) return { fault: "the claims are no object of texts" };

  const claims = new Map<string, readonly string[]>();
  for (const [claim, text] of Object.entries(body)) {
    if (text === "") continue;

    const isText = typeof text === "string" && text.length <= MAX_CLAIM_LENGTH;
    if (!group.claims.has(claim) || !isText) return { fault: `${claim}: is no claim, or too long` };

    claims.set(claim, [text]);
  }
  return claims;
}

/** A cookie for each path: the routes, and the sheet. */
function cookiesOf({ routes }: SignIn, name: string, value: string, maxAge: number): string[] {
  // Browsers take these names only with Secure, which they allow for localhost, and __Host- only for all paths.
  const isSecure = /^__(?:Host|Secure)-/i.test(name);
  const isForHost = /^__Host-/i.test(name);

  const paths = new Set<string>();
  if (isForHost) {
    paths.add("/");
  } else {
    for (const { mapping } of routes) paths.add(encodePath(mapping.path.parts[0] ?? "/"));
    paths.add(SHEET_PATH);
  }

  const flags = isSecure ? "HttpOnly; SameSite=Lax; Secure" : "HttpOnly; SameSite=Lax";
  return [...paths].map((path) => `${name}=${value}; Path=${path}; Max-Age=${maxAge}; ${flags}`);
}

/**
 * Returns who is signed in, by the cookies of a request.
 * @param now ms since 1970
 */
export async function readSignedIn(
  folder: string,
  { issuer, cookie, claims }: SignIn,
  cookies: string,
  now: number,
): Promise<SignedIn | undefined> {
  for (const pair of cookies.split(";")) {
    const [name = "", value = ""] = pair.trim().split("=", 2);
    if (name !== cookie) continue;

    const payload = await readLocalToken(folder, value, now);
    if (payload?.["iss"] !== issuer) continue;

    const named = new Map<string, readonly string[]>();
    for (const claim of claims.keys()) {
      const text = payload[claim];
      if (text !== undefined) named.set(claim, [`${text}`]);
    }
    return { text: claimsText(named) || "anybody", expires: Number(payload["exp"]) };
  }
  return undefined;
}

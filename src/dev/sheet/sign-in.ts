// Signs the visitor of the contact sheet (the page of the local run) in, as the login of an app would. The visitor chooses who they
// are, and the local issuer signs a token for that. The token is a cookie. It is set for the paths of its routes and of the
// sheet alone: a cookie of localhost is sent to every port, so a cookie for all paths would end the session of the app that
// runs beside this local run.

import { type CommandFault, isFault } from "../../cli/command.ts";
import { readLocalToken, replacedIssuerOf, signLocalToken } from "../../cli/config/local-issuer.ts";
import { claimsOf, type NamedClaims } from "../../cli/token/claims.ts";
import { encodePath } from "../../url/encoding.ts";
import { readName } from "../../url/grammar.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { isPathName, type TokenRule } from "../../worker/config/token.ts";
import { isPlainObject } from "../../worker/util/json.ts";

/** What one token opens: the routes whose sections `token` have the same issuer and the same cookie. */
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

/** Groups the sections `token` of all routes, in their order, as far as the local issuer signs for them. */
export function signInsOf(routes: readonly BoundRoute[]): readonly SignIn[] {
  const signIns = new Map<string, SignIn>();

  for (const route of routes) {
    for (const rule of route.tokenRules ?? []) {
      if (!isLocallySigned(rule)) continue;

      const { issuer, cookie } = rule;
      const id = JSON.stringify([issuer, cookie]);
      const group = signIns.get(id) ?? emptySignIn(issuer, cookie);
      signIns.set(id, withRule(group, rule, route));
    }
  }

  return [...signIns.values()];
}

/** Returns whether the local issuer signs in the place of the configured one. */
function isLocallySigned({ issuer }: TokenRule): boolean {
  return replacedIssuerOf(issuer) !== undefined;
}

function emptySignIn(issuer: string, cookie: string | undefined): SignIn {
  return { issuer, cookie, audiences: [], claims: new Map(), routes: [] };
}

/** Adds a section `token`. A token of the result must satisfy it, and those that were added before. */
function withRule(signIn: SignIn, rule: TokenRule, route: BoundRoute): SignIn {
  const claims = new Map(signIn.claims);
  for (const [claim, texts] of rule.claims) {
    const earlierTexts = claims.get(claim) ?? [];
    const allTexts = new Set([...earlierTexts, ...texts]);
    claims.set(claim, [...allTexts]);
  }

  // A section may list several audiences. A token needs one of them.
  const audiences = new Set([...signIn.audiences, ...rule.audiences.slice(0, 1)]);
  const routes = new Set([...signIn.routes, route]);
  return { ...signIn, audiences: [...audiences], claims, routes: [...routes] };
}

/**
 * Returns the claims that the visitor chooses: those that must be a part of the path (`:user`, a path name), and those that may be
 * one of several texts.
 */
export function fieldsOf({ claims }: SignIn): readonly SignInField[] {
  const fields: SignInField[] = [];
  for (const [claim, texts] of claims) {
    if (texts.some(isPathName)) fields.push({ claim, choices: undefined });
    else if (texts.length > 1) fields.push({ claim, choices: texts });
  }
  return fields;
}

/** Who sees a picture, by its path: `sub = alice` for `/users/alice/fig.jpg`. */
export type PictureOwner = {
  /** The index of the group whose token opens it. */
  readonly group: number;
  readonly claims: NamedClaims;
};

/**
 * Returns who sees a picture. Of the sections `token` of its route, it takes the first one that the local issuer signs for, and
 * prefers one with a cookie.
 * @param path decoded
 * @returns undefined if the local issuer signs for none
 */
export function ownerOf(
  { tokenRules, mapping }: BoundRoute,
  path: string,
  signIns: readonly SignIn[],
): PictureOwner | undefined {
  const rules = tokenRules ?? [];
  const localRules = rules.filter((rule) => isLocallySigned(rule));
  const rule = localRules.find(({ cookie }) => cookie !== undefined) ?? localRules[0];
  if (rule === undefined) return undefined;

  const claims = new Map<string, readonly string[]>();
  for (const [claim, texts] of rule.claims) {
    const pathName = texts.find(isPathName);
    if (pathName === undefined) continue;

    const textInPath = readName(mapping, path, pathName);
    if (textInPath !== undefined) claims.set(claim, [textInPath]);
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

  // One token opens several routes. A claim that is only a part of paths may be left out: then it opens fewer of them.
  const usedClaims = new Map<string, readonly string[]>();
  for (const [claim, texts] of group.claims) {
    const isOptional = texts.every(isPathName);
    const isNamed = named.has(claim);
    if (isNamed || !isOptional) usedClaims.set(claim, texts);
  }

  // But one claim has to be named, if any can be.
  const isLeftOut = usedClaims.size < group.claims.size;
  if (named.size === 0 && isLeftOut) {
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
  // Browsers take `__Secure-…` and `__Host-…` only with `Secure`, which they allow for localhost. They take `__Host-…` only for all
  // paths.
  const isSecure = /^__(?:Host|Secure)-/i.test(name);
  const isForHost = /^__Host-/i.test(name);

  const paths = new Set<string>();
  if (isForHost) {
    paths.add("/");
  } else {
    for (const { mapping } of routes) {
      const [fixedStart = "/"] = mapping.path.parts;
      paths.add(encodePath(fixedStart));
    }
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
    // Without a claim, the token opens what any token of this issuer opens.
    const text = named.size > 0 ? claimsText(named) : "anybody";
    return { text, expires: Number(payload["exp"]) };
  }
  return undefined;
}

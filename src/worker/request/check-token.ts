// Checks the token of a visitor: a JWT (RFC 7519) that the login of the app signed. It opens a route of which it obeys one
// rule. A token is a credential: nothing of it is logged but the issuer that it names. `jose` checks the signature and the
// times; this file, which rules a token obeys.

import {
  base64url,
  type CompactJWSHeaderParameters,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
} from "jose";
import { decodePath } from "../../url/encoding.ts";
import { readName } from "../../url/grammar.ts";
import type { BoundRoute } from "../config/routes.ts";
import { isPathName, type TokenRule } from "../config/token.ts";
import type { Refusal } from "../http/refusal.ts";
import { hasRepeatedName } from "../util/json.ts";
import { parseRequestTarget } from "./resolve-request.ts";
import { findKey, type KeyScope } from "./token-keys.ts";
import type { AccessGrant } from "./url-signature.ts";

/**
 * The algorithms of signatures that are taken: those whose key is in two halves. With any other, whoever knows the public
 * half could sign.
 */
export const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/**
 * The types of tokens that are taken, in small letters (RFC 9068, section 2.1). Without any, it is a JWT, too. Issuers
 * sign tokens of other types for other ends, such as `logout+jwt`.
 */
const TYPES: readonly unknown[] = [undefined, "jwt", "at+jwt", "application/at+jwt"];

/** How far the clocks of the issuer and of the Worker may differ: s. */
const CLOCK_SKEW_S = 60;

/** A token of this length or more is not read: characters. */
const MAX_TOKEN_LENGTH = 8192;

/** How many tokens of one header are tried. A browser sends a cookie for each domain and path that set it. */
const MAX_TRIED = 4;

/** Three parts of base64url. */
const TOKEN_FORM = /^[\w-]+\.[\w-]+\.[\w-]+$/;

const BEARER = /^bearer +(\S+)$/i;

/**
 * An escape of a character that needs none: `%61` for `a` (RFC 3986, section 2.3). No app writes one, and each picture is
 * to have one spelling of its path.
 */
const NEEDLESS_ESCAPE = /%(?:2D|2E|5F|7E|3\d|[46][1-9A-F]|[57][0-9A])/i;

/** What one token leads to. */
type TokenResult =
  | { readonly kind: "opens"; readonly expires: number }
  /** The token is of another issuer, which another rule may name. */
  | { readonly kind: "of-other-issuer"; readonly reason: string }
  | { readonly kind: "refused"; readonly reason: string }
  /** The issuer's keys cannot be had, so nobody knows whether the token is right. */
  | { readonly kind: "keys-failed"; readonly refusal: Refusal };

/**
 * Looks for a token of the visitor that opens what the URL asks for.
 * @param now ms since 1970
 * @returns what the token grants, until it expires; undefined if the route needs no token
 */
export async function checkToken(
  { route }: { readonly route: Pick<BoundRoute, "tokenRules" | "mapping"> },
  { url, headers }: Pick<Request, "url" | "headers">,
  scope: KeyScope,
  now: number,
): Promise<AccessGrant | Refusal | undefined> {
  const { tokenRules, mapping } = route;
  if (!tokenRules) return undefined;

  const { pathname } = parseRequestTarget(url);
  if (NEEDLESS_ESCAPE.test(pathname)) {
    return { event: "token-refused", reason: "the path has an escape that it does not need" };
  }
  const path = decodePath(pathname) ?? "";

  // The reason for the log: of the last token that comes from the issuer of its rule, or else of the last one.
  let reason = "no token";
  let ofOtherIssuer: string | undefined;
  let keysFailure: Refusal | undefined;

  for (const rule of tokenRules) {
    const expected = expectedClaims(rule, (name) => readName(mapping, path, name));

    for (const token of tokensOf(headers, rule)) {
      const result = await tryToken(token, rule, expected, scope, now);
      switch (result.kind) {
        case "opens":
          return { expires: result.expires, isPrivate: true };
        case "of-other-issuer":
          ofOtherIssuer = result.reason;
          break;
        case "refused":
          reason = result.reason;
          break;
        case "keys-failed":
          keysFailure = result.refusal;
          break;
        default:
          result satisfies never;
      }
    }
  }

  // Without its issuer's keys, a token may be right.
  if (keysFailure) return keysFailure;
  if (reason === "no token" && ofOtherIssuer) reason = ofOtherIssuer;
  return { event: "token-refused", reason };
}

/** Returns the tokens that a request has for a rule. */
function tokensOf(headers: Headers, { cookie, header }: TokenRule): string[] {
  const [, bearer] = BEARER.exec(headers.get("authorization") ?? "") ?? [];
  const tokens = bearer ? [bearer] : [];

  const ofHeader = header && headers.get(header);
  if (ofHeader) tokens.push(ofHeader);

  if (cookie) tokens.push(...cookieValues(headers.get("cookie") ?? "", cookie));
  return tokens.slice(0, MAX_TRIED);
}

/** Returns the values of the cookies of a name: `t` of `a=b; session=t`. */
function cookieValues(header: string, cookie: string): string[] {
  const values: string[] = [];
  for (const pair of header.split(";")) {
    const [name = ""] = pair.split("=", 1);
    if (name.trim() === cookie) values.push(pair.slice(name.length + 1).trim());
  }
  return values;
}

/** For each claim of a rule, the texts that open this very path. None opens if the list is empty. */
type ExpectedClaims = ReadonlyMap<string, readonly string[]>;

/** @param readPathName returns the text of a name in the path, such as `:user` */
export function expectedClaims(
  { claims }: TokenRule,
  readPathName: (name: string) => string | undefined,
): ExpectedClaims {
  const expected = new Map<string, readonly string[]>();
  for (const [claim, texts] of claims) {
    const resolved = texts.map((text) => (isPathName(text) ? readPathName(text) : text) ?? "");

    // An empty text of the path names nobody. The schema refuses an empty text in the configuration.
    const namedTexts = resolved.filter((text) => text !== "");
    expected.set(claim, namedTexts);
  }
  return expected;
}

/** Tries a token on a rule. */
async function tryToken(
  token: string,
  rule: TokenRule,
  expected: ExpectedClaims,
  scope: KeyScope,
  now: number,
): Promise<TokenResult> {
  const claimed = readUnchecked(token);
  if (!claimed) return { kind: "refused", reason: "the token is no signed JWT that can be read" };

  // What can be seen before the signature is checked comes first: so a token of another issuer costs nothing.
  const { header, payload } = claimed;
  if (payload.iss !== rule.issuer) {
    const iss = typeof payload.iss === "string" ? payload.iss.slice(0, 200) : "no text";
    return { kind: "of-other-issuer", reason: `the token is of the issuer ${iss}` };
  }
  if (!ALGORITHMS.includes(header.alg)) {
    return { kind: "refused", reason: "the token has an algorithm that is not taken" };
  }
  const type = typeof header.typ === "string" ? header.typ.toLowerCase() : header.typ;
  if (!TYPES.includes(type)) {
    return { kind: "refused", reason: "the token has a type (typ) that is not taken" };
  }

  const lookup = await findKey(rule.keys, header, scope);
  if (lookup.kind === "no-key") return { kind: "refused", reason: lookup.reason };
  if (lookup.kind === "keys-failed") {
    const { reason, repeated } = lookup;
    const refusal: Refusal = {
      event: "token-keys-failed",
      issuer: rule.issuer,
      reason,
      repeated,
    };
    return { kind: "keys-failed", refusal };
  }

  const verified = await verify(token, lookup.key, rule, now);
  if (verified.kind === "refused") return verified;

  for (const [claim, texts] of expected) {
    const isRight = hasClaim(verified.payload, claim, texts);
    if (!isRight) {
      const choice = texts.map((text) => JSON.stringify(text)).join(" or ");
      return { kind: "refused", reason: `the claim ${claim} is not ${choice || "possible"}` };
    }
  }
  return { kind: "opens", expires: verified.expires };
}

type UncheckedToken = {
  readonly header: CompactJWSHeaderParameters;
  readonly payload: JWTPayload;
};

/** Reads a token, whose signature nobody has checked yet. @returns undefined if it is none, or none of the usual form */
function readUnchecked(token: string): UncheckedToken | undefined {
  if (token.length >= MAX_TOKEN_LENGTH || !TOKEN_FORM.test(token)) return undefined;

  try {
    const { alg, ...others } = decodeProtectedHeader(token);
    const payload = decodeJwt(token);

    // Two readers may take different ones of two claims of one name.
    const [, payloadPart = ""] = token.split(".");
    const payloadText = new TextDecoder().decode(base64url.decode(payloadPart));
    if (alg === undefined || hasRepeatedName(payloadText)) return undefined;

    return { header: { ...others, alg }, payload };
  } catch {
    return undefined;
  }
}

type Verified =
  | { readonly kind: "verified"; readonly payload: JWTPayload; readonly expires: number }
  | { readonly kind: "refused"; readonly reason: string };

/** Checks the signature of a token, and its issuer, audience and times. */
async function verify(
  token: string,
  key: CryptoKey,
  { issuer, audiences }: TokenRule,
  now: number,
): Promise<Verified> {
  const options = {
    algorithms: ALGORITHMS,
    issuer,
    ...(audiences.length > 0 && { audience: [...audiences] }),
    requiredClaims: ["exp"],
    clockTolerance: CLOCK_SKEW_S,
    currentDate: new Date(now),
  };

  try {
    const { payload } = await jwtVerify(token, key, options);
    const { exp } = payload;
    if (!Number.isFinite(exp) || exp === undefined) {
      return { kind: "refused", reason: "the claim exp is no time" };
    }
    return { kind: "verified", payload, expires: exp };
  } catch (error) {
    // An error of jose names a claim, and no value of it. Any other may hold a part of the token.
    const reason = error instanceof errors.JOSEError ? error.message : "it cannot be checked";
    return { kind: "refused", reason: `the token is refused: ${reason}` };
  }
}

/** Returns whether a claim is one of these texts, or a list of texts that has one of them. */
function hasClaim(payload: JWTPayload, claim: string, texts: readonly string[]): boolean {
  // Own claims alone: every object has a `constructor`.
  const value: unknown = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];

  const areTexts = values.every((one) => typeof one === "string");
  return areTexts && texts.some((text) => values.includes(text));
}

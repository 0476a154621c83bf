// Checks the token of a visitor: a JWT (RFC 7519) that the login of the app signed. It opens a route if it obeys one of
// the route's rules. A token is a credential: only the issuer and the key that it names are logged. `jose` checks the
// signature and the times. This file checks which rules a token obeys.

import { type CompactJWSHeaderParameters, errors, type JWTPayload, jwtVerify } from "jose";
import { decodePath } from "../../url/encoding.ts";
import { readName } from "../../url/grammar.ts";
import type { BoundRoute } from "../config/routes.ts";
import { isPathName, type TokenRule } from "../config/token.ts";
import type { Refusal } from "../http/refusal.ts";
import { findTokens, type UncheckedToken } from "./read-token.ts";
import { parseRequestTarget } from "./resolve-request.ts";
import { findKey, type KeyScope } from "./token-keys.ts";
import type { AccessGrant } from "./url-signature.ts";

/**
 * The algorithms of signatures that are taken: those with a private and a public key. With any other, the published key
 * would be the secret, and anybody could sign.
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
 * sign tokens of other types for other purposes, such as `logout+jwt`.
 */
const TYPES: readonly unknown[] = [undefined, "jwt", "at+jwt", "application/at+jwt"];

/** How far the clocks of the issuer and of the Worker may differ: s. */
const CLOCK_SKEW_S = 60;

/** How many wrong signatures of one request are checked. Each costs time, and comes before the rate limit. */
const MAX_WRONG_SIGNATURES = 4;

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
  /** The token obeys the rule, but its signature or one of its times is wrong. */
  | { readonly kind: "wrong"; readonly reason: string }
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
  let reason: string | undefined;
  let weakReason = "no token";
  let keysFailure: Refusal | undefined;
  let wrongSignatures = 0;

  for (const rule of tokenRules) {
    const expected = expectedClaims(rule, (name) => readName(mapping, path, name));
    const { tokens, hasUnreadable } = findTokens(headers, rule);
    if (hasUnreadable) weakReason = "the token is no signed JWT that can be read";

    for (const token of tokens) {
      if (wrongSignatures === MAX_WRONG_SIGNATURES) break;

      const result = await tryToken(token, rule, expected, scope, now);
      switch (result.kind) {
        case "opens":
          return { expires: result.expires, isPrivate: true };
        case "of-other-issuer":
          weakReason = result.reason;
          break;
        case "wrong":
          wrongSignatures += 1;
          reason = result.reason;
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
  return { event: "token-refused", reason: reason ?? weakReason };
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

/**
 * Tries a token on a rule. What costs nothing comes first: what the token says. It is believed only after the signature of
 * the same text was checked.
 */
async function tryToken(
  token: UncheckedToken,
  rule: TokenRule,
  expected: ExpectedClaims,
  scope: KeyScope,
  now: number,
): Promise<TokenResult> {
  const { header, payload } = token;
  if (payload.iss !== rule.issuer) {
    const iss = typeof payload.iss === "string" ? payload.iss.slice(0, 200) : "no text";
    const reason = `the token is of the issuer ${iss}, and not of ${rule.issuer}`;
    return { kind: "of-other-issuer", reason };
  }

  const reason = headerFault(header) ?? claimsFault(token, expected);
  if (reason !== undefined) return { kind: "refused", reason };

  const lookup = await findKey(rule.keys, header, scope);
  switch (lookup.kind) {
    case "key":
      return verify(token.text, lookup.key, rule, now);
    case "no-key":
      return { kind: "refused", reason: lookup.reason };
    case "keys-failed": {
      const { reason, repeated } = lookup;
      const { issuer } = rule;
      return {
        kind: "keys-failed",
        refusal: { event: "token-keys-failed", issuer, reason, repeated },
      };
    }
  }
}

/** Returns why tokens with such a header are not taken. */
function headerFault({ alg, typ, crit }: CompactJWSHeaderParameters): string | undefined {
  if (!ALGORITHMS.includes(alg)) return "the token has an algorithm that is not taken";

  const type = typeof typ === "string" ? typ.toLowerCase() : typ;
  if (!TYPES.includes(type)) return "the token has a type (typ) that is not taken";

  // Extensions that whoever checks the token must understand. There are none.
  if (crit !== undefined) return "the token has extensions (crit) that are not taken";
  return undefined;
}

/** Returns why the claims of a token do not open the path. */
function claimsFault(
  { payload, hasRepeatedClaim }: UncheckedToken,
  expected: ExpectedClaims,
): string | undefined {
  if (hasRepeatedClaim) return "the token has two claims of one name";

  for (const [claim, texts] of expected) {
    if (hasClaim(payload, claim, texts)) continue;

    const choice = texts.map((text) => JSON.stringify(text)).join(" or ");
    return `the claim ${claim} is not ${choice || "possible"}`;
  }
  return undefined;
}

/** Checks the signature of a token, and its issuer, audience and times. */
async function verify(
  token: string,
  key: CryptoKey,
  { issuer, audiences }: TokenRule,
  now: number,
): Promise<TokenResult> {
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
    if (exp === undefined || !Number.isFinite(exp)) {
      return { kind: "wrong", reason: "the claim exp is no time" };
    }
    return { kind: "opens", expires: exp };
  } catch (error) {
    // An error of jose names a claim, and no value of it. Any other may hold a part of the token.
    const reason = error instanceof errors.JOSEError ? error.message : "it cannot be checked";
    return { kind: "wrong", reason: `the token is refused: ${reason}` };
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

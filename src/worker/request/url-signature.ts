// Checks the signature of a public URL. A signature is a credential: it is never logged. Instead, the log has the text
// that had to be signed, so that an operator sees which value differs.

import { encodePath } from "../../url/encoding.ts";
import { type Grant, isSignature, textToSign } from "../../url/grant.ts";
import { isRefusal, type Refusal } from "../http/refusal.ts";
import type { RequestTarget, ResolvedRequest } from "./resolve-request.ts";

type SignatureRefusal = Extract<Refusal, { event: "signature-wrong" }>;

/** What a URL, a cookie or a token with a right signature grants: until when, and perhaps which version of the object. */
export type AccessGrant = Pick<Grant, "expires" | "version"> & {
  /** A cookie or a token granted it, so only this visitor's browser may keep the answer. */
  readonly isPrivate?: boolean;
};

/** The query of a signed URL, before its signature is checked. */
type UrlClaims = AccessGrant & {
  /** The id of the key that signed. */
  readonly kid: string;
  /** The signature as base64url. */
  readonly sig: string;
};

/**
 * Checks the signature and the expiry of a public URL.
 * @param now ms since 1970
 * @returns what the signature grants; undefined if the route is not signed
 */
export async function checkGrant(
  resolved: Pick<ResolvedRequest, "route" | "variant" | "relativeKey">,
  requestTarget: RequestTarget,
  now: number,
): Promise<AccessGrant | Refusal | undefined> {
  const { route, variant, relativeKey } = resolved;
  const { signing } = route;
  if (!signing) return undefined;

  const claims = parseUrlClaims(requestTarget);
  if (isRefusal(claims)) return claims;

  const { kid, sig, ...granted } = claims;
  const signingKey = signing.keys.get(kid);
  if (!signingKey) return refuse(`URL_SIGNING_KEYS has no ${kid}`);

  // A signature is for a preset in all its sizes: `card`, and also `card@2x`.
  const { preset } = variant;
  const grant = { route: route.path, preset, key: relativeKey, ...granted };
  const text = textToSign(grant, kid);
  const isRight = await isSignature(sig, text, signingKey);
  if (!isRight) return { ...refuse("sig does not match this text"), text };

  // The expiry comes last: only whoever has a right URL learns that it has expired.
  return checkExpiry(granted, signing.maxAge, now);
}

/**
 * `?exp=1764417600&kid=k1&v=7&sig=Zm9v…`. Each value has one spelling, so that no changed URL opens the same picture.
 * The 32 bytes of a signature are 43 characters of base64url. The last two bits of the last one are unused and zero: so
 * it is one of 16 characters.
 */
const SIGNED_QUERY =
  /^\?exp=(?<exp>[1-9]\d{0,11})&kid=(?<kid>[\w-]{1,32})(?:&v=(?<v>[\w.-]{1,64}))?&sig=(?<sig>[\w-]{42}[AEIMQUYcgkosw048])$/;

/**
 * Reads what a URL claims, and requires the path to have the spelling of `encodePath`. Does not check the signature.
 * Its refusals have `certain: true`: no key and no clock can make the URL right.
 * @param requestTarget of a path that `decodePath` can decode
 */
export function parseUrlClaims({ pathname, search }: RequestTarget): UrlClaims | SignatureRefusal {
  const isSpeltAsSigned = encodePath(decodeURIComponent(pathname)) === pathname;
  if (!isSpeltAsSigned) {
    return { ...refuse("the path is not encoded as it was signed"), certain: true };
  }

  const groups = SIGNED_QUERY.exec(search)?.groups;
  if (!groups) return { ...refuse("the query is not exp, kid, v if any, and sig"), certain: true };

  const { exp, kid = "", v: version, sig = "" } = groups;
  return { expires: Number(exp), version, kid, sig };
}

/**
 * Checks when a grant expires.
 * @param maxAge how far ahead it may expire: s
 * @param now ms since 1970
 * @returns the grant, if it is valid now
 */
export function checkExpiry(
  grant: AccessGrant,
  maxAge: number,
  now: number,
): AccessGrant | Refusal {
  const expiresMs = grant.expires * 1000;
  if (expiresMs <= now) {
    return { event: "url-expired", expired: new Date(expiresMs).toISOString() };
  }

  if (expiresMs > now + maxAge * 1000) {
    return refuse(`exp is more than max_age (${maxAge} s) ahead`);
  }

  return grant;
}

/**
 * Refuses a URL for now. The URL may be right soon: a new key or `max_age` is being deployed, or a clock is wrong. So
 * the refusal has `certain: false`, and no cache may keep the answer.
 */
function refuse(reason: string): SignatureRefusal {
  return { event: "signature-wrong", reason, certain: false };
}

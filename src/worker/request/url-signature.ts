// Checks the signature of a public URL. A signature is a credential: it is never logged. The log has the text that had
// to be signed instead, so that an operator sees which value differs.

import { encodePath } from "../../url/encoding.ts";
import { type Grant, isSignature, textToSign } from "../../url/grant.ts";
import { isRefusal, type Refusal } from "../http/refusal.ts";
import type { RequestTarget, ResolvedRequest } from "./resolve-request.ts";

type SignatureRefusal = Extract<Refusal, { event: "signature-wrong" }>;

/** What a URL or a cookie with a right signature grants. */
export type AccessGrant = Pick<Grant, "expires" | "version"> & {
  /** A cookie granted it, so only this visitor's browser may keep the answer. */
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
  if (signing === undefined) return undefined;

  const claims = parseUrlClaims(requestTarget);
  if (isRefusal(claims)) return claims;

  const { kid, sig, expires, version } = claims;
  const key = signing.keys.get(kid);
  if (key === undefined) return refuseSignature(`URL_SIGNING_KEYS has no ${kid}`);

  const grant: Grant = {
    route: route.path,
    preset: variant.preset,
    key: relativeKey,
    expires,
    version,
  };
  const text = textToSign(grant, kid);
  const isRight = await isSignature(sig, text, key);
  if (!isRight) return { ...refuseSignature("sig does not match this text"), text };

  // The expiry comes last: only whoever has a right URL learns that it has expired.
  return checkExpiry({ expires, version }, signing.maxAge, now);
}

/**
 * `?exp=1764417600&kid=k1&v=7&sig=Zm9v…`. Each value has one spelling, so that no changed URL opens the same picture.
 * A signature has 32 bytes: these are 43 characters, and the last two bits of the last character are zero.
 */
const SIGNED_QUERY =
  /^\?exp=(?<exp>[1-9]\d{0,11})&kid=(?<kid>[\w-]{1,32})(?:&v=(?<v>[\w.-]{1,64}))?&sig=(?<sig>[\w-]{42}[AEIMQUYcgkosw048])$/;

/** Reads the query, and requires the path to have the spelling of `encodePath`. Does not check the signature. */
export function parseUrlClaims({ pathname, search }: RequestTarget): UrlClaims | SignatureRefusal {
  if (encodePath(decodeURIComponent(pathname)) !== pathname) {
    return refuseSpelling("the path is not encoded as it was signed");
  }

  const groups = SIGNED_QUERY.exec(search)?.groups;
  const exp = groups?.["exp"];
  const kid = groups?.["kid"];
  const sig = groups?.["sig"];
  if (exp === undefined || kid === undefined || sig === undefined) {
    return refuseSpelling("the query is not exp, kid, v if any, and sig");
  }

  return { expires: Number(exp), version: groups?.["v"], kid, sig };
}

/**
 * Checks when a grant expires.
 * @param maxAge how far ahead it may expire: s
 * @param now ms since 1970
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
    return refuseSignature(`exp is more than max_age (${maxAge} s) ahead`);
  }

  return grant;
}

/** Refuses a URL for good: no key and no clock can make it right. */
function refuseSpelling(reason: string): SignatureRefusal {
  return { event: "signature-wrong", reason, certain: true };
}

/**
 * Refuses a URL for now. It may be right soon: a new key or `max_age` is being deployed, or a clock is wrong. So the
 * refusal is not certain, and no cache may keep the answer.
 */
function refuseSignature(reason: string): SignatureRefusal {
  return { event: "signature-wrong", reason, certain: false };
}

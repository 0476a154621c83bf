// Checks the signature of a public URL. A signature is a credential: it is never logged.

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

/** Each value has one spelling. 32 bytes are 43 characters; two bits of the last character must be zero. */
const QUERY =
  /^\?exp=([1-9]\d{0,11})&kid=([\w-]{1,32})(?:&v=([\w.-]{1,64}))?&sig=([\w-]{42}[AEIMQUYcgkosw048])$/;

/** The query of a signed URL, before its signature is checked. */
type UrlClaims = AccessGrant & { readonly kid: string; readonly sig: string };

/** Reads the query, and requires the path to have the spelling of `encodePath`. */
export function parseUrlClaims({ pathname, search }: RequestTarget): UrlClaims | SignatureRefusal {
  if (encodePath(decodeURIComponent(pathname)) !== pathname) {
    return refuseSignature("the path is not encoded as it was signed", true);
  }
  const [, exp, kid = "", version, sig = ""] = QUERY.exec(search) ?? [];
  if (!exp) return refuseSignature("the query is not exp, kid, v if any, and sig", true);
  return { expires: Number(exp), version, kid, sig };
}

/**
 * Checks the signature and the expiry of a public URL.
 * @param now ms since 1970
 * @returns what the signature grants; undefined if the route is not signed
 */
export async function checkGrant(
  { route, variant, relativeKey }: Pick<ResolvedRequest, "route" | "variant" | "relativeKey">,
  requestTarget: RequestTarget,
  now: number,
): Promise<AccessGrant | Refusal | undefined> {
  if (!route.signing) return undefined;
  const { keys, maxAge } = route.signing;
  const claim = parseUrlClaims(requestTarget);
  if (isRefusal(claim)) return claim;
  const { kid, sig, ...granted } = claim;
  const key = keys.get(kid);
  if (!key) return refuseSignature(`URL_SIGNING_KEYS has no ${kid}`);
  const text = textToSign(
    { route: route.path, preset: variant.preset, key: relativeKey, ...granted },
    kid,
  );
  if (!(await isSignature(sig, text, key)))
    return { ...refuseSignature("sig does not match this text"), text };
  return checkExpiry(granted, maxAge, now);
}

export function checkExpiry(
  grant: AccessGrant,
  maxAge: number,
  now: number,
): AccessGrant | Refusal {
  const { expires } = grant;
  if (expires * 1000 <= now) {
    return { event: "url-expired", expired: new Date(expires * 1000).toISOString() };
  }
  if (expires * 1000 > now + maxAge * 1000) {
    return refuseSignature(`exp is more than max_age (${maxAge} s) ahead`);
  }
  return grant;
}

/**
 * @param certain whether no key and no clock can make such a URL right. If not, it may be right soon: a new key or
 *   `max_age` is being deployed, or a clock is wrong
 */
function refuseSignature(reason: string, certain = false): SignatureRefusal {
  return { event: "signature-wrong", reason, certain };
}

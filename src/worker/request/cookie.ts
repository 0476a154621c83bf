// The cookie that opens an album, where the signature of the URL does not. A cookie is a credential: it is never
// logged, and no other request holds it.

import {
  COOKIE,
  type CookieClaim,
  cookieTextToSign,
  MAX_COOKIE_AGE,
  readCookieValue,
} from "../../url/cookie.ts";
import { decodePath, readRest } from "../../url/grammar.ts";
import { isSignature } from "../../url/grant.ts";
import type { Refusal } from "../base/refusal.ts";
import type { BoundRoute, Signing } from "../config/routes.ts";
import { type ResolvedRequest, readTarget } from "./resolve-request.ts";
import type { Granted } from "./url-signature.ts";

/** How many cookies of the name are tried. A browser sends one for each domain and path that set it. */
const MAX_TRIED = 10;

/** Why a cookie does not open what was asked for, for the log, with the text that had to be signed. */
type Closed = { readonly reason: string; readonly text?: string };

/**
 * Looks for a cookie that opens what the URL asks for. One that is wrong, expired or for something else is as none.
 * @param refused why the URL alone opens nothing
 * @param now ms since 1970
 * @returns what the cookie grants; or `refused`, which no browser may keep: the cookie may come
 */
export async function checkCookie(
  { route }: Pick<ResolvedRequest, "route">,
  { url, headers }: Pick<Request, "url" | "headers">,
  refused: Refusal,
  now: number,
): Promise<Granted | Refusal> {
  if (!route.signing?.cookie) return refused;
  let closed: Closed = { reason: "is not there, or has another form" };
  for (const claim of readCookies(headers.get("cookie") ?? "")) {
    const found = await checkClaim(claim, route, route.signing, url, now);
    if (!("reason" in found)) return found;
    closed = found;
  }
  if (refused.event !== "signature-wrong") return refused;
  const reason = `${refused.reason}; the cookie ${COOKIE} ${closed.reason}`;
  return { ...refused, ...closed, reason, certain: false };
}

/** The first cookies of the name that have its form. Others may be of any length. */
function readCookies(header: string): CookieClaim[] {
  const claims: CookieClaim[] = [];
  for (const pair of header.split(";")) {
    const at = pair.indexOf("=");
    if (at < 0 || pair.slice(0, at).trim() !== COOKIE) continue;
    const claim = readCookieValue(pair.slice(at + 1).trim());
    if (claim && claims.push(claim) === MAX_TRIED) break;
  }
  return claims;
}

async function checkClaim(
  { kid, sig, prefix, expires }: CookieClaim,
  { path, mapping }: BoundRoute,
  { keys, maxAge }: Signing,
  url: string,
  now: number,
): Promise<Granted | Closed> {
  const rest = readRest(mapping, decodePath(readTarget(url).pathname) ?? "") ?? "";
  if (!rest.startsWith(prefix) || rest === prefix) return { reason: `is for ${prefix}` };
  const left = expires - now / 1000;
  const maxLeft = Math.min(maxAge, MAX_COOKIE_AGE);
  if (left <= 0) return { reason: `expired at ${new Date(expires * 1000).toISOString()}` };
  if (left > maxLeft) return { reason: `expires more than ${maxLeft} s ahead` };
  const key = keys.get(kid);
  if (!key) return { reason: `has the kid ${kid}, and URL_SIGNING_KEYS does not` };
  const host = URL.canParse(url) ? new URL(url).host : "";
  const text = cookieTextToSign({ host, route: path, prefix, expires }, kid);
  const isRight = await isSignature(sig, text, key);
  return isRight ? { expires, isPrivate: true } : { reason: "is not signed for this text", text };
}

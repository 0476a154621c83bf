// Checks the cookie that opens an album, which is all that is below a folder of the route. It is read if the URL itself
// has no right signature. A cookie is a credential: it is never logged, and never sent on. What is wrong with it is for
// the log alone: the visitor gets the same answer as without a cookie.

import { cookieTextToSign, MAX_COOKIE_AGE, readCookieValue } from "../../url/cookie.ts";
import { decodePath } from "../../url/encoding.ts";
import { readRest } from "../../url/grammar.ts";
import { isSignature } from "../../url/grant.ts";
import type { Refusal } from "../http/refusal.ts";
import { parseRequestTarget, type ResolvedRequest } from "./resolve-request.ts";
import type { AccessGrant } from "./url-signature.ts";

/**
 * Finds the values of the cookies `vitrine`: in `a=b; vitrine=1764417600.k1.cGhvdG9zLw.Zm9v…; c=d`, the text from the
 * first digit to the `;`. A value has four parts with dots between them: the expiry, the id of the key, the folder as
 * base64url (1,025 bytes at most) and the signature (32 bytes). Here only their lengths are bounded, so that a long
 * header is read fast. `readCookieValue` checks them. The last `;` is left for the next cookie, by `(?=;|$)`.
 */
const VALUES =
  /(?:^|;)[ \t]*vitrine[ \t]*=[ \t]*(\d{1,12}\.[\w-]{1,32}\.[\w-]{2,1367}\.[\w-]{43})[ \t]*(?=;|$)/g;

/** How many cookies of the name are tried. A browser sends one for each domain and path that set it. */
const MAX_TRIED = 10;

/**
 * Looks for a cookie that opens what the URL asks for. Cookies that are wrong, expired or for something else are
 * ignored.
 * @param urlRefusal why the URL alone opens nothing
 * @param now ms since 1970
 * @returns what the cookie grants; without one, `urlRefusal`, with `certain: false` if a cookie may still be set
 */
export async function checkCookie(
  resolved: Pick<ResolvedRequest, "route">,
  request: Pick<Request, "url" | "headers">,
  urlRefusal: Refusal,
  now: number,
): Promise<AccessGrant | Refusal> {
  const { path, mapping, signing } = resolved.route;
  if (!signing?.cookie) return urlRefusal;

  // What a cookie must be for: a folder of the text for `*`, this host, and a time that is not too long.
  const { url, headers } = request;
  const { pathname, search } = parseRequestTarget(url);
  const rest = readRest(mapping, decodePath(pathname) ?? ""); // the text for `*`: `photos/fig.jpg`
  const host = URL.parse(url)?.host ?? ""; // no server signs a cookie for the host ""
  const maxAge = Math.min(signing.maxAge, MAX_COOKIE_AGE);

  // For the log: why the last cookie that could be read opens nothing, and the text that had to be signed for it.
  let cookieReason = "is missing or malformed";
  let text: string | undefined;

  const header = headers.get("cookie") ?? "";
  const matches = [...header.matchAll(VALUES)].slice(0, MAX_TRIED);
  for (const [, value = ""] of matches) {
    const claims = readCookieValue(value);
    if (!claims) continue; // malformed

    const { kid, sig, prefix, expires } = claims;
    text = cookieTextToSign({ host, route: path, prefix, expires }, kid);

    const secondsLeft = expires - now / 1000;
    const isCurrent = secondsLeft > 0 && secondsLeft <= maxAge;
    // A cookie for `photos/` opens what is below this folder, and not the folder itself.
    const isBelowFolder = rest?.startsWith(prefix) && rest !== prefix;
    const key = signing.keys.get(kid);
    if (!isCurrent || !isBelowFolder || !key) {
      cookieReason = "is for another place, time or key: see text";
      continue;
    }

    const isRight = await isSignature(sig, text, key);
    if (isRight) return { expires, isPrivate: true };
    cookieReason = "is not signed for this text";
  }

  // A URL that has expired ("url-expired") stays a 410: its signature was right.
  if (urlRefusal.event !== "signature-wrong") return urlRefusal;

  // A malformed cookie counts as a cookie here, so its name alone is looked for.
  const hasNeither = search === "" && !header.includes("vitrine");
  const reason = hasNeither
    ? "neither a signature nor a cookie"
    : `${urlRefusal.reason}; the cookie ${cookieReason}`;

  // If a cookie could be read, its text takes the place of the URL's.
  return { ...urlRefusal, reason, ...(text && { text }), certain: false };
}

// Checks the cookie that opens an album, where the signature of the URL does not. A cookie is a credential: it is never
// logged, and never sent on.

import { cookieTextToSign, MAX_COOKIE_AGE, readCookieValue } from "../../url/cookie.ts";
import { decodePath } from "../../url/encoding.ts";
import { readRest } from "../../url/grammar.ts";
import { isSignature } from "../../url/grant.ts";
import type { Refusal } from "../http/refusal.ts";
import { parseRequestTarget, type ResolvedRequest } from "./resolve-request.ts";
import type { AccessGrant } from "./url-signature.ts";

/** Finds the values of the cookies `vitrine`. Other cookies may be of any length. */
const VALUES =
  /(?:^|;)[ \t]*vitrine[ \t]*=[ \t]*(\d{1,12}\.[\w-]{1,32}\.[\w-]{2,1367}\.[\w-]{43})[ \t]*(?=;|$)/g;

/** How many cookies of the name are tried. A browser sends one for each domain and path that set it. */
const MAX_TRIED = 10;

/**
 * Looks for a cookie that opens what the URL asks for. A cookie that is wrong, expired or for something else is ignored.
 * @param urlRefusal why the URL alone opens nothing
 * @param now ms since 1970
 * @returns what the cookie grants; or `urlRefusal`, uncertain: the visitor may get a cookie
 */
export async function checkCookie(
  { route: { path, mapping, signing } }: Pick<ResolvedRequest, "route">,
  { url, headers }: Pick<Request, "url" | "headers">,
  urlRefusal: Refusal,
  now: number,
): Promise<AccessGrant | Refusal> {
  if (!signing?.cookie) return urlRefusal;
  const requestTarget = parseRequestTarget(url);
  const host = URL.canParse(url) ? new URL(url).host : "";
  const rest = readRest(mapping, decodePath(requestTarget.pathname) ?? "") ?? "";
  const maxAge = Math.min(signing.maxAge, MAX_COOKIE_AGE);
  // For the log: why the last cookie opens nothing, and the text that it has to sign.
  let reason = "is missing or malformed";
  let text: string | undefined;
  const values = [...(headers.get("cookie") ?? "").matchAll(VALUES)].slice(0, MAX_TRIED);
  const claims = values.flatMap(([, value = ""]) => readCookieValue(value) ?? []);
  for (const { kid, sig, prefix, expires } of claims) {
    text = cookieTextToSign({ host, route: path, prefix, expires }, kid);
    const secondsLeft = expires - now / 1000;
    const isCurrent = secondsLeft > 0 && secondsLeft <= maxAge;
    const isInFolder = rest !== prefix && rest.startsWith(prefix);
    const key = isCurrent && isInFolder ? signing.keys.get(kid) : undefined;
    if (key && (await isSignature(sig, text, key))) return { expires, isPrivate: true };
    reason = key ? "is not signed for this text" : "is for another place, time or key: see text";
  }
  if (urlRefusal.event !== "signature-wrong") return urlRefusal;
  const isBare = !headers.get("cookie")?.includes("vitrine") && requestTarget.search === "";
  reason = isBare
    ? "neither a signature nor a cookie"
    : `${urlRefusal.reason}; the cookie ${reason}`;
  return { ...urlRefusal, reason, ...(text && { text }), certain: false };
}

// Finds out whether a request is an operator's: `authorization` has one of the Worker's tokens. No token gets into an
// answer, a log line or the key of a cache.

import { decodeBase64 } from "../../url/encoding.ts";
import { readToken } from "../config/read-secrets.ts";
import { timingSafeEqual } from "../util/bytes.ts";

/**
 * Returns whether a caller may see why the Worker refuses a request: they have PURGE_TOKEN or HEALTH_TOKEN.
 * @param env of the Worker. The tokens can be read of it although the configuration is broken
 */
export async function isFromOperator(headers: Headers, env: object): Promise<boolean> {
  if (!headers.has("authorization")) return false;
  if (!isFromCaller(headers)) return false;

  const vars = { ...env };
  const purgeToken = readToken(vars, "PURGE_TOKEN");
  const canPurge = purgeToken !== undefined && (await hasToken(headers, purgeToken));
  if (canPurge) return true;

  const healthToken = readToken(vars, "HEALTH_TOKEN");
  return healthToken !== undefined && hasToken(headers, healthToken);
}

/** Returns whether the caller that sends the token has also written the request. */
export function isFromCaller(headers: Headers): boolean {
  // AWS's SNS sends the token with any message, whoever may publish to its topic.
  if (headers.has("x-amz-sns-message-type")) return false;

  // The browser of an operator may add the password to a request that a page of another site has written.
  return headers.get("sec-fetch-site") !== "cross-site";
}

/** `Bearer TOKEN`, or `Basic` and a user name and password in base64. */
const AUTHORIZATION = /^(?<scheme>bearer|basic) +(?<credentials>.*)/is;

/** Returns whether `authorization` has the token: as a bearer, or as the password of HTTP Basic. */
export async function hasToken(headers: Headers, token: string): Promise<boolean> {
  const authorization = headers.get("authorization") ?? "";
  const groups = AUTHORIZATION.exec(authorization)?.groups;
  if (!groups) return false;

  const { scheme = "", credentials = "" } = groups;
  const isBasic = scheme.toLowerCase() === "basic";
  const candidate = isBasic ? readPassword(credentials) : credentials;
  return candidate !== undefined && timingSafeEqual(candidate, token);
}

/** Returns the text after the first colon. The user name does not matter. @returns undefined if there is no password */
function readPassword(encoded: string): string | undefined {
  try {
    const text = new TextDecoder().decode(decodeBase64(encoded));
    return /:(.*)/s.exec(text)?.[1];
  } catch {
    return undefined; // not base64
  }
}

// Reads the answers of STS, AWS's Security Token Service: the session credentials of a role, or why there are none.
// Whatever stands at the URL of STS may write the answer, and may repeat the token that proves who the Worker is.
// So an answer in any other form than AWS's is refused, and a failure holds no text of the answer but its code.
// Pure: no request and no clock. `now` is passed in.

import type { Credentials } from "../config/slot.ts";
import { xmlElement } from "../http/s3-reply.ts";

/** The credentials of a role for one session: an id, a secret and a token that belong together. */
export type Session = {
  readonly kind: "session";
  readonly credentials: Required<Credentials>;
  /** When the credentials were requested: ms since 1970. */
  readonly began: number;
  /** When the credentials expire: ms since 1970. */
  readonly expires: number;
};

/** Why there are no credentials. */
export type StsFailure = {
  readonly kind: "sts-failure";
  /** STS's code, such as `AccessDenied`; its status, such as `502`; or a word of the Worker, such as `unreachable`. */
  readonly code: string;
  /** What to do, for the log. */
  readonly reason: string;
  /** Whether a second request at once may succeed. */
  readonly isTransient?: boolean;
};

export function isStsFailure(answer: Session | StsFailure): answer is StsFailure {
  return answer.kind === "sts-failure";
}

/** The Worker requests credentials for so long: s. Every role allows one hour. */
export const SESSION_SECONDS = 3600;

/** Credentials that expire sooner than this are not used, because a request to S3 takes time, too: ms. */
export const MIN_SESSION_MS = 30_000;

/**
 * The whole answer of status 200 to AssumeRoleWithWebIdentity:
 *
 *     <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
 *       <AssumeRoleWithWebIdentityResult> … <Credentials> … </Credentials> … </AssumeRoleWithWebIdentityResult>
 *     </AssumeRoleWithWebIdentityResponse>
 *
 * In front of it, there may be an XML declaration. `\1` is the name of the start tag again. What is inside has no `!`,
 * `?` or `&`, so it has no comment, no CDATA and no entity. AWS writes none, and they could hide an element from this
 * file.
 */
const ANSWER =
  /^\s*(?:<\?xml[^<>]*\?>\s*)?<(AssumeRoleWithWebIdentityResponse)(?:\s[^<>]*)?>[^!?&]*<\/\1>\s*$/;

const CREDENTIALS = /<Credentials>([\s\S]*?)<\/Credentials>/g;

// AWS writes no other characters than these. The id and the token become headers of each request to S3, so nothing else
// may get into them.
const ACCESS_KEY_ID = /^\w{16,128}$/;
const SECRET_ACCESS_KEY = /^[\w+/=.-]{16,128}$/;
const SESSION_TOKEN = /^[\w+/=.:-]{16,8192}$/;

/** `2026-11-26T13:00:00Z`, or the same with fractions of a second. */
const EXPIRATION = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/**
 * Reads the session credentials in an answer of status 200. Each element must be there once, in its form.
 * @param began when the credentials were requested: ms since 1970
 * @param now ms since 1970
 * @returns undefined if there are none, or if they expire too soon
 */
export function parseStsSession(text: string, began: number, now: number): Session | undefined {
  if (!ANSWER.test(text)) return undefined;
  const block = readOnlyMatch(CREDENTIALS, text);
  if (!block) return undefined;

  const accessKeyId = readElement(block, "AccessKeyId", ACCESS_KEY_ID);
  const secretAccessKey = readElement(block, "SecretAccessKey", SECRET_ACCESS_KEY);
  const sessionToken = readElement(block, "SessionToken", SESSION_TOKEN);
  const expiration = readElement(block, "Expiration", EXPIRATION);
  if (!accessKeyId || !secretAccessKey || !sessionToken || !expiration) return undefined;

  // With credentials that are about to expire, the Worker would ask STS again and again. A date that does not exist is
  // NaN, and fails this comparison, too.
  const expirationMs = Date.parse(expiration);
  const isUsable = expirationMs - now > MIN_SESSION_MS;
  if (!isUsable) return undefined;

  // A clock that is behind that of STS reaches `expirationMs` too late. The session lasts one hour from the request, so
  // the end of that hour is right by any clock.
  const expires = Math.min(expirationMs, began + SESSION_SECONDS * 1000);
  const credentials = { accessKeyId, secretAccessKey, sessionToken };
  return { kind: "session", credentials, began, expires };
}

/** Returns the text of an element that is there once, and has its form. */
function readElement(block: string, name: string, form: RegExp): string | undefined {
  // White space around the text is limited. With `\s*`, a long run of it would take quadratic time: the regex would try
  // each way to divide it between the two, if no end tag follows.
  const element = new RegExp(`<${name}>\\s{0,99}([^<>\\s]*)\\s{0,99}</${name}>`, "g");
  const text = readOnlyMatch(element, block);
  if (!text || !form.test(text)) return undefined;
  return text;
}

/** Returns the group of a pattern's only match; undefined if there is no match, or more than one. */
function readOnlyMatch(pattern: RegExp, text: string): string | undefined {
  const [match, ...others] = text.matchAll(pattern);
  if (others.length > 0) return undefined;
  return match?.[1];
}

/**
 * Says why an answer holds no credentials.
 * @param text the answer
 * @param token what the Worker sent. No part of it is to be in the result
 */
export function parseStsFailure(status: number, text: string, token: string): StsFailure {
  // STS answers an error with a status of 400 or more. This is a redirect, or a success without a session.
  if (status < 400) {
    const code = status >= 300 ? `${status}` : "unreadable";
    const reason = "the answer is not one of STS, or has expired: check sts";
    return { kind: "sts-failure", code, reason };
  }

  // STS's code, such as `InvalidIdentityToken`, unless it is a piece of the token. STS's message is left out: it may
  // repeat the token.
  let code = xmlElement(text, "Code");
  if (!code || token.includes(code)) code = `${status}`;
  const reason = `STS answers ${status}: see docs/keyless.md`;

  // IDPCommunicationError: STS could not fetch the issuer's public keys, often only for a moment (K2 in docs/rules.md).
  const isTransient = status >= 500 || code === "IDPCommunicationError";
  return { kind: "sts-failure", code, reason, isTransient };
}

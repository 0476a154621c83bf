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

/** Credentials with less time than this are not used: a request to S3 takes time, too. ms. */
export const MIN_SESSION_MS = 30_000;

/**
 * Reads the session credentials in the answer of status 200.
 * @param text the whole answer to AssumeRoleWithWebIdentity
 * @param began when the credentials were requested: ms since 1970
 * @param now ms since 1970
 * @returns undefined unless every element is there, once, in its form, and the credentials can still be used
 */
export function parseStsSession(text: string, began: number, now: number): Session | undefined {
  const block = findCredentials(text);
  if (block === undefined) return undefined;

  const accessKeyId = readElement(block, "AccessKeyId");
  const secretAccessKey = readElement(block, "SecretAccessKey");
  const sessionToken = readElement(block, "SessionToken");
  const expiration = readElement(block, "Expiration");
  if (!accessKeyId || !secretAccessKey || !sessionToken || !expiration) return undefined;

  // With credentials that are about to expire, the Worker would ask STS again and again.
  const expirationMs = Date.parse(expiration);
  const isNoDate = Number.isNaN(expirationMs); // such as the 45th of a month
  if (isNoDate || expirationMs - now <= MIN_SESSION_MS) return undefined;

  // The Worker's clock may be behind that of STS. Then it would use the credentials for too long, so it counts the
  // hour from its own request.
  const expires = Math.min(expirationMs, began + SESSION_SECONDS * 1000);
  const credentials = { accessKeyId, secretAccessKey, sessionToken };
  return { kind: "session", credentials, began, expires };
}

/**
 * A whole answer, with its XML declaration or without:
 *
 *     <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
 *       <AssumeRoleWithWebIdentityResult> … <Credentials> … </Credentials> … </AssumeRoleWithWebIdentityResult>
 *     </AssumeRoleWithWebIdentityResponse>
 *
 * The content has no `!`, `?` or `&`, so it has no comment, no CDATA and no entity. AWS writes none, and they could
 * hide an element from this file.
 */
const ANSWER =
  /^\s*(?:<\?xml[^<>]*\?>\s*)?<AssumeRoleWithWebIdentityResponse(?:\s[^<>]*)?>(?<content>[^!?&]*)<\/AssumeRoleWithWebIdentityResponse>\s*$/;

const CREDENTIALS = /<Credentials>(?<content>[\s\S]*?)<\/Credentials>/g;

/** Returns what stands inside of the one element `Credentials` of an answer. */
function findCredentials(text: string): string | undefined {
  const content = ANSWER.exec(text)?.groups?.["content"];
  if (content === undefined) return undefined;
  return onlyContent(content, CREDENTIALS);
}

/** The form of each element's text. AWS writes no other character, and S3 gets two of them in headers. */
const FORMS = {
  AccessKeyId: /^\w{16,128}$/,
  SecretAccessKey: /^[\w+/=.-]{16,128}$/,
  SessionToken: /^[\w+/=.:-]{16,8192}$/,
  /** `2026-11-26T13:00:00Z`, or the same with fractions of a second. */
  Expiration: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/,
} as const;

/** Returns the text of an element that is there once, and has its form. */
function readElement(block: string, name: keyof typeof FORMS): string | undefined {
  // White space around the text is limited: a long run of it would take quadratic time.
  const pattern = new RegExp(`<${name}>\\s{0,99}(?<content>[^<>\\s]*)\\s{0,99}</${name}>`, "g");
  const content = onlyContent(block, pattern);
  if (content === undefined || !FORMS[name].test(content)) return undefined;
  return content;
}

/** Returns the group `content` of the only match; undefined if there are none or several. */
function onlyContent(text: string, pattern: RegExp): string | undefined {
  const [match, ...others] = text.matchAll(pattern);
  if (others.length > 0) return undefined;
  return match?.groups?.["content"];
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

  const code = readErrorCode(text, token) ?? `${status}`;
  const reason = `STS answers ${status}: see docs/keyless.md`;

  // IDPCommunicationError: STS could not fetch the public keys of the Worker's issuer, often only for a moment (K2).
  const isTransient = status >= 500 || code === "IDPCommunicationError";
  return { kind: "sts-failure", code, reason, isTransient };
}

/** Returns STS's code, such as `InvalidIdentityToken`. STS's message is left out: it may repeat the token. */
function readErrorCode(text: string, token: string): string | undefined {
  const code = xmlElement(text, "Code");
  if (code === undefined || token.includes(code)) return undefined;
  return code;
}

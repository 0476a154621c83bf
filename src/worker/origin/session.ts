// Parses the answers of STS: session credentials of a role, or why there are none. An answer in any other form is
// refused. Pure: `now` is passed in, in ms since 1970.

import type { Credentials } from "../config/slot.ts";
import { xmlElement } from "../http/s3-reply.ts";

export type Session = {
  readonly credentials: Required<Credentials>;
  /** When the credentials were requested, and when they expire. */
  readonly began: number;
  readonly expires: number;
};

/** Why there are no credentials. */
export type StsFailure = {
  /** STS's code, such as `AccessDenied`, or a word of our own: `unreachable`. */
  readonly code: string;
  readonly reason: string;
  /** Whether a second try at once may succeed. */
  readonly isTransient?: boolean;
};

export function isStsFailure(answer: Session | StsFailure): answer is StsFailure {
  return "code" in answer;
}

/** For how long the Worker wants credentials: s. Every role allows one hour. */
export const SESSION_SECONDS = 3600;

/** Credentials are not used in their last moments: the request takes time, too. ms. */
export const MIN_SESSION_MS = 30_000;

/** No comment, no CDATA and no entity: AWS writes none, and they would hide what counts. */
const ANSWER =
  /^\s*(?:<\?xml[^<>]*\?>\s*)?<AssumeRoleWithWebIdentityResponse(?:\s[^<>]*)?>([^!?&]*)<\/AssumeRoleWithWebIdentityResponse>\s*$/;
const BLOCK = /<Credentials>([\s\S]*?)<\/Credentials>/g;

const FORMS = [
  ["AccessKeyId", /^\w{16,128}$/],
  ["SecretAccessKey", /^[\w+/=.-]{16,128}$/],
  ["SessionToken", /^[\w+/=.:-]{16,8192}$/],
  ["Expiration", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/],
] as const;

/**
 * @param text the whole answer to AssumeRoleWithWebIdentity
 * @param began when the credentials were requested. They are used for an hour from then at most, so that a clock
 *   that is behind does not use them too long
 * @returns undefined unless everything is there, once, in its right form, and can still be used
 */
export function parseStsSession(text: string, began: number, now: number): Session | undefined {
  const blocks = [...(ANSWER.exec(text)?.[1] ?? "").matchAll(BLOCK)];
  const [, block] = blocks.length === 1 ? (blocks[0] ?? []) : [];
  if (block === undefined) return undefined;
  const [accessKeyId, secretAccessKey, sessionToken, expiration] = FORMS.map(([element, form]) =>
    readElement(block, element, form),
  );
  if (!accessKeyId || !secretAccessKey || !sessionToken || !expiration) return undefined;
  const until = Date.parse(expiration);
  // With credentials that are about to expire, STS would be asked again and again.
  if (!(until - now > MIN_SESSION_MS)) return undefined;
  const credentials = { accessKeyId, secretAccessKey, sessionToken };
  return { credentials, began, expires: Math.min(until, began + SESSION_SECONDS * 1000) };
}

/** The text of an element that is there once, and has the right form. */
function readElement(block: string, element: string, form: RegExp): string | undefined {
  const pattern = new RegExp(`<${element}>\\s{0,99}([^<>\\s]*)\\s{0,99}</${element}>`, "g");
  const matches = [...block.matchAll(pattern)];
  const value = matches.length === 1 ? matches[0]?.[1] : undefined;
  return value !== undefined && form.test(value) ? value : undefined;
}

/**
 * What a refusal of STS means. Its message is left out: it may repeat the token.
 * @param token it is not to be in the result, whatever STS answers
 */
export function parseStsFailure(status: number, text: string, token: string): StsFailure {
  if (status < 400) {
    const code = status >= 300 ? `${status}` : "unreadable";
    return { code, reason: "the answer is not one of STS, or has expired: check sts" };
  }
  const stsCode = xmlElement(text, "Code");
  const code = stsCode && !token.includes(stsCode) ? stsCode : `${status}`;
  const reason = `STS answers ${status}: see docs/keyless.md`;
  return { code, reason, isTransient: status >= 500 || code === "IDPCommunicationError" };
}

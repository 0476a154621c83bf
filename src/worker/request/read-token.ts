// Finds the tokens in the headers of a request, and reads what they say. Nobody has checked their signatures yet. Anybody
// can send long headers, and each request reads them before the rate limit, so this is fast. No I/O.

import {
  base64url,
  type CompactJWSHeaderParameters,
  decodeJwt,
  decodeProtectedHeader,
  type JWTPayload,
} from "jose";
import type { TokenRule } from "../config/token.ts";
import { hasRepeatedName } from "../util/json.ts";
import { memoize } from "../util/memoize.ts";

/** What a token says. Whoever made it may have written anything. */
export type UncheckedToken = {
  /** The token itself: three parts of base64url. */
  readonly text: string;
  readonly header: CompactJWSHeaderParameters;
  readonly payload: JWTPayload;
  /** Whether two claims have one name: two readers may take different ones. */
  readonly hasRepeatedClaim: boolean;
};

/** A token of this length or more is not read: characters. */
const MAX_TOKEN_LENGTH = 8192;

/** How many texts of one header are read as tokens. A browser sends a cookie for each domain and path that set it. */
const MAX_READ = 16;

/** Three parts of base64url. */
const TOKEN_FORM = /^[\w-]+\.[\w-]+\.[\w-]+$/;

const BEARER = /^bearer +(\S+)$/i;

/** What a request has in the places where a rule looks for tokens. */
type FoundTokens = {
  readonly tokens: readonly UncheckedToken[];
  /** Whether there was a text that is no token. */
  readonly hasUnreadable: boolean;
};

/** Returns the tokens that a request has for a rule. Several rules of a route often look at the same cookie. */
export function findTokens(headers: Headers, { cookie, header }: TokenRule): FoundTokens {
  const [, bearer] = BEARER.exec(headers.get("authorization") ?? "") ?? [];
  const texts = bearer ? [bearer] : [];

  const headerText = header && headers.get(header);
  if (headerText) texts.push(headerText);

  if (cookie) texts.push(...cookieValues(headers.get("cookie") ?? "", cookie));

  // What has not even the form of a token costs nothing, so any number of it may stand before a token.
  const formedTexts = texts.filter(hasTokenForm);
  const read = formedTexts.slice(0, MAX_READ).map((text) => readOnce(headers, text));
  const tokens = read.filter((token) => token !== undefined);
  return { tokens, hasUnreadable: tokens.length < texts.length };
}

function hasTokenForm(text: string): boolean {
  return text.length < MAX_TOKEN_LENGTH && TOKEN_FORM.test(text);
}

/**
 * Returns the values of the cookies of a name: `t` of `a=b; session=t`. Browsers write a semicolon and a space between
 * two cookies, and nothing around the sign `=` (RFC 6265, section 4.2.1).
 */
function cookieValues(header: string, cookie: string): string[] {
  const start = `${cookie}=`;
  const values: string[] = [];

  let index = header.indexOf(start);
  while (index !== -1) {
    const valueIndex = index + start.length;
    const semicolon = header.indexOf(";", valueIndex);
    const endIndex = semicolon === -1 ? header.length : semicolon;

    // The name may be the last part of another one, or of a value.
    const before = header.slice(Math.max(0, index - 2), index);
    const isWholeName = before === "" || before === "; " || before.endsWith(";");
    if (isWholeName) values.push(header.slice(valueIndex, endIndex).trimEnd());

    index = header.indexOf(start, valueIndex);
  }
  return values;
}

/** The tokens that were read for a request, by their texts. */
const readingsOf = memoize((_headers: Headers) => new Map<string, UncheckedToken | undefined>());

function readOnce(headers: Headers, text: string): UncheckedToken | undefined {
  const readings = readingsOf(headers);
  if (!readings.has(text)) readings.set(text, readToken(text));
  return readings.get(text);
}

/** Reads a token. @returns undefined if it is none */
function readToken(text: string): UncheckedToken | undefined {
  try {
    const { alg, ...others } = decodeProtectedHeader(text);
    if (alg === undefined) return undefined;

    const payload = decodeJwt(text);
    const [, payloadPart = ""] = text.split(".");
    const json = new TextDecoder().decode(base64url.decode(payloadPart));
    const hasRepeatedClaim = hasRepeatedName(json);
    return { text, header: { ...others, alg }, payload, hasRepeatedClaim };
  } catch {
    return undefined;
  }
}

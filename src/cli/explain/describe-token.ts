// Says which tokens open a URL, and whether one at hand does: by the Worker's own check, with the issuer's keys. Of that
// token it shows what the check is about, and never the token itself.

import { decodeJwt, type JWTPayload } from "jose";
import { decodePath } from "../../url/encoding.ts";
import { readName } from "../../url/grammar.ts";
import type { Config } from "../../worker/config/config.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import type { TokenRule } from "../../worker/config/token.ts";
import { isRefusal, type Refusal } from "../../worker/http/refusal.ts";
import { expectedClaims } from "../../worker/request/check-token.ts";
import { tryToken } from "../urls/try-token.ts";

export type Row = readonly [name: string, value: string];

export type TokenExplanation = {
  readonly rows: readonly Row[];
  /** Why the token at hand does not open the URL, or why none can. Undefined: it opens it, or none is at hand. */
  readonly refusal: Refusal | undefined;
};

/**
 * @param token of a visitor; undefined: none is at hand
 * @param now ms since 1970
 */
export async function describeToken(
  config: Config,
  route: BoundRoute,
  { href, pathname }: URL,
  token: string | undefined,
  now: number,
): Promise<TokenExplanation> {
  const rules = route.tokenRules ?? [];
  const path = decodePath(pathname) ?? "";
  const readPathName = (name: string) => readName(route.mapping, path, name);

  // Which tokens open it.
  const rows: Row[] = [];
  for (const [index, rule] of rules.entries()) {
    const title = index === 0 ? "Token" : "Or a token";
    rows.push(...ruleRows(rule, readPathName, title));
  }

  // Whether the one at hand does.
  const granted = await tryToken(config, route, href, token, now);
  if (token === undefined) {
    rows.push(["This token", "none is at hand: give one by --token or VITRINE_TOKEN"]);

    // The path itself may be one that no token opens.
    const isOfPath = isTokenRefusal(granted) && granted.reason !== "no token";
    return { rows, refusal: isOfPath ? granted : undefined };
  }

  rows.push(["This token", contentOf(token, rules)]);
  if (isRefusal(granted)) {
    rows.push(...(await refusedRows(config, route, href, token, now)));
    return { rows, refusal: granted };
  }

  if (granted === undefined) throw new Error(`${route.path} has no table token`);
  const expires = isoTime(granted.expires);
  rows.push(["  opens it", `until ${expires}`]);
  return { rows, refusal: undefined };
}

/** @param seconds since 1970 */
function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

function isTokenRefusal(
  result: unknown,
): result is Extract<Refusal, { readonly event: "token-refused" }> {
  return isRefusal(result) && result.event === "token-refused";
}

/** What a token needs to open this very URL. */
function ruleRows(
  rule: TokenRule,
  readPathName: (name: string) => string | undefined,
  title: string,
): Row[] {
  const { issuer, audiences, cookie, header, keys } = rule;
  const senders = ["Authorization: Bearer"];
  if (cookie !== undefined) senders.push(`the cookie ${cookie}`);
  if (header !== undefined) senders.push(`the header ${header}`);

  const rows: Row[] = [
    [title, `with iss = ${JSON.stringify(issuer)}`],
    ["  sent by", senders.join(", or ")],
    ["  signed by", `a key of ${keys}`],
  ];
  if (audiences.length > 0) rows.push(["  aud", choiceOf(audiences)]);

  for (const [claim, texts] of expectedClaims(rule, readPathName)) {
    const isPossible = texts.length > 0;
    const choice = isPossible ? choiceOf(texts) : "none: that part of the path is empty";
    rows.push([`  ${claim}`, choice]);
  }
  return rows;
}

/** `= "acme" or "globex"` */
function choiceOf(texts: readonly string[]): string {
  const choices = texts.map((text) => JSON.stringify(text));
  return `= ${choices.join(" or ")}`;
}

/** A claim may be very long: characters. */
const MAX_CLAIM_LENGTH = 200;

/** What a token says, as far as the rules are about it. Nobody has checked it yet. */
function contentOf(token: string, rules: readonly TokenRule[]): string {
  const payload = readPayload(token);
  if (payload === undefined) return "cannot be read";

  const ruleClaims = rules.flatMap((rule) => [...rule.claims.keys()]);
  const claims = new Set(["iss", "aud", ...ruleClaims]);

  const texts: string[] = [];
  for (const claim of claims) texts.push(`${claim} = ${claimText(payload, claim)}`);
  return `says ${texts.join(", ")}, and ${expiryOf(payload)}`;
}

function claimText(payload: JWTPayload, claim: string): string {
  if (!Object.hasOwn(payload, claim)) return "nothing";

  const text = JSON.stringify(payload[claim]);
  return text.slice(0, MAX_CLAIM_LENGTH);
}

function readPayload(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}

/** The last time that a date can have: s since 1970. */
const MAX_TIME_S = 8.64e12;

function expiryOf({ exp }: JWTPayload): string {
  const isTime = typeof exp === "number" && Math.abs(exp) <= MAX_TIME_S;
  if (!isTime) return "has no exp";
  return `is good until ${isoTime(exp)}`;
}

/** Of several rules, why the token obeys none: the Worker logs one reason. */
async function refusedRows(
  config: Config,
  route: BoundRoute,
  href: string,
  token: string,
  now: number,
): Promise<Row[]> {
  const rules = route.tokenRules ?? [];
  if (rules.length < 2) return [];

  const rows: Row[] = [];
  for (const [index, rule] of rules.entries()) {
    const ruleRoute = { ...route, tokenRules: [rule] };
    const refusal = await tryToken(config, ruleRoute, href, token, now);

    let reason = "the keys of its issuer cannot be had";
    if (isTokenRefusal(refusal)) reason = refusal.reason;
    rows.push([`  by table ${index + 1}`, reason]);
  }
  return rows;
}

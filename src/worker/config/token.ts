// Reads the option `token` of a route: which tokens of a login open it. A token is a JWT (RFC 7519), which the login of an
// app signs for a visitor. Each table names one issuer of tokens, and what a token of it must say. One table that opens
// is enough. No I/O.

import { REST, VARIANT } from "../../url/grammar.ts";
import { isPlainObject } from "../util/json.ts";
import {
  type AddMistake,
  choose,
  listOf,
  optional,
  type PartialTable,
  type Schema,
  table,
  text,
  textLike,
  textThat,
} from "./schema.ts";

/** What a token must say to open a route. */
export type TokenRule = {
  /** The claim `iss`, letter by letter. */
  readonly issuer: string;
  /** The claim `aud` must have one of these. Empty: another claim names the app. */
  readonly audiences: readonly string[];
  /** The URL of the issuer's public keys, a JWKS (RFC 7517). */
  readonly keys: string;
  /** The cookie that has the token. Undefined: no cookie opens the route. */
  readonly cookie: string | undefined;
  /** The header that has the token, besides `authorization`. */
  readonly header: string | undefined;
  /** For each claim, the texts that it may have. `:user` is the text that this name has in the visitor's path. */
  readonly claims: ReadonlyMap<string, readonly string[]>;
};

/** At most so many tables: each may cost a visitor without a right token the check of a signature. */
export const MAX_RULES = 5;

/** The claims that name the app for which a token was made, where a login sets no `aud`. */
const APP_CLAIMS = ["azp", "client_id"];

/** Claims that an option names, or that every token must have. */
export const OPTION_OF_CLAIM: Readonly<Record<string, string>> = { iss: "issuer", aud: "audience" };

/** The name of a cookie: a token of RFC 9110. */
const COOKIE_NAME = /^[\w!#$%&'*+.^`|~-]{1,128}$/;

/**
 * An issuer of Cloudflare Access: `https://acme.cloudflareaccess.com`. Or the issuer of the local run that stands for it:
 * `http://localhost:8787/.vitrine/issuer/acme.cloudflareaccess.com`. `isTokenUrl` takes no other http:// URL.
 */
const ACCESS_ISSUER = /^(?:https:\/\/|http:\/\/[\w.:/-]+\/)[\w-]+\.cloudflareaccess\.com$/;

/** Where Access has its public keys, and how a browser and the edge send its token. */
const ACCESS_KEYS_PATH = "/cdn-cgi/access/certs";
const ACCESS_COOKIE = "CF_Authorization";
const ACCESS_HEADER = "cf-access-jwt-assertion";

/**
 * Returns the schema of a route's `token`: one table, or a list of tables.
 * @param localIssuer the issuer of the local run, which alone may be at http://localhost
 * @param isOfRoute whether the route itself has this option. In TOML, a key below the head `[[vars.ROUTES.token]]` belongs
 *   to that table, and not to the route above it
 */
export function tokenSchema(
  localIssuer: unknown,
  isOfRoute: (key: string) => boolean,
): Schema<TokenRule[]> {
  const ruleSchema = tokenRuleSchema(localIssuer, isOfRoute);
  const rulesSchema = listOf(ruleSchema);

  return (value, path, report) => {
    if (!Array.isArray(value)) {
      const rule = ruleSchema(value, path, report);
      return rule && [rule];
    }

    if (value.length > MAX_RULES) {
      report(path, `has ${value.length} tables: ${MAX_RULES} are the most`);
      return undefined;
    }
    return rulesSchema(value, path, report);
  };
}

function tokenRuleSchema(
  localIssuer: unknown,
  isOfRoute: (key: string) => boolean,
): Schema<TokenRule> {
  const options = tokenOptions(localIssuer);
  const explain = (key: string) => (isOfRoute(key) ? OF_ROUTE : undefined);
  const schema = table(options, checkRule, explain);

  return (value, path, report) => {
    const settings = schema(value, path, report);
    if (!settings) return undefined;

    const { issuer, audience = [], claims = new Map() } = settings;
    const isAccess = ACCESS_ISSUER.test(issuer);
    return {
      issuer,
      audiences: [audience].flat(),
      // `checkRule` has reported keys that are missing, except for Access.
      keys: settings.keys ?? issuer + ACCESS_KEYS_PATH,
      cookie: settings.cookie ?? (isAccess ? ACCESS_COOKIE : undefined),
      header: isAccess ? ACCESS_HEADER : undefined,
      claims,
    };
  };
}

const OF_ROUTE = "is an option of the route itself: write it before the table token begins";

export function tokenOptions(localIssuer: unknown) {
  const url = textThat(
    "an https:// URL (one on your machine stands in .dev.vars: docs/tokens.md)",
    (value) => isTokenUrl(value, localIssuer),
  );

  return {
    issuer: url,
    audience: optional(choose(Array.isArray, listOf(text), text)),
    keys: optional(url),
    cookie: optional(textLike("the name of a cookie", COOKIE_NAME)),
    claims: optional(claimsSchema),
  };
}

function checkRule(
  rule: PartialTable<ReturnType<typeof tokenOptions>>,
  addMistake: AddMistake,
): void {
  // If `issuer` has a mistake, nobody knows whether the keys may be left out.
  const { issuer, claims } = rule;
  if (issuer !== undefined && !ACCESS_ISSUER.test(issuer) && !Object.hasOwn(rule, "keys")) {
    addMistake("is missing: write the URL of the issuer's public keys, its jwks_uri", "keys");
  }

  // A login signs tokens for many apps. One that was made for another app, whose owner has it, must open nothing here.
  // If `audience` or `claims` itself has a mistake, that mistake is enough.
  const hasAudience = Object.hasOwn(rule, "audience");
  const hasWrongClaims = Object.hasOwn(rule, "claims") && claims === undefined;
  const namesApp = APP_CLAIMS.some((name) => claims?.has(name));
  if (!hasAudience && !hasWrongClaims && !namesApp) {
    addMistake(`is missing: without it, claims needs ${APP_CLAIMS.join(" or ")}`, "audience");
  }
}

/** `https://login.example.com/realms/acme`, without credentials, and without what a URL parser would change. */
export const HTTPS_URL =
  /^https:\/\/[\w.:[\]-]+(?:\/[\w.~!$&'()*+,;=:@%/-]*)?(?:\?[\w.~!$&'()*+,;=:@%/?-]*)?$/;

/** Returns whether a text is the URL of an issuer or of its keys. */
function isTokenUrl(value: string, localIssuer: unknown): boolean {
  const url = URL.parse(value);
  if (url === null) return false;
  if (HTTPS_URL.test(value)) return true;

  // Nobody but the local run has an issuer on this machine.
  const localUrl = typeof localIssuer === "string" ? URL.parse(localIssuer) : null;
  const isLocal = /^http:\/\/(localhost|127\.0\.0\.1)(:\d+)?(\/[\w.~%/-]*)?$/.test(value);
  return isLocal && localUrl?.origin === url.origin;
}

export const claimTexts = choose(Array.isArray, listOf(text), text);

/** The table `claims`: for each claim, one text or a list of texts. */
export const claimsSchema: Schema<ReadonlyMap<string, readonly string[]>> = (
  value,
  path,
  report,
) => {
  if (!isPlainObject(value) || Object.keys(value).length === 0) {
    report(path, 'is not a table such as { sub = ":user" }, or is empty');
    return undefined;
  }

  let isValid = true;
  const claims = new Map<string, readonly string[]>();
  for (const [name, expected] of Object.entries(value)) {
    const option = Object.hasOwn(OPTION_OF_CLAIM, name) ? OPTION_OF_CLAIM[name] : undefined;
    if (option) report(`${path}.${name}`, `is what the option ${option} is for`);

    const texts = claimTexts(expected, `${path}.${name}`, report);
    if (option || !texts) isValid = false;
    else claims.set(name, [texts].flat());
  }
  return isValid ? claims : undefined;
};

/** Returns whether an expected text of a claim is that of a name in the path, such as `:user`. */
export function isPathName(expected: string): boolean {
  return expected.startsWith(":");
}

/**
 * Checks that each name in the claims is a whole segment of the path and of the object: only then does the claim decide
 * which objects the token opens.
 * @param template the key template of the route: `users/:user/*`
 */
export function checkClaimNames(
  rules: readonly TokenRule[],
  path: string,
  template: string,
  addMistake: AddMistake,
): void {
  const pathSegments = path.split("/");
  const keySegments = template.split("/");

  for (const { claims } of rules) {
    for (const [claim, texts] of claims) {
      for (const name of texts.filter(isPathName)) {
        const fault = nameFault(name, pathSegments, keySegments);
        if (fault) addMistake(`claim ${claim}: ${fault}`, "token");
      }
    }
  }
}

function nameFault(
  name: string,
  pathSegments: readonly string[],
  keySegments: readonly string[],
): string | undefined {
  if (name === VARIANT || name === REST) return `${name} is no name for it`;
  if (!pathSegments.includes(name)) return `${name} is not in path`;
  if (!keySegments.includes(name)) return `${name} is no whole segment of object`;
  return undefined;
}

// Asks the issuers whose tokens open a route for their keys, as the Worker does, and for the document in which they say who
// they are. It judges the keys one by one, by the library that the Worker has; else the checks do. No token is sent.

import { createLocalJWKSet, type JWK } from "jose";
import type { Config } from "../../worker/config/config.ts";
import type { TokenRule } from "../../worker/config/token.ts";
import { ALGORITHMS } from "../../worker/request/check-token.ts";
import { isPlainObject, parseJson } from "../../worker/util/json.ts";
import { fetchText, isNoAnswer } from "../http/body.ts";
import { count } from "../terminal/progress.ts";

/** An issuer, and where it is in the configuration. */
export type IssuerSeen = {
  readonly issuer: string;
  readonly keysUrl: string;
  /** `ROUTES[0].token`, and the paths of the routes. */
  readonly tables: readonly string[];
  readonly paths: readonly string[];
  readonly keys: KeysSeen;
  readonly document: DocumentSeen;
};

/** What is at the URL of the keys. */
export type KeysSeen =
  | { readonly kind: "no-answer"; readonly reason: string }
  /** `location`: where a redirect leads. */
  | { readonly kind: "refused"; readonly status: number; readonly location: string | undefined }
  | { readonly kind: "too-large" }
  | { readonly kind: "no-key-set" }
  /** `seconds`: how long the answer took. */
  | { readonly kind: "keys"; readonly keys: readonly KeySeen[]; readonly seconds: number };

export type KeySeen = {
  /** As the issuer names it: `abc`; undefined: it has no name. */
  readonly kid: string | undefined;
  /** `RS256`, or the kind of the key if it is for several algorithms: `RSA`. */
  readonly label: string;
  /** Why the Worker cannot check a token by it. Undefined: it can. */
  readonly fault: string | undefined;
};

/** Who the issuer says that it is, in its document. What it does not say is undefined. */
type DocumentSeen =
  | { readonly kind: "no-document" }
  | {
      readonly kind: "document";
      readonly url: string;
      readonly issuer: string | undefined;
      readonly keysUrl: string | undefined;
    };

/** The Worker waits 2 s. From here, it may take longer. */
const TIMEOUT_S = 10;

/** The Worker reads no longer answer: bytes. */
const MAX_BYTES = 64 * 1024;

/** Asks each issuer once. @param now ms since 1970 */
export async function observeIssuers(
  { routes }: Pick<Config, "routes">,
  now: () => number,
): Promise<readonly IssuerSeen[]> {
  const rules: IssuerRule[] = [];
  for (const { option, path, tokenRules } of routes) {
    for (const rule of tokenRules ?? []) rules.push({ rule, path, table: `${option}.token` });
  }

  // Routes may share an issuer.
  const groups = Map.groupBy(rules, ({ rule }) => `${rule.issuer} ${rule.keys}`);
  const observing: Promise<IssuerSeen>[] = [];
  for (const group of groups.values()) {
    const [first] = group;
    if (first !== undefined) observing.push(observeIssuer(first.rule, group, now));
  }
  return Promise.all(observing);
}

/** A rule by which tokens of an issuer open a route. */
type IssuerRule = {
  readonly rule: TokenRule;
  /** Of the route. */
  readonly path: string;
  /** `ROUTES[0].token`. */
  readonly table: string;
};

/** @param group the rules that have this issuer */
async function observeIssuer(
  { issuer, keys: keysUrl }: TokenRule,
  group: readonly IssuerRule[],
  now: () => number,
): Promise<IssuerSeen> {
  const tables = new Set(group.map(({ table }) => table));
  const paths = new Set(group.map(({ path }) => path));

  const keys = await observeKeys(keysUrl, now);
  const document = await observeDocument(issuer);
  return { issuer, keysUrl, tables: [...tables], paths: [...paths], keys, document };
}

async function observeKeys(keysUrl: TokenRule["keys"], now: () => number): Promise<KeysSeen> {
  const sentAt = now();
  const result = await fetchText(keysUrl, ACCEPT_JSON, TIMEOUT_S, MAX_BYTES);
  if (isNoAnswer(result)) return { kind: "no-answer", reason: result.reason };

  const { status, headers, whole, text } = result;
  if (status !== 200) {
    const location = headers.get("location") ?? undefined;
    return { kind: "refused", status, location };
  }
  if (!whole) return { kind: "too-large" };

  const keySet = parseJson(text);
  const keys = isPlainObject(keySet) ? keySet["keys"] : undefined;

  // The library takes no set with a member that is no object, and so none of its keys.
  if (!Array.isArray(keys) || !keys.every(isPlainObject)) return { kind: "no-key-set" };

  const seconds = (now() - sentAt) / 1000;
  const keysSeen = await Promise.all(keys.map(readKey));
  return { kind: "keys", keys: keysSeen, seconds };
}

const ACCEPT_JSON = { headers: { accept: "application/json" } };

/** The library takes no shorter RSA key: bits. */
const MIN_RSA_BITS = 2_048;

/** Reads a key of a set, whose values may be anything: a table has no text, not even by `toString`. */
async function readKey(jwk: Readonly<Record<string, unknown>>): Promise<KeySeen> {
  const { kid: name, kty, alg } = jwk;
  const kid = typeof name === "string" ? name : undefined;
  const label = [alg, kty].find((text) => typeof text === "string") ?? "key";
  if (typeof kty !== "string") return { kid, label, fault: "has no kty" };

  if (kty === "oct") {
    const fault = "is symmetric: who can read it can make tokens, so the Worker takes none";
    return { kid, label, fault };
  }

  if (jwk["d"] !== undefined) {
    return { kid, label, fault: "is a private key: who can read it can make tokens" };
  }

  // A key that names no algorithm is for all of its kind.
  const algorithms =
    alg === undefined ? ALGORITHMS : ALGORITHMS.filter((algorithm) => algorithm === alg);
  if (algorithms.length === 0) {
    return { kid, label, fault: "is for an algorithm that the Worker does not take" };
  }

  for (const algorithm of algorithms) {
    const importing = await importKey({ ...jwk, kty }, algorithm, kid);
    if (importing.kind === "refused") continue;

    const { bits } = importing;
    const isShort = bits !== undefined && bits < MIN_RSA_BITS;
    return { kid, label, fault: isShort ? `has ${count(bits)} bits, and needs 2,048` : undefined };
  }
  return { kid, label, fault: "cannot be used to check a signature" };
}

type ImportedKey =
  /** `bits`: the length of an RSA key. */
  | { readonly kind: "imported"; readonly bits: number | undefined }
  /** It is no key for that algorithm. */
  | { readonly kind: "refused" };

/** Imports a key for an algorithm, as the Worker does. */
async function importKey(jwk: JWK, alg: string, kid: string | undefined): Promise<ImportedKey> {
  try {
    const findKey = createLocalJWKSet({ keys: [jwk] });
    const key = await findKey({ alg, ...(kid !== undefined && { kid }) });
    const { modulusLength } = { modulusLength: undefined, ...key.algorithm };
    return { kind: "imported", bits: modulusLength };
  } catch {
    return { kind: "refused" };
  }
}

/** Reads the document of OpenID Connect, or of OAuth (RFC 8414), where the issuer may have either. */
async function observeDocument(issuer: string): Promise<DocumentSeen> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, "");
  const urls = [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ];

  for (const url of urls) {
    const result = await fetchText(url, ACCEPT_JSON, TIMEOUT_S, MAX_BYTES);
    if (isNoAnswer(result) || result.status !== 200) continue;

    const table = parseJson(result.text);
    if (!isPlainObject(table)) continue;

    const { issuer: name, jwks_uri: keysUrl } = table;
    return {
      kind: "document",
      url,
      issuer: typeof name === "string" ? name : undefined,
      keysUrl: typeof keysUrl === "string" ? keysUrl : undefined,
    };
  }
  return { kind: "no-document" };
}

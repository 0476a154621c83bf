// An issuer of tokens (OpenID Connect), as a login of Auth0, Clerk, Cognito or Supabase is one, for the tests of a route
// with `token`. It signs tokens with keys of its own, and shows the public halves. Nobody logs in: a test says whom a
// token names, so it also signs what no real issuer would, such as a token without `exp`.

import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";
import {
  call,
  checkSettings,
  definedOf,
  flag,
  guardSwitches,
  oneOf,
  optional,
  type Rule,
  type SwitchValues,
  strictValues,
  switchOf,
  text,
  wholeNumber,
} from "./check.ts";
import { type FetchInit, type FetchInput, inputUrlOf, unlessAborted } from "./fetch.ts";
import { connectionError } from "./s3/faults.ts";

/** The algorithms of signatures (RFC 7518, RFC 8037, RFC 9864). The first one signs unless a test names another. */
const ALGORITHMS = [
  "RS256",
  "PS256",
  "ES256",
  "EdDSA",
  "RS384",
  "RS512",
  "PS384",
  "PS512",
  "ES384",
  "ES512",
  "Ed25519",
] as const;

/**
 * An algorithm of a signature.
 * @example
 * const token = await issuer.token({ sub: "alice" }, { alg: "ES256" satisfies IssuerAlgorithm });
 */
export type IssuerAlgorithm = (typeof ALGORITHMS)[number];

/** What the big providers sign with. */
const USUAL_ALGORITHMS: readonly IssuerAlgorithm[] = ["RS256", "PS256", "ES256", "EdDSA"];

const status: Rule<number> = {
  expected: "a status of HTTP, 200 to 599",
  test: (value): value is number =>
    Number.isInteger(value) && Number(value) >= 200 && Number(value) <= 599,
};

const SWITCHES = {
  /** True: nothing listens there, and `fetch` fails. */
  down: switchOf(flag, false),
  /** How long each answer takes: ms. `Infinity`: it never comes. */
  slow: switchOf(wholeNumber, 0),
  /** The status of each answer. With any other than 200, no document comes. */
  status: switchOf(status, 200),
};

/**
 * What can go wrong with an issuer.
 * @example
 * const switches: Partial<IssuerSwitches> = { status: 503 };
 */
export type IssuerSwitches = SwitchValues<typeof SWITCHES>;

/**
 * What an issuer is made with.
 * @example
 * const settings: IssuerSettings = { issuer: "https://acme.eu.auth0.com/" };
 */
export type IssuerSettings = Partial<IssuerSwitches> & {
  /** The claim `iss`, letter by letter as in the configuration. Left out: `https://login.example.com/`. */
  readonly issuer?: string;
  /** The URL of the public keys. Left out: `.well-known/jwks.json` below the issuer. */
  readonly keys?: string;
  /** It has a key for each. The first one signs. Left out: RS256, PS256, ES256 and EdDSA. */
  readonly algorithms?: readonly IssuerAlgorithm[];
  /** ms since 1970. Left out: the clock of this machine. */
  readonly now?: () => number;
};

/**
 * How a token is signed.
 * @example
 * const expired: TokenOptions = { expiresIn: -3600 };
 */
export type TokenOptions = {
  /** Left out: the first one of the issuer. */
  readonly alg?: IssuerAlgorithm;
  /** The `kid` of the header. Left out: that of the key, which signs in any case. */
  readonly kid?: string;
  /** How long after now the token expires: s. Left out: 3,600. */
  readonly expiresIn?: number;
};

/**
 * An issuer of tokens.
 * @example
 * const issuer: Issuer = createIssuer();
 * const headers = { authorization: `Bearer ${await issuer.token({ sub: "alice", aud: "images" })}` };
 */
export type Issuer = {
  /** For the option `issuer` of a route's `token`. */
  readonly issuer: string;
  /** For its option `keys`: the URL of the public keys, a JWKS. */
  readonly keys: string;
  /** May be changed at any time. */
  readonly switches: IssuerSwitches;
  /** All requests, in order, also those that got no answer. */
  readonly requests: Request[];
  /**
   * Signs a token (a JWT). It has `iss`, `iat` and `exp`, unless the claims have others: `exp: undefined` leaves it out.
   * @throws {TypeError} if an option is wrong or unknown, or the issuer has no key for `alg`
   */
  token(claims?: Readonly<Record<string, unknown>>, options?: TokenOptions): Promise<string>;
  /**
   * Signs with new keys from now on. The JWKS has the old ones, too, unless the issuer is to `forget` them: then no token
   * of before can be checked any more.
   */
  rotate(options?: { readonly forget?: boolean }): void;
  /** Whether a URL leads to this issuer: to its keys, or below its own URL. */
  matches(input: FetchInput): boolean;
  /**
   * Answers with the public keys, or with the discovery document. Where no answer comes, it fails as the global `fetch`
   * does: with a TypeError. A URL that is not of this issuer leads nowhere (`ENOTFOUND`).
   */
  fetch(input: FetchInput, init?: FetchInit): Promise<Response>;
};

const url: Rule<string> = {
  expected: "a URL without a query, such as https://login.example.com/",
  test: (value): value is string => typeof value === "string" && isIssuerUrl(value),
};

/** Returns whether a text is a URL that a parser does not change, except for the slash behind a host. */
function isIssuerUrl(value: string): boolean {
  const href = URL.parse(value)?.href;
  const isUnchanged = href === value || href === `${value}/`;
  return isUnchanged && /^https?:[^?#]+$/.test(value);
}

const SETTINGS = {
  issuer: optional(url),
  keys: optional(url),
  algorithms: optional(algorithmsRule()),
  now: optional(call<() => number>()),
} satisfies Record<keyof Omit<IssuerSettings, keyof IssuerSwitches>, Rule>;

function algorithmsRule(): Rule<readonly IssuerAlgorithm[]> {
  const { expected, test } = oneOf(...ALGORITHMS);
  return {
    expected: `a list, not empty, each ${expected}`,
    test: (value): value is readonly IssuerAlgorithm[] =>
      Array.isArray(value) && value.length > 0 && value.every(test),
  };
}

const seconds: Rule<number> = {
  expected: "a number of seconds",
  test: (value): value is number => Number.isFinite(value),
};

type KeyPair = {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  /** The public half, as it stands in the JWKS. */
  readonly jwk: object;
};

/** The keys of the time between two rotations, by their algorithms. Each is made when it is first needed. */
type KeyPairs = Map<IssuerAlgorithm, Promise<KeyPair>>;

/**
 * Creates an issuer.
 * @throws {TypeError} if a setting is wrong or unknown
 * @example
 * const issuer = createIssuer({ issuer: "https://login.example.com/" });
 * const token = { issuer: issuer.issuer, keys: issuer.keys, audience: "images", claims: { sub: ":user" } };
 * const env = { ...vars, ROUTES: [{ path: "/users/:user/:preset/*", object: "media/users/:user/*", token }] };
 * const cookie = `session=${await issuer.token({ sub: "alice", aud: "images" })}`;
 */
export function createIssuer(settings: IssuerSettings = {}): Issuer {
  checkSettings("createIssuer", settings, SETTINGS, SWITCHES);
  const { issuer = "https://login.example.com/", algorithms = USUAL_ALGORITHMS } = settings;
  const { now = Date.now } = settings;
  const [firstAlgorithm = "RS256"] = algorithms;

  const below = issuer.endsWith("/") ? issuer : `${issuer}/`;
  const keys = settings.keys ?? `${below}.well-known/jwks.json`;
  const discovery = `${below}.well-known/openid-configuration`;

  const { down, slow, status } = { ...strictValues(SWITCHES), ...definedOf(settings) };
  const switches = guardSwitches({ down, slow, status }, SWITCHES);
  const requests: Request[] = [];

  let current: KeyPairs = new Map();
  let published: readonly KeyPairs[] = [current];

  async function readDocument(url: string): Promise<object | undefined> {
    if (url === keys) return createJwks(published, algorithms);
    if (url !== discovery) return undefined;
    return {
      issuer,
      jwks_uri: keys,
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: algorithms,
    };
  }

  async function answer({ url, method }: Request): Promise<Response> {
    if (switches.down) throw connectionError("ECONNREFUSED", url);
    await wait(switches.slow);

    if (switches.status !== 200) return new Response(null, { status: switches.status });
    if (method !== "GET" && method !== "HEAD") return new Response(null, { status: 405 });

    const document = await readDocument(url);
    if (!document) return new Response(null, { status: 404 });

    const body = method === "HEAD" ? null : JSON.stringify(document);
    return new Response(body, { headers: { "content-type": "application/json" } });
  }

  function matches(input: FetchInput): boolean {
    const url = URL.parse(inputUrlOf(input))?.href;
    return url !== undefined && (url === keys || url.startsWith(below));
  }

  const tokenRules = {
    alg: optional(oneOf(...algorithms)),
    kid: optional(text),
    expiresIn: optional(seconds),
  };

  return {
    issuer,
    keys,
    switches,
    requests,
    async token(claims = {}, options = {}) {
      checkSettings("issuer.token", options, tokenRules);
      const { alg = firstAlgorithm, expiresIn = 3600 } = options;

      const keyPair = await keyPairOf(current, alg);
      const { kid = keyPair.kid } = options;
      const iat = Math.floor(now() / 1000);
      const token = new SignJWT({ iss: issuer, iat, exp: iat + expiresIn, ...claims });

      return token.setProtectedHeader({ alg, kid, typ: "JWT" }).sign(keyPair.privateKey);
    },
    rotate(options = {}) {
      checkSettings("issuer.rotate", options, { forget: optional(flag) });
      current = new Map();
      published = options.forget ? [current] : [current, ...published];
    },
    matches,
    async fetch(input, init) {
      const request = new Request(input, init);
      request.signal.throwIfAborted();
      if (!matches(request)) throw connectionError("ENOTFOUND", request.url);

      requests.push(request);
      return unlessAborted(answer(request), request.signal);
    },
  };
}

/** Returns the public keys of all these times, the newest first. */
async function createJwks(
  published: readonly KeyPairs[],
  algorithms: readonly IssuerAlgorithm[],
): Promise<object> {
  const pending = published.flatMap((pairs) => algorithms.map((alg) => keyPairOf(pairs, alg)));
  const keyPairs = await Promise.all(pending);
  return { keys: keyPairs.map(({ jwk }) => jwk) };
}

/** Returns the key of an algorithm, which is made once. */
function keyPairOf(pairs: KeyPairs, alg: IssuerAlgorithm): Promise<KeyPair> {
  const pair = pairs.get(alg) ?? createKeyPair(alg);
  pairs.set(alg, pair);
  return pair;
}

async function createKeyPair(alg: IssuerAlgorithm): Promise<KeyPair> {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  const exported = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(exported);
  return { kid, privateKey, jwk: { ...exported, use: "sig", alg, kid } };
}

async function wait(ms: number): Promise<void> {
  // A timer of `Infinity` would end at once.
  if (ms === Number.POSITIVE_INFINITY) await new Promise<never>(() => {});
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}

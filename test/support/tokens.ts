// Issuers of tokens, and tokens of visitors as any language could sign them: by hand, not by the library that the
// Worker has. So a token may also be what no library writes.

import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import { EC_KEY, OTHER_EC_KEY, RSA_KEY } from "./issuer.ts";

export type TokenIssuer = {
  readonly issuer: string;
  readonly keys: string;
  /** The private keys, by their `kid`. */
  readonly pairs: Readonly<Record<string, KeyObject>>;
};

const rsa = createPrivateKey(RSA_KEY);
const ec = createPrivateKey(EC_KEY);
const otherEc = createPrivateKey(OTHER_EC_KEY);
const { privateKey: ed } = generateKeyPairSync("ed25519");

/** Whom the routes trust. */
export const LOGIN: TokenIssuer = {
  issuer: "https://login.example.com/",
  keys: "https://login.example.com/.well-known/jwks.json",
  pairs: { rsa, ec, ed },
};

/** Whom one route trusts. It has a key by a name of the first issuer. */
export const RIVAL: TokenIssuer = {
  issuer: "https://login.example.org/",
  keys: "https://login.example.org/keys",
  pairs: { ec: otherEc, rival: otherEc },
};

/** What an issuer publishes. The keys of RSA have no `alg`: RS256 and PS256 fit. */
export function jwksOf({ pairs }: TokenIssuer): { readonly keys: readonly object[] } {
  const keys = Object.entries(pairs).map(([kid, pair]) => {
    return { ...createPublicKey(pair).export({ format: "jwk" }), kid, use: "sig" };
  });
  return { keys };
}

/** Answers as the issuers do, whose keys the Worker asks for. @returns undefined if the URL is of neither */
export function answerTokenIssuer(url: string): Response | undefined {
  const issuer = [LOGIN, RIVAL].find(({ keys }) => keys === url);
  return issuer && Response.json(jwksOf(issuer));
}

/** How LOGIN signs: the algorithm and its key. */
export const SIGNERS = [
  { alg: "RS256", kid: "rsa" },
  { alg: "PS256", kid: "rsa" },
  { alg: "ES256", kid: "ec" },
  { alg: "EdDSA", kid: "ed" },
] as const;

/** The claims of a token, or any text in their place. */
type Payload = object | string | Uint8Array;

/** A part of a token. */
export function encodePart(part: Payload): string {
  const isRaw = typeof part === "string" || part instanceof Uint8Array;
  return Buffer.from(isRaw ? part : JSON.stringify(part)).toString("base64url");
}

/** Signs any header and payload by an algorithm that it need not name. */
export function signToken(alg: string, key: KeyObject, header: Payload, payload: Payload): string {
  const text = `${encodePart(header)}.${encodePart(payload)}`;
  return `${text}.${signText(alg, key, text).toString("base64url")}`;
}

export function signText(alg: string, key: KeyObject, text: string): Buffer {
  const bytes = Buffer.from(text);
  const digest = `sha${alg.slice(2)}`;

  switch (alg.slice(0, 2)) {
    case "RS":
      return sign(digest, bytes, key);
    case "PS": {
      const padding = constants.RSA_PKCS1_PSS_PADDING;
      return sign(digest, bytes, { key, padding, saltLength: Number(alg.slice(2)) / 8 });
    }
    case "ES":
      return sign(digest, bytes, { key, dsaEncoding: "ieee-p1363" });
    default:
      return sign(undefined, bytes, key);
  }
}

/** How routes trust LOGIN. */
export const LOGIN_RULE = { issuer: LOGIN.issuer, audience: "images", keys: LOGIN.keys };

/** The claims of a token of Alice that is right for an hour. @param now s since 1970 */
export function rightClaims(now: number) {
  return { iss: LOGIN.issuer, aud: "images", sub: "alice", org: "acme", exp: now + 3600 };
}

/** The parts of a token that are looked for in the log: characters. */
const PART = 8;

/**
 * Returns the parts of tokens that are in the log, as they were sent or decoded.
 * @param sent the headers that have the tokens
 * @param expected texts that the log may have, such as the configuration
 */
export function tokenTextsIn(
  log: string,
  sent: Readonly<Record<string, string>>,
  expected: string,
): readonly string[] {
  const texts = Object.values(sent)
    .join("\n")
    .split(/[\s;=,.]+/);
  const decoded = texts.map((text) => `${Buffer.from(text, "base64url")}`);
  const tokens = [...texts, ...decoded].filter((text) => text.length >= PART).join("\n");
  const parts = new Set<string>();

  for (let at = 0; at + PART <= log.length; at++) {
    const part = log.slice(at, at + PART);
    if (tokens.includes(part) && !expected.includes(part)) parts.add(part);
  }

  return [...parts];
}

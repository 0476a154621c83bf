// Tokens that nobody may accept, each made of a token that the Worker sent to STS; and the same token spelt otherwise.

import { createHmac, createPublicKey, sign } from "node:crypto";
import { EC_KEY, ISSUER, OTHER_EC_KEY, RSA_KEY } from "../../support/issuer.ts";

const EVIL = "https://evil.example";

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
const decode = (part: string) => Buffer.from(part, "base64url").toString();

/** Signs with ES256, by the issuer's key or another one. */
function write(header: object, claims: object, key = EC_KEY, isDer = false): string {
  const text = `${encode(header)}.${encode(claims)}`;
  const dsaEncoding = isDer ? "der" : "ieee-p1363";
  return `${text}.${sign("sha256", Buffer.from(text), { key, dsaEncoding }).toString("base64url")}`;
}

/** Returns forged tokens by what is wrong with them. */
export function forge(token: string): Readonly<Record<string, string>> {
  const [head = "", body = "", signature = ""] = token.split(".");
  const [header, claims] = [JSON.parse(decode(head)), JSON.parse(decode(body))];
  const now = Math.floor(Date.now() / 1000);
  const publicKey = createPublicKey(EC_KEY).export({ type: "spki", format: "pem" });
  const jwk = { ...createPublicKey(OTHER_EC_KEY).export({ format: "jwk" }), kid: header.kid };
  const byThief = (more: object) => write({ ...header, ...more }, claims, OTHER_EC_KEY);
  const withClaims = (more: object) => write(header, { ...claims, ...more });
  const unsigned = `${encode({ ...header, alg: "none" })}.${body}`;
  const hmac = `${encode({ ...header, alg: "HS256" })}.${body}`;
  const rsa = `${encode({ ...header, alg: "RS256" })}.${body}`;
  return {
    "another key, the same kid": byThief({}),
    "another key, no kid": byThief({ kid: undefined }),
    "another key, an unknown kid": byThief({ kid: "unknown" }),
    "another key, in jwk": byThief({ jwk }),
    "another key, in jwk, no kid": byThief({ jwk, kid: undefined }),
    "another key, at jku": byThief({ jku: `${EVIL}/jwks.json` }),
    "another key, at x5u": byThief({ x5u: `${EVIL}/certificate.pem` }),
    "alg none": `${unsigned}.`,
    "alg none, signed": `${unsigned}.${signature}`,
    "HS256 with the public key": `${hmac}.${createHmac("sha256", publicKey).update(hmac).digest("base64url")}`,
    "RS256, another key": `${rsa}.${sign("sha256", Buffer.from(rsa), RSA_KEY).toString("base64url")}`,
    "a changed header": `${encode({ ...header, typ: "jwt" })}.${body}.${signature}`,
    "a changed payload": `${head}.${encode({ ...claims, exp: claims.exp + 1 })}.${signature}`,
    "another issuer": withClaims({ iss: EVIL }),
    "an issuer with a slash": withClaims({ iss: `${ISSUER}/` }),
    "no issuer": withClaims({ iss: undefined }),
    "another audience": withClaims({ aud: "images" }),
    "no audience": withClaims({ aud: undefined }),
    expired: withClaims({ exp: now - 60 }),
    "not yet valid": withClaims({ nbf: now + 600 }),
    "no signature": `${head}.${body}.`,
    "two parts": `${head}.${body}`,
    "a signature of zeros": `${head}.${body}.${Buffer.alloc(64).toString("base64url")}`,
    "half a signature": `${head}.${body}.${signature.slice(0, 43)}`,
    "a signature in DER": write(header, claims, EC_KEY, true),
    "garbage at the end": `${token}AAAA`,
    "a fourth part": `${token}.AAAA`,
    "two tokens": `${token},${token}`,
  };
}

/** Returns the same token with another signature, or in another spelling of base64. */
export function respell(token: string): Readonly<Record<string, string>> {
  const [head = "", body = ""] = token.split(".").map(decode);
  const last = token.charCodeAt(token.length - 1);
  return {
    "another signature of the issuer": write(JSON.parse(head), JSON.parse(body)),
    "a space at the end": `${token} `,
    padding: `${token}==`,
    "unused bits": token.slice(0, -1) + String.fromCharCode(last + 1),
  };
}

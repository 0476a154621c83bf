// Tokens that open nothing, made by hand, and right ones that are nearly the same. Whoever signs some of them is the
// true issuer: those are wrong in what they say, or where they are sent.

import {
  createCipheriv,
  createHmac,
  createPublicKey,
  hash,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import {
  encodePart,
  LOGIN,
  LOGIN_RULE,
  RIVAL,
  rightClaims,
  signText,
  signToken,
} from "../tokens.ts";

/** Routes that a token opens. No two of them share an object. */
export const TOKEN_ROUTES = [
  {
    path: "/users/:user/:preset/*",
    object: "media/users/:user/*",
    token: {
      ...LOGIN_RULE,
      cookie: "session",
      claims: { sub: ":user", org: ["acme", "globex"] },
    },
  },
  {
    path: "/teams/:team/:preset/*",
    object: "media/teams/:team/*",
    token: [
      {
        ...LOGIN_RULE,
        audience: ["teams", "crews"],
        claims: { "https://example.com/team": ":team" },
      },
      { issuer: RIVAL.issuer, audience: "images", keys: RIVAL.keys, claims: { sub: ":team" } },
    ],
  },
  {
    path: "/odd/:preset/*",
    object: "media/odd/*",
    token: {
      ...LOGIN_RULE,
      // As a parser of TOML or of JSON makes it: names of members of every object.
      claims: JSON.parse('{"__proto__":"x","constructor":"x","toString":"x"}'),
    },
  },
];

/** What a visitor sends. */
export type Sent = { readonly path: string; readonly headers: Readonly<Record<string, string>> };

const PICTURE = "/users/alice/card/key.jpg";

const asBearer = (token: string, path = PICTURE): Sent => ({
  path,
  headers: { authorization: `Bearer ${token}` },
});
const withHeaders = (headers: Record<string, string>, path = PICTURE): Sent => ({ path, headers });

const pairOf = ({ pairs }: typeof LOGIN, kid: string): KeyObject => {
  const pair = pairs[kid];
  if (pair === undefined) throw new Error(`no key ${kid}`);
  return pair;
};
const EC = pairOf(LOGIN, "ec");
const THIEF = pairOf(RIVAL, "rival");
const HEADER = { alg: "ES256", kid: "ec" };

/** Signed by the issuer. @param header in place of parts of the usual one */
const byIssuer = (payload: object | string | Uint8Array, header: object = {}) =>
  signToken("ES256", EC, { ...HEADER, ...header }, payload);
/** Signed by somebody else. */
const byThief = (payload: object, header: object = {}) =>
  signToken("ES256", THIEF, { ...HEADER, ...header }, payload);

/** JSON of a token's payload with more members, which may repeat its own. */
const withMembers = (claims: object, members: string) =>
  JSON.stringify(claims).replace(/^\{/, `{${members},`);

type Named = Readonly<Record<string, Sent>>;

/** @param values by what they are */
function each<Value>(values: Readonly<Record<string, Value>>, send: (value: Value) => Sent): Named {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, send(value)]));
}

/** The same for values that name themselves. */
function eachOf<Value>(
  name: string,
  values: readonly Value[],
  send: (value: Value) => Sent,
): Named {
  const entries = values.map((value) => [`${name} ${JSON.stringify(value) ?? value}`, send(value)]);
  return Object.fromEntries(entries);
}

/** Algorithms that need no private key. */
function algorithms(claims: object): Named {
  const payload = encodePart(claims);
  const unsigned = (alg: unknown) => `${encodePart({ ...HEADER, alg })}.${payload}`;

  const nothing = [
    "none",
    "None",
    "NONE",
    "nOnE",
    " none",
    "none ",
    "",
    "null",
    "HS0",
    null,
    0,
    false,
  ];

  const right = byIssuer(claims);
  const [, , signature = ""] = right.split(".");

  const secrets: Record<string, string | Buffer> = { empty: "", kid: "ec", word: "secret" };
  for (const [kid, pair] of Object.entries(LOGIN.pairs)) {
    const key = createPublicKey(pair);
    const jwk = key.export({ format: "jwk" });
    const pem = `${key.export({ type: "spki", format: "pem" })}`;
    const text = jwk.n ?? jwk.x ?? "";

    Object.assign(secrets, {
      [`${kid}: PEM`]: pem,
      [`${kid}: PEM, trimmed`]: pem.trim(),
      [`${kid}: DER`]: key.export({ type: "spki", format: "der" }),
      [`${kid}: JWK`]: JSON.stringify(jwk),
      [`${kid}: JWK with its kid`]: JSON.stringify({ ...jwk, kid, use: "sig" }),
      [`${kid}: n or x`]: text,
      [`${kid}: bytes of n or x`]: Buffer.from(text, "base64url"),
    });
  }

  const hmacs: Record<string, Sent> = {};
  for (const [name, secret] of Object.entries(secrets)) {
    for (const size of ["256", "384", "512"]) {
      const [kid = ""] = name.split(":", 1);
      const text = `${encodePart({ alg: `HS${size}`, kid })}.${payload}`;
      const mac = createHmac(`sha${size}`, secret).update(text).digest("base64url");
      hmacs[`HS${size}, secret ${name}`] = asBearer(`${text}.${mac}`);
    }
  }

  const others = [
    "ES256K",
    "RS1",
    "RSA-OAEP",
    "dir",
    "es256",
    "ES256 ",
    "ES384",
    "RS256",
    "EdDSA",
    "HS256",
  ];

  const lists = [["ES256"], { ES256: 1 }, "ES256\0", "ES256,none"];
  return {
    ...eachOf("unsigned, alg", nothing, (alg) => asBearer(`${unsigned(alg)}.`)),
    ...eachOf("two parts, alg", nothing, (alg) => asBearer(unsigned(alg))),
    ...eachOf("another signature, alg", nothing, (alg) =>
      asBearer(`${unsigned(alg)}.${signature}`),
    ),
    ...eachOf("signed by ES256, alg", [...others, ...lists], (alg) =>
      asBearer(byIssuer(claims, { alg })),
    ),
    ...eachOf("by RS256, alg", ["PS256", "RS512", "ES256", "EdDSA", "Ed25519"], (alg) =>
      asBearer(signToken("RS256", pairOf(LOGIN, "rsa"), { alg, kid: "rsa" }, claims)),
    ),
    ...eachOf("by EdDSA, alg", ["ES256", "RS256", "Ed448", "X25519"], (alg) =>
      asBearer(signToken("EdDSA", pairOf(LOGIN, "ed"), { alg, kid: "ed" }, claims)),
    ),
    ...hmacs,
    "no alg": asBearer(signToken("ES256", EC, { kid: "ec" }, claims)),
    "a signature of zeros": asBearer(`${unsigned("ES256")}.${"A".repeat(86)}`),
    "a signature in DER": asBearer(
      `${unsigned("ES256")}.${signText("RS256", pairOf(LOGIN, "rsa"), "x").toString("base64url")}`,
    ),
  };
}

/** Keys of somebody else, and where the token says to look for them. */
function foreignKeys(claims: object): Named {
  const jwk = { ...createPublicKey(THIEF).export({ format: "jwk" }), kid: "ec" };
  const evil = "https://evil.example/keys";
  const x5c = [createPublicKey(THIEF).export({ type: "spki", format: "der" }).toString("base64")];

  const headers: Readonly<Record<string, object>> = {
    "the kid of the issuer": {},
    "the kid of another issuer": { kid: "rival" },
    "no kid": { kid: undefined },
    jwk: { jwk },
    "jwk, no kid": { jwk, kid: undefined },
    jku: { jku: evil },
    "jku, no kid": { jku: evil, kid: undefined },
    "jku of the other issuer": { jku: RIVAL.keys, kid: "rival" },
    x5u: { x5u: evil },
    x5c: { x5c, x5t: "AAAA" },
    "an unknown kid": { kid: "unknown" },
    "a kid that is a path": { kid: "../../../dev/null" },
    "a kid that is a URL": { kid: evil },
    "a kid of 5 KB": { kid: "k".repeat(5000) },
    "a kid that is SQL": { kid: "ec' OR '1'='1" },
  };

  const kids = [0, null, true, ["ec"], { ec: 1 }, "", "__proto__", "constructor", "EC", "ec "];
  const asRival = { ...claims, iss: RIVAL.issuer };

  return {
    ...each(headers, (header) => asBearer(byThief(claims, header))),
    ...eachOf("kid", kids, (kid) => asBearer(byThief(claims, { kid }))),
    "the other issuer": asBearer(byThief(asRival, { kid: "rival" })),
    "the other issuer, kid of both": asBearer(byThief(asRival)),
    "the other issuer, by this one": asBearer(byIssuer(asRival), "/teams/alice/card/key.jpg"),
    "crit of exp": asBearer(byIssuer(claims, { crit: ["exp"], exp: 1 })),
    "crit of what is unknown": asBearer(byIssuer(claims, { crit: ["x"], x: 1 })),
    "an empty crit": asBearer(byIssuer(claims, { crit: [] })),
    "crit, not a list": asBearer(byIssuer(claims, { crit: "b64", b64: true })),
    "a payload without base64": asBearer(byIssuer(claims, { crit: ["b64"], b64: false })),
    ...eachOf(
      "typ",
      ["JWE", "logout+jwt", "dpop+jwt", "secevent+jwt", "", null, ["JWT"], "JWT "],
      (typ) => asBearer(byIssuer(claims, { typ })),
    ),
  };
}

/** Texts that are no signed token of three parts, or another token in it. */
function shapes(claims: object): Named {
  const right = byIssuer(claims);
  const [header = "", payload = "", signature = ""] = right.split(".");
  const bob = byIssuer({ ...claims, sub: "bob" });
  const [, bobsPayload = "", bobsSignature = ""] = bob.split(".");
  const signatures = [
    { protected: header, signature },
    { protected: header, signature: bobsSignature },
  ];

  const key = hash("sha256", createPublicKey(EC).export({ type: "spki", format: "der" }), "buffer");
  const iv = randomBytes(12);
  const jweHeader = encodePart({ alg: "dir", enc: "A256GCM", kid: "ec", cty: "JWT" });
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(jweHeader));
  const encrypted = Buffer.concat([cipher.update(right), cipher.final()]).toString("base64url");
  const tag = cipher.getAuthTag().toString("base64url");

  const texts: Readonly<Record<string, string>> = {
    "two signatures": JSON.stringify({ payload, signatures }),
    "one signature, as JSON": JSON.stringify({ payload, protected: header, signature }),
    "two signatures in one": `${right}.${bobsSignature}`,
    "an encrypted token": [jweHeader, "", iv.toString("base64url"), encrypted, tag].join("."),
    "a token in a token": byIssuer(right, { cty: "JWT" }),
    "a token in a token, as JSON": byIssuer(JSON.stringify(right)),
    "a token in a token of a thief": byThief({ token: right }),
    "no payload": `${header}..${signature}`,
    "no header": `.${payload}.${signature}`,
    "no signature": `${header}.${payload}.`,
    "two parts": `${header}.${payload}`,
    "parts in another order": `${payload}.${header}.${signature}`,
    "the payload of Bob": `${header}.${bobsPayload}.${signature}`,
    "the signature of Bob": `${header}.${payload}.${bobsSignature}`,
    dots: "..",
    "many dots": ".".repeat(4000),
    "one letter": "a.a.a",
    "a token twice": `${right}${right}`,
    "two tokens with a comma": `${right},${bob}`,
    "two tokens with a space": `${bob} ${right}`,
    "in quotes": `"${right}"`,
    "padding at its end": `${right}=`,
    "padding of each part": `${header}==.${payload}==.${signature}==`,
    "encoded once more": encodePart(right),
    "the escape of a dot": right.replaceAll(".", "%2E"),
    "another alphabet": right.replaceAll("-", "+").replaceAll("_", "/").replace(/$/, "+"),
    "a tab inside": right.replace(".", ".\t"),
    "100 KB": right.replace(".", `.${"A".repeat(100_000)}`),
    "100 KB of nothing": "A".repeat(100_000),
  };

  const payloads = [
    "[]",
    '"alice"',
    "null",
    "1",
    "",
    "{",
    "{}",
    "NaN",
    `${JSON.stringify(claims)},`,
  ];

  const notUtf8 = Buffer.concat([Buffer.from(JSON.stringify(claims)), Buffer.from([0xff])]);
  return {
    ...each(texts, asBearer),
    ...eachOf("payload", payloads, (text) => asBearer(byIssuer(text))),
    "a payload that is no UTF-8": asBearer(byIssuer(notUtf8)),
    "a list of claims": asBearer(byIssuer([claims])),
    "8 KB": asBearer(byIssuer({ ...claims, more: "x".repeat(8192) })),
  };
}

/** Members that a payload has twice, each signed by the true issuer. */
function duplicates(claims: object): Named {
  const members = {
    "sub of Bob first": '"sub":"bob"',
    "sub of Alice": '"sub":"alice"',
    "an escaped name": '"\\u0073ub":"bob"',
    exp: '"exp":1',
    iss: `"iss":"${RIVAL.issuer}"`,
    aud: '"aud":"other"',
    org: '"org":"other"',
    "two others": '"x":1,"x":1',
    "a name with a quote": '"a\\"b":1,"a\\"b":2',
    "after a list": '"x":[{"a":1},"]"],"x":"{"',
    __proto__: '"__proto__":1,"__proto__":2',
  };

  const last = `${JSON.stringify({ ...claims, sub: "bob" }).slice(0, -1)},"sub":"alice"}`;
  return {
    ...each(members, (member) => asBearer(byIssuer(withMembers(claims, member)))),
    "sub of Alice last": asBearer(byIssuer(last)),
  };
}

/** Claims that are signed by the true issuer, and wrong. @param now s since 1970 */
function wrongClaims(claims: object, now: number): Named {
  const withClaims = (more: object) => asBearer(byIssuer({ ...claims, ...more }));
  const { exp: _, ...endless } = { exp: 0, ...claims };

  const audiences = [
    ...[
      undefined,
      null,
      "",
      "image",
      "images ",
      " images",
      "Images",
      "IMAGES",
      "imagesx",
      "images\0",
    ],
    ...["images,other", "other images", "teams", ":user", 0, true, {}, { images: true }, [], [[]]],
    ...[["image"], [["images"]], ["image", "s"], ["IMAGES", "other"], { 0: "images", length: 1 }],
  ];

  const issuers = [
    ...[
      undefined,
      null,
      "",
      RIVAL.issuer,
      "https://login.example.com",
      "https://LOGIN.example.com/",
    ],
    ...["https://login.example.com//", "https://login.example.com/x", "http://login.example.com/"],
    ...[" https://login.example.com/", "https://login.example.com/\0", [LOGIN.issuer], { 0: 1 }, 1],
    ...[
      "https://login.example.com:443/",
      "https://staging.login.example.com/",
      "https://login.example.com/?",
    ],
  ];

  const expiries = [
    ...[undefined, null, "", `${now + 3600}`, "2030-01-01T00:00:00Z", true, [now + 3600], {}],
    ...[-1, 0, 1, -now, now - 60, now - 61, now - 60.5, now - 86_400, 1e-9, -1e308],
  ];
  const starts = [`${now}`, null, "", now + 61, now + 60.5, now + 3600, 1e308, [now], {}, true];

  const subjects = [
    ...[
      undefined,
      null,
      "",
      "Alice",
      "ALICE",
      "alice ",
      " alice",
      "alice.",
      "alice/",
      "alice/..",
      "/alice",
    ],
    ...[
      "alice/x",
      "alic",
      "alicee",
      "\u0430lice",
      "ali\u200dce",
      "alice\0",
      "%61lice",
      ":user",
      "*",
      "bob",
    ],
    ...[
      "al\u0131ce",
      "\uff41lice",
      "ａｌｉｃｅ",
      "alice\n",
      ".*",
      "alice|bob",
      "alice,bob",
      "b\u202eecila",
    ],
    ...[
      0,
      1,
      true,
      {},
      [],
      [[]],
      [["alice"]],
      { alice: 1 },
      { 0: "alice" },
      ["bob"],
      ["alice", 1],
      [null],
    ],
  ];

  const orgs = [
    undefined,
    null,
    "",
    "Acme",
    "acme2",
    "acme globex",
    "acme,globex",
    {},
    [],
    ["other"],
    [["acme"]],
  ];

  return {
    ...eachOf("aud", audiences, (aud) => withClaims({ aud })),
    ...eachOf("iss", issuers, (iss) => withClaims({ iss })),
    ...eachOf("exp", expiries, (exp) => withClaims({ exp })),
    "exp NaN": asBearer(byIssuer(withMembers(endless, '"exp":NaN'))),
    "exp without end": asBearer(byIssuer(withMembers(endless, '"exp":1e999'))),
    ...eachOf("nbf", starts, (nbf) => withClaims({ nbf })),
    ...eachOf("sub", subjects, (sub) => withClaims({ sub })),
    ...eachOf("org", orgs, (org) => withClaims({ org })),
    "claims below another one": asBearer(
      byIssuer({ ...claims, sub: undefined, user: { sub: "alice" } }),
    ),
    "claims of a prototype": asBearer(
      byIssuer(withMembers({ ...claims, sub: undefined }, '"__proto__":{"sub":"alice"}')),
    ),
  };
}

/** Right tokens on paths that are not theirs. */
function paths(claims: object): Named {
  const right = byIssuer(claims);
  const spellings = [
    ...[
      "%61lice",
      "%2561lice",
      "%41lice",
      "Alice",
      "ALICE",
      "alice.",
      "alice%20",
      "%20alice",
      "alice%00",
    ],
    ...[
      "alice%2F..",
      "alice%2Fx",
      "alice%2f",
      "%2Falice",
      "alice;x",
      "alice%3Fx",
      "alice%23",
      "alice%09",
    ],
    ...[
      "",
      "%20",
      "bob",
      "bob%2F..%2Falice",
      "a%6cice",
      "%EF%BD%81lice",
      "alice%CC%81",
      "al%C4%B1ce",
      ":user",
    ],
    ...[
      "alice%E2%80%8D",
      "alic",
      "alicee",
      "alice%7F",
      "%2e%2e%2falice",
      "alice%5C",
      "alice%5C..%5Cbob",
    ],
  ];

  const texts: Readonly<Record<string, unknown>> = {
    undefined: undefined,
    null: null,
    true: true,
    "1": 1,
    "%5Bobject%20Object%5D": {},
    "": "",
    "%22%22": "",
  };

  const composed = byIssuer({ ...claims, sub: "zo\u00eb" });
  const decomposed = byIssuer({ ...claims, sub: "zoe\u0308" });
  const pathOf = (user: string) => `/users/${user}/card/key.jpg`;

  return {
    ...eachOf("path of", spellings, (user) => asBearer(right, pathOf(user))),
    ...Object.fromEntries(
      Object.entries(texts).map(([user, sub]) => {
        return [`sub as no text: ${user}`, asBearer(byIssuer({ ...claims, sub }), pathOf(user))];
      }),
    ),
    "composed, decomposed": asBearer(composed, pathOf("zoe%CC%88")),
    "decomposed, composed": asBearer(decomposed, pathOf("zo%C3%AB")),
    "escaped letters of another script": asBearer(composed, pathOf("ZO%C3%8B")),
    "another route": asBearer(right, "/teams/alice/card/key.jpg"),
    "another route, by another claim": asBearer(
      byIssuer({ ...claims, aud: "images", "https://example.com/team": "alice" }),
      "/teams/alice/card/key.jpg",
    ),
    "another route, its audience": asBearer(byIssuer({ ...claims, aud: "teams" })),
    "a claim with dots, taken apart": asBearer(
      byIssuer({ ...claims, aud: "teams", "https://example": { "com/team": "alice" } }),
      "/teams/alice/card/key.jpg",
    ),
    "members of every object": asBearer(right, "/odd/card/key.jpg"),
    "one of three odd claims": asBearer(
      byIssuer({ ...claims, toString: "x" }),
      "/odd/card/key.jpg",
    ),
  };
}

/** A right token, sent as no rule says. */
function places(claims: object): Named {
  const right = byIssuer(claims);
  const bob = byIssuer({ ...claims, sub: "bob" });

  const headers: Readonly<Record<string, Record<string, string>>> = {
    none: {},
    "no scheme": { authorization: right },
    Basic: { authorization: `Basic ${right}` },
    "Basic, encoded": {
      authorization: `Basic ${Buffer.from(`alice:${right}`).toString("base64")}`,
    },
    Token: { authorization: `Token ${right}` },
    JWT: { authorization: `JWT ${right}` },
    "no space": { authorization: `Bearer${right}` },
    "a colon": { authorization: `Bearer: ${right}` },
    "a tab": { authorization: `Bearer\t${right}` },
    "a parameter": { authorization: `Bearer token=${right}` },
    "two tokens": { authorization: `Bearer ${bob} ${right}` },
    "two headers": { authorization: `Bearer ${bob}, Bearer ${right}` },
    "another cookie": { cookie: `sessions=${right}; xsession=${right}` },
    "a cookie in capitals": { cookie: `Session=${right}; SESSION=${right}` },
    "a cookie in quotes": { cookie: `session="${right}"` },
    "a cookie, escaped": { cookie: `session=${right.replaceAll(".", "%2E")}` },
    "a cookie, escaped name": { cookie: `%73ession=${right}` },
    "a cookie with a prefix": { cookie: `__Host-session=${right}; __Secure-session=${right}` },
    "cookies with a comma": { cookie: `a=b,session=${right}` },
    "a cookie in a cookie": { cookie: `session=session=${right}` },
    "a cookie without =": { cookie: `session ${right}` },
    "a seventeenth cookie": {
      cookie: Array(16).fill(`session=${bob}`).concat(`session=${right}`).join("; "),
    },
    "the header of Access": { "cf-access-jwt-assertion": right },
    "x-forwarded-authorization": { "x-forwarded-authorization": `Bearer ${right}` },
    "proxy-authorization": { "proxy-authorization": `Bearer ${right}` },
  };

  return {
    ...each(headers, (all) => withHeaders(all)),
    query: withHeaders({}, `${PICTURE}?token=${right}&access_token=${right}&session=${right}`),
  };
}

/** Everything that opens nothing. @param now s since 1970 */
export function forgeTokens(now: number): Named {
  const claims = rightClaims(now);
  const groups = {
    algorithm: algorithms(claims),
    key: foreignKeys(claims),
    shape: shapes(claims),
    duplicate: duplicates(claims),
    claim: wrongClaims(claims, now),
    path: paths(claims),
    place: places(claims),
  };

  const all: Record<string, Sent> = {};
  for (const [group, named] of Object.entries(groups)) {
    for (const [name, sent] of Object.entries(named)) all[`${group}: ${name}`] = sent;
  }

  return all;
}

/** What opens: right ones at the edges of the rules. @param now s since 1970 */
export function rightTokens(now: number): Named {
  const claims = rightClaims(now);
  const withClaims = (more: object) => asBearer(byIssuer({ ...claims, ...more }));
  const right = byIssuer(claims);
  const bob = byIssuer({ ...claims, sub: "bob" });
  const auth0 = byIssuer({ ...claims, sub: "auth0|5f" });
  const odd = '"__proto__":"x","constructor":"x","toString":"x"';
  const { length } = byIssuer({ ...claims, more: "" });

  return {
    "as Bearer": asBearer(right),
    "in small letters": withHeaders({ authorization: `bearer ${right}` }),
    "as a cookie": withHeaders({ cookie: `a=b; session=${right}` }),
    "a second cookie": withHeaders({ cookie: `session=${bob}; session=${right}` }),
    "by RS256": asBearer(
      signToken("RS256", pairOf(LOGIN, "rsa"), { alg: "RS256", kid: "rsa" }, claims),
    ),
    "by PS256": asBearer(
      signToken("PS256", pairOf(LOGIN, "rsa"), { alg: "PS256", kid: "rsa" }, claims),
    ),
    "by EdDSA": asBearer(
      signToken("EdDSA", pairOf(LOGIN, "ed"), { alg: "EdDSA", kid: "ed" }, claims),
    ),
    "typ at+jwt": asBearer(byIssuer(claims, { typ: "at+jwt" })),
    "jku beside the right key": asBearer(byIssuer(claims, { jku: "https://evil.example/keys" })),
    "a list of audiences": withClaims({ aud: ["other", "images"] }),
    "another organisation": withClaims({ org: "globex" }),
    "a list of organisations": withClaims({ org: ["other", "globex"] }),
    "a list of subjects": withClaims({ sub: ["bob", "alice"] }),
    "59 s too late": withClaims({ exp: now - 59 }),
    "59.5 s too late": withClaims({ exp: now - 59.5 }),
    "a fraction": withClaims({ exp: now + 10.75 }),
    "60 s too early": withClaims({ nbf: now + 60 }),
    "almost 8 KB": withClaims({ more: "x".repeat(Math.floor(((8191 - length) * 3) / 4)) }),
    "a bar": asBearer(auth0, "/users/auth0%7C5f/card/key.jpg"),
    "a bar as it is": asBearer(auth0, "/users/auth0|5f/card/key.jpg"),
    "a claim with dots": asBearer(
      byIssuer({ ...claims, aud: "crews", "https://example.com/team": "red" }),
      "/teams/red/card/key.jpg",
    ),
    "the other issuer": asBearer(
      byThief({ ...claims, iss: RIVAL.issuer, sub: "red" }),
      "/teams/red/card/key.jpg",
    ),
    "odd claims": asBearer(byIssuer(withMembers(claims, odd)), "/odd/card/key.jpg"),
  };
}

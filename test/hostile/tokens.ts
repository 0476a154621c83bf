// The property of forged tokens. Each input has ten: made by hand, or a right one whose text, header, claims or parts are
// others. Whether a token opens is decided by the rules alone, not by the code of the Worker.

import assert from "node:assert/strict";
import fc from "fast-check";
import { forgeTokens, type Sent, TOKEN_ROUTES } from "../support/tables/forged-tokens.ts";
import {
  encodePart,
  LOGIN,
  RIVAL,
  rightClaims,
  SIGNERS,
  signText,
  signToken,
  tokenTextsIn,
} from "../support/tokens.ts";
import { mood } from "./inputs.ts";
import { HOST, property, type Suspect } from "./property.ts";
import { type Mood, NOW_S, pick } from "./visit-state.ts";
import { CONFIG, createIsolate, sendRequest, tally } from "./world.ts";

/** A gateway that makes all renditions itself is faster. */
const VARS = {
  ...CONFIG,
  ROUTES: [...TOKEN_ROUTES, { path: "/open/:preset/*", object: "other/*" }],
  ANSWERS: { ...CONFIG.ANSWERS, keep: 0 },
};

const PICTURE = "/users/alice/card/key.jpg";
const RIGHT = rightClaims(NOW_S);

const memo = <T>(create: () => T) => {
  let value: T | undefined;
  return (): T => {
    value ??= create();
    return value;
  };
};

const BY_HAND = memo(() => Object.values(forgeTokens(NOW_S)));

/** A token that LOGIN signs. */
function sign(claims: object | string, signer: number): string {
  const { alg, kid } = pick(SIGNERS, signer);
  const pair = LOGIN.pairs[kid] ?? assert.fail();
  return signToken(alg, pair, { alg, kid, typ: "JWT" }, claims);
}

/** Right tokens of Alice, one a signer. */
const RIGHT_TOKENS = memo(() => SIGNERS.map((_, at) => sign(RIGHT, at)));

/** True tokens, those of Alice first. */
const TRUE_TOKENS = memo(() => {
  const rival = RIVAL.pairs["ec"] ?? assert.fail();
  const ofRival = { ...RIGHT, iss: RIVAL.issuer };
  return [
    ...RIGHT_TOKENS(),
    ...SIGNERS.map((_, at) => sign({ ...RIGHT, sub: "bob" }, at)),
    ...SIGNERS.map((_, at) => sign({ ...RIGHT, aud: "teams" }, at)),
    ...SIGNERS.map((_, at) => sign({ ...RIGHT, exp: NOW_S - 61 }, at)),
    signToken("ES256", rival, { alg: "ES256", kid: "ec" }, ofRival),
  ];
});

const SIGNS = "ABCyz019-_.+/=%~\" ,:'(\\\té\u00ff";
const insert = (text: string, at: number, added: string, cut = 0) =>
  text.slice(0, at) + added + text.slice(at + cut);
const partsOf = (token: string, change: (parts: string[]) => string[]) =>
  change(token.split(".")).join(".");

/** Changes a part of a token as a text of JSON, or of bytes. */
const decoded = (token: string, part: number, change: (text: string) => string) =>
  partsOf(token, (parts) =>
    parts.map((text, at) => {
      const bytes = Buffer.from(text, "base64url").toString("latin1");
      return at === part ? Buffer.from(change(bytes), "latin1").toString("base64url") : text;
    }),
  );

/** Ways to change the text of a token. Each gets a place in it and a number. */
const TEXT_CHANGES: readonly ((token: string, at: number, how: number) => string)[] = [
  (token, at, how) =>
    insert(token, at, String.fromCharCode(token.charCodeAt(at) ^ (1 << (how % 8))), 1),
  (token, at, how) => insert(token, at, SIGNS[how % SIGNS.length] ?? "", 1),
  (token, at, how) => insert(token, at, SIGNS[how % SIGNS.length] ?? ""),
  (token, at, how) => insert(token, at, "", (how % 8) + 1),
  (token, at) => token.slice(0, at),
  (token, at) => token.slice(at),
  (token, at, how) => insert(token, at, pick(TRUE_TOKENS(), how)),
  (token, at) => insert(token, at, `%${token.charCodeAt(at).toString(16)}`, 1),
  (token, at) => token.slice(0, at) + token.slice(at).toUpperCase(),
  (token) => `"${token}"`,
  (token) => `${token}${"=".repeat(4)}`,
  (token) => encodePart(token),
  (token, _, how) => partsOf(token, (parts) => parts.toSpliced(how % 3, 1)),
  (token, _, how) => partsOf(token, (parts) => parts.toSpliced(how % 3, 1, "")),
  (token, _, how) => partsOf(token, (parts) => [...parts, ...parts.slice(how % 3)]),
  (token, _, how) =>
    partsOf(token, (parts) => parts.toSpliced(how % 2, 1, encodePart(parts[0] ?? ""))),
  (token, _, how) =>
    partsOf(token, (parts) => parts.map((part) => part.padEnd(part.length + 1 + (how % 2), "="))),
  (token) => decoded(token, 1, (text) => text.replace("alice", "alicf")),
  (token) => decoded(token, 1, (text) => text.replace(/"exp":1/, '"exp":2')),
  (token) => decoded(token, 1, (text) => ` ${text}`),
  (token) => decoded(token, 1, (text) => text.replace("{", '{"sub":"alice",')),
  (token, _, how) =>
    decoded(token, 0, (text) => text.replace(/"alg":"\w+"/, `"alg":"${pick(ALGORITHMS, how)}"`)),
  (token, _, how) =>
    decoded(token, 0, (text) => text.replace(/"kid":"\w+"/, `"kid":"${pick(KIDS, how)}"`)),
  (token) => decoded(token, 0, (text) => text.replace("{", '{"alg":"none",')),
  (token, at, how) =>
    decoded(token, 2, (text) => insert(text, at % text.length, String.fromCharCode(how % 256), 1)),
  (token, _, how) => decoded(token, 2, (text) => (how % 2 ? "" : "\0".repeat(text.length))),
  (token, at) => decoded(token, 2, (text) => text.slice(0, at % text.length)),
  (token, _, how) => decoded(token, 2, (text) => text + String.fromCharCode(how % 256)),
];

const ALGORITHMS = [
  ...["none", "None", "HS256", "HS512", "RS256", "RS512", "PS256", "PS512", "ES256", "ES384"],
  ...["ES256K", "EdDSA", "Ed25519", "Ed448", "dir", "RSA-OAEP", "", "A256KW"],
];
const KIDS = ["ec", "rsa", "ed", "rival", "unknown", "", "__proto__", "../ec", "EC"];

/** More members of a header. */
const MEMBERS: readonly object[] = [
  ...[{}, { typ: "JWT" }, { jku: "https://evil.example/keys" }, { x5u: "https://evil.example/x" }],
  ...[{ jku: RIVAL.keys }, { x5c: ["AAAA"] }, { crit: ["exp"] }, { b64: false, crit: ["b64"] }],
  ...[{ enc: "A256GCM" }, { cty: "JWT" }, { zip: "DEF" }, { kid: undefined }, { alg: undefined }],
];

/** A header of a thief, whose own key signs. */
function signByThief(which: number, at: number, how: number): string {
  const [alg, kid] = [pick(ALGORITHMS, which), pick(KIDS, at)];
  const header = { alg, kid, ...pick(MEMBERS, how) };
  const text = `${encodePart(header)}.${encodePart(RIGHT)}`;
  const thief = RIVAL.pairs["rival"] ?? assert.fail();
  return `${text}.${signText("ES256", thief, text).toString("base64url")}`;
}

type Choice = readonly [value: unknown, isRight?: boolean];

/** Values of claims, and whether the rule of the route takes them. */
const CHOICES: Readonly<Record<string, readonly Choice[]>> = {
  iss: [
    [LOGIN.issuer, true],
    ["https://login.example.com"],
    [RIVAL.issuer],
    [[LOGIN.issuer]],
    [""],
  ],
  aud: [
    ...([
      ["images", true],
      [["images"], true],
      [["other", "images"], true],
    ] as const),
    ...([
      [["Images"]],
      ["IMAGES"],
      ["image"],
      ["imagess"],
      [{}],
      [[]],
      [undefined],
      [[["images"]]],
    ] as const),
  ],
  sub: [
    ...([
      ["alice", true],
      [["alice"], true],
      [["bob", "alice"], true],
      [["alice", 1]],
      ["Alice"],
    ] as const),
    ...([
      ["alice "],
      ["alic"],
      ["bob"],
      [undefined],
      [{}],
      [[["alice"]]],
      [""],
      [null],
      [true],
      ["%61lice"],
    ] as const),
  ],
  org: [
    ["acme", true],
    ["globex", true],
    [["x", "acme"], true],
    ["Acme"],
    ["acm"],
    [undefined],
    [0],
    [[]],
  ],
  exp: [
    ...([
      [NOW_S + 9, true],
      [NOW_S - 59, true],
      [NOW_S - 59.5, true],
      [NOW_S + 1.5, true],
    ] as const),
    ...([
      [NOW_S - 60],
      [NOW_S - 61],
      [NOW_S - 60.5],
      [undefined],
      [`${NOW_S + 9}`],
      [-1],
      [0],
      [null],
    ] as const),
  ],
  nbf: [
    [undefined, true],
    [0, true],
    [NOW_S + 60, true],
    [NOW_S + 61],
    [NOW_S + 60.5],
    ["0"],
    [null],
  ],
};

/** Claims of the true issuer. @returns undefined if they open */
function chooseClaims(which: number, at: number, how: number): string | undefined {
  const names = Object.keys(CHOICES);
  const claims: Record<string, unknown> = {};
  let isRight = true;
  for (const [index, [name, choices]] of Object.entries(CHOICES).entries()) {
    // One or two claims are chosen from all values, the others from the first one.
    const isChosen = index === which % names.length || index === at % names.length;
    const [value, isTaken = false] = pick(choices, isChosen ? how >> index : 0);
    claims[name] = value;
    isRight &&= isTaken;
  }
  const [twice] = names.slice(how % names.length);
  const member = `{"${twice}":${JSON.stringify(RIGHT_VALUES[twice ?? ""] ?? 0)},`;
  if (which % 8 === 7) return sign(JSON.stringify({ ...RIGHT, nbf: 0 }).replace("{", member), at);
  return isRight ? undefined : sign(claims, at);
}
const RIGHT_VALUES: Readonly<Record<string, unknown>> = RIGHT;

/** The header, payload and signature of three true tokens. @returns undefined if it is one of Alice */
function swapParts(which: number, at: number, how: number): string | undefined {
  const tokens = [which, at, how].map((index) => pick(TRUE_TOKENS(), index));
  const swapped = tokens.map((token, part) => token.split(".")[part]).join(".");
  return RIGHT_TOKENS().includes(swapped) ? undefined : swapped;
}

/** A right token whose text is changed. @returns undefined if it is the same one, perhaps with other unused bits */
function changeText(which: number, at: number, how: number): string | undefined {
  const right = pick(RIGHT_TOKENS(), how >> 4);
  const changed = pick(TEXT_CHANGES, which)(right, at % right.length, how);
  const twice = how % 3 ? changed : pick(TEXT_CHANGES, how)(changed, (at * 7) % changed.length, at);
  const [signed, signature] = splitSignature(twice.trim());
  const isSame = RIGHT_TOKENS().some((token) => {
    const [rightSigned, rightSignature] = splitSignature(token);
    const areBits = /^[\w-]*$/.test(signature) && bytesOf(signature) === bytesOf(rightSignature);
    return signed === rightSigned && areBits;
  });
  return isSame ? undefined : twice;
}
const bytesOf = (signature: string) => Buffer.from(signature, "base64url").toString("latin1");
const splitSignature = (token: string) => {
  const at = token.lastIndexOf(".");
  return [token.slice(0, at), token.slice(at + 1)] as const;
};

type Hostile = {
  readonly kind: number;
  readonly which: number;
  readonly at: number;
  readonly how: number;
};

/** @returns undefined if it is right all the same, or no client can send it */
function forge({ kind, which, at, how }: Hostile): Sent | undefined {
  if (kind === 0) return pick(BY_HAND(), which + at);
  const makers = [changeText, chooseClaims, swapParts, signByThief, changeText];
  const token = pick(makers, kind - 1)(which, at, how);
  if (token === undefined || !/^[\t\x20-\x7e\x80-\xff]*$/.test(token)) return undefined;

  // A browser ends a cookie at a semicolon.
  const isCookie = at % 2 === 0 && !token.includes(";");
  const headers: Record<string, string> = isCookie
    ? { cookie: `a=b; session=${token}` }
    : { authorization: `Bearer ${token}` };
  return { path: PICTURE, headers };
}

function send({ worker }: Suspect, { path, headers }: Sent, now: Mood, isolate: object) {
  return sendRequest(worker, new Request(HOST + path, { headers }), now, { isolate });
}

/** What the log may have in common with a token. */
const TEXTS = `${JSON.stringify(TOKEN_ROUTES)}${PICTURE} audience claims algorithm signature`;

export const ofTokens = {
  tokens: property(
    "a token opens the pictures that it is for, and no forged one opens anything",
    fc.record({
      signer: fc.nat(SIGNERS.length - 1),
      hostile: fc.array(
        fc.record({ kind: fc.nat(5), which: fc.nat(255), at: fc.nat(4095), how: fc.nat(65_535) }),
        { minLength: 10, maxLength: 10 },
      ),
      mood,
    }),
    async (suspect, { signer, hostile, mood: now }) => {
      const isolate = createIsolate(VARS);
      for (const sent of hostile.flatMap((one) => forge(one) ?? [])) {
        tally["forged tokens"] = (tally["forged tokens"] ?? 0) + 1;
        const { answer, calls, bound, logged } = await send(suspect, sent, now, isolate);
        const caching = answer.headers.get("cache-control");
        const result = [answer.status, caching, calls.length, bound.length];
        assert.deepEqual(result, [404, "no-store", 0, 0], JSON.stringify(sent));
        const events = logged.map((line) => /"event":"([\w-]+)"/.exec(line)?.[1]);
        const refusals = ["token-refused", "impossible-key", "no-such-variant", "no-route"];
        assert.deepEqual(
          events.filter((event) => !refusals.includes(`${event}`)),
          [],
        );
        if (sent.path !== PICTURE) continue;
        assert.match(answer.headers.get("vary") ?? "", /authorization, cookie/);
        const reasons = logged.map(
          (line) => /"reason":"(.*?)(?:issuer|key) |$/.exec(line)?.[1] ?? "",
        );
        assert.deepEqual(tokenTextsIn(reasons.join("\n"), sent.headers, TEXTS), []);
      }
      const authorization = `Bearer ${pick(RIGHT_TOKENS(), signer)}`;
      const right = await send(
        suspect,
        { path: PICTURE, headers: { authorization } },
        now,
        isolate,
      );
      assert.ok(right.calls.length > 0, "a right token opens nothing");
      const caching = right.answer.headers.get("cache-control") ?? "";
      assert.match(caching, /^(?:private, max-age=\d+|no-store$)/);
    },
  ),
};

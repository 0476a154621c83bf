// The users of an app, and their tokens as the issuers of the app make them, by jose. It also has the tokens that open
// nothing, and knows by the rules alone what each token opens.

import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { NOW_S } from "./visit-state.ts";

/** Whose pictures there are. */
export const USERS = ["alice", "bob", "auth0|5f7c8ec7c33c6c004bbafe82"] as const;
export const TEAMS = ["acme", "globex"] as const;

type User = (typeof USERS)[number];

const TEAMS_OF: Readonly<Record<User, readonly string[]>> = {
  alice: ["acme"],
  bob: ["acme", "beta"],
  "auth0|5f7c8ec7c33c6c004bbafe82": ["globex"],
};

type Issuer = {
  readonly issuer: string;
  readonly keys: string;
  readonly alg: "ES256" | "Ed25519";
};

/** Two issuers, and that of another environment, which no route trusts. All their keys have the same id. */
const ISSUERS = {
  login: { issuer: "https://login.example/", keys: "https://login.example/keys", alg: "ES256" },
  partner: {
    issuer: "https://partner.example",
    keys: "https://partner.example/jwks.json",
    alg: "Ed25519",
  },
  staging: {
    issuer: "https://staging.login.example/",
    keys: "https://staging.login.example/keys",
    alg: "ES256",
  },
} as const satisfies Record<string, Issuer>;

export type IssuerName = keyof typeof ISSUERS;

const isIssuerName = (name: string): name is IssuerName => Object.hasOwn(ISSUERS, name);
const ISSUER_NAMES = Object.keys(ISSUERS).filter(isIssuerName);

const AUDIENCE = "images";
const KID = "2026";

/** How a token is made, where it is not as an issuer makes it for a visitor who has just logged in. */
type Kind = {
  /** The time from the beginning of the visits to its expiry: s. Undefined: it has none. */
  readonly lifetime?: number | undefined;
  readonly audience?: string;
  /** From when it is valid: s from the beginning. */
  readonly notBefore?: number;
  /** Another issuer whose key signs it. */
  readonly signedBy?: IssuerName;
  /** Whether its claims are changed after it was signed. */
  readonly isChanged?: boolean;
  /** Whether nobody signs it: `alg` is "none". */
  readonly isUnsigned?: boolean;
  /** Whether it opens nothing, at any time. */
  readonly isWrong?: boolean;
};

export const KINDS = {
  right: { lifetime: 86_400 },
  short: { lifetime: 95 },
  "just expired": { lifetime: -30 },
  expired: { lifetime: -61, isWrong: true },
  future: { lifetime: 86_400, notBefore: 90_000, isWrong: true },
  endless: { lifetime: undefined, isWrong: true },
  "for another app": { lifetime: 86_400, audience: "mail", isWrong: true },
  "signed by another": { lifetime: 86_400, signedBy: "staging", isWrong: true },
  changed: { lifetime: 86_400, isChanged: true, isWrong: true },
  unsigned: { lifetime: 86_400, isUnsigned: true, isWrong: true },
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;

/** A token: who has it, by which issuer, of which kind. */
export type TokenSpec = {
  readonly user: User;
  readonly issuer: IssuerName;
  readonly kind: KindName;
};

/** Whose pictures a path leads to: those of a user, or of a team. */
export type Owner =
  | { readonly kind: "user"; readonly user: User }
  | { readonly kind: "team"; readonly team: (typeof TEAMS)[number] };

/** How long after its expiry a token opens, since clocks differ: s. */
const SKEW_S = 60;

/**
 * Returns whether a token opens a owner, by the rules alone: see `USER_RULE` and `TEAM_RULES`.
 * @param by how it is sent
 * @param now ms since 1970
 */
export function opens(
  { user, issuer, kind }: TokenSpec,
  by: "bearer" | "cookie",
  owner: Owner,
  now: number,
): boolean {
  const { lifetime, isWrong }: Kind = KINDS[kind];
  const isOver = lifetime === undefined || Math.floor(now / 1000) >= NOW_S + lifetime + SKEW_S;
  if (isWrong || isOver || issuer === "staging") return false;

  if (owner.kind === "user") return issuer === "login" && user === owner.user;
  const isTaken = issuer === "login" || by === "bearer"; // the partner has no cookie
  return isTaken && TEAMS_OF[user].includes(owner.team);
}

const ruleOf = (name: IssuerName) => {
  const { issuer, keys } = ISSUERS[name];
  return { issuer, keys, audience: AUDIENCE };
};

export const COOKIE = "session";

/** The tokens that open the pictures of a user. */
export const USER_RULE = { ...ruleOf("login"), cookie: COOKIE, claims: { sub: ":user" } };

/** The tokens that open the pictures of a team. */
export const TEAM_RULES = [
  { ...ruleOf("partner"), claims: { org: ":team", tier: ["gold", "silver"] } },
  { ...ruleOf("login"), cookie: COOKIE, claims: { org: ":team" } },
];

/** The tokens that were made, by what they are. */
const tokens = new Map<string, Promise<string>>();

/** Returns a token, always the same. */
export function tokenOf(spec: TokenSpec): Promise<string> {
  const name = JSON.stringify(spec);
  const token = tokens.get(name) ?? signToken(spec);
  tokens.set(name, token);
  return token;
}

async function signToken({ user, issuer: name, kind }: TokenSpec): Promise<string> {
  const { issuer } = ISSUERS[name];
  const { lifetime, audience = AUDIENCE, notBefore, signedBy = name, ...is }: Kind = KINDS[kind];
  const { privateKey } = await keysOf(signedBy);
  const { alg } = ISSUERS[signedBy];

  const claims = { sub: user, org: TEAMS_OF[user], tier: "gold" };
  const jwt = new SignJWT(claims).setProtectedHeader({ alg, kid: KID });
  jwt.setIssuer(issuer).setAudience(audience).setIssuedAt(NOW_S);
  if (lifetime !== undefined) jwt.setExpirationTime(NOW_S + lifetime);
  if (notBefore !== undefined) jwt.setNotBefore(NOW_S + notBefore);
  const token = await jwt.sign(privateKey);

  const [header = "", payload = "", signature = ""] = token.split(".");
  if (is.isChanged) return [header, changed(payload), signature].join(".");
  if (is.isUnsigned) return [base64url({ alg: "none", kid: KID }), payload, ""].join(".");
  return token;
}

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** The claims of the same token, as if it were of another user and of all teams. */
function changed(payload: string): string {
  const claims: { readonly sub: User } = JSON.parse(`${Buffer.from(payload, "base64url")}`);
  const other = USERS[(USERS.indexOf(claims.sub) + 1) % USERS.length];
  return base64url({ ...claims, sub: other, org: TEAMS });
}

const keyPairs = new Map<IssuerName, ReturnType<typeof generateKeyPair>>();

function keysOf(name: IssuerName): ReturnType<typeof generateKeyPair> {
  const pair = keyPairs.get(name) ?? generateKeyPair(ISSUERS[name].alg);
  keyPairs.set(name, pair);
  return pair;
}

/**
 * Answers as the issuers do, whose keys the Worker asks for.
 * @returns undefined if the URL is of none of them
 */
export async function answerIssuer(url: string): Promise<Response | undefined> {
  const name = ISSUER_NAMES.find((one) => ISSUERS[one].keys === url);
  if (name === undefined) return undefined;

  const { publicKey } = await keysOf(name);
  const { alg } = ISSUERS[name];
  const key = { ...(await exportJWK(publicKey)), kid: KID, alg, use: "sig" };
  return Response.json({ keys: [key] });
}

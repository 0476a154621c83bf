// AWS's Security Token Service, for the tests: it gives session credentials of a role for a token of an OIDC
// issuer, and refuses by the rules K1–K10. The checks of a token are those of `jose`; what AWS does
// otherwise stands here.
//
//     const sts = createSts({ ...TRUST, fetch });
//     sts.faults.add("Throttling");
//     network.use(...handlersOf(sts));

import { createRemoteJWKSet, customFetch, decodeJwt, errors, jwtVerify } from "jose";
import { type FetchInput, inputUrlOf, type Network } from "../../../src/emulator/fetch.ts";
import type { Session } from "../../../src/emulator/s3/signature.ts";
import { answerOf, errorOf } from "../issuer.ts";

type StsRefusal = {
  readonly kind: "refusal";
  readonly status: number;
  readonly code: string;
  readonly message: string;
};

/** What a request asks for. */
type StsForm = {
  readonly kind: "form";
  readonly role: string;
  readonly token: string;
  readonly seconds: number;
};

/** What a token says that is valid. */
type Claims = {
  readonly kind: "claims";
  readonly iss: string;
  readonly sub: string;
  readonly aud: string;
};

type StsRole = {
  /** The issuer whose provider is the principal of the policy. */
  readonly trusts: string;
  /** Conditions on `<host>:aud` and `<host>:sub`. */
  readonly StringEquals?: Readonly<Record<string, string>>;
};

type StsSettings = {
  readonly fetch: Network;
  /** By the URL of the issuer: the audiences that the provider takes. */
  readonly providers: Readonly<Record<string, { readonly clientIds: readonly string[] }>>;
  readonly roles: Readonly<Record<string, StsRole>>;
  /** ms since 1970. */
  readonly now?: () => number;
  /** K5, open: whether an unknown key id makes STS ask the issuer again within a day. */
  readonly asksAgain?: boolean;
};

/** Failures of STS itself (K10), a connection that breaks, and a page of something between. */
const STS_FAULTS = {
  Throttling: 400,
  ServiceUnavailable: 503,
  InternalFailure: 500,
  IDPRejectedClaim: 403,
  RegionDisabledException: 403,
  reset: undefined,
  garbage: 200,
} as const;

export type StsFault = keyof typeof STS_FAULTS;

export type Sts = ReturnType<typeof createSts>;

const ENDPOINT = "https://sts.eu-west-1.amazonaws.com";

/** Creates the STS of one account in `eu-west-1`. Its sessions are for `createS3`. */
export function createSts(settings: StsSettings) {
  const { now = Date.now } = settings;
  const providers = new Map(Object.entries(settings.providers));
  const roles = new Map(Object.entries(settings.roles));
  const sessions = new Map<string, Session>();
  const rolesOfSessions = new Map<string, string>();
  const faults = new Set<StsFault>();
  const calls: { readonly status: number | undefined; readonly code?: string }[] = [];
  const { verifyToken, issuerRequests } = createTokenVerifier(settings, providers, now);

  async function assumeRole(request: Request): Promise<string | StsRefusal> {
    if (request.headers.get("content-type") !== "application/x-www-form-urlencoded") {
      return refuse(400, "MissingAction", "The body is no form.");
    }

    const form = readForm(await request.text());
    if (form.kind === "refusal") return form;

    const claims = await verifyToken(form.token);
    if (claims.kind === "refusal") return claims;

    const role = roles.get(form.role);
    if (role === undefined || !isTrusted(role, claims)) return DENIED;
    if (form.seconds > MAX_SESSION_S) return invalidField("DurationSeconds");

    const number = `${sessions.size}`.padStart(16, "0");
    const accessKeyId = `ASIA${number}`;
    const session = {
      secretAccessKey: `secret-${crypto.randomUUID()}`,
      sessionToken: `token/+=${crypto.randomUUID()}`,
      expires: Math.floor(now() / 1000 + form.seconds) * 1000,
    };

    sessions.set(accessKeyId, session);
    rolesOfSessions.set(accessKeyId, form.role);

    return answerOf(session.expires, { accessKeyId, ...session });
  }

  async function answer(request: Request): Promise<Response> {
    const [fault] = faults;
    if (fault === "reset") {
      calls.push({ status: undefined });
      throw new TypeError("fetch failed");
    }

    if (fault === "garbage") {
      calls.push({ status: 200 });
      return new Response("<h1>Welcome</h1>");
    }

    const isWorking = fault === undefined;
    const result = isWorking ? await assumeRole(request) : refuse(STS_FAULTS[fault], fault, "no");

    if (typeof result === "string") {
      calls.push({ status: 200 });
      return new Response(result);
    }

    const { status, code, message } = result;
    calls.push({ status, code });
    return new Response(errorOf(code, message), { status });
  }

  return {
    /** May be changed at any time. */
    providers,
    roles,
    faults,
    sessions,
    calls,
    /** The URLs that it asked of issuers, in order. */
    issuerRequests,
    matches: (input: FetchInput) => URL.parse(inputUrlOf(input))?.origin === ENDPOINT,
    fetch: async (input: FetchInput, init?: RequestInit) => answer(new Request(input, init)),
    /** Denies the role's sessions what they may do, as IAM's "Revoke sessions" does (K9). */
    revoke(role: string): void {
      for (const [id, session] of sessions) {
        if (rolesOfSessions.get(id) === role) sessions.set(id, { ...session, revoked: true });
      }
    },
  };
}

function refuse(status: number, code: string, message: string): StsRefusal {
  return { kind: "refusal", status, code, message };
}

/** The longest session of a role, unless it was changed: s. */
const MAX_SESSION_S = 3600;

/** What each field must be (K1). */
const FIELDS: Readonly<Record<string, (value: string) => boolean>> = {
  RoleArn: (value) => /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/.test(value),
  RoleSessionName: (value) => /^[\w+=,.@-]{2,64}$/.test(value),
  WebIdentityToken: ({ length }) => length >= 4 && length <= 20_000,
  DurationSeconds: (value) => /^\d+$/.test(value) && +value >= 900 && +value <= 43_200,
};

function invalidField(name: string): StsRefusal {
  const message = `1 validation error detected: Value at '${name}' failed to satisfy constraint`;
  return refuse(400, "ValidationError", message);
}

function readForm(body: string): StsForm | StsRefusal {
  const fields = new URLSearchParams(body);
  const read = (name: string) => fields.get(name) ?? "";
  if (read("Action") !== "AssumeRoleWithWebIdentity" || read("Version") !== "2011-06-15") {
    return refuse(400, "InvalidAction", "Could not find the operation");
  }

  if (!fields.has("DurationSeconds")) fields.set("DurationSeconds", "3600");

  for (const [name, isValid] of Object.entries(FIELDS)) {
    if (!isValid(read(name))) return invalidField(name);
  }

  return {
    kind: "form",
    role: read("RoleArn"),
    token: read("WebIdentityToken"),
    seconds: Number(read("DurationSeconds")),
  };
}

/** A role that is not there is denied in the same words as one that trusts somebody else (K8). */
const DENIED = refuse(
  403,
  "AccessDenied",
  "Not authorized to perform sts:AssumeRoleWithWebIdentity",
);

function isTrusted({ trusts, StringEquals = {} }: StsRole, { iss, aud, sub }: Claims): boolean {
  const host = iss.replace(/^https:\/\//, "");
  const values = new Map([
    [`${host}:aud`, aud],
    [`${host}:sub`, sub],
  ]);
  const conditions = Object.entries(StringEquals);

  return trusts === iss && conditions.every(([name, value]) => values.get(name) === value);
}

/** How long STS caches the keys of an issuer: ms. K5, open. */
const DAY_MS = 24 * 3600_000;

/** How far the clock of an issuer may be ahead: s. AWS does not say how far. */
const SKEW_S = 300;

function invalidToken(message: string): StsRefusal {
  return refuse(400, "InvalidIdentityToken", message);
}

/** The issuer does not answer, or answers 5xx (K2). */
class Unreachable extends Error {}

/** Returns the function that verifies, and the list of the URLs that it asks. */
function createTokenVerifier(
  { fetch, asksAgain }: StsSettings,
  providers: ReadonlyMap<string, { readonly clientIds: readonly string[] }>,
  now: () => number,
) {
  const issuerRequests: string[] = [];
  const keySets = new Map<string, ReturnType<typeof createRemoteJWKSet>>();

  /** Follows no redirect. AWS does not say whether it does. */
  async function fetchFromIssuer(url: string): Promise<Response> {
    issuerRequests.push(url);
    const answer = await fetch(url, { redirect: "manual" }).catch(() => undefined);
    if (answer === undefined || answer.status >= 500) throw new Unreachable(url);
    return answer;
  }

  async function findKeys(issuer: string) {
    const keySet = keySets.get(issuer);
    if (keySet) return keySet;

    const answer = await fetchFromIssuer(`${issuer}/.well-known/openid-configuration`);
    const document: unknown = await answer.json();
    const { issuer: name, jwks_uri: uri } = Object(document);
    if (name !== issuer || typeof uri !== "string" || !uri.startsWith("https://")) {
      throw new errors.JWKSInvalid("the document of the issuer is wrong");
    }

    const keys = createRemoteJWKSet(new URL(uri), {
      [customFetch]: fetchFromIssuer,
      cacheMaxAge: DAY_MS,
      cooldownDuration: asksAgain ? 0 : DAY_MS, // before that, an unknown key is not looked for
    });

    keySets.set(issuer, keys);
    return keys;
  }

  /** @throws what `verifyToken` makes refusals of */
  async function verify(token: string): Promise<Claims | StsRefusal> {
    const { iss = "" } = decodeJwt(token);
    const provider = providers.get(iss);
    if (!provider) return invalidToken("No OpenIDConnect provider found in your account");

    const { payload } = await jwtVerify<{ iss: string; sub: string; exp: number; iat: number }>(
      token,
      await findKeys(iss),
      {
        algorithms: ["RS256", "ES256"],
        audience: [...provider.clientIds],
        requiredClaims: ["iss", "sub", "aud", "exp", "iat"],
        clockTolerance: SKEW_S,
        currentDate: new Date(now()),
      },
    );

    // `jose` tolerates an end that is over, and accepts any `iat`.
    if (payload.exp * 1000 <= now()) throw new errors.JWTExpired("is over", payload);
    if (payload.iat > now() / 1000 + SKEW_S) return invalidToken("Token not yet valid");

    const [aud = ""] = [payload.aud].flat();
    return { kind: "claims", iss, sub: payload.sub, aud };
  }

  async function verifyToken(token: string): Promise<Claims | StsRefusal> {
    try {
      return await verify(token);
    } catch (error) {
      if (error instanceof Unreachable) return refuse(400, "IDPCommunicationError", "not reached");
      if (error instanceof errors.JWTExpired) {
        return refuse(400, "ExpiredTokenException", "Token expired");
      }
      return invalidToken(String(error));
    }
  }

  return { verifyToken, issuerRequests };
}

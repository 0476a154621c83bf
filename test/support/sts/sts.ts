// AWS's Security Token Service, for the tests: it gives session credentials of a role for a token of an OIDC
// issuer, and refuses what docs/rules.md says (K1–K10).

import { type FetchInput, type Network, urlOf } from "../../../src/emulator/fetch.ts";
import type { Session } from "../../../src/emulator/s3/signature.ts";
import { answerOf, errorOf } from "../issuer.ts";
import { type Claims, createTokenVerifier, type StsRefusal } from "./verify-token.ts";

/** A role, and whom it trusts. */
export type StsRole = {
  /** The issuer whose provider is the principal of the policy. */
  readonly trusts: string;
  /** Conditions on `<host>:aud` and `<host>:sub`. */
  readonly StringEquals?: Readonly<Record<string, string>>;
};

type StsSettings = {
  /** The network, on which the issuers are. */
  readonly fetch: Network;
  /** By the URL of the issuer: the audiences that the provider takes. */
  readonly providers: Readonly<Record<string, { readonly clientIds: readonly string[] }>>;
  /** By their ARNs. */
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
  const { now = Date.now, asksAgain = false } = settings;
  const providers = new Map(Object.entries(settings.providers));
  const roles = new Map(Object.entries(settings.roles));
  const sessions = new Map<string, Session>();
  const rolesOfSessions = new Map<string, string>();
  const faults = new Set<StsFault>();
  const calls: { readonly status: number | undefined; readonly code?: string }[] = [];
  const { verifyToken, asked } = createTokenVerifier({ ...settings, providers, now, asksAgain });

  async function assumeRole(request: Request): Promise<string | StsRefusal> {
    const form = readForm(await request.text());
    if ("code" in form) return form;
    const claims = await verifyToken(form.token);
    if ("code" in claims) return claims;
    const role = roles.get(form.role);
    if (role === undefined || !isTrusted(role, claims)) return DENIED;
    if (form.seconds > MAX_SESSION_S) return invalidField("DurationSeconds");
    const accessKeyId = `ASIA${`${sessions.size}`.padStart(16, "0")}`;
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
      calls.push({ status: STS_FAULTS[fault] });
      return new Response("<h1>Welcome</h1>");
    }
    const result = fault
      ? { status: STS_FAULTS[fault], code: fault, message: "no" }
      : await assumeRole(request);
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
    ...{ providers, roles, faults },
    sessions,
    /** What STS answered, in order. */
    calls,
    /** The URLs that it asked of issuers, in order. */
    asked,
    /** Returns whether a URL leads to this STS. */
    matches: (input: FetchInput) => URL.parse(urlOf(input))?.origin === ENDPOINT,
    fetch: async (input: FetchInput, init?: RequestInit) => answer(new Request(input, init)),
    /** Denies the role's sessions what they may do, as IAM's "Revoke sessions" does (K9). */
    revoke(role: string): void {
      for (const [id, session] of sessions) {
        if (rolesOfSessions.get(id) === role) sessions.set(id, { ...session, revoked: true });
      }
    },
  };
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

const invalidField = (name: string): StsRefusal => ({
  status: 400,
  code: "ValidationError",
  message: `1 validation error detected: Value at '${name}' failed to satisfy constraint`,
});

function readForm(body: string) {
  const fields = new URLSearchParams(body);
  const read = (name: string) => fields.get(name) ?? "";
  if (read("Action") !== "AssumeRoleWithWebIdentity" || read("Version") !== "2011-06-15") {
    return { status: 400, code: "InvalidAction", message: "Could not find the operation" };
  }
  if (!fields.has("DurationSeconds")) fields.set("DurationSeconds", "3600");
  const wrong = Object.keys(FIELDS).find((name) => !FIELDS[name]?.(read(name)));
  if (wrong !== undefined) return invalidField(wrong);
  const [role, token] = [read("RoleArn"), read("WebIdentityToken")];
  return { role, token, seconds: Number(read("DurationSeconds")) };
}

/** A role that is not there is denied in the same words as one that trusts somebody else (K8). */
const DENIED: StsRefusal = {
  status: 403,
  code: "AccessDenied",
  message: "Not authorized to perform sts:AssumeRoleWithWebIdentity",
};

function isTrusted({ trusts, StringEquals = {} }: StsRole, { iss, aud, sub }: Claims): boolean {
  const host = iss.replace(/^https:\/\//, "");
  const values = new Map([
    [`${host}:aud`, aud],
    [`${host}:sub`, sub],
  ]);
  const conditions = Object.entries(StringEquals);
  return trusts === iss && conditions.every(([name, value]) => values.get(name) === value);
}

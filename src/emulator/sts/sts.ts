// AWS's Security Token Service, as strict as the real one: it gives session credentials of a role for a
// token of an OIDC issuer. docs/rules.md has its rules. This file shows the steps of a request.

import { call, checkSettings, count, flag, optional, type Rule } from "../check.ts";
import { unlessAborted } from "../edge/unless-aborted.ts";
import { urlOf } from "../fetch.ts";
import type { Session } from "../sessions.ts";
import { Words } from "../words.ts";
import { refusalAnswer, sessionAnswer } from "./answer.ts";
import { STS_FAULTS } from "./faults.ts";
import { signatureChecker } from "./issuer-keys.ts";
import { readForm } from "./read-form.ts";
import { readToken } from "./read-token.ts";
import { invalidToken, type StsRefusal } from "./refusal.ts";
import { isTrusted } from "./trust.ts";
import type { Sts, StsCall, StsFault, StsSettings } from "./types.ts";

const DAY = 24 * 3600;
const LONGEST = 3600; // K1: the longest session of a role, unless it says otherwise: s
const DENIED: StsRefusal = {
  status: 403,
  code: "AccessDenied",
  message: "Not authorized to perform sts:AssumeRoleWithWebIdentity",
};

const tableOf: Rule<object> = {
  what: "a table",
  test: (value): value is object => typeof value === "object" && value !== null,
};
const endpointRule: Rule<string> = {
  what: "the URL of an STS without a path, such as https://sts.eu-west-1.amazonaws.com",
  test: (value): value is string => typeof value === "string" && /^https?:\/\/[^/?#]+$/.test(value),
};
const RULES = {
  fetch: call<StsSettings["fetch"]>(),
  providers: tableOf,
  roles: tableOf,
  endpoint: optional(endpointRule),
  now: optional(call<() => number>()),
  keysKept: optional(count),
  asksAgain: optional(flag),
} satisfies Record<keyof StsSettings, Rule>;

/**
 * Creates an STS of one account.
 * @throws {TypeError} if a setting is wrong or unknown
 * @example
 * const sts = createSts({
 *   fetch: (input) => worker.fetch(new Request(input)),
 *   providers: { "https://images.example": { clientIds: ["sts.amazonaws.com"] } },
 *   roles: { "arn:aws:iam::123456789012:role/images": { trusts: "https://images.example" } },
 * });
 * const s3 = createS3({ ...settings, sessions: sts.sessions });
 */
export function createSts(settings: StsSettings): Sts {
  checkSettings("createSts", settings, RULES);
  const { endpoint = "https://sts.eu-west-1.amazonaws.com", now = Date.now } = settings;
  const providers = new Map(Object.entries(settings.providers));
  const roles = new Map(Object.entries(settings.roles));
  const faults = new Words<StsFault>("sts.faults", STS_FAULTS);
  const sessions = new Map<string, Session>();
  const rolesOf = new Map<string, string>();
  const calls: StsCall[] = [];
  const asked: string[] = [];
  const check = signatureChecker({
    fetch: settings.fetch,
    now,
    seconds: settings.keysKept ?? DAY,
    asksAgain: settings.asksAgain ?? false,
    asked,
  });

  async function answer(request: Request): Promise<Response> {
    const fields = await request.text();
    const role = new URLSearchParams(fields).get("RoleArn") ?? "";
    if (faults.has("stall") || faults.has("reset")) calls.push({ role });
    if (faults.has("stall")) return new Promise<never>(() => {});
    if (faults.has("reset")) throw new TypeError("fetch failed");
    const given = serviceFault(faults) ?? (await give(request.method, fields));
    if ("code" in given) {
      calls.push({ role, status: given.status, code: given.code });
      return refusalAnswer(given);
    }
    calls.push({ role, status: given.status });
    return given;
  }

  async function give(method: string, fields: string): Promise<Response | StsRefusal> {
    if (faults.has("garbage")) return new Response("<h1>Welcome</h1>", { status: 200 });
    const form = readForm(method, fields);
    if ("code" in form) return form;
    const token = readToken(form.token, now());
    if ("code" in token) return token;
    const { claims, exp } = token;
    const provider = providers.get(claims.iss);
    if (provider === undefined) {
      return invalidToken(`No OpenIDConnect provider found in your account for ${claims.iss}`);
    }
    const wrong = await check(token);
    if (wrong !== undefined) return wrong;
    if (exp * 1000 <= now()) {
      const message = `Token expired: current date/time ${now()} must be before the expiration date/time ${exp}`;
      return { status: 400, code: "ExpiredTokenException", message }; // K6
    }
    if (!provider.clientIds.includes(claims.aud)) return invalidToken("Incorrect token audience");
    const role = roles.get(form.role);
    if (role === undefined || !isTrusted(role, claims)) return DENIED; // K8
    if (form.seconds > (role.maxSession ?? LONGEST)) {
      const message =
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
      return { status: 400, code: "ValidationError", message }; // K1
    }
    const id = `ASIA${`${sessions.size}`.padStart(16, "0")}`;
    const session = {
      secretAccessKey: `secret-${crypto.randomUUID()}`,
      sessionToken: `token/+=${crypto.randomUUID()}`,
      expires: Math.floor(now() / 1000 + form.seconds) * 1000,
    };
    sessions.set(id, session);
    rolesOf.set(id, form.role);
    return sessionAnswer({ id, session, role: form.role, name: form.name, claims });
  }

  const matches: Sts["matches"] = (input) => URL.parse(urlOf(input))?.origin === endpoint;
  return {
    ...{ providers, roles, faults, sessions, calls, asked, matches },
    async fetch(input, init) {
      const request = new Request(input, init);
      request.signal.throwIfAborted();
      if (!matches(request)) throw new TypeError("fetch failed");
      return unlessAborted(answer(request), request.signal);
    },
    revoke(role) {
      for (const [id, session] of sessions) {
        if (rolesOf.get(id) === role) sessions.set(id, { ...session, revoked: true });
      }
    },
  };
}

const SERVICE = {
  Throttling: [400, "Rate exceeded"],
  ServiceUnavailable: [503, "The service is unavailable"],
  InternalFailure: [500, "An internal error occurred"],
  IDPCommunicationError: [400, "The identity provider could not be reached"],
  IDPRejectedClaim: [403, "The identity provider rejected the claim"],
  RegionDisabledException: [403, "STS is not activated in this region for this account"],
} as const satisfies Partial<Record<StsFault, readonly [number, string]>>;

function serviceFault(faults: ReadonlySet<StsFault>): StsRefusal | undefined {
  for (const [code, [status, message]] of Object.entries(SERVICE)) {
    if ([...faults].some((fault) => fault === code)) return { status, code, message };
  }
  return undefined;
}

// What an isolate knows of a role: its credentials, and why there are none. How it changes: (state, event) →
// { state, effects }. Pure; the effects are lines for the log. No clock: `now` is passed in, in ms since 1970.

import type { Role } from "../config/bucket.ts";
import type { RoleNotice } from "../log/notice.ts";
import { countForLog, isWithin, LOG_PERIOD_MS, type LogCount } from "../util/time.ts";
import { MIN_SESSION_MS, type Session, type StsFailure } from "./session.ts";

export type RoleState = {
  readonly role: Role;
  readonly session?: Session | undefined;
  /** How many objects S3 has denied since it last gave an object: the role's sessions may be revoked (K9). */
  readonly denials?: number | undefined;
  /** The request to STS that is under way. */
  readonly renewal?: Renewal | undefined;
  /** Why the last request failed; undefined after it succeeded. */
  readonly failure?: (StsFailure & { readonly at: number }) | undefined;
  /** When a failure was last logged while old credentials serve, and how many failures there were since. */
  readonly failureLog?: LogCount | undefined;
  /** When it was last logged that visitors are refused. */
  readonly refusedAt?: number | undefined;
};

export type Renewal = { readonly ended: Promise<unknown>; readonly began: number };

export type RoleEvent =
  | { readonly type: "renewal-started"; readonly renewal: Renewal }
  | { readonly type: "renewed"; readonly session: Session }
  | { readonly type: "renewal-failed"; readonly failure: StsFailure; readonly now: number }
  /** S3 gave an object for these credentials, or denied it. */
  | { readonly type: "object-requested"; readonly session: Session; readonly denied: boolean }
  /** A visitor gets no picture, because there are no credentials. */
  | { readonly type: "refused"; readonly now: number };

type Advanced = { readonly state: RoleState; readonly effects: readonly RoleNotice[] };

/** Credentials are renewed so long before they expire: ms. An outage of STS may last as long. */
const RENEW_MS = 25 * 60_000;

/** The same for credentials that last less than an hour: a part of that time. */
const RENEW_PART = 0.5;

/** Credentials are also renewed after so many denials in a row, if they are older than this: ms. */
const MAX_DENIALS = 10;
const MIN_DOUBTED_AGE_MS = 5 * 60_000;

/** After how long STS is asked again: while old credentials serve, and while there are none. ms. */
const PAUSE_MS = 30_000;
const SHORT_PAUSE_MS = 3_000;

/** How long others wait for a renewal: ms, more than STS_MS. A renewal whose own request is cancelled never ends. */
export const RENEWAL_MS = 8_000;

export function advanceRole(state: RoleState, event: RoleEvent): Advanced {
  switch (event.type) {
    case "renewal-started":
      return changed(state, { renewal: event.renewal });
    case "renewed": {
      const { session } = event;
      const done = { renewal: undefined, failure: undefined, denials: undefined };
      return changed(state, { session, ...done });
    }
    case "renewal-failed":
      return failRenewal(state, event.failure, event.now);
    case "object-requested": {
      if (state.session !== event.session) return changed(state, {});
      return changed(state, { denials: event.denied ? (state.denials ?? 0) + 1 : undefined });
    }
    case "refused":
      return changed(state, isRefusalReported(state, event.now) ? {} : { refusedAt: event.now });
  }
}

function changed(
  state: RoleState,
  change: Partial<RoleState>,
  effects: readonly RoleNotice[] = [],
): Advanced {
  return { state: { ...state, ...change }, effects };
}

/** Visitors notice nothing while old credentials serve: the failure is logged, once a minute. */
function failRenewal(state: RoleState, failure: StsFailure, now: number): Advanced {
  const change = { renewal: undefined, failure: { ...failure, at: now } };
  const session = usableSession(state, now);
  if (!session) return changed(state, change);
  const { times, shouldLog, next } = countForLog(state.failureLog, now);
  const { code, reason } = failure;
  const expires = new Date(session.expires).toISOString();
  const notice = { event: "role-failed", role: state.role.arn, code, reason } as const;
  const effects = shouldLog ? [{ ...notice, expires, times }] : [];
  return changed(state, { ...change, failureLog: next }, effects);
}

/** The credentials, unless they expire. */
export function usableSession({ session }: RoleState, now: number): Session | undefined {
  return session && session.expires - now > MIN_SESSION_MS ? session : undefined;
}

/** Returns whether credentials that can be used are to be renewed now. */
export function isRenewalDue({ session, failure, denials = 0 }: RoleState, now: number): boolean {
  if (!session || isWithin(PAUSE_MS, failure?.at, now)) return false;
  const { began, expires } = session;
  if (denials >= MAX_DENIALS && now - began >= MIN_DOUBTED_AGE_MS) return true;
  return expires - now < Math.min(RENEW_MS, (expires - began) * RENEW_PART);
}

/** Why STS is not asked now, although there are no credentials: it failed a moment ago. */
export function recentFailure({ failure }: RoleState, now: number): StsFailure | undefined {
  return isWithin(SHORT_PAUSE_MS, failure?.at, now) ? failure : undefined;
}

/** The request to STS that others wait for. */
export function runningRenewal({ renewal }: RoleState, now: number): Renewal | undefined {
  return isWithin(RENEWAL_MS, renewal?.began, now) ? renewal : undefined;
}

/** Returns whether it was logged within the last minute that visitors are refused. */
export function isRefusalReported({ refusedAt }: RoleState, now: number): boolean {
  return isWithin(LOG_PERIOD_MS, refusedAt, now);
}

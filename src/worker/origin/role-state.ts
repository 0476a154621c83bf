// What an isolate knows of a role, an AWS role that reads a bucket: its session, or why there is none. A session is
// credentials of an hour. STS, AWS's Security Token Service, gives it, and a renewal is a request for the next one.
// An event changes the state: (state, event) → { state, effects }. The effects are lines for the log.
// Pure: no request and no clock. `now` is passed in, in ms since 1970. (K9) is a rule of docs/rules.md.

import type { Role } from "../config/bucket.ts";
import type { RoleNotice } from "../log/notice.ts";
import { countForLog, isWithin, LOG_PERIOD_MS, type LogCount } from "../util/time.ts";
import { MIN_SESSION_MS, type Session, type StsFailure } from "./session.ts";

export type RoleState = {
  readonly role: Role;
  /** The newest session. It may have expired. */
  readonly session?: Session | undefined;
  /** How many objects S3 has denied since it last gave one: somebody may have revoked the session (K9). */
  readonly denials?: number | undefined;
  /** The renewal that is under way. */
  readonly renewal?: Renewal | undefined;
  /** Why and when the last renewal failed; undefined after one that succeeded. */
  readonly failure?: (StsFailure & { readonly at: number }) | undefined;
  /** When a failed renewal was last logged while an old session serves, and how many have failed since. */
  readonly failureLog?: LogCount | undefined;
  /** When it was last logged that a visitor gets no picture: ms since 1970. */
  readonly refusedAt?: number | undefined;
};

export type Renewal = {
  /**
   * Resolves when the answer of STS is in the state. If the runtime ends the request that began the renewal before, it
   * rejects for the others, or never settles.
   */
  readonly ended: Promise<unknown>;
  /** When it began: ms since 1970. */
  readonly began: number;
};

export type RoleEvent =
  | { readonly type: "renewal-started"; readonly renewal: Renewal }
  | { readonly type: "renewed"; readonly session: Session }
  | { readonly type: "renewal-failed"; readonly failure: StsFailure; readonly now: number }
  /** The runtime has ended the request that began this renewal. */
  | { readonly type: "renewal-cancelled"; readonly renewal: Renewal }
  /** With this session, S3 gave an object, or denied it. */
  | { readonly type: "object-requested"; readonly session: Session; readonly denied: boolean }
  /** A visitor gets no picture, because no session opens the bucket. The log's line is that of the refusal itself. */
  | { readonly type: "refusal-reported"; readonly now: number };

type Advanced = { readonly state: RoleState; readonly effects: readonly RoleNotice[] };

export function advanceRole(state: RoleState, event: RoleEvent): Advanced {
  switch (event.type) {
    case "renewal-started":
      return changed(state, { renewal: event.renewal });

    case "renewed":
      return changed(state, {
        session: event.session,
        renewal: undefined,
        failure: undefined,
        denials: undefined,
      });

    case "renewal-failed":
      return failRenewal(state, event.failure, event.now);

    case "renewal-cancelled": {
      // Of many who waited, one may have begun another renewal already.
      const renewal = state.renewal === event.renewal ? undefined : state.renewal;
      return changed(state, { renewal });
    }

    case "object-requested": {
      // The reply to an older session says nothing about the newest one.
      if (event.session !== state.session) return changed(state, {});

      // S3 gave an object, so the session is not revoked.
      if (!event.denied) return changed(state, { denials: undefined });

      const earlierDenials = state.denials ?? 0;
      return changed(state, { denials: earlierDenials + 1 });
    }

    case "refusal-reported":
      return changed(state, { refusedAt: event.now });
  }
}

function changed(
  state: RoleState,
  change: Partial<RoleState>,
  effects: readonly RoleNotice[] = [],
): Advanced {
  return { state: { ...state, ...change }, effects };
}

/** Logs a failed renewal once a minute, if an old session still serves: visitors notice nothing yet. */
function failRenewal(state: RoleState, failure: StsFailure, now: number): Advanced {
  const change = { renewal: undefined, failure: { ...failure, at: now } };

  // Without a session, visitors are refused, and that refusal is logged.
  const session = usableSession(state, now);
  if (!session) return changed(state, change);

  // `times` is how many failed since the last line, and `logCount` is what to remember for the next one.
  const { times, shouldLog, logCount } = countForLog(state.failureLog, now);
  const notice: RoleNotice = {
    event: "role-failed",
    role: state.role.arn,
    code: failure.code,
    reason: failure.reason,
    expires: new Date(session.expires).toISOString(),
    times,
  };
  const effects = shouldLog ? [notice] : [];
  return changed(state, { ...change, failureLog: logCount }, effects);
}

/** Returns the session, unless it is about to expire. */
export function usableSession({ session }: RoleState, now: number): Session | undefined {
  if (!session) return undefined;

  const remainingMs = session.expires - now;
  return remainingMs > MIN_SESSION_MS ? session : undefined;
}

/** A session is renewed so long before it expires: ms. An outage of STS may last as long, and no visitor notices. */
const RENEW_MS = 25 * 60_000;

/** A session of less than 50 minutes is renewed when this part of its time is left. */
const RENEW_PART = 0.5;

/** After a failed renewal, the next one begins so much later while an old session serves: ms. */
const PAUSE_MS = 30_000;

/** After so many denials in a row, the session may be revoked. One denial says nothing: S3 also denies what is missing. */
const MAX_DENIALS = 10;

/** Denials renew no session that is younger than this. So a visitor with bad URLs cannot flood STS: ms. */
const MIN_DOUBTED_AGE_MS = 5 * 60_000;

/** Returns whether a session that can be used is to be renewed now. */
export function isRenewalDue(state: RoleState, now: number): boolean {
  const { session, failure } = state;
  if (!session) return false;
  if (isWithin(PAUSE_MS, failure?.at, now)) return false;

  const { began, expires } = session;
  const denials = state.denials ?? 0;
  const isDoubted = denials >= MAX_DENIALS;
  const isOldEnough = now - began >= MIN_DOUBTED_AGE_MS;
  if (isDoubted && isOldEnough) return true;

  // 25 minutes before it expires. If it lasts less than 50 minutes, half of its time is less.
  const renewMs = Math.min(RENEW_MS, (expires - began) * RENEW_PART);
  return expires - now < renewMs;
}

/** After a failed renewal, the next one begins so much later while there is no session, and visitors wait: ms. */
const SHORT_PAUSE_MS = 3_000;

/** Returns why STS is not asked now, although there is no session: it failed a moment ago. */
export function recentFailure({ failure }: RoleState, now: number): StsFailure | undefined {
  return isWithin(SHORT_PAUSE_MS, failure?.at, now) ? failure : undefined;
}

/**
 * How long others wait for a renewal: ms. It is more than a request to STS may take (STS_MS of get-session.ts). Without
 * this limit they might wait for ever if the runtime ends the request that began the renewal.
 */
export const RENEWAL_MS = 8_000;

/** Returns the renewal that is under way, and that others wait for. */
export function runningRenewal({ renewal }: RoleState, now: number): Renewal | undefined {
  return isWithin(RENEWAL_MS, renewal?.began, now) ? renewal : undefined;
}

/** Returns whether it was logged within the last minute that a visitor is refused. */
export function isRefusalReported({ refusedAt }: RoleState, now: number): boolean {
  return isWithin(LOG_PERIOD_MS, refusedAt, now);
}

// What the caller of /purge and the log are told: what is purged, what is not, and why.

import { logNotice } from "../log/log.ts";
import type { NotPurged, PurgeTarget } from "./targets.ts";

/** Why something is not purged. It may be asked for again. */
export type UpstreamFailure = {
  /** Of the answer: a limit, an error, or no time left. */
  readonly status: 429 | 502 | 503;
  readonly reason: string;
  /** After how long asking again may help: s. */
  readonly retryAfter: number;
};

/** Why each object is not purged, by its URL at the origin; undefined if it is. */
export type PurgeResults = ReadonlyMap<string, UpstreamFailure | undefined>;

export type PurgeAnswer = {
  readonly body: {
    /** Whether all that was asked for is purged. */
    readonly ok: boolean;
    /** The names of what is purged: BUCKET/key, BUCKET/*, or *. */
    readonly purged: readonly string[];
    readonly not_purged: readonly NotPurged[];
    /** Objects of an event that no URL of Vitrine shows. */
    readonly not_shown?: readonly NotPurged[];
    /** What is wrong with the whole request. */
    readonly reason?: string;
  };
  readonly status: number;
  readonly retryAfter?: number | undefined; // s
};

/** How many names a line of the log has, and each list of an answer: a body of 2 MiB can name 700,000. */
const MAX_LOGGED = 10;
const MAX_LISTED = 1_000;

/** Logs what is not purged, and the first reason. */
export function logNotPurged(
  left: readonly NotPurged[],
  reason: string | undefined = left[0]?.reason,
): void {
  if (!reason) return;
  const first = left.slice(0, MAX_LOGGED).map(({ object }) => object);
  const objects = first.length > 0 && { objects: left.length, first };
  logNotice({ event: "purge-failed", reason, ...objects });
}

/**
 * The report on what was asked of the cache.
 * @param wrong the names that mean no object: a fault of the request
 */
export function reportPurge(
  targets: readonly Pick<PurgeTarget, "name" | "url">[],
  results: PurgeResults,
  wrong: readonly NotPurged[] = [],
): PurgeAnswer {
  const purged: string[] = [];
  const left: NotPurged[] = [];
  let worst: UpstreamFailure | undefined;
  for (const { url, name } of targets) {
    const failure = results.get(url);
    if (failure) left.push({ object: name, reason: failure.reason });
    else purged.push(name);
    if (failure && failure.retryAfter > (worst?.retryAfter ?? 0)) worst = failure;
  }
  const body = {
    ok: left.length + wrong.length === 0,
    purged,
    not_purged: [...left, ...wrong],
  };
  const status = worst?.status ?? (wrong.length > 0 ? 400 : 200);
  return { body, status, retryAfter: worst?.retryAfter };
}

/** The report on a fault of the whole request. */
export function reportReason(status: number, reason: string): PurgeAnswer {
  return { body: { ok: false, purged: [], not_purged: [], reason }, status };
}

/** The body as JSON. */
export function bodyText(body: PurgeAnswer["body"]): string {
  const bounded = (_name: string, value: unknown) =>
    Array.isArray(value) ? value.slice(0, MAX_LISTED) : value;
  return JSON.stringify(body, bounded, 2);
}

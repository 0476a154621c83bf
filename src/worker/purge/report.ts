// What the caller of /purge is told: what is purged, what is not, and why. Pure.

import type { Notice } from "../base/notice.ts";
import type { NotPurged, Target } from "./targets.ts";

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
  readonly report: {
    /** Whether all that was asked for is purged. */
    readonly ok: boolean;
    /** The names of what is purged: BUCKET/key, BUCKET/*, or *. */
    readonly purged: readonly string[];
    readonly not_purged: readonly NotPurged[];
    /** Objects of an event that no URL of Vitrine shows. */
    readonly not_shown?: readonly NotPurged[];
    /** What the lists do not say. */
    readonly reason?: string;
  };
  readonly status: number;
  readonly retryAfter?: number | undefined; // s
};

/** How many names a line of the log has, and each list of an answer. */
const MAX_LOGGED = 10;
const MAX_LISTED = 1_000;

/** The line of the log. @param names what is not purged */
export function noticeOf(reason: string, names: readonly string[]): Notice {
  const objects = names.length > 0 && { objects: names.length, first: names.slice(0, MAX_LOGGED) };
  return { event: "purge-failed", reason, ...objects };
}

/**
 * The report on what was asked of the cache.
 * @param wrong the names that mean nothing: a fault of the request
 * @param notShown what Vitrine does not show: no fault
 */
export function reportPurge(
  targets: readonly Pick<Target, "name" | "url">[],
  results: PurgeResults,
  { wrong = [], notShown = [] }: Partial<Record<"wrong" | "notShown", readonly NotPurged[]>> = {},
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
  const report = {
    ok: left.length + wrong.length === 0,
    purged,
    not_purged: [...left, ...wrong],
    ...(notShown.length > 0 && { not_shown: notShown }),
  };
  const status = worst?.status ?? (wrong.length > 0 ? 400 : 200);
  return { report, status, retryAfter: worst?.retryAfter };
}

/** The report on what names no object: a fault of the request, or nothing to do. */
export function reportReason(status: number, reason: string, retryAfter?: number): PurgeAnswer {
  return { report: { ok: status === 200, purged: [], not_purged: [], reason }, status, retryAfter };
}

/** The report as JSON. A body of 2 MiB can name 700,000 objects: of each list there are the first, and a count. */
export function reportText(report: PurgeAnswer["report"]): string {
  const leftOut: Record<string, number> = {};
  const bounded = Object.entries(report).map(([name, value]): [string, unknown] => {
    if (!Array.isArray(value) || value.length <= MAX_LISTED) return [name, value];
    leftOut[name] = value.length - MAX_LISTED;
    return [name, value.slice(0, MAX_LISTED)];
  });
  if (Object.keys(leftOut).length > 0) bounded.push(["left_out", leftOut]);
  return JSON.stringify(Object.fromEntries(bounded), null, 2);
}

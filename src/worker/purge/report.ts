// Reports to the caller of /purge, and to the log, what is purged, what is not, and why.

import { logNotice } from "../log/log.ts";
import type { NotPurged, ObjectToPurge } from "./select-objects.ts";

/** Why something is not purged. The request may be repeated. */
export type PurgeFailure = {
  /** The status of the answer: a limit, an error, or a timeout. */
  readonly status: 429 | 502 | 503;
  readonly reason: string;
  /** After how long a repeated request may succeed: s. */
  readonly retryAfter: number;
};

/** Why each object is not purged, by its URL at the origin; undefined if it is. */
export type PurgeResults = ReadonlyMap<string, PurgeFailure | undefined>;

export type PurgeAnswer = {
  readonly body: {
    /** Whether everything in the request is purged. */
    readonly ok: boolean;
    /** Purged names: BUCKET/key, BUCKET/*, or *. */
    readonly purged: readonly string[];
    readonly not_purged: readonly NotPurged[];
    /** Objects of an event that no URL of Vitrine shows. */
    readonly not_shown?: readonly NotPurged[];
    /** Why nothing of the request could be read. */
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
  notPurged: readonly NotPurged[],
  reason: string | undefined = notPurged[0]?.reason,
): void {
  if (!reason) return;
  const first = notPurged.slice(0, MAX_LOGGED).map(({ object }) => object);
  const objects = first.length > 0 && { objects: notPurged.length, first };
  logNotice({ event: "purge-failed", reason, ...objects });
}

/** @param unknown the names that mean no object: a fault of the request */
export function reportPurge(
  objects: readonly Pick<ObjectToPurge, "name" | "url">[],
  results: PurgeResults,
  unknown: readonly NotPurged[] = [],
): PurgeAnswer {
  const purged: string[] = [];
  const failed: NotPurged[] = [];
  let worst: PurgeFailure | undefined;
  for (const { url, name } of objects) {
    const failure = results.get(url);
    if (failure) failed.push({ object: name, reason: failure.reason });
    else purged.push(name);
    if (failure && failure.retryAfter > (worst?.retryAfter ?? 0)) worst = failure;
  }
  const body = {
    ok: failed.length + unknown.length === 0,
    purged,
    not_purged: [...failed, ...unknown],
  };
  const status = worst?.status ?? (unknown.length > 0 ? 400 : 200);
  return { body, status, retryAfter: worst?.retryAfter };
}

/** @param reason why nothing of the request could be read */
export function reportNothingPurged(status: number, reason: string): PurgeAnswer {
  return { body: { ok: false, purged: [], not_purged: [], reason }, status };
}

/** The body as JSON, with lists of limited length. */
export function bodyText(body: PurgeAnswer["body"]): string {
  const limitLists = (_name: string, value: unknown) =>
    Array.isArray(value) ? value.slice(0, MAX_LISTED) : value;
  return JSON.stringify(body, limitLists, 2);
}

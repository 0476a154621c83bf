// Reports to the caller of /purge, and to the log, what is purged, what is not, and why.

import type { Config } from "../config/config.ts";
import { logNotice } from "../log/log.ts";
import { countForLog, type LogCount } from "../util/time.ts";
import type { NotPurged, ObjectToPurge } from "./select-objects.ts";

/** Why something is not purged. The request may be repeated. */
export type PurgeFailure = {
  /** The status of the answer: a limit, an error, or a timeout. */
  readonly status: 429 | 502 | 503;
  readonly reason: string;
  /** After how long a repeated request may succeed: s. */
  readonly retryAfter: number;
};

/** Why an object is not purged, by its URL at the origin. Every other object is purged. */
export type PurgeFailures = ReadonlyMap<string, PurgeFailure>;

/** The answer of a purge that was done, or tried. */
export type PurgeAnswer = {
  readonly kind: "report";
  readonly body: PurgeReport;
  readonly status: number;
  /** As in PurgeFailure; undefined if nothing has failed. */
  readonly retryAfter?: number | undefined;
};

/** The answer to an event that is in the queue. Nothing is purged yet, so it never says `ok`. */
export type QueuedAnswer = {
  readonly kind: "queued";
  readonly body: QueuedReport;
  readonly status: 202;
};

type QueuedReport = {
  /** How many objects are in the queue. */
  readonly queued: number;
  /** As in PurgeReport. */
  readonly not_shown?: readonly NotPurged[];
};

/** The JSON of the answer. */
type PurgeReport = {
  /** Whether everything in the request is purged. */
  readonly ok: boolean;
  /** Purged names: BUCKET/key, BUCKET/*, or *. */
  readonly purged: readonly string[];
  readonly not_purged: readonly NotPurged[];
  /** Objects of an event of S3 that no URL of Vitrine shows: no failure. purge.ts adds the list to its answer. */
  readonly not_shown?: readonly NotPurged[];
  /** Set if no object of an event is shown. */
  readonly note?: string;
  /** Why nothing of the request could be read: the lists are empty then. */
  readonly reason?: string;
} & Partial<PurgeProgress>;

/** What else an answer says, where there is a store, or a bucket is listed. */
export type PurgeProgress = {
  /** How many stored renditions were deleted. */
  readonly deleted: number;
  /** False if a last list shows that nothing is stored any more; true if something may be left: ask again. */
  readonly left: boolean;
  /** What the next request has to send as `after`. */
  readonly after: string;
  /** What S3 says of each object, if the request wants to know. */
  readonly verified: readonly VerifiedObject[];
};

/** An object by its name. `unknown`: S3 does not say, as in an outage. */
export type VerifiedObject = {
  readonly object: string;
  readonly state: "there" | "missing" | "denied" | "unknown";
};

/** What is left needs another request, and nobody has to wait for it. */
const LEFT = { status: 503, retryAfter: 1 } as const;

/** Adds what else is to be said. An answer with something left is not `ok`. */
export function withProgress(answer: PurgeAnswer, progress: Partial<PurgeProgress>): PurgeAnswer {
  const body = { ...answer.body, ...progress };
  if (!progress.left) return { ...answer, body };

  const isFailure = answer.retryAfter !== undefined;
  const { status, retryAfter } = isFailure ? answer : LEFT;
  return { kind: "report", body: { ...body, ok: false }, status, retryAfter };
}

/**
 * Makes the answer of a purge.
 * @param refused the names that mean no object, which is a fault of the request
 */
export function reportPurge(
  objects: readonly Pick<ObjectToPurge, "name" | "url">[],
  failures: PurgeFailures,
  refused: readonly NotPurged[] = [],
): PurgeAnswer {
  const purged: string[] = [];
  const failed: NotPurged[] = [];
  let longest: PurgeFailure | undefined;

  for (const { url, name } of objects) {
    const failure = failures.get(url);
    if (!failure) {
      purged.push(name);
      continue;
    }

    failed.push({ object: name, reason: failure.reason });

    // The answer has one status and one wait: those of the failure that needs the longest wait.
    if (!longest || failure.retryAfter > longest.retryAfter) longest = failure;
  }

  const notPurged = [...failed, ...refused];
  const body = { ok: notPurged.length === 0, purged, not_purged: notPurged };
  if (longest) {
    const { status, retryAfter } = longest;
    return { kind: "report", body, status, retryAfter };
  }

  // No purge has failed. Only unknown names can be left.
  return { kind: "report", body, status: body.ok ? 200 : 400 };
}

/** Adds the names that are too many for one request. Nothing was computed for them. */
export function withTooMany(
  answer: PurgeAnswer,
  names: readonly string[],
  reason: string,
): PurgeAnswer {
  if (names.length === 0) return answer;

  const tooMany = names.map((object) => ({ object, reason }));
  const body = {
    ...answer.body,
    ok: false,
    not_purged: [...answer.body.not_purged, ...tooMany],
  };

  // A failure of the first objects may need a longer wait.
  const isFailure = answer.retryAfter !== undefined;
  const { status, retryAfter } = isFailure ? answer : { status: 429, retryAfter: 1 };
  return { kind: "report", body, status, retryAfter };
}

/** Makes the answer of a request that cannot be read. */
export function reportNothingPurged(status: number, reason: string): PurgeAnswer {
  const body = { ok: false, purged: [], not_purged: [], reason };
  return { kind: "report", body, status };
}

/** Each list of an answer has so many entries at most: a request of 256 KiB can name 80,000 objects. */
const MAX_LISTED = 1_000;

/** Returns the body as JSON, with lists of limited length. */
export function bodyText(body: PurgeReport | QueuedReport): string {
  const limitLists = (_name: string, value: unknown) => {
    return Array.isArray(value) ? value.slice(0, MAX_LISTED) : value;
  };
  return JSON.stringify(body, limitLists, 2);
}

/** A line of the log has so many names at most. */
const MAX_LOGGED = 10;

/** Logs what an event of the queue has purged. @param names BUCKET/key */
export function logPurgedByEvent(names: readonly string[]): void {
  const first = names.slice(0, MAX_LOGGED);
  logNotice({ event: "purged-by-event", objects: names.length, first });
}

/** Logs that objects of the queue are not purged. Their messages come again. @param names BUCKET/key */
export function logEventsFailed(names: readonly string[], reason: string): void {
  const first = names.slice(0, MAX_LOGGED);
  logNotice({
    event: "purge-failed",
    reason: `${reason}: the messages come again`,
    objects: names.length,
    first,
  });
}

/** How often messages came that are no events, by the configuration: it is one object in each isolate. */
const unreadableCounts = new WeakMap<Config, LogCount>();

/** Logs once a minute that the queue has messages that are no events. */
export function logUnreadable(config: Config, queueName: string, now: number): void {
  const { times, shouldLog, logCount } = countForLog(unreadableCounts.get(config), now);
  unreadableCounts.set(config, logCount);
  if (!shouldLog) return;

  const reason = `a message of the queue ${queueName} is no event of S3 or R2`;
  logNotice({ event: "event-unreadable", reason, times });
}

/** Logs what is not purged, and one reason. Logs nothing if everything is purged. */
export function logNotPurged({ reason, not_purged: notPurged }: PurgeReport): void {
  if (reason) logNotice({ event: "purge-failed", reason });

  const [first] = notPurged;
  if (!first) return;

  logNotice({
    event: "purge-failed",
    reason: first.reason,
    objects: notPurged.length,
    first: notPurged.slice(0, MAX_LOGGED).map(({ object }) => object),
  });
}

/** How often events of other buckets came, by the configuration: it is one object in each isolate. */
const otherBucketCounts = new WeakMap<Config, LogCount>();

/**
 * Logs once a minute that events of S3 come whose bucket is not in wrangler.toml: the notification may be meant for another
 * environment, and then the events of this one go there. An event outside of a prefix is ordinary, and is not logged.
 * @param names the names of the buckets at S3
 */
export function logOtherBuckets(config: Config, names: readonly string[], now: number): void {
  if (names.length === 0) return;

  const { times, shouldLog, logCount } = countForLog(otherBucketCounts.get(config), now);
  otherBucketCounts.set(config, logCount);
  if (!shouldLog) return;

  const listed = names.slice(0, MAX_LOGGED).join(", ");
  const reason = `an event of S3 is about ${listed}, which is no bucket of wrangler.toml`;
  logNotice({ event: "event-elsewhere", reason, times });
}

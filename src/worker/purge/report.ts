// What the caller of /purge is told: what is purged, what is not, and why. Pure.

import type { Notice } from "../base/notice.ts";
import type { Bucket } from "../config/bucket.ts";
import type { EdgePurge } from "../config/edge-purge.ts";
import type { Hindrance } from "./hindrance.ts";
import { type Caches, type Fates, isAtEdge } from "./purge-objects.ts";
import type { Left, Targets } from "./targets.ts";

export type Report = {
  /** Whether all that was asked for is purged, in every cache that can be asked. */
  readonly ok: boolean;
  /** The names of what is purged: BUCKET/key, BUCKET/*, or *. */
  readonly purged: readonly string[];
  readonly not_purged: readonly Left[];
  /** Objects of an event that no URL of Vitrine shows. */
  readonly not_shown?: readonly Left[];
  /** What became of the cache of the Worker, and of the edge's. */
  readonly cache?: string;
  readonly edge?: string;
  /** What the rest does not say. */
  readonly reason?: string;
};

export type Outcome = {
  readonly report: Report;
  readonly status: number;
  /** After how long to try again: s. */
  readonly wait?: number | undefined;
  /** Whether the log has been told already, for all that were gathered. */
  readonly isLogged?: boolean;
};

const ERRORS = { limited: 429, failed: 502, late: 503 } as const;
const PURGED = "purged";
const NOTHING = "nothing is kept there with the Images binding";
const IN_PART = "see not_purged";

/** How many names a line of the log has, and each list of an answer. */
const MAX_LOGGED = 10;
const MAX_LISTED = 1_000;

/** The line of the log. @param names what is not purged */
export function noticeOf(reason: string, names: readonly string[]): Notice {
  const facts = names.length > 0 && { objects: names.length, first: names.slice(0, MAX_LOGGED) };
  return { event: "purge-failed", reason, ...facts };
}

/** @param others what means no object; for an event it is only not shown */
export function ofObjects(
  { targets, others }: Targets,
  fates: Fates,
  { edge, kept }: Caches,
  isEvent: boolean,
): Outcome {
  const hindered = targets.flatMap(({ url, name }) => {
    const why = fates.get(url);
    return why ? [{ name, why }] : [];
  });
  const left = hindered.map(({ name, why }) => ({ object: name, reason: why.reason }));
  const wrong = isEvent ? [] : others;
  const ended = left.length > 0 ? IN_PART : PURGED;
  const report = {
    ok: left.length + wrong.length === 0,
    purged: targets.filter(({ url }) => !fates.get(url)).map(({ name }) => name),
    not_purged: [...left, ...wrong],
    ...(isEvent && others.length > 0 && { not_shown: others }),
    cache: kept ? ended : "off",
    edge: targets.some(isAtEdge) || targets.length === 0 ? edgeText(edge, ended) : NOTHING,
  };
  const hindrances = hindered.map(({ why }) => why);
  return { report, ...answerOf(hindrances, wrong.length > 0), isLogged: wrong.length === 0 };
}

/** The report on all objects of some buckets. */
export function ofAll(
  name: string,
  buckets: readonly Pick<Bucket, "engines">[],
  hindered: Hindrance | undefined,
  caches: Caches,
): Outcome {
  const hasEdge = buckets.some((bucket) => isAtEdge({ bucket }));
  const report = {
    ok: !hindered,
    purged: hindered ? [] : [name],
    not_purged: hindered ? [{ object: name, reason: hindered.reason }] : [],
    cache: hindered ? IN_PART : caches.kept ? PURGED : "off",
    edge: hasEdge ? `not purged: Cloudflare purges it by object alone. ${OLD}` : NOTHING,
  };
  return { report, ...answerOf(hindered ? [hindered] : [], false) };
}

/** The report on what is about no object. */
export function ofNothing(done: string, hindered?: Hindrance): Outcome {
  const reason = hindered?.reason ?? done;
  const report = { ok: !hindered, purged: [], not_purged: [], reason };
  return { report, ...answerOf(hindered ? [hindered] : [], false) };
}

/** The report as JSON. A body of 2 MiB can name 700,000 objects: of each list there are the first, and a count. */
export function reportText(report: Report): string {
  const leftOut: Record<string, number> = {};
  const bounded = Object.entries(report).map(([name, value]): [string, unknown] => {
    if (!Array.isArray(value) || value.length <= MAX_LISTED) return [name, value];
    leftOut[name] = value.length - MAX_LISTED;
    return [name, value.slice(0, MAX_LISTED)];
  });
  if (Object.keys(leftOut).length > 0) bounded.push(["left_out", leftOut]);
  return JSON.stringify(Object.fromEntries(bounded), null, 2);
}

/** The report on a request that cannot be read. */
export function fault(status: number, reason: string): Outcome {
  return { report: { ok: false, purged: [], not_purged: [], reason }, status };
}

const OLD =
  "It may give an old picture back for an hour, or for as long as the object's cache-control says, and Workers Cache then keeps that picture for `keep`";

function edgeText(edge: EdgePurge, ended: string): string {
  return "token" in edge ? ended : `not purged: ${edge.missing}. ${OLD}`;
}

/** The status that has the caller try again, if that may help. */
function answerOf(hindrances: readonly Hindrance[], isWrong: boolean): Omit<Outcome, "report"> {
  const cause = (["limited", "failed", "late"] as const).find((one) =>
    hindrances.some((hindered) => hindered.cause === one),
  );
  if (!cause) return { status: isWrong ? 400 : 200 };
  // One by one: a call cannot have as many arguments as a body can name objects.
  const longest = hindrances.reduce((most, { wait }) => Math.max(most, wait), 0);
  return { status: ERRORS[cause], wait: longest };
}

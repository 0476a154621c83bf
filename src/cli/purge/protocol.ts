// The protocol of a purge: what was purged, what every answer was, what is proved and what is not, and until when
// browsers may keep what they have. For programs as JSON, for people as a page to print. It has no secret and no
// signature in it.

import { EXIT, type Exit } from "../command.ts";
import type { ProjectSite } from "../config/project.ts";
import type { PurgeResult } from "./purge-objects.ts";
import type { Verified } from "./verify.ts";

/** What a run of the command has come to. */
export type PurgeRun = {
  readonly purged: PurgeResult;
  /** How many inputs name no object. */
  readonly invalid: number;
  /** Undefined: no proof was asked for. */
  readonly verified: readonly Verified[] | undefined;
  /** Milliseconds since 1970, as `ended`. */
  readonly began: number;
  readonly ended: number;
  readonly exit: Exit;
};

/** The JSON. Times are in ISO 8601, by the clock of this machine. */
export type Protocol = {
  readonly site: string;
  readonly began: string;
  readonly ended: string;
  /** Whether all of it is purged and, with --verify, proved. */
  readonly ok: boolean;
  readonly purged: readonly string[];
  readonly not_purged: readonly { readonly object: string; readonly reason: string }[];
  readonly impossible_names: number;
  readonly store?: StoreJson;
  readonly verified?: readonly VerifiedJson[];
  readonly browsers: {
    /** Seconds. */
    readonly max_age: number;
    /** When no browser and no shared cache has a fresh copy any more. Undefined: that is not known. */
    readonly until?: string;
  };
};

type StoreJson = { readonly deleted: number; readonly left: "nothing" | "not known" };

type VerifiedJson = Pick<Verified, "object" | "names" | "result" | "reason"> & {
  readonly s3: readonly string[];
  readonly answers: readonly {
    readonly url: string;
    readonly variant: string;
    readonly browser: string;
    readonly answer: string;
  }[];
  readonly time: string;
};

export function createProtocol(site: ProjectSite, run: PurgeRun): Protocol {
  const { purged, invalid, verified, began, ended, exit } = run;
  const notPurged = [...purged.notPurged].map(([object, reason]) => ({ object, reason }));
  const maxAge = longestMaxAge(site, run.purged.purged);
  const until = keptUntil(site, run, maxAge);
  const hasStore = site.config.store !== undefined || purged.emptied.size > 0;

  return {
    site: site.baseUrl,
    began: isoTime(began),
    ended: isoTime(ended),
    ok: exit === EXIT.done,
    purged: purged.purged,
    not_purged: notPurged,
    impossible_names: invalid,
    ...(hasStore && { store: storeJson(purged) }),
    ...(verified && { verified: verified.map((object) => verifiedJson(site.baseUrl, object)) }),
    browsers: { max_age: maxAge, ...(until !== undefined && { until: isoTime(until) }) },
  };
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function storeJson({ purged, notPurged, deleted, emptied }: PurgeResult): StoreJson {
  const isEmptied = notPurged.size === 0 && purged.every((name) => emptied.has(name));
  return { deleted, left: isEmptied ? "nothing" : "not known" };
}

function verifiedJson(baseUrl: string, verified: Verified): VerifiedJson {
  const { object, names, result, reason, states, time } = verified;
  const answers = verified.answers.map(({ path, variant, browser, answer }) => {
    return { url: baseUrl + path, variant, browser, answer };
  });
  return { object, names, result, reason, s3: states, answers, time: isoTime(time) };
}

/** Returns the longest `max_age` of the routes that show what was purged: s. It is a year where a route is immutable. */
function longestMaxAge({ config }: ProjectSite, names: readonly string[]): number {
  let longest = config.answers.max_age;

  for (const { policy, signing, buckets } of config.routes) {
    const isConcerned = buckets.some(({ name }) => isPurgedBucket(names, name));
    const validity = signing?.maxAge ?? Infinity;
    if (isConcerned) longest = Math.max(longest, Math.min(policy.maxAge, validity));
  }
  return longest;
}

/**
 * When the last copy of a browser, or of a shared cache, is not fresh any more.
 * @returns ms since 1970; undefined if a new copy may still be given out
 */
function keptUntil({ config }: ProjectSite, run: PurgeRun, maxAge: number): number | undefined {
  const { purged, verified = [], ended } = run;
  const isShown = verified.some(({ result }) => result === "still there");
  if (purged.notPurged.size > 0 || isShown) return undefined;

  // A request that was on its way when the purge ended is answered within `timeout`.
  const { timeout } = config.answers;
  let longest = maxAge;

  // A signed URL with a version is kept until it expires.
  for (const { signing, buckets } of config.routes) {
    const isConcerned = buckets.some(({ name }) => isPurgedBucket(purged.purged, name));
    if (signing && isConcerned) longest = Math.max(longest, signing.maxAge);
  }
  return ended + (timeout + longest) * 1000;
}

/** @param names BUCKET/key, BUCKET/* or * */
function isPurgedBucket(names: readonly string[], bucket: string): boolean {
  return names.some((name) => name === "*" || name.startsWith(`${bucket}/`));
}

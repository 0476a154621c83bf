// Reads `[vars.ANSWERS]`, and the table `answers` of a route: for how long Workers Cache and browsers keep a picture. What
// a route sets holds only for a picture of the object that S3 has now. What may be of an older object is kept for no
// longer than `[vars.ANSWERS]` says, and a failure never gets the terms of a route. No I/O, no clock.

import { bindingName } from "./bindings.ts";
import {
  boolean,
  type Infer,
  integer,
  numberBetween,
  optional,
  type PartialTable,
  SECONDS,
  table,
} from "./schema.ts";

const WEEK_S = 604_800;
const YEAR_S = 31_536_000;

const seconds = integer(0, YEAR_S, SECONDS);

export const answersSchema = table({
  /** For how long browsers and shared caches may keep an image: s. */
  max_age: optional(seconds, 3600),
  /** For how long Workers Cache shows a rendition without a request to S3: s. 0: there is no cache (W7). */
  keep: optional(seconds, 300),
  /** For how long after `keep` a visitor still gets the old rendition at once, while S3 is asked again: s (W8). */
  stale: optional(seconds, WEEK_S),
  /** For how long after `keep` visitors still get the old rendition if S3 or the engine fails: s (W8). */
  stale_if_error: optional(seconds, WEEK_S),
  /** The binding of the R2 bucket that holds every rendition that was ever made. */
  store: optional(bindingName),
  /** How long a visitor waits at most, whatever is tried again on the way: s. */
  timeout: optional(numberBetween(1, 60, SECONDS), 20),
});

export type Answers = Infer<typeof answersSchema>;

/** What a route sets. What is left out is as in `[vars.ANSWERS]`. */
const ROUTE_OPTIONS = {
  keep: optional(seconds),
  stale: optional(seconds),
  stale_if_error: optional(seconds),
  max_age: optional(seconds),
  /** Whether no picture of the route ever changes behind its URL, so that no browser has to ask again. */
  immutable: optional(boolean, false),
};

/**
 * Returns the schema of a route's `answers`.
 * @param isOfRoute whether the route itself has this option. In TOML, a key below the head `[vars.ROUTES.answers]` belongs
 *   to that table, and not to the route above it
 */
export function routeAnswersSchema(isOfRoute: (key: string) => boolean) {
  const explain = (key: string) => (isOfRoute(key) ? OF_ROUTE : undefined);
  return table(ROUTE_OPTIONS, checkImmutable, explain);
}

const OF_ROUTE = "is an option of the route itself: write it before the table answers begins";

type RouteAnswers = Infer<ReturnType<typeof routeAnswersSchema>>;

function checkImmutable(
  { immutable, max_age }: PartialTable<typeof ROUTE_OPTIONS>,
  addMistake: (message: string, key: string) => void,
): void {
  const isNeverFresh = immutable === true && max_age === 0;
  if (isNeverFresh) addMistake("does nothing with max_age = 0: remove one of them", "immutable");
}

/** For how long Workers Cache shows a rendition: s. */
export type Lifetimes = Pick<Answers, "keep" | "stale" | "stale_if_error">;

/** For how long the pictures of a route are kept. */
export type RoutePolicy = {
  /** By Workers Cache. Undefined: as `[vars.ANSWERS]` says, and so do the URLs of its renditions. */
  readonly lifetimes: Lifetimes | undefined;
  /** By browsers and shared caches: s. */
  readonly maxAge: number;
  /** Whether no browser has to ask again meanwhile. */
  readonly isImmutable: boolean;
};

/**
 * Returns the policy of a route: what it sets, and all else as in `[vars.ANSWERS]`.
 * @param needsToken whether the tokens of a login open the route
 */
export function routePolicy(
  settings: RouteAnswers | undefined,
  answers: Answers,
  needsToken: boolean,
): RoutePolicy {
  const lifetimes = {
    keep: settings?.keep ?? answers.keep,
    stale: settings?.stale ?? answers.stale,
    stale_if_error: settings?.stale_if_error ?? answers.stale_if_error,
  };

  const isGeneral =
    lifetimes.keep === answers.keep &&
    lifetimes.stale === answers.stale &&
    lifetimes.stale_if_error === answers.stale_if_error;

  const isImmutable = settings?.immutable === true;
  let defaultMaxAge = isImmutable ? YEAR_S : answers.max_age;

  // Chromium keeps pictures in the memory of a tab, and ignores `vary: cookie` there: it would show the next user what the
  // user before has seen. So browsers ask each time, and get a 304.
  if (needsToken) defaultMaxAge = 0;
  const maxAge = settings?.max_age ?? defaultMaxAge;

  return { lifetimes: isGeneral ? undefined : lifetimes, maxAge, isImmutable };
}

/** Returns for how long Workers Cache shows a rendition, or the pictures of a route. */
export function lifetimesOf(
  { lifetimes }: { readonly lifetimes: Lifetimes | undefined },
  answers: Answers,
): Lifetimes {
  return lifetimes ?? answers;
}

/** Returns the shorter ones of two lifetimes, for a rendition that may be of an older object. */
export function shorterLifetimes(first: Lifetimes, second: Lifetimes): Lifetimes {
  return {
    keep: Math.min(first.keep, second.keep),
    stale: Math.min(first.stale, second.stale),
    stale_if_error: Math.min(first.stale_if_error, second.stale_if_error),
  };
}

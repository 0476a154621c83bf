// Asks for one variant after the other, a few at a time, and reads each to its end.

import { isFault, type World } from "../command.ts";
import { shareOut } from "../net/crew.ts";
import { createPace } from "../net/pace.ts";
import { answerOf, failureOf, type Retrying, retrying, waitOf } from "../net/retrying.ts";
import type { Operator } from "../project/operator.ts";
import { queryFor } from "../project/public-url.ts";
import { withoutSignature } from "../project/wanted.ts";
import type { Progress } from "../terminal/progress.ts";
import { ACCEPTS, type Ask, type Due } from "./asks.ts";
import type { WarmRecord } from "./record.ts";
import type { Tally } from "./tally.ts";

export type WarmRun = {
  readonly base: string;
  readonly concurrency: number;
  readonly record: WarmRecord;
  readonly tally: Tally;
  readonly progress: Progress;
  /** Is aborted where no more is to be asked. */
  readonly stop: AbortController;
};

/** Milliseconds: what an answer may take, and how long a `retry-after` is waited for. */
const TIMEOUT = 90_000;
const LONGEST_WAIT = 120_000;

/** After so many failures in a row that are no fault of the object's, the rest is left. */
const MOST_TROUBLE = 20;

/** What Vitrine says of an object that it cannot show. */
const OF_OBJECTS: ReadonlySet<number> = new Set([404, 415]);
const LONGEST_TYPE = 60;
const MOST_NAMED = 1_000;

/** For how long the URLs of signed routes are good: seconds. */
const EXPIRY = 3_600;

/** How a request ended; undefined: it was interrupted. */
type Ended =
  | { readonly type: string; readonly bytes: number }
  | { readonly why: string; readonly trouble: boolean }
  | undefined;

/** @returns why it stopped before the end, if it did */
export async function warmAll(
  world: World,
  operator: Operator,
  asks: AsyncIterable<Due>,
  { base, concurrency, record, tally, progress, stop }: WarmRun,
): Promise<string | undefined> {
  const { now, interrupted } = world;
  const pace = createPace([], now, interrupted);
  const signal = AbortSignal.any([interrupted, stop.signal]);
  let stopped: string | undefined;
  let trouble = 0;
  /** Objects that cannot be shown, and were told of. */
  const named = new Set<string>();
  const halt = (reason: string) => {
    stopped ??= reason;
    stop.abort();
  };
  await shareOut(asks, concurrency, signal, async (ask) => {
    const query = await signatureOf(world, operator, ask);
    if (isFault(query)) return halt(query.fault);
    const ended = await show(base + ask.path + query, ask, pace, interrupted, now);
    if (ended === undefined) return;
    if ("type" in ended) {
      tally.shown(ended.type, ended.bytes);
    } else {
      const key = withoutSignature(ask.key);
      tally.failed(ended.why, key);
      if (ended.trouble) progress.say(`${ended.why}  ${key}  ${ask.variant}  ${ask.reads}`);
      else if (!named.has(key))
        progress.say(`${ended.why}  ${key}  ${ask.variant}, and perhaps others`);
      if (!ended.trouble) named.add(key);
      if (named.size > MOST_NAMED) named.clear();
    }
    const fault = await record.add(ask, "type" in ended);
    if (fault !== undefined) halt(fault.fault);
    trouble = "trouble" in ended && ended.trouble ? trouble + 1 : 0;
    if (trouble === MOST_TROUBLE && "why" in ended) {
      halt(
        `the last ${MOST_TROUBLE} requests failed, the last one with ${ended.why}: look at the log (npx wrangler tail)`,
      );
    }
    progress.step();
  });
  return stopped;
}

/** The query of a signed route's URL; of others, nothing. */
async function signatureOf({ now }: World, operator: Operator, ask: Ask) {
  const { route, preset, key, version } = ask;
  if (route.signing === undefined) return "";
  const expires = Math.floor(now() / 1000) + Math.min(EXPIRY, route.signing.maxAge);
  return queryFor(operator, route, { preset, key, expires, version });
}

async function show(
  url: string,
  { reads }: Ask,
  pace: ReturnType<typeof createPace>,
  signal: AbortSignal,
  now: () => number,
): Promise<Ended> {
  let bytes = 0;
  const settings: Retrying = {
    limit: 2,
    statuses: [429, 503],
    longestWait: LONGEST_WAIT,
    beyond: "give-up",
    timeout: TIMEOUT,
    signal,
    before: pace.turn,
    async send(request) {
      const answer = await fetch(request);
      const wait = answer.status === 429 ? waitOf(answer, now()) : 0;
      if (wait <= LONGEST_WAIT) pace.hold(wait); // for all that are under way
      bytes = 0;
      for await (const chunk of answer.body ?? []) bytes += chunk.length;
      return answerOf(answer, "");
    },
  };
  try {
    const answer = await retrying(settings).get(url, { headers: { accept: ACCEPTS[reads] } });
    return endedBy(answer, bytes);
  } catch (error) {
    const failure = failureOf(error, settings);
    if ("response" in failure) return endedBy(failure.response, bytes);
    return failure.network === undefined ? undefined : { why: failure.network, trouble: true };
  }
}

function endedBy({ status, headers }: Response, bytes: number): Ended {
  const type =
    headers.get("content-type")?.split(";", 1).join().slice(0, LONGEST_TYPE) || "no type";
  if (status !== 200) return { why: `${status}`, trouble: !OF_OBJECTS.has(status) };
  const [, image] = /^image\/([\w.-]+)/.exec(type) ?? [];
  return image === undefined ? { why: `200 ${type}`, trouble: true } : { type: image, bytes };
}

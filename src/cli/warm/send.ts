// Sends the requests of a queue, a few at a time, and reads each answer to its end.

import { isFault, type World } from "../command.ts";
import { shareOut } from "../net/crew.ts";
import { createPace, type Pace } from "../net/pace.ts";
import { answerOf, failureOf, type Retrying, retrying, waitOf } from "../net/retrying.ts";
import type { Progress } from "../terminal/progress.ts";
import { ACCEPTS } from "./plan.ts";
import type { Queued, WarmRecord } from "./record.ts";
import type { Summary } from "./summary.ts";

type Sending = {
  readonly base: string;
  readonly concurrency: number;
  readonly record: WarmRecord;
  readonly summary: Summary;
  readonly progress: Progress;
  readonly stop: AbortController;
};

/** How long an answer may take, and how long a `retry-after` is waited for: ms. */
const TIMEOUT = 90_000;
const LONGEST_WAIT = 120_000;

/** After so many failures in a row that are not the object's fault, it stops. */
const MOST_TROUBLE = 20;

/** The statuses of an object that Vitrine cannot show. */
const OBJECT_STATUSES: readonly number[] = [404, 415];
const LONGEST_TYPE = 60;
const MOST_NAMED = 1_000;

type Ended =
  | { readonly type: string; readonly bytes: number }
  /** `isTrouble`: it is not the object's fault. */
  | { readonly why: string; readonly isTrouble: boolean };

/** @returns why it stopped before the end; undefined if it did not */
export async function sendAll(
  { now, interrupted }: World,
  requests: AsyncIterable<Queued>,
  { base, concurrency, record, summary, progress, stop }: Sending,
): Promise<string | undefined> {
  const pace = createPace(now, interrupted);
  const signal = AbortSignal.any([interrupted, stop.signal]);
  let stopped: string | undefined;
  let trouble = 0;
  /** Objects that cannot be shown, and were named. */
  const named = new Set<string>();
  const halt = (reason: string) => {
    stopped ??= reason;
    stop.abort();
  };
  const tellFailure = (why: string, isTrouble: boolean, { name, variant, reads }: Queued) => {
    summary.failed(why, name);
    if (isTrouble) progress.say(`${why}  ${name}  ${variant}  ${reads}`);
    else if (!named.has(name)) progress.say(`${why}  ${name}  ${variant}, and perhaps others`);
    if (!isTrouble) named.add(name);
    if (named.size > MOST_NAMED) named.clear();
  };
  await shareOut(requests, concurrency, signal, async (request) => {
    const query = await request.sign(now());
    if (isFault(query)) return halt(query.fault);
    const ended = await send(base + request.path + query, request, pace, interrupted, now);
    if (ended === undefined) return;
    if ("type" in ended) summary.shown(ended.type, ended.bytes);
    else tellFailure(ended.why, ended.isTrouble, request);
    const fault = await record.add(request, "type" in ended);
    if (fault !== undefined) halt(fault.fault);
    trouble = "why" in ended && ended.isTrouble ? trouble + 1 : 0;
    if (trouble === MOST_TROUBLE && "why" in ended) {
      const what = `the last ${MOST_TROUBLE} requests failed, the last one with ${ended.why}`;
      halt(`${what}. Check the log: npx wrangler tail`);
    }
    progress.step();
  });
  return stopped;
}

/** @returns undefined if it was interrupted */
async function send(
  url: string,
  { reads }: Queued,
  pace: Pace,
  signal: AbortSignal,
  now: () => number,
): Promise<Ended | undefined> {
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
      if (wait <= LONGEST_WAIT) pace.hold(wait); // for all requests
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
    if (typeof failure === "string") return { why: failure, isTrouble: true };
    return failure && endedBy(failure, bytes);
  }
}

function endedBy({ status, headers }: Response, bytes: number): Ended {
  if (status !== 200) return { why: `${status}`, isTrouble: !OBJECT_STATUSES.includes(status) };
  const type =
    headers.get("content-type")?.split(";", 1).join().slice(0, LONGEST_TYPE) || "no type";
  const [, image] = /^image\/([\w.-]+)/.exec(type) ?? [];
  return image === undefined ? { why: `200 ${type}`, isTrouble: true } : { type: image, bytes };
}

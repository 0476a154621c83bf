// Sends the requests of a queue, a few at a time, and reads each answer to its end.

import { isFault, type World } from "../command.ts";
import { askPicture } from "../http/ask-picture.ts";
import { shareOut } from "../http/crew.ts";
import { createPace } from "../http/retrying.ts";
import type { Progress } from "../terminal/progress.ts";
import type { VariantRequest } from "../urls/variant-requests.ts";
import type { Summary } from "./summary.ts";

type Sending = {
  readonly base: string;
  readonly concurrency: number;
  readonly summary: Summary;
  readonly progress: Progress;
  readonly stop: AbortController;
};

/** After so many failures in a row that are not the object's fault, it stops. */
const MOST_TROUBLE = 20;

const MOST_NAMED = 1_000;

/** @returns why it stopped before the end; undefined if it did not */
export async function sendAll(
  { now, interrupted }: World,
  requests: AsyncIterable<VariantRequest>,
  { base, concurrency, summary, progress, stop }: Sending,
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
  const tellFailure = (
    why: string,
    isTrouble: boolean,
    { name, variant, reads }: VariantRequest,
  ) => {
    summary.failed(why, name);
    if (isTrouble) progress.say(`${why}  ${name}  ${variant}  ${reads}`);
    else if (!named.has(name)) progress.say(`${why}  ${name}  ${variant}, and perhaps others`);
    if (!isTrouble) named.add(name);
    if (named.size > MOST_NAMED) named.clear();
  };
  await shareOut(requests, concurrency, signal, async (request) => {
    const query = await request.sign(now());
    if (isFault(query)) return halt(query.fault);
    const url = base + request.path + query;
    const ended = await askPicture(url, request.reads, pace, interrupted, now);
    if (ended === undefined) return;
    if ("type" in ended) summary.shown(ended.type, ended.bytes);
    else tellFailure(ended.why, ended.isTrouble, request);
    trouble = "why" in ended && ended.isTrouble ? trouble + 1 : 0;
    if (trouble === MOST_TROUBLE && "why" in ended) {
      const what = `the last ${MOST_TROUBLE} requests failed, the last one with ${ended.why}`;
      halt(`${what}. Check the log: npx wrangler tail`);
    }
    progress.step();
  });
  return stopped;
}

// Reads keys from stdin and queues the requests that they need. It reads the first keys ahead, to say what all
// may cost.

import type { Readable } from "node:stream";
import type { Operator } from "../project/operator.ts";
import { isImpossible, readGiven } from "../project/wanted.ts";
import { type Impossible, linesOf } from "../terminal/lines.ts";
import type { Planner } from "./plan.ts";
import type { WarmRecord } from "./record.ts";
import type { Queued, WarmRequest } from "./request.ts";

/** What the keys need that were read ahead. */
export type Estimate = {
  readonly keys: number;
  /** Whether these are all keys. */
  readonly isWhole: boolean;
  readonly requests: number;
  /** How many unique transformations these requests cause (L2). */
  readonly transformations: number;
  /** How many requests were done before. */
  readonly done: number;
};

export type Queue = {
  readonly estimate: Estimate;
  /** Yields every request once, and ends before `most` unique transformations are exceeded. */
  requests(tell: Tell, most?: number): AsyncGenerator<Queued>;
};

type Tell = {
  readonly skipped: (requests: number) => void;
  readonly impossible: (what: Impossible) => void;
  /** The next object would exceed the most, so the queue ends. */
  readonly beyond: () => void;
};

type From = {
  readonly stdin: Readable;
  /** The hosts of this Vitrine. */
  readonly hosts: readonly string[];
  readonly planner: Planner;
  readonly record: Pick<WarmRecord, "before" | "paid">;
  readonly stop: AbortSignal;
};

/** How many keys are read before the first request. */
const AHEAD = 10_000;

/** What a line needs. */
type Needed = {
  readonly requests: readonly WarmRequest[];
  readonly done: number;
  readonly transformations: number;
};

export async function createQueue(
  operator: Operator,
  { stdin, hosts, planner, record, stop }: From,
): Promise<Queue> {
  const lines = linesOf(stdin, stop);
  const ahead: (string | Impossible)[] = [];
  let isWhole = false;
  while (ahead.length < AHEAD && !isWhole) {
    const { done = false, value } = await lines.next();
    if (done) isWhole = true;
    else ahead.push(value);
  }
  /** @param seen the sources of the lines before this one */
  const need = (line: string | Impossible, seen: Set<string>): Needed | Impossible => {
    const wanted = readGiven(operator, hosts, undefined, line);
    const planned = isImpossible(wanted) ? wanted : planner(wanted);
    if (isImpossible(planned)) return planned;
    const source = planned[0]?.source;
    if (source === undefined || seen.has(source))
      return { requests: [], done: 0, transformations: 0 };
    seen.add(source);
    const old = record.before(source);
    const paid = record.paid(source);
    const requests = planned.filter(({ options }) => !old.has(options));
    const billed = requests.map(({ unique }) => unique).filter((unique) => !paid.has(unique));
    const done = planned.length - requests.length;
    return { requests, done, transformations: new Set(billed).size };
  };
  const sum = { requests: 0, transformations: 0, done: 0 };
  const counted = new Set<string>();
  for (const line of ahead) {
    const needed = need(line, counted);
    if (isImpossible(needed)) continue;
    sum.requests += needed.requests.length;
    sum.transformations += needed.transformations;
    sum.done += needed.done;
  }
  return {
    estimate: { keys: ahead.length, isWhole, ...sum },
    async *requests({ skipped, impossible, beyond }, most = Number.POSITIVE_INFINITY) {
      const queued = new Set<string>();
      let made = 0;
      for await (const line of together(ahead, lines)) {
        const needed = need(line, queued);
        if (isImpossible(needed)) {
          impossible(needed);
          continue;
        }
        skipped(needed.done);
        made += needed.transformations;
        if (made > most) return beyond();
        const siblings = needed.requests.length;
        for (const request of needed.requests) yield { ...request, siblings };
      }
    },
  };
}

async function* together<Item>(ahead: Item[], rest: AsyncIterable<Item>): AsyncGenerator<Item> {
  yield* ahead.splice(0); // frees their memory
  yield* rest;
}

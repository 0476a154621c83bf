// Reads keys from stdin and queues the requests that they need. It reads the first keys ahead, to say what all
// may cost.

import type { Readable } from "node:stream";
import { type Impossible, linesOf } from "../terminal/lines.ts";
import type { Estimate } from "./estimate.ts";
import type { Planner, WarmRequest } from "./plan.ts";
import type { Queued, WarmRecord } from "./record.ts";
import type { Summary } from "./summary.ts";

const AHEAD = 10_000;

type Needed = Pick<Estimate, "done" | "transformations"> & { requests: readonly WarmRequest[] };

const NOTHING: Needed = { requests: [], done: 0, transformations: 0 };

/** @param stop ends the queue */
export async function createQueue(
  stdin: Readable,
  planner: Planner,
  record: Pick<WarmRecord, "before" | "paid">,
  stop: AbortSignal,
) {
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
    const planned = planner(line);
    if ("reason" in planned) return planned;
    const source = planned[0]?.source;
    if (source === undefined || seen.has(source)) return NOTHING;
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
    if ("reason" in needed) continue;
    sum.requests += needed.requests.length;
    sum.transformations += needed.transformations;
    sum.done += needed.done;
  }
  const estimate: Estimate = { keys: ahead.length, isWhole, ...sum };
  return {
    estimate,
    /** Yields every request once, and ends before `most` unique transformations are exceeded. */
    async *requests(summary: Summary, most = Number.POSITIVE_INFINITY): AsyncGenerator<Queued> {
      const queued = new Set<string>();
      let made = 0;
      for await (const line of together(ahead, lines)) {
        const needed = need(line, queued);
        if ("reason" in needed) {
          summary.impossible(needed);
          continue;
        }
        summary.done += needed.done;
        made += needed.transformations;
        summary.isBeyond = made > most;
        if (summary.isBeyond) return;
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

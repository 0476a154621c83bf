// Reads keys from stdin and queues the requests that they need. It reads the first keys ahead, to say what all
// may cost.

import type { Readable } from "node:stream";
import { FREE, money, PRICE } from "../config/transformations.ts";
import { type Impossible, linesOf } from "../terminal/lines.ts";
import { count, counted } from "../terminal/progress.ts";
import type { Planner, VariantRequest } from "../urls/variant-requests.ts";
import type { Summary } from "./summary.ts";

const AHEAD = 10_000;

/** What the keys need that were read ahead. */
export type Estimate = {
  readonly keys: number;
  readonly isWhole: boolean;
  readonly requests: number;
  readonly transformations: number;
};

/** @param stop ends the queue */
export async function createQueue(stdin: Readable, planner: Planner, stop: AbortSignal) {
  const lines = linesOf(stdin, stop);
  const ahead: (string | Impossible)[] = [];
  let isWhole = false;
  while (ahead.length < AHEAD && !isWhole) {
    const { done = false, value } = await lines.next();
    if (done) isWhole = true;
    else ahead.push(value);
  }
  /** @param seen the sources of the lines before this one */
  const plan = (line: string | Impossible, seen: Set<string>) => {
    const requests = planner(line);
    const source = "reason" in requests ? undefined : requests[0]?.source;
    if (source === undefined) return requests;
    if (seen.has(source)) return [];
    seen.add(source);
    return requests;
  };
  const sum = { requests: 0, transformations: 0 };
  const sources = new Set<string>();
  for (const line of ahead) {
    const requests = plan(line, sources);
    if ("reason" in requests) continue;
    sum.requests += requests.length;
    sum.transformations += transformationsOf(requests);
  }
  const estimate: Estimate = { keys: ahead.length, isWhole, ...sum };
  return {
    estimate,
    /** Yields every request once, and ends before `most` unique transformations are exceeded. */
    async *requests(
      summary: Summary,
      most = Number.POSITIVE_INFINITY,
    ): AsyncGenerator<VariantRequest> {
      const queued = new Set<string>();
      let made = 0;
      for await (const line of together(ahead, lines)) {
        const requests = plan(line, queued);
        if ("reason" in requests) {
          summary.impossible(requests);
          continue;
        }
        made += transformationsOf(requests);
        summary.isBeyond = made > most;
        if (summary.isBeyond) return;
        yield* requests;
      }
    },
  };
}

/** What Cloudflare bills for an object, if nothing is made yet (L2). */
function transformationsOf(requests: readonly VariantRequest[]): number {
  return new Set(requests.map(({ unique }) => unique)).size;
}

async function* together<Item>(ahead: Item[], rest: AsyncIterable<Item>): AsyncGenerator<Item> {
  yield* ahead.splice(0); // frees their memory
  yield* rest;
}

type Limits = {
  /** How many unique transformations it makes at most; undefined: no limit. */
  readonly most: number | undefined;
  readonly bound: number | undefined;
  readonly local: boolean;
};

/** Says what warming may cost, before it begins. */
export function estimateLines(
  { keys, isWhole, requests, transformations }: Estimate,
  { most, bound, local }: Limits,
): string[] {
  const dollars = Math.max(0, Math.ceil(transformations * PRICE * 100 - 1e-6) / 100);
  const lines = [
    `${isWhole ? counted(keys, "key") : `The first ${count(keys)} keys`}: ${counted(requests, "request")}, with ${counted(transformations, "unique transformation")}.`,
  ];
  if (transformations > 0 && !local) {
    lines.push(
      `At most ${money(dollars)}: $0.50 for 1,000, after the month's ${count(FREE)} free ones. What is stored costs nothing.`,
    );
  }
  if (!isWhole) lines.push("More keys follow, at the same price each. Their number is not known.");
  if (bound !== undefined && dollars > bound && !local) {
    lines.push(`COSTS.most in wrangler.toml is ${money(bound)} a month.`);
  }
  if (most !== undefined && (!isWhole || transformations > most)) {
    lines.push(`Without --yes it ends at ${count(most)} of them.`);
  }
  return lines;
}

// The requests for the keys on stdin: the first keys are read ahead, to say what all may cost.

import type { Readable } from "node:stream";
import { FREE, money, PRICE } from "./costs.ts";
import { type Impossible, linesOf } from "./lines.ts";
import type { Operator } from "./operator.ts";
import { count, counted } from "./progress.ts";
import { isImpossible, readGiven } from "./wanted.ts";
import type { Ask, Planner } from "./warm-asks.ts";

export type Supply = {
  /** How many keys were read ahead, and true if these are all. */
  readonly keys: number;
  readonly whole: boolean;
  /** What they need: requests, and unique transformations among these (L2). */
  readonly requests: number;
  readonly transformations: number;
  /** How many requests were done before. */
  readonly done: number;
  /** All requests, each once, as long as there are keys. */
  asks(tell: Tell): AsyncGenerator<Ask>;
};

type Tell = {
  readonly skipped: () => void;
  readonly impossible: (what: Impossible) => void;
};

type From = {
  readonly stdin: Readable;
  /** Where this Vitrine is. */
  readonly hosts: readonly string[];
  readonly planner: Planner;
  /** The ids of what was done before. */
  readonly before: ReadonlySet<string>;
  readonly stop: AbortSignal;
};

/** So many keys are read before anything is asked for. */
export const AHEAD = 10_000;

export async function createSupply(
  operator: Operator,
  { stdin, hosts, planner, before, stop }: From,
): Promise<Supply> {
  const lines = linesOf(stdin, stop);
  const ahead: (string | Impossible)[] = [];
  let whole = false;
  while (ahead.length < AHEAD && !whole) {
    const { done = false, value } = await lines.next();
    if (done) whole = true;
    else ahead.push(value);
  }
  const plan = (line: string | Impossible) => {
    const wanted = readGiven(operator, hosts, undefined, line);
    return isImpossible(wanted) ? wanted : planner(wanted);
  };
  const ids = new Set<string>();
  const unique = new Set<string>();
  let done = 0;
  for (const line of ahead) {
    const planned = plan(line);
    if (isImpossible(planned)) continue;
    for (const ask of planned) {
      if (ids.has(ask.id)) continue;
      ids.add(ask.id);
      if (before.has(ask.id)) done += 1;
      else unique.add(ask.unique);
    }
  }
  return {
    ...{ keys: ahead.length, whole, done },
    ...{ requests: ids.size - done, transformations: unique.size },
    async *asks({ skipped, impossible }) {
      const asked = new Set<string>();
      for await (const line of together(ahead, lines)) {
        const planned = plan(line);
        if (isImpossible(planned)) impossible(planned);
        for (const ask of isImpossible(planned) ? [] : planned) {
          if (asked.has(ask.id)) continue;
          asked.add(ask.id);
          if (before.has(ask.id)) skipped();
          else yield ask;
        }
      }
    },
  };
}

async function* together<Item>(ahead: Item[], rest: AsyncIterable<Item>): AsyncGenerator<Item> {
  yield* ahead.splice(0); // not kept
  yield* rest;
}

/** What is to be said before it begins. */
export function tellCost({ keys, whole, requests, transformations, done }: Supply): string[] {
  const cents = Math.ceil(transformations * PRICE * 100 - 1e-6);
  const before = done > 0 ? `, and ${count(done)} done before` : "";
  const lines = [
    `${whole ? counted(keys, "key") : `The first ${count(keys)} keys`}: ${counted(requests, "request")}${before}, with ${counted(transformations, "unique transformation")}.`,
    `At most ${money(cents / 100)}: nothing for what is left of the month's ${count(FREE)} free ones, and $0.50 for 1,000 after these.`,
  ];
  if (!whole) lines.push("More keys follow, at the same price each: how many is not known yet.");
  return lines;
}

// The requests for the keys on stdin: the first keys are read ahead, to say what all may cost.

import type { Readable } from "node:stream";
import { FREE, money, PRICE } from "../project/costs.ts";
import type { Operator } from "../project/operator.ts";
import { isImpossible, readGiven } from "../project/wanted.ts";
import { type Impossible, linesOf } from "../terminal/lines.ts";
import { count, counted } from "../terminal/progress.ts";
import type { Ask, Due, Planner } from "./asks.ts";
import { createMarks, type Marks } from "./marks.ts";
import type { WarmRecord } from "./record.ts";

export type Supply = {
  /** How many keys were read ahead, and true if these are all. */
  readonly keys: number;
  readonly whole: boolean;
  /** What they need: requests, and unique transformations among these (L2). */
  readonly requests: number;
  readonly transformations: number;
  /** How many requests were done before. */
  readonly done: number;
  /** All requests, each once, as long as there are keys, and they are within bounds. */
  asks(tell: Tell, most?: number): AsyncGenerator<Due>;
};

type Tell = {
  readonly skipped: (requests: number) => void;
  readonly impossible: (what: Impossible) => void;
  /** The next object would make more unique transformations than the most: nothing follows. */
  readonly beyond: () => void;
};

type From = {
  readonly stdin: Readable;
  /** Where this Vitrine is. */
  readonly hosts: readonly string[];
  readonly planner: Planner;
  readonly record: Pick<WarmRecord, "before" | "paid">;
  readonly stop: AbortSignal;
};

/** So many keys are read before anything is asked for. */
export const AHEAD = 10_000;

/** What there is to do for a line. */
type Needed = {
  readonly asks: readonly Ask[];
  /** How many requests were done before. */
  readonly done: number;
  readonly transformations: number;
};

const NOTHING: Needed = { asks: [], done: 0, transformations: 0 };

export async function createSupply(
  operator: Operator,
  { stdin, hosts, planner, record, stop }: From,
): Promise<Supply> {
  const lines = linesOf(stdin, stop);
  const ahead: (string | Impossible)[] = [];
  let whole = false;
  while (ahead.length < AHEAD && !whole) {
    const { done = false, value } = await lines.next();
    if (done) whole = true;
    else ahead.push(value);
  }
  const need = (line: string | Impossible, seen: Marks): Needed | Impossible => {
    const wanted = readGiven(operator, hosts, undefined, line);
    const planned = isImpossible(wanted) ? wanted : planner(wanted);
    if (isImpossible(planned)) return planned;
    const source = planned[0]?.source;
    if (source === undefined || seen.get(source) > 0) return NOTHING;
    seen.set(source, 1);
    const old = record.before(source);
    const paid = record.paid(source);
    const asks = planned.filter(({ options }) => !old.has(options));
    const billed = asks.map(({ unique }) => unique).filter((unique) => !paid.has(unique));
    const transformations = new Set(billed).size;
    return { asks, done: planned.length - asks.length, transformations };
  };
  const sum = { requests: 0, transformations: 0, done: 0 };
  const seen = createMarks();
  for (const line of ahead) {
    const needed = need(line, seen);
    if (isImpossible(needed)) continue;
    sum.requests += needed.asks.length;
    sum.transformations += needed.transformations;
    sum.done += needed.done;
  }
  return {
    ...{ keys: ahead.length, whole, ...sum },
    async *asks({ skipped, impossible, beyond }, most = Number.POSITIVE_INFINITY) {
      const asked = createMarks();
      let made = 0;
      for await (const line of together(ahead, lines)) {
        const needed = need(line, asked);
        if (isImpossible(needed)) {
          impossible(needed);
          continue;
        }
        skipped(needed.done);
        made += needed.transformations;
        if (made > most) return beyond();
        for (const ask of needed.asks) yield { ...ask, of: needed.asks.length };
      }
    },
  };
}

async function* together<Item>(ahead: Item[], rest: AsyncIterable<Item>): AsyncGenerator<Item> {
  yield* ahead.splice(0); // not kept
  yield* rest;
}

/**
 * What is to be said before it begins.
 * @param spent unique transformations of this month, by the record
 * @param most how many it makes at most; undefined: as many as there are
 * @param bound US dollars that `COSTS.most` allows
 * @param local true of the local run, where nothing costs anything
 */
export function tellCost(
  { keys, whole, requests, transformations, done }: Supply,
  spent: number,
  most: number | undefined,
  bound: number | undefined,
  local: boolean,
): string[] {
  const dollars = Math.max(0, Math.ceil(transformations * PRICE * 100 - 1e-6) / 100);
  const before = done > 0 ? `, and ${count(done)} done before` : "";
  const lines = [
    `${whole ? counted(keys, "key") : `The first ${count(keys)} keys`}: ${counted(requests, "request")}${before}, with ${counted(transformations, "unique transformation")}.`,
  ];
  if (transformations > 0 && !local) {
    const free = `nothing for what is left of the month's ${count(FREE)} free ones`;
    lines.push(`At most ${money(dollars)}: ${free}, and $0.50 for 1,000 after these.`);
  }
  if (!whole) lines.push("More keys follow, at the same price each: how many is not known yet.");
  if (bound !== undefined && dollars > bound && !local) {
    lines.push(`COSTS.most of wrangler.toml is ${money(bound)} a month.`);
  }
  if (most !== undefined && (!whole || transformations > most)) {
    const already = spent > 0 ? ` (${count(spent)} of them are made, by the record)` : "";
    lines.push(`Without --yes it ends at the month's ${count(FREE)} free ones${already}.`);
  }
  return lines;
}

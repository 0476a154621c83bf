// Says what warming may cost, before it begins.

import { FREE, money, PRICE } from "../project/costs.ts";
import { count, counted } from "../terminal/progress.ts";

/** What the keys need that were read ahead. */
export type Estimate = {
  readonly keys: number;
  readonly isWhole: boolean;
  readonly requests: number;
  readonly transformations: number;
  readonly done: number;
};

export type Limits = {
  /** Unique transformations of this month, by the record. */
  readonly spent: number;
  /** How many it makes at most; undefined: no limit. */
  readonly most: number | undefined;
  readonly bound: number | undefined;
  readonly local: boolean;
};

export function estimateLines(
  { keys, isWhole, requests, transformations, done }: Estimate,
  { spent, most, bound, local }: Limits,
): string[] {
  const dollars = Math.max(0, Math.ceil(transformations * PRICE * 100 - 1e-6) / 100);
  const before = done > 0 ? `, and ${count(done)} done before` : "";
  const lines = [
    `${isWhole ? counted(keys, "key") : `The first ${count(keys)} keys`}: ${counted(requests, "request")}${before}, with ${counted(transformations, "unique transformation")}.`,
  ];
  if (transformations > 0 && !local) {
    lines.push(
      `At most ${money(dollars)}: $0.50 for 1,000, after the month's ${count(FREE)} free ones.`,
    );
  }
  if (!isWhole) lines.push("More keys follow, at the same price each. Their number is not known.");
  if (bound !== undefined && dollars > bound && !local) {
    lines.push(`COSTS.most in wrangler.toml is ${money(bound)} a month.`);
  }
  if (most !== undefined && (!isWhole || transformations > most)) {
    const already = spent > 0 ? ` (${count(spent)} of them are made, by the record)` : "";
    lines.push(`Without --yes it ends at the month's ${count(FREE)} free ones${already}.`);
  }
  return lines;
}

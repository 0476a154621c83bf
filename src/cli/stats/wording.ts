// What stats says with the same words in the terminal and on its page.

import { page } from "../command.ts";
import { FREE } from "../config/transformations.ts";
import { formatCount } from "./figures.ts";
import type { Costs, ImageSource, StatsReport } from "./report.ts";

/** Where an image came from. */
export const SOURCE_TEXTS = {
  hit: "Cloudflare had it",
  stale: "Cloudflare had an older one",
  stored: "the store had it",
  miss: "made for the visitor",
  direct: "made, without the cache",
} as const satisfies Readonly<Record<ImageSource, string>>;

/** What stands in place of a report without a request. */
export function emptyText({ source }: StatsReport): string {
  const advice =
    source === "local"
      ? "Ask the local run for a picture, and run this command again."
      : `A data point takes a minute to arrive. If there should be some, see ${page("docs/metrics.md")}`;
  return `Nobody asked for a picture in this time. ${advice}`;
}

export const PRICE_TEXT = "If each were billed";
export const BUDGET_TEXT = "Budget of a month (COSTS.most)";
export const WORST_CASE_TEXT = "Worst case of a month";

/** What the figures of costs do not say, or why there are none. */
export function costsText({ source, costs }: StatsReport): string {
  if (source === "local") {
    return `The local run costs nothing. The command check says what visitors of the site can cause at most: ${page("docs/costs.md")}`;
  }
  if (costs === undefined) return "What they may cost is a figure of a month: ask without --since.";

  return `This is not your bill. Cloudflare bills each variant of an object once a month, however often it is made. It also bills what is made in the background, which is not counted here. ${formatCount(FREE)} a month are free: ${page("docs/costs.md")}`;
}

/** @returns undefined if there is no budget, or enough of it */
export function overBudgetText({ dollarsIfEachIsBilled, budget }: Costs): string | undefined {
  if (budget === undefined || dollarsIfEachIsBilled <= budget) return undefined;
  return "If each were billed, this would be more than the budget.";
}

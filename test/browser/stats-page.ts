// The page of stats, and a month for it. tsc would check the Worker by the types of a browser, so its code is loaded here
// without its types.

import { pathToFileURL } from "node:url";
import { rowsOf } from "../../src/cli/metrics/rows.ts";
import { createReport, type StatsReport } from "../../src/cli/stats/report.ts";
import { ROOT } from "../support/built.ts";

type PageHtml = { readonly statsPageHtml: (report: StatsReport) => Promise<string> };
type Month = {
  readonly MONTH: { readonly from: number; readonly until: number };
  readonly simulateMonth: (
    seed: number,
    viewsPerHour?: number,
  ) => { readonly points: Parameters<typeof rowsOf>[0] };
};

const { MONTH, simulateMonth } = await load<Month>("test/support/month.ts");

/** @returns the whole document */
export const { statsPageHtml } = await load<PageHtml>("src/cli/stats/page-html.ts");

function load<Module>(path: string): Promise<Module> {
  return import(pathToFileURL(`${ROOT}/${path}`).href);
}

/**
 * A month of a site, with an outage on its 18th day.
 * @param viewsPerHour at the quietest hour
 */
export function reportMonth(viewsPerHour?: number): StatsReport {
  const { points } = simulateMonth(1, viewsPerHour);
  return createReport(rowsOf(points, MONTH), {
    source: "cloudflare",
    environment: "production",
    period: MONTH,
    dollarsOf: (transformations) => Math.max(0, transformations - 5_000) * 0.0005,
    worstCase: { transformations: 90_000, dollars: 42.5 },
    budget: 25,
  });
}

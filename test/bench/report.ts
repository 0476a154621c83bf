// Reports the measurements: tables in Markdown, as docs/performance.md has them, and a file with all figures.

import { cpus } from "node:os";
import { markdownTable } from "../support/markdown-table.ts";
import type { Result } from "./rounds.ts";

export type Report = {
  readonly quick: boolean;
  /** Bytes of the Worker, gzipped. */
  readonly gzip: number;
  readonly traffic: readonly Result[];
  /** Hits with the token of a login, and without. */
  readonly tokens: readonly Result[];
  readonly configuration: readonly Result[];
  readonly keys: readonly Result[];
};

const QUICK = "A quick run shows that each kind works. It is too short: its figures mean nothing.";

/** The table of everything that is compared with a floor. The CPU time is that of a request. */
function trafficTable({ traffic, quick }: Pick<Report, "traffic" | "quick">): string[] {
  const rows = traffic.flatMap(({ name, note, cpu, ratio, limit, floor }) => {
    const floorResult = traffic.find((one) => one.name === floor);
    if (!floorResult) return [];
    const times = [cpu, floorResult.cpu].map((each) => `${Math.round(each)} µs`);
    const limitText = quick ? "" : (limit?.toFixed(2) ?? "");
    return [[name, ...times, ratio.toFixed(2), limitText, note]];
  });
  return markdownTable(["traffic", "CPU", "its floor", "ratio", "target", "what it is"], rows);
}

/** Puts the tables into docs/performance.md. @throws if the page has no place for one of them */
export function writeTables(page: string, { quick, traffic, tokens }: Report): string {
  const withTraffic = writePart(page, "traffic", trafficTable({ quick, traffic }));
  return writePart(withTraffic, "tokens", trafficTable({ quick, traffic: tokens }));
}

function writePart(page: string, name: string, table: readonly string[]): string {
  const part = new RegExp(`(<!-- generated: ${name} -->\n).*?(<!-- generated -->)`, "s");
  if (!part.test(page)) throw new Error(`docs/performance.md has no <!-- generated: ${name} -->`);

  const text = table.join("\n");
  return page.replace(part, (_all, opening, closing) => `${opening}\n${text}\n\n${closing}`);
}

/** The text for the terminal. A quick run is compared with no target. */
export function reportLines(report: Report): string[] {
  const { traffic, tokens, configuration, keys, quick } = report;
  const all = [...traffic, ...tokens, ...configuration, ...keys];
  const missed = all.filter(({ ratio, limit }) => limit !== undefined && ratio > limit);
  const growth = [...configuration, ...keys].map(({ name, cpu, ratio }) => {
    return [name, `${Math.round(cpu)} µs`, ratio.toFixed(2)];
  });
  return [
    ...[...trafficTable(report), "", ...trafficTable({ quick, traffic: tokens }), ""],
    ...[...markdownTable(["growth", "CPU", "ratio"], growth), ""],
    ...(quick ? [QUICK] : missed.map(({ name }) => `above its target: ${name}`)),
  ];
}

/** All figures, and the machine of the measurement. */
export function jsonOf(report: Report): string {
  const machine = { processor: cpus()[0]?.model, processors: cpus().length, node: process.version };
  return `${JSON.stringify({ machine, ...report }, rounded, 2)}\n`;
}

function rounded(_name: string, value: unknown): unknown {
  return typeof value === "number" ? Math.round(value * 1_000) / 1_000 : value;
}

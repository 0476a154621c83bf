// Reports the measurements: tables in Markdown, as docs/performance.md has them, and a file with all figures.

import { cpus } from "node:os";
import type { Result } from "./rounds.ts";

export type Report = {
  readonly quick: boolean;
  /** Bytes of the Worker, gzipped. */
  readonly gzip: number;
  readonly traffic: readonly Result[];
  readonly configuration: readonly Result[];
  readonly keys: readonly Result[];
};

/** The lines of a table in Markdown. `npm run format` aligns them in a page. */
function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const rule = head.map(() => "---");
  return [head, rule, ...rows].map((row) => `| ${row.join(" | ")} |`);
}

/** The table of everything that is compared with a floor. */
export function trafficTable({ traffic }: Pick<Report, "traffic">): string[] {
  const rows = traffic.flatMap(({ name, note, cpu, ratio, limit, floor }) => {
    const least = traffic.find((one) => one.name === floor);
    if (!least) return [];
    const times = [cpu, least.cpu].map((each) => `${Math.round(each)} µs`);
    return [[name, ...times, ratio.toFixed(2), limit?.toFixed(2) ?? "", note]];
  });
  return markdownTable(["traffic", "CPU", "its floor", "ratio", "target", "what it is"], rows);
}

/** The text for the terminal. */
export function reportLines(report: Report): string[] {
  const { traffic, configuration, keys } = report;
  const all = [...traffic, ...configuration, ...keys];
  const missed = all.filter(({ ratio, limit }) => limit !== undefined && ratio > limit);
  const growth = [...configuration, ...keys].map(({ name, cpu, ratio }) => {
    return [name, `${Math.round(cpu)} µs`, ratio.toFixed(2)];
  });
  return [
    ...[...trafficTable(report), "", ...markdownTable(["growth", "CPU", "ratio"], growth), ""],
    ...missed.map(({ name }) => `above its target: ${name}`),
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

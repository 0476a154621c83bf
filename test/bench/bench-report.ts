// Reports the measurements: tables, a chart, and a file with all figures.

import { cpus } from "node:os";
import { align } from "../../src/cli/command.ts";
import { count } from "../../src/cli/terminal/progress.ts";
import { drawBars } from "./chart.ts";
import type { Memory } from "./growth.ts";
import type { Result } from "./rounds.ts";
import type { Size } from "./size.ts";

export type Report = {
  readonly quick: boolean;
  readonly size: Size;
  readonly traffic: readonly Result[];
  readonly configuration: readonly Result[];
  readonly keys: readonly Result[];
  /** ms, of the floor of a miss and of the Worker. */
  readonly firstAnswers: readonly number[];
  readonly memory: readonly Memory[];
};

/** The limits apart from CPU time, in bytes and ms. */
const MOST = { gzip: 8_192, later: 5, grown: 8 * 1_048_576 };

/** The text for the terminal. */
export function tell(report: Report): string[] {
  const { size, traffic, configuration, keys, firstAnswers, memory } = report;
  const [floor = Number.NaN, own = Number.NaN] = firstAnswers;
  const grown = grownBy(memory);
  return [
    ...align([
      ["traffic", "CPU/request", "ratio", "middle half", "at most", "requests/s", "p50", "p99"],
      ...traffic.map(rowOf),
    ]),
    ...floorsOf(traffic).map((floor) => `ratio to the ${floor}: ${namesOf(traffic, floor)}`),
    "",
    ...align([["growth", "CPU/request", "ratio", "middle half", "at most"], ...growthRows(report)]),
    "",
    ...memory.map(
      (one) =>
        `after ${count(one.keys)} keys: heap ${mebibytes(one.heap)}, process ${mebibytes(one.process)}`,
    ),
    `heap grown by ${mebibytes(grown)} (at most ${mebibytes(MOST.grown)})`,
    `first answer of a fresh process: floor ${floor.toFixed(1)} ms, Vitrine ${own.toFixed(1)} ms, ` +
      `${(own - floor).toFixed(1)} ms later (at most ${MOST.later})`,
    `size: ${count(size.gzipBytes)} bytes gzipped (aimed at: ${count(MOST.gzip)})`,
    ...missed([...traffic, ...configuration, ...keys]),
  ];
}

function rowOf({ name, cpu, ratio, middle, limit, rate, p50, p99 }: Result): string[] {
  return [
    ...[name, `${cpu.toFixed(0)} µs`, ratio.toFixed(2), range(middle), limit?.toFixed(2) ?? ""],
    ...[count(Math.round(rate)), `${p50.toFixed(1)} ms`, `${p99.toFixed(1)} ms`],
  ];
}

/** The floors of the traffic, in their order. */
function floorsOf(traffic: readonly Result[]): string[] {
  return [...new Set(traffic.flatMap(({ floor }) => floor ?? []))];
}

function namesOf(traffic: readonly Result[], of: string): string {
  const compared = traffic.filter(({ floor }) => floor === of);
  return compared.map(({ name }) => name).join(", ");
}

function growthRows({ configuration, keys }: Report): string[][] {
  return [...configuration, ...keys].map((one) => rowOf(one).slice(0, 5));
}

function missed(results: readonly Result[]): string[] {
  const above = results.filter(({ ratio, limit }) => limit !== undefined && ratio > limit);
  return above.length === 0 ? [] : [`above its limit: ${above.map(({ name }) => name).join(", ")}`];
}

function range([from, to]: readonly [number, number]): string {
  return `${from.toFixed(2)}–${to.toFixed(2)}`;
}

/** By how many bytes the heap has grown. */
export function grownBy(memory: readonly Memory[]): number {
  return (memory.at(-1)?.heap ?? Number.NaN) - (memory[0]?.heap ?? Number.NaN);
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

/** All figures, and the machine of the measurement. */
export function jsonOf({ size, ...report }: Report): string {
  const machine = { processor: cpus()[0]?.model, processors: cpus().length, node: process.version };
  return `${JSON.stringify({ machine, gzip: size.gzipBytes, ...report }, rounded, 2)}\n`;
}

function rounded(_name: string, value: unknown): unknown {
  return typeof value === "number" ? Math.round(value * 1_000) / 1_000 : value;
}

/** A chart with one bar for all that is compared with a floor. */
export function chartOf({ traffic }: Pick<Report, "traffic">, dark: boolean): string {
  const compared = traffic.filter(({ floor }) => floor !== undefined);
  return drawBars({
    title: "Processor time of a request",
    subtitle:
      "as a ratio to its floor: a Worker that does the same with fixed values, and nothing else",
    unit: "",
    rows: compared.map(({ name, note, ratio, limit }) => ({
      ...{ label: name, note, value: ratio, highlight: limit !== undefined },
      text:
        limit === undefined ? ratio.toFixed(2) : `${ratio.toFixed(2)} (limit ${limit.toFixed(2)})`,
      ...(limit !== undefined && { limit }),
    })),
    dark,
  });
}

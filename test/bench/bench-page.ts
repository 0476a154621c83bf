// What docs/performance.md says of the measurements: its table, and its sentences with figures.

import { grownBy, type Report } from "./bench-report.ts";

const HEADINGS = ["traffic", "CPU", "its floor", "ratio", "target", "what it is"];
const NUMBERS = [1, 2, 3, 4];

/** The table: everything that is compared with a floor. */
export function pageTable({ traffic }: Pick<Report, "traffic">): string {
  const rows = traffic.flatMap(({ name, note, cpu, ratio, limit, floor }) => {
    const least = traffic.find((one) => one.name === floor);
    if (!least) return [];
    const times = [cpu, least.cpu].map((each) => `${Math.round(each)} µs`);
    return [[name, ...times, ratio.toFixed(2), limit?.toFixed(2) ?? "", note]];
  });
  const all = [HEADINGS, ...rows];
  const widths = HEADINGS.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const isNumber = (at: number) => NUMBERS.includes(at);
  const rule = widths.map((width, at) =>
    isNumber(at) ? `${"-".repeat(width - 1)}:` : "-".repeat(width),
  );
  const [head, ...rest] = all.map((row) =>
    row.map((cell, at) => {
      const width = widths[at] ?? 0;
      return isNumber(at) ? cell.padStart(width) : cell.padEnd(width);
    }),
  );
  return [head ?? [], rule, ...rest].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** The sentences. */
export function pageNotes({ keys, memory, firstAnswers }: Report): string[] {
  const [floor = Number.NaN, own = Number.NaN] = firstAnswers;
  const longer = Math.round(((keys.at(-1)?.ratio ?? Number.NaN) - 1) * 100);
  const grown = (Math.max(0, grownBy(memory)) / 1_048_576).toFixed(1);
  return [
    `A request with a key of 1,000 bytes takes ${longer} % longer than with a key of 10 bytes.`,
    `After a million different keys, ${grown} MiB more of the heap are in use than after 10,000.`,
    `The first answer of a fresh process comes ${(own - floor).toFixed(1)} ms after its floor's.`,
  ];
}

// The table of npm run bench:engines, as docs/performance.md has it.

export type Figures = {
  readonly engine: string;
  /** MB of the original. */
  readonly size: number;
  /** Processor time of a request, all threads: ms. The median of the rounds. */
  readonly cpu: number;
  /** The same divided by that of the engine cf in the same round. */
  readonly ratio: number;
  /** By requests at once: how much more memory workerd had at its peak than before: MB. */
  readonly memory: Readonly<Record<string, number>>;
};

/** The lines of a table in Markdown whose columns are aligned. */
export function alignedTable(figures: readonly Figures[]): string[] {
  const rows = figures.map(({ engine, size, cpu, ratio, memory }) => [
    `${size} MB`,
    engine,
    `${cpu} ms`,
    `${ratio}`,
    ...Object.values(memory).map((more) => `${more} MB`),
  ]);
  const head = ["original", "engine", "processor time", "ratio", "memory", "memory, 4 at once"];
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  const rule = widths.map((width) => "-".repeat(width));
  return [line(head), line(rule), ...rows.map(line)];
}

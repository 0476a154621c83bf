// A table in Markdown, with aligned columns: for the terminal, and as `npm run format` leaves it in a page.

export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = head.map((_, at) =>
    Math.max(...[head, ...rows].map((row) => `${row[at] ?? ""}`.length)),
  );
  const rule = widths.map((width) => "-".repeat(width));

  return [head, rule, ...rows].map(
    (row) => `| ${widths.map((width, at) => (row[at] ?? "").padEnd(width)).join(" | ")} |`,
  );
}

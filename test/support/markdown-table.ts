// A table in Markdown, with aligned columns: for the terminal, and as `npm run format` leaves it in a page.

export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = head.map((title) => title.length);
  for (const row of rows) {
    for (const [column, width] of widths.entries()) {
      const { [column]: cell = "" } = row;
      widths[column] = Math.max(width, cell.length);
    }
  }

  const rule = widths.map((width) => "-".repeat(width));
  return [head, rule, ...rows].map((row) => markdownRow(row, widths));
}

function markdownRow(row: readonly string[], widths: readonly number[]): string {
  const cells = widths.map((width, column) => {
    const { [column]: cell = "" } = row;
    return cell.padEnd(width);
  });
  return `| ${cells.join(" | ")} |`;
}

// What is a table of JSON.

/** Returns whether a value is a table: neither a list nor null. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

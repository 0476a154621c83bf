// Reads tables and JSON that nobody has checked. Never throws.

/** Returns whether a value of wrangler.toml is a table: not a date, a list or text. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** Parses a string of JSON (S2). Anything else is returned as it is, for a schema to refuse. */
export function json(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

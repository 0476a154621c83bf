// Reads JSON and other values that nobody has checked. Never throws.

/** Returns whether a value is a table of wrangler.toml or an object of JSON: not a date, a list or text. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** Returns whether a value has a property, its own or not. */
export function hasProperty<Name extends string>(
  value: unknown,
  name: Name,
): value is Record<Name, unknown> {
  return typeof value === "object" && value !== null && name in value;
}

/** Tests whether a value has these methods, as a binding has. */
export function hasMethods<T>(...names: readonly (keyof T & string)[]) {
  return (value: unknown): value is T =>
    names.every((name) => hasProperty(value, name) && typeof value[name] === "function");
}

/** Parses a string of JSON (S2). Anything else is returned as it is, for a schema to refuse. */
export function parseJson(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** A table of wrangler.toml, or of a string of JSON in .dev.vars; any other value is an empty table. */
export function tableOf(value: unknown): Readonly<Record<string, unknown>> {
  const table = parseJson(value);
  return isPlainObject(table) ? table : {};
}

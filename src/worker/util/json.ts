// Reads JSON and other values that nobody has checked: variables, secrets, bindings and answers. No function throws.

/** Returns whether a value is a table of wrangler.toml or an object of JSON: not a date, a list or text. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;

  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** Returns whether an object has a property, its own or an inherited one. */
export function hasProperty<Name extends string>(
  value: unknown,
  name: Name,
): value is Record<Name, unknown> {
  return typeof value === "object" && value !== null && name in value;
}

/**
 * Returns a test for a kind of binding: whether a value has all of these methods of T. The bindings of the runtime and
 * those of an emulator share no class, so `instanceof` cannot tell them.
 * @example
 * const isLimiter = hasMethods<Limiter>("limit");
 * if (isLimiter(env["RATE_LIMITER"])) …
 */
export function hasMethods<T>(
  ...names: readonly (keyof T & string)[]
): (value: unknown) => value is T {
  return (value): value is T => {
    return names.every((name) => hasProperty(value, name) && typeof value[name] === "function");
  };
}

/**
 * Parses a string of JSON: a table of wrangler.toml that .dev.vars overrides arrives as a string (S2). Any other value,
 * and a string that is no JSON, is returned as it is, for a schema to refuse.
 */
export function parseJson(value: unknown): unknown {
  if (typeof value !== "string") return value;

  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** Strings, and the signs that say how deep a member is, and what is a name. */
const STRING_OR_SIGN = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;

/**
 * Returns whether an object has two members of one name, of which a parser takes one. Objects inside of it do not count.
 * @param json the object, which JSON.parse can parse
 */
export function hasRepeatedName(json: string): boolean {
  const names = new Set<string>();
  let depth = 0;
  let latest = "";

  for (const [part] of json.matchAll(STRING_OR_SIGN)) {
    if (part === "{" || part === "[") depth += 1;
    else if (part === "}" || part === "]") depth -= 1;
    else if (part !== ":") latest = part;
    else if (depth === 1) {
      // `"sub"` and `"s\u0075b"` are one name.
      const name = `${parseJson(latest)}`;
      if (names.has(name)) return true;
      names.add(name);
    }
  }
  return false;
}

/** Reads a table of wrangler.toml, or a string of JSON in .dev.vars. Any other value counts as an empty table. */
export function tableOf(value: unknown): Readonly<Record<string, unknown>> {
  const table = parseJson(value);
  if (!isPlainObject(table)) return {};
  return table;
}

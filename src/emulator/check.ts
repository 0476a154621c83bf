// Checks what the emulators are given. Tests are often not type-checked: without these checks, a name
// that is misspelt would change nothing, and the test would prove nothing. No I/O.

/** Returns whether a value is an object and no list. Unlike `isPlainObject`, it is also true for a Date or a Map. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns the settings without those that are undefined: these are as if they were left out. */
export function definedOf<Settings extends object>(settings: Settings): Partial<Settings> {
  const defined = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.assign({} as Partial<Settings>, Object.fromEntries(defined));
}

/** What a value must be, in words, and whether it is. */
export type Rule<T = unknown> = {
  readonly expected: string;
  readonly test: (value: unknown) => value is T;
};

export type Rules = Readonly<Record<string, Rule>>;

/** A setting that a test may change at any time, with the value that is as strict as production. */
export type Switch<T = unknown> = Rule<T> & { readonly strict: T };

export function switchOf<T>(values: Rule<T>, strict: NoInfer<T>): Switch<T> {
  return { ...values, strict };
}

export type SwitchValues<Table> = {
  -readonly [Name in keyof Table]: Table[Name] extends Switch<infer T> ? T : never;
};

export function strictValues<Table extends Readonly<Record<string, Switch>>>(
  switches: Table,
): Readonly<SwitchValues<Table>> {
  const values = Object.entries(switches).map(([name, { strict }]) => [name, strict]);
  return Object.assign({} as SwitchValues<Table>, Object.fromEntries(values));
}

export function matching(expected: string, pattern: RegExp): Rule<string> {
  return {
    expected,
    test: (value): value is string => typeof value === "string" && pattern.test(value),
  };
}

export const text = matching("text", /./s);

export const wholeNumber: Rule<number> = { expected: "a whole number, 0 or more", test: isCount };

/** `Infinity` counts, too: a limit that is never reached. */
function isCount(value: unknown): value is number {
  if (typeof value !== "number" || value < 0) return false;
  return Number.isInteger(value) || value === Number.POSITIVE_INFINITY;
}

export const host: Rule<string> = {
  expected: "a host in lower case, without https:// and without a path, such as images.example",
  test: isHost,
};

export function isHost(value: unknown): value is string {
  if (typeof value !== "string" || value.includes("*")) return false;
  return URL.parse(`https://${value}`)?.host === value;
}

export function oneOf<const T extends readonly unknown[]>(...allowed: T): Rule<T[number]> {
  return {
    expected: `one of ${allowed.join(", ")}`,
    test: (value): value is T[number] => allowed.includes(value),
  };
}

export const flag = oneOf(true, false);

/** A function. Its parameters cannot be checked. */
export function call<T>(): Rule<T> {
  return { expected: "a function", test: (value): value is T => typeof value === "function" };
}

export function optional<T>({ expected, test }: Rule<T>): Rule<T | undefined> {
  return {
    expected: `${expected}, or left out`,
    test: (value): value is T | undefined => value === undefined || test(value),
  };
}

export function listOf(
  expected: string,
  item: (value: unknown) => boolean,
): Rule<readonly string[]> {
  return {
    expected: `a list of ${expected}`,
    test: (value): value is readonly string[] => Array.isArray(value) && value.every(item),
  };
}

/** A table with these entries, and no others. */
export function table<T>(rules: { readonly [Name in keyof T]-?: Rule<T[Name]> } & Rules): Rule<T> {
  const entries = Object.entries<Rule>(rules).map(([name, { expected }]) => `${name}: ${expected}`);
  return {
    expected: `{ ${entries.join("; ")} }`,
    test: (value): value is T => isRecord(value) && findMistakes(value, rules).length === 0,
  };
}

/**
 * Checks the settings of an emulator.
 * @param caller the function that was called
 * @param rules of all settings, also of those that may be undefined (`optional`)
 * @param switches rules of settings that may be left out
 * @throws {TypeError} if there are mistakes, with a line for each
 */
export function checkSettings(
  caller: string,
  settings: Readonly<Record<string, unknown>>,
  rules: Rules,
  switches: Rules = {},
): void {
  const mistakes = findMistakes({ ...settings }, rules, switches);
  if (mistakes.length === 0) return;

  const lines = mistakes.map((mistake) => `${caller}: ${mistake}`);
  throw new TypeError(lines.join("\n"));
}

function findMistakes(
  settings: Readonly<Record<string, unknown>>,
  rules: Rules,
  switches: Rules = {},
): readonly string[] {
  const allRules: Rules = { ...rules, ...switches };
  const mistakes: string[] = [];

  const unknown = Object.keys(settings).filter((name) => !Object.hasOwn(allRules, name));
  if (unknown.length > 0) mistakes.push(describeUnknown(unknown, allRules));

  for (const [name, rule] of Object.entries(allRules)) {
    const value = settings[name];
    const isLeftOut = value === undefined && !Object.hasOwn(rules, name);
    if (isLeftOut || rule.test(value)) continue;
    mistakes.push(`${name}: ${describeMistake(value, rule)}`);
  }

  return mistakes;
}

/** Says which names are unknown, and which are known. */
function describeUnknown(names: readonly PropertyKey[], allowed: object): string {
  return `unknown: ${names.map(String).join(", ")}. Known: ${Object.keys(allowed).join(", ")}`;
}

/** Says that a value is not what a rule asks for. */
function describeMistake(value: unknown, { expected }: Rule): string {
  return `${quoteValue(value)}is not ${expected}`;
}

/** Longest text that a message repeats, shorter than a key id: characters. */
const MAX_QUOTED_CHARS = 16;

/** Returns a value with a space behind it, or nothing. A long text may be a secret: it is not repeated. */
function quoteValue(value: unknown): string {
  if (typeof value === "string") {
    return value.length > MAX_QUOTED_CHARS ? "this text " : `"${value}" `;
  }
  if (Array.isArray(value)) return `[${value.join(", ")}] `;

  const isObject = Object(value) === value;
  return isObject ? "" : `${String(value)} `; // an object may have credentials
}

/**
 * Returns switches for a test to set: a wrong name or a wrong value throws. The emulator itself reads
 * `values`, which costs nothing.
 */
export function guardSwitches<T extends object>(values: T, rules: Rules): T {
  return new Proxy(Object.seal(values), {
    set(switches, name, value: unknown) {
      const rule = typeof name === "string" && Object.hasOwn(rules, name) ? rules[name] : undefined;
      if (rule === undefined) throw new TypeError(`switches: ${describeUnknown([name], rules)}`);

      if (!rule.test(value)) {
        throw new TypeError(`switches.${String(name)}: ${describeMistake(value, rule)}`);
      }
      return Reflect.set(switches, name, value);
    },
  });
}

/** A set of faults or grants that a test may add to: a name that is unknown throws. */
export class NameSet<Name extends string> extends Set<Name> {
  readonly #setName: string;
  readonly #allowed: object;

  /** @param allowed a table with a row for each name */
  constructor(setName: string, allowed: Readonly<Record<Name, unknown>>) {
    super();
    this.#setName = setName;
    this.#allowed = allowed;
  }

  override add(name: Name): this {
    if (Object.hasOwn(this.#allowed, name)) return super.add(name);
    throw new TypeError(`${this.#setName}: ${describeUnknown([name], this.#allowed)}`);
  }
}

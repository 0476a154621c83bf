// Checks what the emulators are given. Tests are often not type-checked: without these checks, a name
// that is misspelt would change nothing, and the test would prove nothing. No I/O.

/** Returns whether a value is a table: neither a list nor null. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns the settings without those that are undefined: these are as if they were left out. */
export function setOf<Settings extends object>(settings: Settings): Partial<Settings> {
  const set = Object.entries(settings).filter(([, value]) => value !== undefined);
  const found: Partial<Settings> = {};
  return Object.assign(found, Object.fromEntries(set));
}

/** What a value must be, in words, and whether it is. */
export type Rule<T = unknown> = {
  readonly what: string;
  readonly test: (value: unknown) => value is T;
};

/** A setting that a test may change at any time, with the value that is as strict as production. */
export type Switch<T = unknown> = Rule<T> & { readonly strict: T };

export function switchOf<T>(values: Rule<T>, strict: NoInfer<T>): Switch<T> {
  return { ...values, strict };
}

/** The values of a table of switches. */
export type SwitchValues<Table> = {
  -readonly [Name in keyof Table]: Table[Name] extends Switch<infer T> ? T : never;
};

/** Returns the strict value of each switch. */
export function strictValues<Table extends Readonly<Record<string, Switch>>>(
  switches: Table,
): Readonly<SwitchValues<Table>> {
  const values = Object.entries(switches).map(([name, { strict }]) => [name, strict]);
  return Object.assign({} as SwitchValues<Table>, Object.fromEntries(values));
}

/** A rule for each name. */
export type Rules = Readonly<Record<string, Rule>>;

export function matching(what: string, pattern: RegExp): Rule<string> {
  return {
    what,
    test: (value): value is string => typeof value === "string" && pattern.test(value),
  };
}

export const text = matching("text", /./s);

export const count: Rule<number> = {
  what: "a whole number, 0 or more",
  test: (value): value is number =>
    (Number.isInteger(value) || value === Number.POSITIVE_INFINITY) && Number(value) >= 0,
};

export const host: Rule<string> = {
  what: "a host in lower case, without https:// and without a path, such as images.example",
  test: isHost,
};

/** Returns whether a value is a host, spelt as in a URL. */
export function isHost(value: unknown): value is string {
  const isText = typeof value === "string" && !value.includes("*");
  return isText && URL.parse(`https://${value}`)?.host === value;
}

export function oneOf<const Words extends readonly unknown[]>(
  ...words: Words
): Rule<Words[number]> {
  return {
    what: `one of ${words.join(", ")}`,
    test: (value): value is Words[number] => words.includes(value),
  };
}

export const flag = oneOf(true, false);

/** A function. Its parameters cannot be checked. */
export function call<T>(): Rule<T> {
  return { what: "a function", test: (value): value is T => typeof value === "function" };
}

export function optional<T>({ what, test }: Rule<T>): Rule<T | undefined> {
  return {
    what: `${what}, or left out`,
    test: (value): value is T | undefined => value === undefined || test(value),
  };
}

export function listOf(what: string, item: (value: unknown) => boolean): Rule<readonly string[]> {
  return {
    what: `a list of ${what}`,
    test: (value): value is readonly string[] => Array.isArray(value) && value.every(item),
  };
}

/** A table with these entries, and no others. */
export function table<T>(rules: { readonly [Name in keyof T]-?: Rule<T[Name]> } & Rules): Rule<T> {
  const entries = Object.entries<Rule>(rules).map(([name, { what }]) => `${name}: ${what}`);
  return {
    what: `{ ${entries.join("; ")} }`,
    test: (value): value is T =>
      typeof value === "object" && value !== null && mistakesIn({ ...value }, rules).length === 0,
  };
}

/** Says that a value is not what a rule asks for. A long text may be a secret: it is not repeated. */
function mistake(value: unknown, { what }: Rule): string {
  return `${shown(value)}is not ${what}`;
}

/** Longest text that a message repeats, shorter than a key id: characters. */
const LONGEST_SHOWN = 16;

function shown(value: unknown): string {
  if (typeof value === "string") return value.length > LONGEST_SHOWN ? "this text " : `"${value}" `;
  if (Array.isArray(value)) return `[${value.join(", ")}] `;
  return Object(value) === value ? "" : `${String(value)} `; // an object may have credentials
}

/** Says which names are unknown, and which are known. */
function unknownNames(names: readonly PropertyKey[], known: object): string {
  return `unknown: ${names.map(String).join(", ")}. Known: ${Object.keys(known).join(", ")}`;
}

/**
 * Checks the settings of an emulator.
 * @param who the function that was called
 * @param rules of all settings that must be there, or may be undefined
 * @param switches rules of settings that may be left out
 * @throws {TypeError} if there are mistakes, with a line for each
 */
export function checkSettings(
  who: string,
  given: Readonly<Record<string, unknown>>,
  rules: Rules,
  switches: Rules = {},
): void {
  const mistakes = mistakesIn({ ...given }, rules, switches);
  if (mistakes.length === 0) return;
  throw new TypeError(mistakes.map((one) => `${who}: ${one}`).join("\n"));
}

function mistakesIn(
  given: Readonly<Record<string, unknown>>,
  rules: Rules,
  switches: Rules = {},
): string[] {
  const known: Rules = { ...rules, ...switches };
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(known, name));
  const wrong = Object.entries(known)
    .filter(([name]) => Object.hasOwn(rules, name) || given[name] !== undefined)
    .filter(([name, rule]) => !rule.test(given[name]))
    .map(([name, rule]) => `${name}: ${mistake(given[name], rule)}`);
  return [...(unknown.length > 0 ? [unknownNames(unknown, known)] : []), ...wrong];
}

/**
 * Returns switches for a test to set: a wrong name or a wrong value throws. The emulator itself reads
 * `values`, which costs nothing.
 */
export function guarded<T extends object>(values: T, rules: Rules): T {
  return new Proxy(Object.seal(values), {
    set(target, name, value: unknown) {
      const rule = typeof name === "string" && Object.hasOwn(rules, name) ? rules[name] : undefined;
      if (rule === undefined) throw new TypeError(`switches: ${unknownNames([name], rules)}`);
      if (!rule.test(value))
        throw new TypeError(`switches.${String(name)}: ${mistake(value, rule)}`);
      return Reflect.set(target, name, value);
    },
  });
}

/** A set of faults or grants that a test may add to: a name that is unknown throws. */
export class Words<Word extends string> extends Set<Word> {
  readonly #name: string;
  readonly #known: object;

  /** @param known a table with a row for each */
  constructor(name: string, known: Readonly<Record<Word, unknown>>) {
    super();
    this.#name = name;
    this.#known = known;
  }

  override add(word: Word): this {
    if (Object.hasOwn(this.#known, word)) return super.add(word);
    throw new TypeError(`${this.#name}: ${unknownNames([word], this.#known)}`);
  }
}

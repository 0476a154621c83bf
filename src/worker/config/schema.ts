// Schemas, by which the configuration is checked. A schema is a function: it takes a value that nobody has checked,
// reports each mistake with its path, and returns what it read. It goes on after a mistake, since an operator wants to
// see all mistakes at once. A message repeats only short values, because a long text may be a secret that was pasted
// into the wrong line. No I/O, no clock.

import { isPlainObject } from "../util/json.ts";

/** The vars and the secrets, unchecked. */
export type Vars = Readonly<Record<string, unknown>>;

/** Reports a mistake: the path of the option, such as `PRESETS.card.width`, and what is wrong with it. */
export type ReportMistake = (path: string, message: string) => void;

/** Returns the value, or undefined after it has reported a mistake. */
export type Schema<T> = (value: unknown, path: string, report: ReportMistake) => T | undefined;

/** The type of the values that a schema returns: `Infer<Schema<string>>` is `string`. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

/** Tables by their names, such as all presets. A table with mistakes is undefined. */
export type Tables<T> = ReadonlyMap<string, T | undefined>;

/** The longest text that a message repeats, in characters. It is shorter than the id of a key. */
const MAX_SHOWN_LENGTH = 16;

/**
 * A value that passes a test. `expected` says in the message what the value should be.
 * @example custom("a colour", isColour) // reports "5 is not a colour"
 */
export function custom<T>(expected: string, test: (value: unknown) => value is T): Schema<T> {
  return (value, path, report) => {
    if (test(value)) return value;

    const isLongText = typeof value === "string" && value.length > MAX_SHOWN_LENGTH;
    const shownValue = isLongText ? "" : `${JSON.stringify(value)} `;
    report(path, `${shownValue}is not ${expected}`);
    return undefined;
  };
}

/** What a message says of a number whose option has no unit in its name. */
export const SECONDS = "it is in seconds";

/**
 * A number from `min` to `max`, both included.
 * @param reason what the message adds: where the limits come from, or what the number counts
 */
export function numberBetween(
  min: number,
  max: number,
  reason?: string,
  kind: "number" | "whole number" = "number",
): Schema<number> {
  const range = `a ${kind} between ${min} and ${max}`;
  const expected = reason ? `${range}: ${reason}` : range;

  const isInRange = (value: unknown): value is number => {
    if (typeof value !== "number") return false;
    if (kind === "whole number" && !Number.isInteger(value)) return false;
    return value >= min && value <= max;
  };
  return custom(expected, isInRange);
}

/** A whole number from `min` to `max`, both included. `reason` is that of `numberBetween`. */
export function integer(min: number, max: number, reason?: string): Schema<number> {
  return numberBetween(min, max, reason, "whole number");
}

/** One of these values, such as `oneOf("cf", "binding")`. */
export function oneOf<const Values extends readonly unknown[]>(
  ...values: Values
): Schema<Values[number]> {
  const isListed = (value: unknown): value is Values[number] => values.includes(value);
  return custom(`one of ${values.join(", ")}`, isListed);
}

export const boolean = custom(
  "true or false, without quotes",
  (value) => typeof value === "boolean",
);

/** Text that passes a test. */
export function textThat(expected: string, test: (text: string) => boolean): Schema<string> {
  const passes = (value: unknown): value is string => typeof value === "string" && test(value);
  return custom(expected, passes);
}

/** Text that matches a pattern. */
export function textLike(expected: string, pattern: RegExp): Schema<string> {
  return textThat(expected, (value) => pattern.test(value));
}

/** Any text that is not empty. */
export const text = textLike("text", /./s);

/** One schema for the values that pass a test, another schema for all other values. */
export function choose<A, B>(
  test: (value: unknown) => boolean,
  schemaIfTrue: Schema<A>,
  schemaIfFalse: Schema<B>,
): Schema<A | B> {
  return (value, path, report) => {
    if (test(value)) return schemaIfTrue(value, path, report);
    return schemaIfFalse(value, path, report);
  };
}

/** A list of one or more values of one kind. */
export function listOf<T>(itemSchema: Schema<T>): Schema<T[]> {
  return (value, path, report) => {
    if (!Array.isArray(value) || value.length === 0) {
      report(path, "is not a list, or is empty");
      return undefined;
    }

    const items: readonly unknown[] = value;
    const results: T[] = [];
    for (const [index, item] of items.entries()) {
      const result = itemSchema(item, `${path}[${index}]`, report);
      if (result !== undefined) results.push(result);
    }

    const hasMistake = results.length < items.length;
    return hasMistake ? undefined : results;
  };
}

// The types of tables. Their example is this schema:
//
//   table({ a: text, b: optional(text), c: optional(text, "x") })
//
// It returns a value of the type { readonly a: string; readonly b?: string; readonly c: string }.

/** An option that may be left out, and its default, if it has one. */
type OptionalEntry<T, Default> = { readonly schema: Schema<T>; readonly defaultValue: Default };

/** An option of a table. A plain schema, which is a function, stands for an option that must be there. */
type TableEntry = Schema<unknown> | OptionalEntry<unknown, unknown>;
type TableEntries = Readonly<Record<string, TableEntry>>;

/** The type of one option's value, of an optional entry or of a plain schema. In the example it is always `string`. */
type EntryValue<E> = E extends OptionalEntry<infer T, unknown> ? T : Infer<E>;

/** Each key, as a type, if it is optional and has no default: `{ a: never; b: "b"; c: never }` in the example. */
type OptionalKeys<Entries> = {
  [K in keyof Entries]: Entries[K] extends OptionalEntry<unknown, undefined> ? K : never;
};

/** The keys that the value may lack, as a union: `never | "b" | never`, which is `"b"`. */
type OptionalKey<Entries> = OptionalKeys<Entries>[keyof Entries];

/** The keys that always have a value: `"a" | "c"`. */
type RequiredKey<Entries> = Exclude<keyof Entries, OptionalKey<Entries>>;

/** What `table` returns. The first braces hold `a` and `c` of the example, the second ones hold `b`. */
type TableValue<Entries> = {
  readonly [K in RequiredKey<Entries>]: EntryValue<Entries[K]>;
} & {
  readonly [K in OptionalKey<Entries>]?: EntryValue<Entries[K]>;
};

/**
 * A table while it is checked. An option with a mistake has the value undefined. An option that is missing has no key,
 * unless it has a default.
 */
export type PartialTable<Entries> = { [K in keyof Entries]?: EntryValue<Entries[K]> | undefined };

/** Adds a mistake of a table, or of the option `key` in it. */
export type AddMistake = (message: string, key?: string) => void;

/** An option that may be left out. Without a default, the value of the table then lacks its key. */
export function optional<T>(schema: Schema<T>): OptionalEntry<T, undefined>;
export function optional<T>(schema: Schema<T>, defaultValue: T): OptionalEntry<T, T>;
export function optional<T>(schema: Schema<T>, defaultValue?: T): OptionalEntry<T, T | undefined> {
  return { schema, defaultValue };
}

/**
 * A table. The keys of the value have the order of `entries`, in whatever order they were written.
 * @param checkTogether checks the options against each other. It is called even if some of them have mistakes
 * @param explainUnknown says what is wrong with a key that the table does not have; undefined: nothing is known of it
 */
export function table<const Entries extends TableEntries>(
  entries: Entries,
  checkTogether?: (values: PartialTable<Entries>, addMistake: AddMistake) => void,
  explainUnknown?: (key: string) => string | undefined,
): Schema<TableValue<Entries>> {
  return (value, path, report) => {
    if (!isPlainObject(value)) {
      report(path, "is not a table");
      return undefined;
    }

    // Each mistake in the table is reported by this function, so that one mistake makes the whole table invalid.
    let isValid = true;
    const reportInvalid: ReportMistake = (mistakePath, message) => {
      isValid = false;
      report(mistakePath, message);
    };

    const values: Record<string, unknown> = {};
    for (const [key, entry] of Object.entries(entries)) {
      const optionPath = `${path}.${key}`;
      const isRequired = typeof entry === "function";

      if (Object.hasOwn(value, key)) {
        const schema = isRequired ? entry : entry.schema;
        values[key] = schema(value[key], optionPath, reportInvalid);
      } else if (isRequired) {
        reportInvalid(optionPath, "is missing");
      } else if (entry.defaultValue !== undefined) {
        values[key] = entry.defaultValue;
      }
    }

    // An unknown key is a mistake, since it may be a misspelled one.
    for (const key of Object.keys(value)) {
      if (Object.hasOwn(entries, key)) continue;

      const message = explainUnknown?.(key) ?? unknownText(key, Object.keys(entries));
      reportInvalid(`${path}.${key}`, message);
    }

    // Each option was read by its own schema: hence the types in the two casts.
    checkTogether?.(values as PartialTable<Entries>, (message, key) => {
      const mistakePath = key === undefined ? path : `${path}.${key}`;
      reportInvalid(mistakePath, message);
    });
    return isValid ? (values as TableValue<Entries>) : undefined;
  };
}

function unknownText(key: string, knownKeys: string[]): string {
  const suggestion = suggestKey(key, knownKeys);
  const question = suggestion ? `. Did you mean ${suggestion}?` : "";
  return `unknown option${question}`;
}

/** Returns the known key that an operator may have meant, or undefined if none is similar. */
function suggestKey(unknownKey: string, knownKeys: readonly string[]): string | undefined {
  const closest = knownKeys.find((knownKey) => isWithinEdits(unknownKey, knownKey, 1));
  if (closest) return closest;

  // Two edits would turn a word of up to three letters into nearly any short word.
  if (unknownKey.length < 4) return undefined;
  return knownKeys.find((knownKey) => isWithinEdits(unknownKey, knownKey, 2));
}

/**
 * Returns whether at most `maxEdits` edits turn one key into the other. An edit adds, removes or changes one letter,
 * or swaps two letters that stand side by side. It goes from left to right: what is left of both keys is compared anew.
 * @example
 * isWithinEdits("widht", "width", 1); // true: first `w`, `i`, `d` are equal, then `ht` and `th` are swapped
 */
function isWithinEdits(key: string, knownKey: string, maxEdits: number): boolean {
  if (key === knownKey) return true;

  // At most one of the keys is empty here, and an empty one has the letter undefined.
  const letter = key[0];
  const knownLetter = knownKey[0];
  const keyRest = key.slice(1);
  const knownRest = knownKey.slice(1);
  if (letter === knownLetter) return isWithinEdits(keyRest, knownRest, maxEdits);

  // The letters differ, so an edit is needed here. Each kind of edit is tried.
  if (maxEdits === 0) return false;
  const editsLeft = maxEdits - 1;

  // Two letters are swapped: `ht` for `th`.
  const areSwapped = letter === knownRest[0] && keyRest[0] === knownLetter;
  if (areSwapped && isWithinEdits(keyRest.slice(1), knownRest.slice(1), editsLeft)) return true;

  return (
    isWithinEdits(keyRest, knownRest, editsLeft) || // one letter is changed: `xth` for `dth`
    isWithinEdits(keyRest, knownKey, editsLeft) || // `key` has one letter too many: `xdth` for `dth`
    isWithinEdits(key, knownRest, editsLeft) // `key` lacks one letter: `th` for `dth`
  );
}

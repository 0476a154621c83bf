// Schemas for the configuration. A schema checks a value, reports each mistake with its path, and
// returns what it read. Pure.

import { isPlainObject } from "../util/json.ts";

/** The vars and the secrets, unchecked. */
export type Vars = Readonly<Record<string, unknown>>;

/** Reports a mistake: where it is, and what is wrong. */
export type ReportMistake = (path: string, message: string) => void;

/** Returns the value, or undefined after it has reported a mistake. */
export type Schema<T> = (value: unknown, path: string, report: ReportMistake) => T | undefined;

/** Tables by their names; undefined: a table with mistakes. */
export type Tables<T> = ReadonlyMap<string, T | undefined>;

export type Infer<S> = S extends Schema<infer T> ? T : never;

/** An option that may be left out, and its default, if it has one. */
type Optional<T, Fallback> = { readonly schema: Schema<T>; readonly fallback: Fallback };
type Entry = Schema<unknown> | Optional<unknown, unknown>;
type ReadEntry<E> = E extends Optional<infer T, unknown> ? T : Infer<E>;
type Flat<T> = { [K in keyof T]: T[K] };
/** The options that a table may be without: they have no default. */
type Absent<Entries> = {
  [K in keyof Entries]: Entries[K] extends Optional<unknown, undefined> ? K : never;
}[keyof Entries];
type TableValue<Entries> = Flat<
  { readonly [K in Exclude<keyof Entries, Absent<Entries>>]: ReadEntry<Entries[K]> } & {
    readonly [K in Absent<Entries>]?: ReadEntry<Entries[K]>;
  }
>;

/** A table while it is read: an entry with a mistake is undefined. */
type PartialTable<Entries> = { [K in keyof Entries]?: ReadEntry<Entries[K]> | undefined };

/** Longest text that a message repeats, shorter than a key id: characters. */
const MAX_SHOWN_LENGTH = 16;

export function optional<T>(schema: Schema<T>): Optional<T, undefined>;
export function optional<T>(schema: Schema<T>, fallback: T): Optional<T, T>;
export function optional<T>(schema: Schema<T>, fallback?: T) {
  return { schema, fallback };
}

/** A value that passes a test; `expected` describes it in words: "… is not `expected`". */
export function custom<T>(expected: string, test: (value: unknown) => value is T): Schema<T> {
  return (value, path, report) => {
    if (test(value)) return value;
    // A long text may be a secret that was pasted into the wrong line.
    const isLong = typeof value === "string" && value.length > MAX_SHOWN_LENGTH;
    report(path, `${isLong ? "" : `${JSON.stringify(value)} `}is not ${expected}`);
    return undefined;
  };
}

/** A number from `min` to `max`, both included. `reason` says what it counts, or where the limits come from. */
export function numberBetween(
  min: number,
  max: number,
  reason?: string,
  kind: "number" | "whole number" = "number",
): Schema<number> {
  const because = reason === undefined ? "" : `: ${reason}`;
  return custom(`a ${kind} between ${min} and ${max}${because}`, (value): value is number => {
    const isKind = kind === "number" ? typeof value === "number" : Number.isInteger(value);
    return isKind && Number(value) >= min && Number(value) <= max;
  });
}

export function integer(min: number, max: number, reason?: string): Schema<number> {
  return numberBetween(min, max, reason, "whole number");
}

/** What a message says of a number that has no unit in its name. */
export const SECONDS = "it is in seconds";

export function oneOf<const Values extends readonly unknown[]>(
  ...values: Values
): Schema<Values[number]> {
  return custom(`one of ${values.join(", ")}`, (value): value is Values[number] =>
    values.includes(value),
  );
}

export const boolean = custom("true or false, without quotes", (one) => typeof one === "boolean");

export function textThat(expected: string, test: (text: string) => boolean): Schema<string> {
  return custom(expected, (value): value is string => typeof value === "string" && test(value));
}

export function textLike(expected: string, pattern: RegExp): Schema<string> {
  return textThat(expected, (value) => pattern.test(value));
}

/** Any text that is not empty. */
export const text = textLike("text", /./s);

/** One schema for the values that pass a test, another schema for all other values. */
export function choose<A, B>(
  test: (value: unknown) => boolean,
  ifTrue: Schema<A>,
  ifFalse: Schema<B>,
): Schema<A | B> {
  return (value, path, report) => (test(value) ? ifTrue : ifFalse)(value, path, report);
}

/** One or more values of one kind. */
export function listOf<T>(item: Schema<T>): Schema<T[]> {
  return (value, path, report) => {
    if (!Array.isArray(value) || value.length === 0) {
      report(path, "is not a list, or is empty");
      return undefined;
    }
    const values = value.map((entry: unknown, index) => item(entry, `${path}[${index}]`, report));
    return values.every((entry) => entry !== undefined) ? values : undefined;
  };
}

/**
 * A table. An unknown key is a mistake, since it may be a misspelled one.
 * @param checkAll checks the entries together
 */
export function table<const Entries extends Readonly<Record<string, Entry>>>(
  entries: Entries,
  checkAll: (
    values: PartialTable<Entries>,
    addMistake: (message: string, key?: string) => void,
  ) => void = () => {},
): Schema<TableValue<Entries>> {
  return (value, path, report) => {
    if (!isPlainObject(value)) {
      report(path, "is not a table");
      return undefined;
    }
    let isValid = true;
    const reportMistake: ReportMistake = (at, message) => {
      isValid = false;
      report(at, message);
    };
    const addMistake = (message: string, key?: string) =>
      reportMistake(key === undefined ? path : `${path}.${key}`, message);
    const values: Record<string, unknown> = {};
    for (const [key, entry] of Object.entries(entries)) {
      const required = typeof entry === "function";
      const schema = required ? entry : entry.schema;
      if (Object.hasOwn(value, key))
        values[key] = schema(value[key], `${path}.${key}`, reportMistake);
      else if (required) addMistake("is missing", key);
      else if (entry.fallback !== undefined) values[key] = entry.fallback;
    }
    for (const key of Object.keys(value)) {
      if (Object.hasOwn(entries, key)) continue;
      const similar = (edits: number) =>
        Object.keys(entries).find((option) => isWithinEdits(key, option, edits));
      const suggestion = similar(1) ?? (key.length < 4 ? undefined : similar(2));
      addMistake(`unknown option${suggestion ? `. Did you mean ${suggestion}?` : ""}`, key);
    }
    // Each entry was read by its own schema: hence the types.
    checkAll(values as PartialTable<Entries>, addMistake);
    return isValid ? (values as TableValue<Entries>) : undefined;
  };
}

/** Returns whether at most so many edits turn one word into the other: a letter more, less or changed, or two swapped. */
function isWithinEdits(a: string, b: string, edits: number): boolean {
  const [restA, restB] = [a.slice(1), b.slice(1)];
  if (a[0] === b[0]) return a === b || isWithinEdits(restA, restB, edits);
  const fewer = edits - 1;
  if (fewer < 0) return false;
  const isSwapped = a[0] === restB[0] && restA[0] === b[0];
  if (isSwapped && isWithinEdits(restA.slice(1), restB.slice(1), fewer)) return true;
  return (
    isWithinEdits(restA, restB, fewer) ||
    isWithinEdits(restA, b, fewer) ||
    isWithinEdits(a, restB, fewer)
  );
}

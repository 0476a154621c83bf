// Stands for src/worker/config/schema.ts while the schema of editors is made: the same functions, which also record as JSON
// Schema what they check. So an editor and the Worker follow the same tables, and the Worker has no byte for it.

import * as checks from "../worker/config/schema.ts";

export type {
  AddMistake,
  Infer,
  PartialTable,
  ReportMistake,
  Schema,
  Tables,
  Vars,
} from "../worker/config/schema.ts";
export { SECONDS } from "../worker/config/schema.ts";

type Schema<T> = checks.Schema<T>;

/** JSON Schema, draft 7, with `errorMessage`, which VS Code shows in place of its own message. */
export type JsonSchema = { readonly [keyword: string]: unknown };

const recorded = new WeakMap<object, () => JsonSchema>();

/** Records what a check says as JSON Schema. A later record of the same check replaces it. */
export function record<S extends Schema<unknown>>(check: S, describe: () => JsonSchema): S {
  recorded.set(check, describe);
  return check;
}

/** @throws if the check was not made by a function of this file: the editor would take any value for it */
export function jsonSchemaOf(check: Schema<unknown>, path: string): JsonSchema {
  const describe = recorded.get(check);
  if (describe === undefined) throw new Error(`${path}: no JSON Schema is recorded for its check`);
  return describe();
}

/** What the Worker tests by a function, as a pattern that takes all that it takes: by the words of its message. */
const TEXT_PATTERNS = new Map<string, string>();

/** @param expected the words with which the Worker names such a text */
export function describeText(expected: string, pattern: string): void {
  TEXT_PATTERNS.set(expected, pattern);
}

/** Returns a pattern as editors take it: where a class has a bracket, Rust's regular expressions want it escaped. */
export function patternOf({ source }: RegExp): string {
  const classes = /\\.|\[(?<members>(?:\\.|[^\]\\])*)\]/g;
  return source.replace(classes, (part, members?: string) => {
    if (members === undefined) return part;
    return `[${members.replace(/\\.|\[/g, (member) => (member === "[" ? "\\[" : member))}]`;
  });
}

/** Nobody knows what such a check takes: the check that is made of it is recorded, or `jsonSchemaOf` throws. */
export const custom = checks.custom;

export const numberBetween: typeof checks.numberBetween = (min, max, reason, kind = "number") => {
  const check = checks.numberBetween(min, max, reason, kind);
  const isBounded = max < Number.MAX_VALUE;
  const range = isBounded ? `between ${min} and ${max}` : `from ${min}`;

  return record(check, () => ({
    type: kind === "number" ? "number" : "integer",
    minimum: min,
    ...(isBounded && { maximum: max }),
    errorMessage: `is not a ${kind} ${range}${reason === undefined ? "" : `: ${reason}`}`,
  }));
};

export const integer: typeof checks.integer = (min, max, reason) => {
  return numberBetween(min, max, reason, "whole number");
};

export const oneOf: typeof checks.oneOf = (...values) => {
  return record(checks.oneOf(...values), () => ({
    enum: values,
    errorMessage: `is not one of ${values.join(", ")}`,
  }));
};

export const boolean: typeof checks.boolean = record(checks.boolean, () => ({
  type: "boolean",
  errorMessage: "is not true or false, without quotes",
}));

export const textThat: typeof checks.textThat = (expected, test) => {
  return record(checks.textThat(expected, test), () => {
    const pattern = TEXT_PATTERNS.get(expected);
    if (pattern === undefined) throw new Error(`no pattern describes a text that is ${expected}`);
    return { type: "string", pattern, errorMessage: `is not ${expected}` };
  });
};

export const textLike: typeof checks.textLike = (expected, pattern) => {
  return record(checks.textLike(expected, pattern), () => ({
    type: "string",
    pattern: patternOf(pattern),
    errorMessage: `is not ${expected}`,
  }));
};

export const text: typeof checks.text = record(checks.text, () => ({
  type: "string",
  minLength: 1,
  errorMessage: "is not text, or is empty",
}));

export const choose: typeof checks.choose = (test, schemaIfTrue, schemaIfFalse) => {
  const check = checks.choose(test, schemaIfTrue, schemaIfFalse);
  return record(check, () => {
    const first = jsonSchemaOf(schemaIfTrue, "choose");
    const second = jsonSchemaOf(schemaIfFalse, "choose");

    const isOfTables = first["type"] === "object" && second["type"] === "object";
    return isOfTables ? eitherTable(test, first, second) : eitherType(first, second);
  });
};

/** Two tables, told apart by a key: an editor shows the keys of both, and judges by the one that the value is. */
function eitherTable(
  test: (value: unknown) => boolean,
  first: JsonSchema,
  second: JsonSchema,
): JsonSchema {
  const properties = propertiesOf(first);
  const key = Object.keys(properties).find((name) => test({ [name]: null }));
  if (key === undefined) throw new Error("no key tells the two tables apart");

  return {
    type: "object",
    properties: Object.fromEntries(
      Object.keys({ ...propertiesOf(second), ...properties }).map((name) => [name, {}]),
    ),
    if: { required: [key] },
    // biome-ignore lint/suspicious/noThenProperty: it is a keyword of JSON Schema
    then: first,
    else: second,
  };
}

/** Values of two types. One schema has the keywords of both, as each keyword judges one type alone. `enum` judges all. */
function eitherType(first: JsonSchema, second: JsonSchema): JsonSchema {
  const isSeparable = first["enum"] === undefined && second["enum"] === undefined;
  if (!isSeparable) return { anyOf: [first, second] };
  return { ...first, ...second, type: [first["type"], second["type"]] };
}

export const listOf: typeof checks.listOf = (itemSchema) => {
  return record(checks.listOf(itemSchema), () => ({
    type: "array",
    minItems: 1,
    items: jsonSchemaOf(itemSchema, "listOf"),
  }));
};

export const optional = checks.optional;

/**
 * No value is right. With `false` in its place, taplo would underline all options of the table, and not the unknown one
 * alone. taplo shows the title in its message.
 */
const UNKNOWN_OPTION = { not: { title: "unknown option" }, errorMessage: "unknown option" };

export const table: typeof checks.table = (entries, checkTogether, explainUnknown) => {
  const check = checks.table(entries, checkTogether, explainUnknown);
  return record(check, () => {
    const required: string[] = [];
    const properties: Record<string, JsonSchema> = {};

    for (const [key, entry] of Object.entries(entries)) {
      if (typeof entry === "function") {
        required.push(key);
        properties[key] = jsonSchemaOf(entry, key);
        continue;
      }

      const schema = jsonSchemaOf(entry.schema, key);
      const { defaultValue } = entry;
      const hasDefault = defaultValue !== undefined && defaultValue !== "";
      properties[key] = hasDefault ? { ...schema, default: defaultValue } : schema;
    }

    return {
      type: "object",
      properties,
      additionalProperties: UNKNOWN_OPTION,
      ...(required.length > 0 && { required }),
    };
  });
};

/** The properties of a table's schema. */
export function propertiesOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  const { properties = {} } = schema;
  // `table` has written them.
  return properties as Readonly<Record<string, JsonSchema>>;
}

// The file of facts: JSON, or TypeScript in which a misspelt key does not compile. Pure.

import type { Fact } from "../../client/types.ts";
import { isPlainObject, parseJson } from "../../worker/base/json.ts";

export type Facts = ReadonlyMap<string, Fact>;

const FIRST_LINE = "// Written by `npx vitrine facts`.";

const HEAD = `${FIRST_LINE}
// Do not edit it: run that again after pictures changed.
/* eslint-disable */

/** What is known of an original. */
export type Fact = {
  /** Pixels, upright. */
  readonly width: number;
  readonly height: number;
  /** \`image/jpeg\`. */
  readonly type: string;
  readonly bytes: number;
  /** The dominant colour, as CSS. */
  readonly color: string;
  /** The ThumbHash, in base64. */
  readonly thumbhash: string;
  /** Whether some of its pixels are transparent. */
  readonly alpha?: true;
  /** Whether it has more than one frame. */
  readonly animated?: true;
};

/** The facts of each original, by its key. */
export const facts = {`;

const TAIL = `} as const satisfies Readonly<Record<string, Fact>>;

/** A key that has facts. */
export type FactKey = keyof typeof facts;

const all: Readonly<Record<string, Fact>> = facts;

/** The facts of a key that is known only at run time; undefined if there are none. */
export function factOf(key: string): Fact | undefined {
  return Object.hasOwn(all, key) ? all[key] : undefined;
}
`;

/** In the order of their keys, one a line. */
export function jsonOf(facts: Facts): string {
  const lines = linesOf(facts, (key) => JSON.stringify(key));
  return lines.length === 0 ? "{}\n" : `{\n${lines.join(",\n")}\n}\n`;
}

export function typescriptOf(facts: Facts): string {
  // `"__proto__": …` would set the prototype.
  const name = (key: string) => (key === "__proto__" ? '["__proto__"]' : JSON.stringify(key));
  const lines = linesOf(facts, name).map((line) => `${line},\n`);
  return `${HEAD}${lines.length === 0 ? "" : "\n"}${lines.join("")}${TAIL}`;
}

function linesOf(facts: Facts, nameOf: (key: string) => string): string[] {
  return [...facts.keys()]
    .sort()
    .map((key) => `  ${nameOf(key)}: ${JSON.stringify(facts.get(key))}`);
}

/** Returns whether this command wrote a .ts file. */
export function isOurTypescript(text: string): boolean {
  return text.startsWith(FIRST_LINE);
}

/** Returns whether this command wrote a .json file: it holds nothing but facts. */
export function isOurJson(text: string): boolean {
  const table = parseJson(text);
  if (!isPlainObject(table)) return text === "";
  const values = Object.values(table);
  return values.length === 0 ? text === jsonOf(new Map()) : values.every(isFact);
}

const KNOWN = {
  ...{ width: "number", height: "number", type: "string", bytes: "number" },
  ...{ color: "string", thumbhash: "string" },
} as const satisfies Record<keyof Omit<Fact, "alpha" | "animated">, string>;

export function isFact(value: unknown): value is Fact {
  if (!isPlainObject(value)) return false;
  const { alpha = true, animated = true } = value;
  const isWhole = Object.entries(KNOWN).every(([name, type]) => {
    const one = value[name];
    return type === "number" ? Number.isSafeInteger(one) && Number(one) >= 0 : typeof one === type;
  });
  return isWhole && alpha === true && animated === true;
}

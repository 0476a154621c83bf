// The file of facts: JSON, or TypeScript in which a misspelt key does not compile. It is the memory of the command,
// too: what it reads from there is checked fact by fact. It never writes over a file that something else wrote.

import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Fact } from "../../client/types.ts";
import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import { type Fault, say, type World } from "../command.ts";
import { ownFileFault, writeOwnFile } from "../files/write-file.ts";
import { counted } from "../terminal/progress.ts";

/** Facts by key. */
export type Facts = ReadonlyMap<string, Fact>;

const FIRST_LINE = "// Written by `npx vitrine facts`.";

const HEAD = `${FIRST_LINE}
// Do not edit or format it: run that again after pictures changed.
/* eslint-disable */

/** What is known of an original. */
export type Fact = {
  /** Pixels, upright. */
  readonly width: number;
  readonly height: number;
  /** \`image/jpeg\`. */
  readonly type: string;
  readonly bytes: number;
  /** The dominant colour, as CSS. An SVG has none. */
  readonly color?: string;
  /** The ThumbHash, in base64. An SVG has none. */
  readonly thumbhash?: string;
  /** Whether some of its pixels are transparent, or may be: of an SVG, that is not known. */
  readonly alpha?: true;
  /** Whether it has more than one frame. */
  readonly animated?: true;
  /** Another one after the object changed. */
  readonly version?: string;
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

/** In TypeScript, `"__proto__": …` would set the prototype. */
const PROTO = { json: '  "__proto__": ', typescript: '  ["__proto__"]: ' };

/**
 * Reads what an earlier run wrote. A TypeScript file that somebody changed has no facts, which costs time alone.
 * @returns a fault if the file must not be written
 */
export function readFactsFile({ folder, stderr }: World, file: string): Facts | Fault {
  const isTypescript = file.endsWith(".ts");
  const fault = ownFileFault(folder, file, isTypescript ? isOurTypescript : isOurJson);
  if (fault !== undefined) return { fault: `${file}: ${fault}` };
  const path = resolve(folder, file);
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (text === "") return new Map();
  const facts = parseFacts(isTypescript ? jsonIn(text) : text);
  if (facts === undefined) {
    say(stderr, `${file} was formatted or changed: all originals are read again.`);
  }
  return facts ?? new Map();
}

/** Writes a file in one step, or JSON to stdout. One that stays the same is not touched: nothing is built anew. */
export function writeFacts(
  { folder, stdout }: World,
  file: string | undefined,
  facts: Facts,
): Fault | undefined {
  if (file === undefined) {
    stdout.write(jsonOf(facts));
    return undefined;
  }
  const isTypescript = file.endsWith(".ts");
  const text = isTypescript ? typescriptOf(facts) : jsonOf(facts);
  const path = resolve(folder, file);
  const content = `the facts of ${counted(facts.size, "original")}`;
  if (existsSync(path) && readFileSync(path, "utf8") === text) {
    say(stdout, `${file} has ${content} already`);
    return undefined;
  }
  const fault = writeOwnFile(folder, file, text, isTypescript ? isOurTypescript : isOurJson);
  if (fault !== undefined) return { fault: `${file}: ${fault}` };
  say(stdout, `Wrote ${file} with ${content}`);
  return undefined;
}

/** In the order of their keys, one a line. */
function jsonOf(facts: Facts): string {
  const lines = [...facts.keys()]
    .sort()
    .map((key) => `  ${JSON.stringify(key)}: ${JSON.stringify(facts.get(key))}`);
  return lines.length === 0 ? "{}\n" : `{\n${lines.join(",\n")}\n}\n`;
}

function typescriptOf(facts: Facts): string {
  const json = jsonOf(facts).replace(`\n${PROTO.json}`, `\n${PROTO.typescript}`);
  return (
    HEAD +
    json
      .slice(1)
      .replace(/(?<!^)\n\}\n$/, ",\n}\n")
      .replace(/\}\n$/, "") +
    TAIL
  );
}

/** The inverse of `typescriptOf`, up to the JSON. */
function jsonIn(text: string): string {
  const [, lines = "?"] = /^export const facts = \{(.*?),?\n?^\} as const /ms.exec(text) ?? [];
  return `{${lines.replace(`\n${PROTO.typescript}`, `\n${PROTO.json}`)}}`;
}

function isOurTypescript(text: string): boolean {
  return text.startsWith(FIRST_LINE);
}

/** A file of JSON is of this command if it holds nothing but facts. */
function isOurJson(text: string): boolean {
  return text === "" || parseFacts(text) !== undefined;
}

/** @returns undefined if something in the text is no fact */
function parseFacts(json: string): Facts | undefined {
  const table = parseJson(json);
  if (!isPlainObject(table)) return undefined;
  const facts = new Map<string, Fact>();
  for (const [key, value] of Object.entries(table)) {
    if (!isFact(value)) return undefined;
    facts.set(key, value);
  }
  return facts;
}

function isFact(value: unknown): value is Fact {
  if (!isPlainObject(value)) return false;
  const { width, height, bytes, type, color = "", thumbhash = "", version = "" } = value;
  const { alpha = true, animated = true } = value;
  return (
    [width, height, bytes].every((one) => Number.isSafeInteger(one) && Number(one) >= 0) &&
    [type, color, thumbhash, version].every((one) => typeof one === "string") &&
    [alpha, animated].every((one) => one === true)
  );
}

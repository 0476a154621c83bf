// The file of facts: JSON, or the same as TypeScript, in which a misspelt key does not compile. It is the memory of
// the command, too. It never writes over a file that something else wrote.

import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Fact } from "../../client/types.ts";
import { isPlainObject, parseJson } from "../../worker/util/json.ts";
import { type CommandFault, log, type World } from "../command.ts";
import { ownFileFault, writeOwnFile } from "../files/write-file.ts";
import { counted } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";

export type FactsByKey = ReadonlyMap<string, Fact>;

/** What stands before the JSON, and after it, in a file of TypeScript. */
const HEAD = `// Written by \`npx vitrine facts\`.
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
  /** The dominant colour, as CSS. One with \`alpha\` has none. */
  readonly color?: string;
  /** The ThumbHash, in base64. An SVG has none. */
  readonly thumbhash?: string;
  /** Whether some of its pixels are transparent, or may be: of an SVG, that is not known. */
  readonly alpha?: true;
  /** Whether it has more than one frame. */
  readonly animated?: true;
  /** The focal point, from the metadata of the object: from the left and from the top, 0 to 1. */
  readonly focus?: { readonly x: number; readonly y: number };
  /** Another one after the object or its focal point changed. */
  readonly version?: string;
};

/** The facts of each original, by its key. */
export const facts = `;
const TAIL = ` as const satisfies Readonly<Record<string, Fact>>;

/** A key that has facts. */
export type FactKey = keyof typeof facts;

const all: Readonly<Record<string, Fact>> = facts;

/** The facts of a key that is known only at run time; undefined if there are none. */
export function factOf(key: string): Fact | undefined {
  return Object.hasOwn(all, key) ? all[key] : undefined;
}
`;

/** In TypeScript, `"__proto__": …` would set the prototype. */
const PROTO = { json: '\n  "__proto__": ', typescript: '\n  ["__proto__"]: ' };

/** Reads the file of an earlier run. @returns a fault if this command may not overwrite it */
export function readFactsFile({ folder }: World, file: string): FactsByKey | CommandFault {
  const fault = ownFileFault(folder, file, isOurs(file));
  if (fault !== undefined) return { fault: `${file}: ${fault}` };
  const path = resolve(folder, file);
  return (existsSync(path) && parseFacts(file, readFileSync(path, "utf8"))) || new Map();
}

/** Writes a file atomically, or JSON to stdout. An unchanged file is not touched, so the app is not rebuilt. */
export function writeFacts(
  { folder, stdout }: World,
  file: string | undefined,
  facts: FactsByKey,
): CommandFault | undefined {
  // In the order of their keys, one a line.
  const lines = [...facts.keys()]
    .sort()
    .map((key) => `\n  ${JSON.stringify(key)}: ${JSON.stringify(facts.get(key))}`);
  const json = visible(`{${lines.join(",")}\n}`);
  if (file === undefined) {
    stdout.write(`${json}\n`);
    return undefined;
  }
  const typescript = HEAD + json.replace(PROTO.json, PROTO.typescript) + TAIL;
  const text = file.endsWith(".ts") ? typescript : `${json}\n`;
  const path = resolve(folder, file);
  const isSame = existsSync(path) && readFileSync(path, "utf8") === text;
  const fault = isSame ? undefined : writeOwnFile(folder, file, text, isOurs(file));
  if (fault !== undefined) return { fault: `${file}: ${fault}` };
  const done = isSame ? "Unchanged" : "Wrote";
  log(stdout, `${done}: ${file} with the facts of ${counted(facts.size, "original")}`);
  return undefined;
}

/** Returns whether this command wrote the file: it holds only facts. */
const isOurs = (file: string) => (text: string) => parseFacts(file, text) !== undefined;

/** @returns undefined if something in the text is no fact */
function parseFacts(file: string, text: string): FactsByKey | undefined {
  const [, typescript = ""] = /^export const facts = (\{.*?\n\}) as const /ms.exec(text) ?? [];
  const isTypescript = file.endsWith(".ts");
  const table = parseJson(isTypescript ? typescript.replace(PROTO.typescript, PROTO.json) : text);
  if (!isPlainObject(table)) return undefined;
  const facts = Object.entries(table).filter((entry): entry is [string, Fact] => isFact(entry[1]));
  return facts.length === Object.keys(table).length ? new Map(facts) : undefined;
}

/** Checks the fields that apps compute with. */
function isFact(value: unknown): value is Fact {
  if (!isPlainObject(value)) return false;
  const { width, height, bytes, type } = value;
  const isNumber = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
  return [width, height, bytes].every(isNumber) && typeof type === "string";
}

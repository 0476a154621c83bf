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
const PROTO = {
  json: '\n  "__proto__": ',
  typescript: '\n  ["__proto__"]: ',
};

/** Reads the file of an earlier run. @returns a fault if this command may not overwrite it */
export function readFactsFile({ folder }: World, file: string): FactsByKey | CommandFault {
  const fault = ownFileFault(folder, file, isOurs(file));
  if (fault !== undefined) return { fault: `${file}: ${fault}` };

  const path = resolve(folder, file);
  if (!existsSync(path)) return new Map();

  const text = readFileSync(path, "utf8");
  return parseFacts(file, text) ?? new Map();
}

/** Writes a file atomically, or JSON to stdout. An unchanged file is not touched, so the app is not rebuilt. */
export function writeFacts(
  { folder, stdout }: World,
  file: string | undefined,
  facts: FactsByKey,
): CommandFault | undefined {
  const json = jsonOf(facts);
  if (file === undefined) {
    stdout.write(`${json}\n`);
    return undefined;
  }

  const text = file.endsWith(".ts") ? typescriptOf(json) : `${json}\n`;
  const originals = counted(facts.size, "original");
  const path = resolve(folder, file);
  if (existsSync(path) && readFileSync(path, "utf8") === text) {
    log(stdout, `Unchanged: ${file} with the facts of ${originals}`);
    return undefined;
  }

  const fault = writeOwnFile(folder, file, text, isOurs(file));
  if (fault !== undefined) return { fault: `${file}: ${fault}` };

  log(stdout, `Wrote: ${file} with the facts of ${originals}`);
  return undefined;
}

/** In the order of their keys, one a line. */
function jsonOf(facts: FactsByKey): string {
  const keys = [...facts.keys()].sort();
  const lines = keys.map((key) => `\n  ${JSON.stringify(key)}: ${JSON.stringify(facts.get(key))}`);
  return visible(`{${lines.join(",")}\n}`);
}

function typescriptOf(json: string): string {
  const literal = json.replace(PROTO.json, PROTO.typescript);
  return HEAD + literal + TAIL;
}

/** The JSON in a file of TypeScript. @returns undefined if there is none */
function jsonInTypescript(text: string): string | undefined {
  const match = /^export const facts = (?<literal>\{.*?\n\}) as const /ms.exec(text);
  return match?.groups?.["literal"]?.replace(PROTO.typescript, PROTO.json);
}

/** Returns whether this command wrote the file: it holds only facts. */
const isOurs = (file: string) => (text: string) => parseFacts(file, text) !== undefined;

/** @returns undefined if something in the text is no fact */
function parseFacts(file: string, text: string): FactsByKey | undefined {
  const json = file.endsWith(".ts") ? jsonInTypescript(text) : text;
  if (json === undefined) return undefined;

  const table = parseJson(json);
  if (!isPlainObject(table)) return undefined;

  const facts = new Map<string, Fact>();
  for (const [key, value] of Object.entries(table)) {
    if (!isFact(value)) return undefined;
    facts.set(key, value);
  }
  return facts;
}

/** Checks the fields that apps compute with. */
function isFact(value: unknown): value is Fact {
  if (!isPlainObject(value)) return false;

  const { width, height, bytes, type } = value;
  return [width, height, bytes].every(isCount) && typeof type === "string";
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

// What all commands share: the world around them, how they end, and how they print.

import { join, relative } from "node:path";
import type { Readable, Writable } from "node:stream";
import { stripVTControlCharacters, styleText } from "node:util";
import type { ConfigMistake } from "../worker/http/refusal.ts";
import { hasProperty } from "../worker/util/json.ts";
import { visible } from "./terminal/shell.ts";

/** What a command needs from outside. Tests pass another one. */
export type World = {
  /** The folder that has wrangler.toml. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** For results only. */
  readonly stdout: Screen;
  /** For progress and errors. */
  readonly stderr: Screen;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Ctrl-C aborts it. */
  readonly interrupted: AbortSignal;
};

export type Screen = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** The exit codes, as `vitrine --help` lists them. */
export const EXIT = {
  done: 0, // everything is done, or well
  partly: 1, // a part is not done; the doctor: warnings and nothing worse
  failed: 2, // it could not be done, or something is wrong
  usage: 3, // the arguments make no sense
  interrupted: 130, // Ctrl-C
} as const;

export type Exit = (typeof EXIT)[keyof typeof EXIT];

/** What keeps a command from its work. The text says what to do. */
export type CommandFault = {
  readonly fault: string;
  /** The mistakes of the configuration, if they are the reason. */
  readonly mistakes?: readonly LocatedMistake[];
};

/** A mistake in the configuration, with the environment that has it; undefined: the top level. */
export type LocatedMistake = ConfigMistake & {
  readonly environment?: string | undefined;
  /** What holds the wrong value, if not the configuration: `.dev.vars`, `the environment`, a file's name. */
  readonly source?: string;
  /** What to do, if that is more than to fix the setting. Empty: the message says it. */
  readonly remedy?: string;
};

export function isMistake<T extends object>(value: T | LocatedMistake): value is LocatedMistake {
  return hasProperty(value, "path") && hasProperty(value, "message");
}

export type Outcome = Exit | CommandFault;

/** Runs the work of a command, and remembers its exit code. */
export type Run = (work: () => Promise<Outcome> | Outcome) => Promise<void>;

export function isFault<T>(value: T | CommandFault): value is CommandFault {
  return hasProperty(value, "fault");
}

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Colours a text if the screen is a terminal whose user allows it (https://no-color.org). */
export function paint(world: World, screen: Screen, style: Style, text: string): string {
  const { NO_COLOR, TERM } = world.env;
  if (screen.isTTY !== true || NO_COLOR || TERM === "dumb") return text;
  return styleText(style, text, { validateStream: false });
}

/**
 * Prints messages. A message may quote what a stranger wrote, such as the key of an object: what moves the cursor or
 * hides text is written as `\u001b`.
 */
export function log(screen: Screen, ...lines: readonly string[]): void {
  print(screen, ...lines.map((line) => visible(line)));
}

/** Prints a message about the work, in a colour. */
export function logInColour(world: World, style: Style, message: string): void {
  const text = visible(message);
  print(world.stderr, paint(world, world.stderr, style, text));
}

/** Prints results as they are: keys, URLs, names of files, JSON. */
export function print(screen: Screen, ...lines: readonly string[]): void {
  for (const line of lines) screen.write(`${line}\n`);
}

/** The folder of this package. In the package, what this file is bundled into is as deep in dist/. */
export const PACKAGE_ROOT = join(import.meta.dirname, "../..");

/** The folder of the code that is running: `src` in the repository, `dist` in the package. */
export const CODE_ROOT = join(import.meta.dirname, "..");

/** From here: `docs`, or `node_modules/vitrine/docs` in a project. */
const DOCS = relative(".", join(PACKAGE_ROOT, "docs")).replaceAll("\\", "/");

/** The site of the documents: `https://docs.example.com`. The shell names it. */
let docsSite: string | undefined;

/** @param site undefined: messages name the files of pages */
export function setDocsSite(site: string | undefined): void {
  docsSite = site;
}

/** Returns where a page of the documentation is, for a message that points to it: on the site, else the path from here. */
export function page(path: `docs/${string}`): string {
  if (docsSite === undefined) return path.replace("docs", () => DOCS);

  const address = path.replace(/(?:README)?\.md/, "");
  return `${docsSite}/${address}`;
}

/** Makes a line of each row. All columns but the last are as wide as their widest cell. */
export function align(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.slice(0, -1).entries()) {
      widths[column] = Math.max(widths[column] ?? 0, lengthOf(cell));
    }
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - lengthOf(cell))))
      .join("  "),
  );
}

function lengthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

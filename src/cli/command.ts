// What a command has of the world around it, so that tests can give it another one.

import type { Readable, Writable } from "node:stream";
import { stripVTControlCharacters, styleText } from "node:util";

export type World = {
  /** Where wrangler.toml is. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** For results alone. */
  readonly stdout: Screen;
  /** For progress, and for what went wrong. */
  readonly stderr: Screen;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Is aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
};

export type Screen = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** What a command ends with, as docs/doctor.md and `vitrine --help` have it. */
export const EXIT = {
  /** All is done, or well. */
  done: 0,
  /** A part is not done; for the doctor: warnings, and nothing worse. */
  partly: 1,
  /** It could not be done, or something is wrong. */
  failed: 2,
  /** It was asked for in a way that makes no sense. */
  usage: 3,
  /** By Ctrl-C. */
  interrupted: 130,
} as const;

export type Exit = (typeof EXIT)[keyof typeof EXIT];

/** What keeps a command from its work, in words that say what to do. */
export type Fault = { readonly fault: string };

/** Runs the work of a command, and keeps the exit code that it ends with. */
export type Run = (work: () => Promise<Exit | Fault> | Exit | Fault) => Promise<void>;

export function isFault<T>(value: T | Fault): value is Fault {
  return typeof value === "object" && value !== null && "fault" in value;
}

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Colours a text, on a terminal whose user has nothing against it (https://no-color.org). */
export function paint(world: World, screen: Screen, style: Style, text: string): string {
  const { NO_COLOR, TERM } = world.env;
  if (screen.isTTY !== true || NO_COLOR || TERM === "dumb") return text;
  return styleText(style, text, { validateStream: false });
}

export function say(screen: Screen, ...lines: readonly string[]): void {
  for (const line of lines) screen.write(`${line}\n`);
}

/** Rows under each other, each column as wide as its widest text; the last one is as it is. */
export function align(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.slice(0, -1).entries()) {
      widths[at] = Math.max(widths[at] ?? 0, lengthOf(cell));
    }
  }
  return rows.map((row) =>
    row
      .map((cell, at) => cell + " ".repeat(Math.max(0, (widths[at] ?? 0) - lengthOf(cell))))
      .join("  "),
  );
}

function lengthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

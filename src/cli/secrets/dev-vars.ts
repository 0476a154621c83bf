// Puts secrets into .dev.vars, which the local run reads. All other lines stay as they are.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import type { Fault } from "../command.ts";
import { replaceFile } from "../files/write-file.ts";

/** Secrets by name, with their new values; null deletes one. */
export type Change = Readonly<Record<string, string | null>>;

/** Changes the .dev.vars of a folder, or that of an environment, all secrets at once. */
export function putDevVars(folder: string, change: Change, name: string): Fault | undefined {
  const file = join(folder, name);
  try {
    const text = editDevVars(readFileSync(file, "utf8"), change, name);
    if (typeof text !== "string") return text;
    replaceFile(file, text);
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    return { fault: `${name} cannot be written: ${reason}. It was not changed` };
  }
}

/** Changes nothing but the lines of these secrets. @param file its name, for messages */
export function editDevVars(before: string, change: Change, file: string): string | Fault {
  const mark = /^\uFEFF?/.exec(before)?.[0] ?? "";
  const text = before.slice(mark.length);
  const pending = new Map(Object.entries(change));
  const lines = text.split("\n").flatMap((line) => {
    const name = /^\s*(?:export\s+)?(\w+)(?:\s*=|:\s)/.exec(line)?.[1] ?? "";
    const value = change[name];
    if (value === undefined) return [line];
    if (value === null || !pending.delete(name)) return []; // each name once
    return [`${name}=${quote(value)}`];
  });
  for (const [name, value] of pending) if (value === null) pending.delete(name);
  const added = [...pending].map(([name, value]) => `${name}=${quote(value ?? "")}`);
  if (added.length > 0 && lines.at(-1) === "") lines.pop();
  const edited = [...lines, ...added, ...(added.length > 0 ? [""] : [])].join("\n");

  // Read the result as it will be read: one of the names may be inside a value of several lines.
  const expected = { ...parseEnv(text), ...change };
  const actual = { ...parseEnv(edited) };
  // For wrangler, a backslash at the end makes the quote a part of the value.
  const isOpen = (name: string) => change[name]?.endsWith("\\") === true;
  const wrong = Object.keys({ ...expected, ...actual }).filter(
    (name) => (expected[name] ?? null) !== (actual[name] ?? null) || isOpen(name),
  );
  if (wrong.length === 0) return mark + edited;
  return {
    fault: `${file} cannot be edited without changing ${wrong.join(", ")}: put each value on one line, in quotes`,
  };
}

function quote(value: string): string {
  const mark = [`'`, `"`, "`"].find((candidate) => !value.includes(candidate)) ?? "'";
  return mark + value + mark;
}

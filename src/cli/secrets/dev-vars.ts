// Puts secrets into .dev.vars, which the local run reads. All other lines stay as they are.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import type { Fault } from "../command.ts";
import { replaceFile } from "../files/replace-file.ts";

export type Change = Readonly<Record<string, string | null>>;

/**
 * Changes the .dev.vars of a folder, all secrets at once.
 * @param name `.dev.vars`, or that of an environment
 */
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

/**
 * Changes the text of a .dev.vars, and nothing but the lines of these secrets.
 * @param file its name, for messages
 */
export function editDevVars(given: string, change: Change, file: string): string | Fault {
  const mark = /^\uFEFF?/.exec(given)?.[0] ?? "";
  const text = given.slice(mark.length);
  const lines = text.split("\n");
  const pending = new Map(Object.entries(change));
  const edited = lines.flatMap((line) => {
    const name = /^\s*(?:export\s+)?(\w+)(?:\s*=|:\s)/.exec(line)?.[1] ?? "";
    const value = change[name];
    if (value === undefined) return [line];
    if (value === null || !pending.delete(name)) return []; // each name once
    return [`${name}=${quote(value)}`];
  });
  const added = [...pending].flatMap(([name, value]) =>
    value === null ? [] : [`${name}=${quote(value)}`],
  );
  if (added.length > 0 && edited.at(-1) === "") edited.pop();
  const made = [...edited, ...added, ...(added.length > 0 ? [""] : [])].join("\n");

  // Read the result as it will be read: one of the names may be inside a value of several lines.
  const wanted = { ...parseEnv(text), ...change };
  const found = { ...parseEnv(made) };
  const names = new Set([...Object.keys(wanted), ...Object.keys(found)]);
  // For wrangler, a backslash at the end makes the quote a part of the value.
  const open = (name: string) => change[name]?.endsWith("\\") === true;
  const wrong = [...names].filter(
    (name) => (wanted[name] ?? null) !== (found[name] ?? null) || open(name),
  );
  if (wrong.length === 0) return mark + made;
  return {
    fault: `${file} cannot be edited without changing ${wrong.join(", ")}: put each value on one line, in quotes`,
  };
}

function quote(value: string): string {
  const mark = [`'`, `"`, "`"].find((candidate) => !value.includes(candidate)) ?? "'";
  return mark + value + mark;
}

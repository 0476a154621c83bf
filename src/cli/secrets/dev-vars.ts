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
export function editDevVars(text: string, change: Change, file: string): string | Fault {
  const pending = new Map(Object.entries(change));
  const lines = text.split("\n").flatMap((line) => {
    const name = /^\s*(?:export\s+)?(\w+)(?:\s*=|:\s)/.exec(line)?.[1] ?? "";
    if (!Object.hasOwn(change, name)) return [line];
    const value = pending.get(name);
    pending.delete(name); // each name once
    return typeof value === "string" ? [`${name}=${quote(value)}`] : [];
  });
  const added = [...pending].flatMap(([name, value]) =>
    value === null ? [] : [`${name}=${quote(value)}`],
  );
  if (added.length > 0 && lines.at(-1) === "") lines.pop();
  const edited = [...lines, ...added, ...(added.length > 0 ? [""] : [])].join("\n");

  // Read the result as it will be read: one of the names may be inside a value of several lines.
  const expected = { ...parseEnv(text), ...change };
  const actual = parseEnv(edited);
  // For wrangler, a backslash at the end makes the quote a part of the value.
  const wrong = Object.keys({ ...expected, ...actual }).filter(
    (name) => (expected[name] ?? null) !== (actual[name] ?? null) || change[name]?.endsWith("\\"),
  );
  if (wrong.length === 0) return edited;
  return {
    fault: `${file} cannot be edited without changing ${wrong.join(", ")}: put each value on one line, in quotes`,
  };
}

function quote(value: string): string {
  const mark = [`'`, `"`, "`"].find((candidate) => !value.includes(candidate)) ?? "'";
  return mark + value + mark;
}

// Puts secrets into .dev.vars, which the local run reads. All other lines stay as they are.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import type { CommandFault } from "../command.ts";
import { replaceFile } from "../files/write-file.ts";

/** Secrets by name, with their new values; null deletes one. */
type Change = Readonly<Record<string, string | null>>;

/** Puts the lines of these secrets at the end of a file of the folder, all at once, and removes the old ones. */
export function putDevVars(folder: string, change: Change, name: string): CommandFault | undefined {
  const file = join(folder, name);
  try {
    const text = readFileSync(file, "utf8");
    const edited = editLines(text, change);
    // Read the result as it will be read: one of the names may be inside a value of several lines.
    const expected = { ...parseEnv(text), ...change };
    const actual = parseEnv(edited);
    // For wrangler, a backslash at the end makes the quote a part of the value.
    const misread = Object.keys({ ...expected, ...actual }).filter(
      (one) => (expected[one] ?? null) !== (actual[one] ?? null) || change[one]?.endsWith("\\"),
    );
    if (misread.length > 0)
      throw new Error(`put each value on one line, in quotes: ${misread.join(", ")}`);
    replaceFile(file, edited);
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    return { fault: `${name} cannot be written: ${reason}. It was not changed` };
  }
}

function editLines(text: string, change: Change): string {
  const otherLines = text.split("\n").filter((line) => {
    const [, name = ""] = /^\s*(?:export\s+)?(\w+)(?:\s*=|:\s)/.exec(line) ?? [];
    return !Object.hasOwn(change, name);
  });
  if (otherLines.at(-1) === "") otherLines.pop();
  const added = Object.entries(change).flatMap(([name, value]) => {
    const mark = [`'`, `"`, "`"].find((candidate) => !value?.includes(candidate)) ?? "'";
    return value === null ? [] : [`${name}=${mark}${value}${mark}`];
  });
  return [...otherLines, ...added, ""].join("\n");
}

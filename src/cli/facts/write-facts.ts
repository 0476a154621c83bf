// Writes facts to a file, or to stdout.

import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Fault, say, type World } from "../command.ts";
import { type IsOurs, writeOwnFile } from "../files/write-file.ts";
import { counted } from "../terminal/progress.ts";
import { type Facts, isOurJson, isOurTypescript, jsonOf, typescriptOf } from "./fact-text.ts";

/** Returns what recognizes a file of this name that this command wrote. */
export function isOursFor(file: string): IsOurs {
  return file.endsWith(".ts") ? isOurTypescript : isOurJson;
}

/** A file that stays the same is not touched, so that nothing is built anew. */
export function writeFacts(
  { folder, stdout }: World,
  file: string | undefined,
  facts: Facts,
): Fault | undefined {
  if (file === undefined) {
    stdout.write(jsonOf(facts));
    return undefined;
  }
  const text = file.endsWith(".ts") ? typescriptOf(facts) : jsonOf(facts);
  const path = resolve(folder, file);
  const of = `the facts of ${counted(facts.size, "original")}`;
  if (existsSync(path) && readFileSync(path, "utf8") === text) {
    say(stdout, `${file} has ${of} already`);
    return undefined;
  }
  const fault = writeOwnFile(folder, file, text, isOursFor(file));
  if (fault !== undefined) return { fault: `${file}: ${fault}` };
  say(stdout, `Wrote ${file} with ${of}`);
  return undefined;
}

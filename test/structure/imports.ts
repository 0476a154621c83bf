// The imports of src/, read as text.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "../support/built.ts";

/** An import or a re-export of a file of ours. */
const IMPORT = /^(?:import|export)\s+(type\s)?([^;"]*?)\s*from\s+"(\.[^"]+)"/gm;
const LAZY = /\bimport\("(\.[^"]+)"\)/g;

/** All files of src/, with their texts, by their paths from the project's folder. */
export function readSources(): ReadonlyMap<string, string> {
  const files = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
  const sources = files.filter((file) => file.endsWith(".ts")).map((file) => `src/${file}`);
  return new Map(sources.map((file) => [file, readFileSync(join(ROOT, file), "utf8")]));
}

/** The files that a file takes values from: what is imported as a type alone is not there at run time. */
export function valuesFrom(file: string, text: string): string[] {
  const now = [...text.matchAll(IMPORT)].flatMap(([, type, names = "", from = ""]) => {
    const all = /\{(.*)\}/s
      .exec(names)?.[1]
      ?.split(",")
      .filter((name) => name.trim() !== "");
    const isType = type !== undefined || all?.every((name) => name.trim().startsWith("type "));
    return isType ? [] : [from];
  });
  const later = [...text.matchAll(LAZY)].map(([, from = ""]) => from);
  return [...now, ...later].map((from) => join(dirname(file), from));
}

/** The longest chain of files that begins with each file, each file once imported by the one before. */
export function longestChains(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const known = new Map<string, string[]>();
  const chainOf = (file: string): string[] => {
    const before = known.get(file);
    if (before !== undefined) return before;
    known.set(file, [file]); // the linter refuses circles; this ends them all the same
    const rest = (graph.get(file) ?? []).map(chainOf);
    const longest = rest.reduce((one, other) => (other.length > one.length ? other : one), []);
    const chain = [file, ...longest];
    known.set(file, chain);
    return chain;
  };
  return [...graph.keys()].map(chainOf);
}

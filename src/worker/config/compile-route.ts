// Compiles the path pattern and the key template of a route, and reports their mistakes. Pure.

import { compilePattern, type Mapping, type Pattern, REST, VARIANT } from "../../url/grammar.ts";
import type { Report } from "./schema.ts";

/** A public path pattern and the object that it stands for, ready to match. */
export type Route = {
  /** The pattern as configured, for the log and for signatures. */
  readonly path: string;
  readonly mapping: Mapping;
};

/** A segment that is a name: `:id`. */
export const NAME = /^:([A-Za-z][A-Za-z0-9_]*)$/;
const LITERAL = /^(?!\.\.?$)[^:*%?#\\\p{Cc}]+$/u;

/** @param keyTemplate what follows `BUCKET/` in `object` */
export function compileRoute(path: string, keyTemplate: string, report: Report): Route {
  const names = new Set<string>();
  const parts = path.split("/");
  for (const [index, part] of parts.slice(1).entries()) {
    if (part === REST) {
      if (index !== parts.length - 2) report("path", "* must come last");
      names.add(REST);
      continue;
    }
    const name = NAME.exec(part)?.[1];
    if (name === undefined) {
      if (!LITERAL.test(part)) report("path", `"${part}" is not a literal, :name or *`);
      continue;
    }
    if (names.has(name)) report("path", `has :${name} twice`);
    names.add(name);
  }
  if (parts[0] !== "") report("path", "does not begin with a slash");
  if (!names.has(VARIANT)) report("path", "has no :preset");

  const key = compilePattern(keyTemplate, "+");
  for (const name of key.names) {
    if (!names.has(name)) report("object", `${spelled(name)} is not in path`);
  }
  if (choicesIn(key) > 1) report("object", "needs more slashes between its names");
  return { path, mapping: { path: compilePattern(path, "*"), key } };
}

/**
 * How many names follow another one in their segment. For each, the text can be split in many places:
 * with two such choices, reading a hostile key takes most of a second, with three it takes hours.
 */
function choicesIn({ parts }: Pattern): number {
  const seen = new Set<string>();
  let choices = 0;
  let first = true;
  for (const part of parts) {
    if (typeof part === "string") first ||= part.includes("/");
    else if (!seen.has(part.name)) {
      if (!first) choices += 1;
      first = false;
      seen.add(part.name);
    }
  }
  return choices;
}

/** The names in the path that the key does not depend on: `:slug`. */
export function unusedNames({ mapping: { path, key } }: Route): string[] {
  return path.names.filter((name) => name !== VARIANT && !key.names.includes(name)).map(spelled);
}

function spelled(name: string): string {
  return name === REST ? REST : `:${name}`;
}

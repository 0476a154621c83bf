import { compilePattern, type Mapping, type Pattern, REST, VARIANT } from "../../url/grammar.ts";
import type { Report } from "./schema.ts";

/** A public path pattern and the object it stands for, as `ROUTES` names them, made ready to match. */
export type Route = {
  /** The pattern as configured, for the log and for signatures. */
  readonly path: string;
  readonly mapping: Mapping;
};

/** A segment that is a name. */
export const NAME = /^:([A-Za-z][A-Za-z0-9_]*)$/;
const LITERAL = /^(?!\.\.?$)[^:*%?#\\\p{Cc}]+$/u;

/**
 * Compiles a path pattern and a key template (what follows `BUCKET/` in `object`). What is wrong
 * with them is reported.
 */
export function compileRoute(path: string, keyTemplate: string, report: Report): Route {
  const names = new Set<string>();
  const parts = path.split("/");
  for (const [index, part] of parts.slice(1).entries()) {
    if (part === REST) {
      if (index !== parts.length - 2) report("path", "* stands for the rest: it comes last");
      names.add(REST);
      continue;
    }
    const name = NAME.exec(part)?.[1];
    if (name === undefined) {
      if (!LITERAL.test(part)) report("path", `"${part}" is not a literal, :name or *`);
      continue;
    }
    if (names.has(name)) report("path", `:${name} stands in it twice`);
    names.add(name);
  }
  if (parts[0] !== "") report("path", "does not begin with a slash");
  if (!names.has(VARIANT)) report("path", "has no :preset");

  const key = compilePattern(keyTemplate, "+");
  for (const name of key.names) {
    if (!names.has(name)) report("object", `${spelt(name)} is not in the path`);
  }
  if (choicesIn(key) > 1) report("object", "has more than two names that no slash parts");
  return { path, mapping: { path: compilePattern(path, "*"), key } };
}

/**
 * How many names follow another one in their segment. Each is a choice of where the two part: with two
 * choices a hostile key takes a good part of a second to read, and with three of them hours.
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

/** What a path must have and the key does not depend on, as `:slug`. */
export function unusedNames({ mapping: { path, key } }: Route): string[] {
  return path.names.filter((name) => name !== VARIANT && !key.names.includes(name)).map(spelt);
}

function spelt(name: string): string {
  return name === REST ? REST : `:${name}`;
}

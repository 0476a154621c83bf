// Compiles the path pattern and the key template of a route, reports their mistakes, and finds the route of a
// path. Pure.

import {
  compilePattern,
  type Mapping,
  type PathMatch,
  REST,
  readPath,
  VARIANT,
} from "../../url/grammar.ts";
import type { Refusal } from "../http/refusal.ts";
import type { ReportMistake } from "./schema.ts";

/** A public path pattern and the object that it stands for, ready to match. */
export type Route = {
  /** The pattern as configured, for the log and for signatures. */
  readonly path: string;
  readonly mapping: Mapping;
};

const NAME = /^:[A-Za-z][A-Za-z0-9_]*$/;
const LITERAL = /^(?!\.\.?$)(?:(?![:*%?#\\])[ -~\xa0-\uffff])+$/;

/** @param keyTemplate what follows `BUCKET/` in `object` */
export function compileRoute(path: string, keyTemplate: string, report: ReportMistake): Route {
  const [start, ...segments] = path.split("/");
  const names = segments.filter((segment) => segment === REST || NAME.test(segment));
  for (const segment of segments) {
    const isRight = names.includes(segment) || LITERAL.test(segment);
    if (!isRight) report("path", `"${segment}" is not a literal, :name or *`);
  }
  for (const [at, name] of names.entries()) {
    if (names.indexOf(name) < at) report("path", `has ${name} twice`);
  }
  if (segments.slice(0, -1).includes(REST)) report("path", "* must come last");
  if (start !== "") report("path", "does not begin with a slash");
  if (!names.includes(VARIANT)) report("path", "has no :preset");

  const key = compilePattern(keyTemplate, "+");
  for (const name of key.names) {
    if (!names.includes(name)) report("object", `${name} is not in path`);
  }
  if (countChoices(keyTemplate) > 1) report("object", "needs more slashes between its names");
  return { path, mapping: { path: compilePattern(path, "*"), key } };
}

/** The form of a path: two routes of one form take the same URLs, whatever their names are called. */
export function formOf(path: string): string {
  return path
    .split("/")
    .map((segment) => (NAME.test(segment) ? ":" : segment))
    .join("/");
}

/**
 * How many names follow another name in their segment. For each, the text can be split in many places:
 * with two such choices, reading a hostile key takes most of a second, with three it takes hours.
 * @example `:a-:b/:c` has 1 choice; `:a-:b-:c` and `:a-:b/:c-:d` have 2
 */
function countChoices(keyTemplate: string): number {
  const names = new Set<string>();
  let choices = 0;
  for (const segment of keyTemplate.split("/")) {
    const before = names.size;
    for (const name of compilePattern(segment, "+").names) names.add(name);
    choices += Math.max(0, names.size - before - 1);
  }
  return choices;
}

/** The names in the path that the key does not depend on: `:slug`. */
export function unusedNames({ mapping: { path, key } }: Route): string[] {
  return path.names.filter((name) => name !== VARIANT && !key.names.includes(name));
}

/** The first route, in the order of the configuration, that matches a decoded path. */
export function findRoute<R extends Route>(
  routes: readonly R[],
  path: string,
): (PathMatch & { readonly route: R }) | Refusal {
  for (const route of routes) {
    const match = readPath(route.mapping, path);
    if (match) return { ...match, route };
  }
  return { event: "no-such-route", path };
}

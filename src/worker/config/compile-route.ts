// Compiles a route: its public path pattern, such as `/images/:preset/*`, and its key template, such as `photos/*`,
// which says for which object a path stands. It reports the mistakes of both. It is a mistake, too, if it could take
// hours to match a key that an attacker has chosen: see `countChoices`. It also finds the route of a path. No I/O.

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

// A placeholder such as `:preset` or `*` becomes a group of a regular expression. These are the group's quantifiers.

/** In a path, its text may be empty. So `/images/card/` matches `/images/:preset/*`, and its key "" is refused later. */
const MAY_BE_EMPTY = "*";

/** In a key, its text has one character or more: else the key's path would have an empty segment. */
const NOT_EMPTY = "+";

/**
 * Matches `images` and `été 2026`, but not `a:b`, `a*` and `a%20b`. These characters may not be in a literal:
 * - `:` and `*`, which mean something in a pattern
 * - `%`, `?` and `#`, which mean something in a URL
 * - the backslash (`\\`), which URL parsers take for a slash
 * - control characters (`\p{Cc}`)
 */
const LITERAL = /^[^:*%?#\\\p{Cc}]+$/u;

/**
 * Compiles a route. The result is of use only if nothing was reported.
 * @param keyTemplate what follows `BUCKET/` in the route's `object`
 */
export function compileRoute(path: string, keyTemplate: string, report: ReportMistake): Route {
  const [start, ...segments] = path.split("/");
  const names = segments.filter(isPlaceholder);

  for (const segment of segments) {
    // URL parsers remove the segments `.` and `..`.
    const areDots = segment === "." || segment === "..";
    const isLiteral = LITERAL.test(segment) && !areDots;
    const isValid = isLiteral || isPlaceholder(segment);
    if (!isValid) report("path", `"${segment}" is not a literal, :name or *`);
  }

  for (const [index, name] of names.entries()) {
    const isRepeated = names.indexOf(name) < index;
    if (isRepeated) report("path", `has ${name} twice`);
  }

  // REST is the placeholder `*`, VARIANT is `:preset`.
  const segmentsBeforeLast = segments.slice(0, -1);
  if (segmentsBeforeLast.includes(REST)) report("path", "* must come last");
  if (start !== "") report("path", "does not begin with a slash");
  if (!names.includes(VARIANT)) report("path", "has no :preset");

  const key = compilePattern(keyTemplate, NOT_EMPTY);
  for (const name of key.names) {
    if (!names.includes(name)) report("object", `${name} is not in path`);
  }

  // One choice is fast enough. A slash between two names takes their choice away, since a name ends at a slash.
  if (countChoices(keyTemplate) > 1) report("object", "needs more slashes between its names");

  return { path, mapping: { path: compilePattern(path, MAY_BE_EMPTY), key } };
}

/** A name stands for one segment: `:preset`, `:user_2`. */
const NAME = /^:[A-Za-z][A-Za-z0-9_]*$/;

/** Returns whether a segment stands for the text of a visitor's path. */
function isPlaceholder(segment: string): boolean {
  return segment === REST || NAME.test(segment);
}

/**
 * Counts the names whose end a key's regular expression must choose. In `:a-:b`, this is `:a`: for the key `1-2-3`, its
 * text may be `1` or `1-2`. All ends are tried, so each choice multiplies the time. With two choices, a hostile key takes
 * most of a second; with three, it takes hours.
 * @example `:a-:b/:c` has 1 choice; `:a-:b-:c` and `:a-:b/:c-:d` have 2
 */
function countChoices(keyTemplate: string): number {
  const earlierNames = new Set<string>();
  let choices = 0;

  for (const segment of keyTemplate.split("/")) {
    // Only the first place of a name counts: at each later one, it must have the same text again. (`names` has each name
    // of the segment once.)
    const { names } = compilePattern(segment, NOT_EMPTY);
    const newNames = names.filter((name) => !earlierNames.has(name));

    // The last one has no choice: what follows it in the segment is known, so its end is, too.
    choices += Math.max(0, newNames.length - 1);

    for (const name of newNames) earlierNames.add(name);
  }
  return choices;
}

/**
 * Returns the form of a path: two routes of one form take the same URLs, whatever their names are.
 * @example `/images/:preset/:id` and `/images/:name/:preset` both have the form `/images/:/:`
 */
export function formOf(path: string): string {
  const segments = path.split("/").map((segment) => (NAME.test(segment) ? ":" : segment));
  return segments.join("/");
}

/** Returns the names in the path that the key does not depend on, such as a `:slug` for search engines. */
export function unusedNames(route: Route): string[] {
  const { path, key } = route.mapping;
  return path.names.filter((name) => name !== VARIANT && !key.names.includes(name));
}

/** Returns what a decoded path asks for, and the first route that matches it in the order of the configuration. */
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

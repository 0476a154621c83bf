import type { Refusal } from "./refusal.ts";
import type { Report } from "./schema.ts";

/** A public path pattern and the object it stands for, as `ROUTES` names them, made ready to match. */
export type Route = {
  /** The pattern as configured, for the log. */
  readonly path: string;
  readonly segments: readonly Segment[];
  /** The key within the bucket: literal text, and names to fill in from the path. */
  readonly template: readonly TemplatePart[];
};

type Segment = { literal: string } | { name: string } | { rest: true };
type TemplatePart = string | { name: string };

/** What a route finds in a path: the variant's name and the key, both as the visitor wrote them. */
export type Found = { readonly variant: string; readonly key: string };

const NAME = /^:([A-Za-z][A-Za-z0-9_]*)$/;
const LITERAL = /^(?!\.\.?$)[^:*%?#\\\p{Cc}]+$/u;
const PLACEHOLDER = /(:[A-Za-z][A-Za-z0-9_]*|\*)/;

/** The name under which `*` is kept. No `:name` can be called so. */
export const REST = "*";

/**
 * Compiles a path pattern and a key template (what follows `BUCKET/` in `object`). What is wrong
 * with them is reported.
 */
export function compileRoute(path: string, keyTemplate: string, report: Report): Route {
  const names = new Set<string>();
  const parts = path.split("/");
  const segments = parts.slice(1).map((part, index): Segment => {
    if (part === "*") {
      if (index !== parts.length - 2) report("path", "* stands for the rest: it comes last");
      names.add(REST);
      return { rest: true };
    }
    const name = NAME.exec(part)?.[1];
    if (name === undefined) {
      if (!LITERAL.test(part)) report("path", `"${part}" is not a literal, :name or *`);
      return { literal: part };
    }
    if (names.has(name)) report("path", `:${name} stands in it twice`);
    names.add(name);
    return { name };
  });
  if (parts[0] !== "") report("path", "does not begin with a slash");
  if (!names.has("preset")) report("path", "has no :preset");

  // With one group in the separator, every second piece is a placeholder.
  const template = keyTemplate
    .split(PLACEHOLDER)
    .map((piece, index): TemplatePart => {
      if (index % 2 === 0) return piece;
      const name = piece === "*" ? REST : piece.slice(1);
      if (!names.has(name)) report("object", `${piece} is not in the path`);
      return { name };
    })
    .filter((part) => part !== "");
  return { path, segments, template };
}

/** What a path must have and the key does not depend on, as `:slug`. */
export function unusedNames({ segments, template }: Route): string[] {
  const used = new Set(template.flatMap((part) => (typeof part === "string" ? [] : [part.name])));
  return segments.flatMap((segment) => {
    if ("rest" in segment) return used.has(REST) ? [] : [REST];
    return "literal" in segment || segment.name === "preset" || used.has(segment.name)
      ? []
      : [`:${segment.name}`];
  });
}

/** The first route, in the order of the configuration, that a decoded path is one of. */
export function findRoute<R extends Route>(
  routes: readonly R[],
  path: string,
): (Found & { readonly route: R }) | Refusal {
  for (const route of routes) {
    const found = match(route, path);
    if (found !== undefined) return { ...found, route };
  }
  return { event: "no-such-route", path };
}

function match(route: Route, path: string): Found | undefined {
  const parts = path.split("/");
  const found = new Map<string, string>();
  let at = 1;
  for (const segment of route.segments) {
    const part = parts[at];
    if (part === undefined) return undefined;
    if ("rest" in segment) {
      found.set(REST, parts.slice(at).join("/"));
      at = parts.length;
      continue;
    }
    if ("literal" in segment) {
      if (segment.literal !== part) return undefined;
    } else {
      found.set(segment.name, part);
    }
    at += 1;
  }
  if (at !== parts.length) return undefined;
  const key = route.template
    .map((part) => (typeof part === "string" ? part : (found.get(part.name) ?? "")))
    .join("");
  return { variant: found.get("preset") ?? "", key };
}

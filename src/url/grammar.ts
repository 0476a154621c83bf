// The grammar of public URLs: the patterns of paths and of keys. The Worker reads URLs by it, and src/client/ builds
// them by it. It imports nothing, does no I/O, and knows no configuration.

/** The pattern of a path or of a key. `:name` stands for text without a slash, `*` for any text. */
type Pattern = {
  /** Fixed text, and after each but the last a placeholder as it is written: `["/images/", ":preset", ""]`. */
  readonly parts: readonly string[];
  /** Matches the texts of this pattern. It has one group for each name, in the order of `names`. */
  readonly form: RegExp;
  /** The placeholders, each once: `:preset`, `*`. */
  readonly names: readonly string[];
};

/** Which object a public path stands for: each name in `key` is also in `path`. */
export type Mapping = {
  readonly path: Pattern;
  /** The object's key, below the prefix of its bucket. */
  readonly key: Pattern;
};

/** What a public path asks for: the names of a variant and of a key. Neither is checked yet. */
export type PathMatch = { readonly variant: string; readonly key: string };

/** The placeholder for any text. */
export const REST = "*";

/** The placeholder for the variant. */
export const VARIANT = ":preset";

/** A `.` or `..` segment. URL parsers remove these, encoded or not. */
const DOTS = /\/\.\.?(?:\/|$)/;

const PLACEHOLDER = /(:[A-Za-z]\w*|\*)/;

/**
 * Compiles a pattern such as `/images/:preset/*` or `users/:user/avatar.png`.
 * @param quantifier of each placeholder: `*` if it may be empty, as in a path that visitors ask
 *   for; `+` if it needs at least one character
 */
export function compilePattern(text: string, quantifier: "*" | "+"): Pattern {
  const names: string[] = [];
  let form = "";
  // The separator has one group, so every second part is a placeholder.
  const parts = text.split(PLACEHOLDER);
  for (const [at, part] of parts.entries()) {
    const group = names.indexOf(part) + 1;
    if (at % 2 === 0) form += part.replace(/[\^$\\.*+?()[\]{}|/]/g, "\\$&");
    // A name that occurs again must match the same text again.
    else if (group) form += `(?:\\${group})`;
    else {
      form += `(${part === REST ? "." : "[^/]"}${quantifier})`;
      names.push(part);
    }
  }
  return { parts, form: new RegExp(`^${form}$`, "su"), names };
}

/** Returns the texts for the names, in their order, or undefined if the text does not match the pattern. */
function matchPattern({ form }: Pattern, text: string): readonly string[] | undefined {
  return form.exec(text)?.slice(1);
}

/** Puts texts into a pattern. A name without one, such as a `:slug` that is not in the key, becomes `-`. */
function fillPattern(
  { parts }: Pattern,
  names: readonly string[],
  texts: readonly string[],
): string {
  return parts
    .map((part, at) => (at % 2 === 0 ? part : (texts[names.indexOf(part)] ?? "-")))
    .join("");
}

/** Returns what a decoded path asks for, or undefined if the path does not match the mapping. */
export function readPath({ path, key }: Mapping, decoded: string): PathMatch | undefined {
  const { names } = path;
  const texts = matchPattern(path, decoded);
  if (texts === undefined) return undefined;
  const variant = texts[names.indexOf(VARIANT)] ?? "";
  return { variant, key: fillPattern(key, names, texts) };
}

/** Returns the text that `*` stands for in a decoded path; undefined if there is no `*`, or the path does not match. */
export function readRest({ path }: Mapping, decoded: string): string | undefined {
  return matchPattern(path, decoded)?.[path.names.indexOf(REST)];
}

/**
 * Returns the path that asks for a variant of an object, not encoded yet. It is the inverse of `readPath`.
 * @returns undefined if the mapping does not lead to the key
 */
export function writePath(mapping: Mapping, { variant, key }: PathMatch): string | undefined {
  const { names } = mapping.key;
  const texts = matchPattern(mapping.key, key);
  if (texts === undefined) return undefined;
  const path = fillPattern(mapping.path, [VARIANT, ...names], [variant, ...texts]);
  if (DOTS.test(path)) return undefined;
  const match = readPath(mapping, path);
  return match?.variant === variant && match.key === key ? path : undefined;
}

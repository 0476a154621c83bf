// The grammar of public URLs. It compiles the patterns of paths and of keys, reads the variant and the key out of a
// path, and writes the path for them. A variant is a preset, alone or with a descriptor: `card`, `card@2x`.
// The Worker reads URLs by this file, and src/client/ builds them by it, so both agree on every URL. It imports
// nothing, does no I/O, and knows no configuration: whether the variant and the key exist, its callers check.

/** A compiled pattern of a path or of a key. `:name` stands for text without a slash, `*` for any text. */
type Pattern = {
  /**
   * The pattern in pieces: a fixed text at each even index, a placeholder at each odd one. It begins and ends with
   * a fixed text, which may be empty: `["/images/", ":preset", "/", "*", ""]`.
   */
  readonly parts: readonly string[];
  /**
   * Matches a whole text, and captures a text for each name, in the order of `names`: `/^\/images\/([^/]*)\/(.*)$/su`.
   * The groups have no names of their own: those would make `readPath`, which runs for each request, slower.
   */
  readonly form: RegExp;
  /** The placeholders, each once: `[":preset", "*"]`. */
  readonly names: readonly string[];
};

/** Which object a public path stands for. Each placeholder of `key` is also one of `path`. */
export type Mapping = {
  /** `/images/:preset/*` */
  readonly path: Pattern;
  /** The object's key, below the prefix of its bucket: `photos/*`. */
  readonly key: Pattern;
};

/** What a public path asks for: a variant and a key, which may not exist. */
export type PathMatch = { readonly variant: string; readonly key: string };

/** The placeholder for any text, with slashes. */
export const REST = "*";

/** The placeholder for the variant. */
export const VARIANT = ":preset";

/** Matches a placeholder. Its group makes `split` keep what it matches. */
const PLACEHOLDER = /(:[A-Za-z]\w*|\*)/;

/**
 * Compiles a pattern such as `/images/:preset/*` or `users/:user/avatar.png`.
 * @param quantifier of each placeholder: `*` if it may be empty, as in a path that visitors ask
 *   for; `+` if it needs at least one character
 */
export function compilePattern(text: string, quantifier: "*" | "+"): Pattern {
  const parts = text.split(PLACEHOLDER);
  const names: string[] = [];
  let form = "";

  for (const [index, part] of parts.entries()) {
    const groupNumber = names.indexOf(part) + 1;
    const isFixedText = index % 2 === 0;
    if (isFixedText) {
      // No character of a fixed text has a meaning in a regular expression.
      form += part.replace(/[$^\\.*+?()[\]{}|]/g, "\\$&");
    } else if (groupNumber > 0) {
      // A placeholder that occurs again must match the same text again. The parentheses keep the number apart from a
      // digit that follows: `*-*0` becomes `(.+)-(?:\1)0`.
      form += `(?:\\${groupNumber})`;
    } else {
      names.push(part);
      const character = part === REST ? "." : "[^/]";
      form += `(${character}${quantifier})`;
    }
  }

  return { parts, form: new RegExp(`^${form}$`, "su"), names };
}

/** Returns what a decoded path asks for, or undefined if the path does not match the mapping. */
export function readPath({ path, key }: Mapping, decoded: string): PathMatch | undefined {
  const texts = path.form.exec(decoded)?.slice(1); // without the match itself
  if (!texts) return undefined;

  const variant = texts[path.names.indexOf(VARIANT)] ?? "";
  return { variant, key: fillPattern(key, path.names, texts) };
}

/** Returns the text that `*` stands for in a decoded path; undefined if there is no `*`, or the path does not match. */
export function readRest({ path }: Mapping, decoded: string): string | undefined {
  const texts = path.form.exec(decoded)?.slice(1);
  return texts?.[path.names.indexOf(REST)];
}

/** Matches a `.` or `..` segment. URL parsers remove these, encoded or not. */
const DOT_SEGMENT = /\/\.\.?(\/|$)/;

/**
 * Returns the path that asks for a variant of an object, not encoded yet. It is the inverse of `readPath`.
 * @returns undefined if the mapping does not lead to the key
 */
export function writePath(mapping: Mapping, { variant, key }: PathMatch): string | undefined {
  const texts = mapping.key.form.exec(key)?.slice(1);
  if (!texts) return undefined;

  const path = fillPattern(mapping.path, [VARIANT, ...mapping.key.names], [variant, ...texts]);
  if (DOT_SEGMENT.test(path)) return undefined;

  // A key may hold the variant, too: where `/in/:preset` stands for `of/:preset`, no path leads to the key `of/card` at
  // the variant `card@2x`. So only a path that leads back counts.
  const match = readPath(mapping, path);
  const leadsBack = match?.variant === variant && match.key === key;
  return leadsBack ? path : undefined;
}

/**
 * Puts texts into a pattern.
 * @param names the placeholders that have a text. One without a text, such as a `:slug` that is not in the key,
 *   becomes `-`
 * @param texts in the order of `names`
 */
function fillPattern(
  { parts }: Pattern,
  names: readonly string[],
  texts: readonly string[],
): string {
  const filled = parts.map((part, index) => {
    const isFixedText = index % 2 === 0;
    if (isFixedText) return part;

    return texts[names.indexOf(part)] ?? "-";
  });

  return filled.join("");
}

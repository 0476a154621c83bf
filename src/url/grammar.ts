// The grammar of public URLs. It compiles the patterns of paths and of keys, reads the variant and the key out of a
// path, and writes the path for them. A variant is a preset, alone or with a descriptor: `card`, `card@2x`.
// The Worker reads URLs with this file, and src/client/ builds them with it, so both agree on every URL. It does no I/O
// and knows no configuration: its callers check whether the variant and the key exist.

/** A compiled pattern of a path or of a key. `:name` stands for text without a slash, `*` for any text. */
type Pattern = {
  /**
   * The pattern in pieces: a fixed text at each even index, a placeholder at each odd one. It begins and ends with
   * a fixed text, which may be empty: `["/images/", ":preset", "/", "*", ""]`.
   */
  readonly parts: readonly string[];
  /**
   * Matches a whole text, and captures one text for each of `names`, in their order: `/^\/images\/([^/]*)\/(.*)$/su`.
   * Named groups would make `readPath` slower, which runs for each request.
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

/** Matches a placeholder. Because of the group, `split` returns the placeholders, too. */
const PLACEHOLDER = /(:[A-Za-z]\w*|\*)/;

/**
 * Compiles a pattern such as `/images/:preset/*` or `users/:user/avatar.png`.
 * @param quantifier of each placeholder's group in `form`: `*` if the text may be empty, as in a path that visitors
 *   ask for; `+` if the text has at least one character
 */
export function compilePattern(text: string, quantifier: "*" | "+"): Pattern {
  const parts = text.split(PLACEHOLDER);
  const names: string[] = [];
  let form = "";

  for (const [index, part] of parts.entries()) {
    const isFixedText = index % 2 === 0;
    if (isFixedText) {
      // Escape the characters that mean something in a regular expression.
      form += part.replace(/[$^\\.*+?()[\]{}|]/g, "\\$&");
    } else if (names.includes(part)) {
      // A placeholder that occurs again must match the same text again: `\1` is the text of the first group. The
      // parentheses keep a digit that follows apart: `*-*0` becomes `(.+)-(?:\1)0`, since `\10` would be group 10.
      form += `(?:\\${names.indexOf(part) + 1})`;
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
  const texts = path.form.exec(decoded)?.slice(1); // the groups, without the whole match
  if (!texts) return undefined;

  const variant = texts[path.names.indexOf(VARIANT)] ?? ""; // "" if the path has no :preset
  return { variant, key: fillPattern(key, path.names, texts) };
}

/** Returns the text that `*` stands for in a decoded path; undefined if there is no `*`, or no match. */
export function readRest(mapping: Mapping, decoded: string): string | undefined {
  return readName(mapping, decoded, REST);
}

/**
 * Returns the text that a placeholder stands for in a decoded path, such as `alice` for `:user`.
 * @returns undefined if the path has no such placeholder, or does not match the mapping
 */
export function readName({ path }: Mapping, decoded: string, name: string): string | undefined {
  const texts = path.form.exec(decoded)?.slice(1);
  return texts?.[path.names.indexOf(name)]; // without the placeholder, `texts[-1]` is undefined
}

/** Matches a `.` or `..` segment. URL parsers remove such a segment, encoded or not. */
const DOT_SEGMENT = /\/\.\.?(\/|$)/;

/**
 * Returns the path that asks for a variant of an object, not encoded yet. It is the inverse of `readPath`.
 * @returns undefined if the mapping does not lead to the key
 */
export function writePath(mapping: Mapping, { variant, key }: PathMatch): string | undefined {
  const texts = mapping.key.form.exec(key)?.slice(1);
  if (!texts) return undefined;

  // `fillPattern` takes the first text of a name. VARIANT stands first, so a `:preset` of the key does not replace it.
  const path = fillPattern(mapping.path, [VARIANT, ...mapping.key.names], [variant, ...texts]);
  if (DOT_SEGMENT.test(path)) return undefined;

  // Check that the path leads back to the same variant and key. It may not, if the key's pattern has `:preset`, too.
  // With the patterns `/in/:preset` and `of/:preset`, `card@2x` of the key `of/card` makes the path `/in/card@2x`. But
  // that path is read as the key `of/card@2x`.
  const match = readPath(mapping, path);
  const leadsBack = match?.variant === variant && match.key === key;
  return leadsBack ? path : undefined;
}

/**
 * Replaces the placeholders of a pattern by texts. A placeholder without a text becomes `-`, such as a `:slug` of the
 * path that the key does not have.
 * @param names the placeholders that have a text
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

    return texts[names.indexOf(part)] ?? "-"; // without a text, `texts[-1]` is undefined
  });

  return filled.join("");
}

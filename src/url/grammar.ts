// The grammar of public URLs: one definition for the Worker, which reads them, and for the clients of
// src/client/, which make them. So it knows nothing of either, and imports nothing.

/** Text as it stands, or the name of what stands in its place. */
type Part = string | { readonly name: string };

/** A path, or an object's key, with places in it: `:name` for text without a slash, `*` for the rest. */
export type Pattern = {
  readonly parts: readonly Part[];
  /** What the texts of this pattern match; a group a name, in the order of `names`. */
  readonly form: RegExp;
  readonly names: readonly string[];
};

/** The values of a pattern's names. */
type Values = ReadonlyMap<string, string>;

/** How a public path stands for an object: both patterns have the same names, but for the variant's. */
export type Mapping = {
  readonly path: Pattern;
  /** The object's key, below the prefix of its bucket. */
  readonly key: Pattern;
};

/** What a public path asks for: the variant's name and the key, both as they are written in it. */
export type Found = { readonly variant: string; readonly key: string };

/** The name under which `*` is kept. No `:name` can be called so. */
export const REST = "*";

/** The name of the place where a path has the variant. */
export const VARIANT = "preset";

/** Segments that URL parsers take away, however they are encoded. */
const DOTS = /\/\.\.?(?:\/|$)/;

const PLACEHOLDER = /(:[A-Za-z][A-Za-z0-9_]*|\*)/;

/**
 * Reads a pattern: `/images/:preset/*`, `users/:user/avatar.png`.
 * @param least `*` where names may stand for nothing, as in what visitors ask for; else `+`
 */
export function compilePattern(text: string, least: "*" | "+"): Pattern {
  const names: string[] = [];
  let form = "";
  // With one group in the separator, every second piece is a placeholder.
  const parts = text.split(PLACEHOLDER).map((piece, index): Part => {
    if (index % 2 === 0) {
      form += piece.replace(/[\^$\\.*+?()[\]{}|/]/g, "\\$&");
      return piece;
    }
    const name = piece === REST ? REST : piece.slice(1);
    const known = names.indexOf(name) + 1;
    // A name that stands in it again is the same text again.
    if (known > 0) form += `(?:\\${known})`;
    else {
      form += `(${name === REST ? "." : "[^/]"}${least})`;
      names.push(name);
    }
    return { name };
  });
  return { parts, form: new RegExp(`^${form}$`, "su"), names };
}

function valuesIn({ form, names }: Pattern, text: string): Values | undefined {
  const found = form.exec(text);
  return found === null ? undefined : new Map(names.map((name, at) => [name, found[at + 1] ?? ""]));
}

function fillIn({ parts }: Pattern, values: Values): string {
  // What a path has and the key does not depend on, as `:slug`, may be anything.
  return parts
    .map((part) => (typeof part === "string" ? part : (values.get(part.name) ?? "-")))
    .join("");
}

/** What a decoded path asks for, or undefined if it is not of this mapping. */
export function readPath({ path, key }: Mapping, decoded: string): Found | undefined {
  const values = valuesIn(path, decoded);
  if (values === undefined) return undefined;
  return { variant: values.get(VARIANT) ?? "", key: fillIn(key, values) };
}

/**
 * The path that asks for a variant of an object: the inverse of `readPath`, not encoded yet.
 * @returns undefined where the mapping does not lead to that key
 */
export function writePath(mapping: Mapping, { variant, key }: Found): string | undefined {
  const values = valuesIn(mapping.key, key);
  if (values === undefined) return undefined;
  const path = fillIn(mapping.path, new Map([...values, [VARIANT, variant]]));
  if (DOTS.test(path)) return undefined;
  const found = readPath(mapping, path);
  return found?.variant === variant && found.key === key ? path : undefined;
}

/**
 * The path of a public URL, percent-decoded once. Strict, so that no path has two readings.
 * @returns undefined for a stray `%`, or bytes that are not UTF-8
 */
export function decodePath(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
}

/**
 * UTF-8, percent-encoded once, all but `A–Z a–z 0–9 - . _ ~` and `/` (A2), so that no URL parser and
 * no signer changes a byte of it.
 */
export function encodeKey(key: string): string {
  return encodeURIComponent(key).replace(/%2F|[!'()*]/g, (found) =>
    found === "%2F" ? "/" : `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The one spelling that clients give a path, and that a signed URL's must have: a key's, with `@`. */
export function encodePath(path: string): string {
  return encodeKey(path).replaceAll("%40", "@");
}

/** What a preset says of the sizes that it allows. */
export type Sizing = {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly dpr?: readonly number[] | undefined;
  readonly widths?: readonly number[] | undefined;
};

/** In CSS pixels, times `dpr`. */
export type Size = {
  readonly width?: number;
  readonly height?: number;
  readonly dpr?: number;
};

/**
 * The sizes that a preset allows, by what follows its name in a variant: "", `@2x`, `@640w`. One that
 * is the preset's own size has its options, too: the same variant by another name.
 */
export function sizesOf({ width, height, dpr = [], widths = [] }: Sizing): [string, Size][] {
  const plain = { ...(width && { width }), ...(height && { height }) };
  return [
    ["", plain],
    // No dpr at all for @1x: one variant of one object is one entry of the edge's cache (C1).
    ...dpr.map((x): [string, Size] => [`@${x}x`, x === 1 ? plain : { ...plain, dpr: x }]),
    ...widths.map((w): [string, Size] => {
      const scaled = width && height && Math.max(1, Math.round((height * w) / width));
      return [`@${w}w`, { width: w, ...(scaled && { height: scaled }) }];
    }),
  ];
}

// Random Accept headers, each with the image types that it names.

import fc from "fast-check";

/** An entry of an Accept header, and the type that it names. */
type Entry = {
  readonly type: string;
  readonly q: string | null;
  readonly extra: string;
  readonly gap: string;
};

const acceptEntry: fc.Arbitrary<Entry> = fc.record({
  type: fc.constantFrom(
    ...[
      "image/avif",
      "image/webp",
      "image/avif",
      "image/webp",
      "Image/AVIF",
      "image/*",
      "*/*",
      "image/jpeg",
    ],
    ...["image/avif2", "ximage/webp", "image/ avif", "text/html", "image/avif/webp", ""],
  ),
  q: fc.constantFrom(
    null,
    null,
    "1",
    "0",
    "0.0",
    "0.001",
    "1.000",
    "0.",
    "1.5",
    "-1",
    "x",
    "",
    ".5",
    "0.0000",
  ),
  extra: fc.constantFrom(
    "",
    "",
    ";v=b3",
    ';x="image/avif,image/webp;q=1"',
    ';x="a,image/avif,image/webp,b"',
    ';x="\\",image/webp"',
    ";Q=0.5",
    ";qs=0",
  ),
  gap: fc.constantFrom("", " ", "\t", "  "),
});

/** The entry as text. */
export function spellEntry({ type, q, extra, gap }: Entry): string {
  return `${gap}${type}${gap}${q === null ? "" : `;${gap}q=${q}`}${extra}${gap}`;
}

export const entries = fc.oneof(
  { weight: 40, arbitrary: fc.array(acceptEntry, { maxLength: 6 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(acceptEntry, fc.constantFrom(500, 4000))
      .map(([entry, times]) => Array<Entry>(times).fill(entry)),
  },
);

/** The types that a list of entries names with a quality above 0. */
export function namedBy(all: readonly Entry[]): ReadonlySet<string> {
  const named = all.filter(({ q }) => q === null || ["1", "0.001", "1.000"].includes(q));
  return new Set(named.map(({ type }) => type.toLowerCase()));
}

/** The types that any Accept header can name at most. */
export function namedIn(accept: string): ReadonlySet<string> {
  return new Set(
    ["image/avif", "image/webp"].filter((type) => accept.toLowerCase().includes(type)),
  );
}

// The sizes that a preset allows, and the descriptors that name them in URLs. Pure.

/** The options of a preset that set its sizes. All widths and heights are in pixels. */
export type Sizing = {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly dpr?: readonly number[] | undefined;
  readonly widths?: readonly number[] | undefined;
};

/** The size of a rendition: its sides in CSS pixels, and the factor to multiply them by. */
export type Size = {
  readonly width?: number;
  readonly height?: number;
  readonly dpr?: number;
};

/**
 * Returns the sizes that a preset allows, each with the descriptor that follows the preset's name in a
 * variant: `""`, `@2x`, `@640w`. `@1x` is the preset's own size, and so has the same options as `""`.
 */
export function sizesOf({ width, height, dpr = [], widths = [] }: Sizing): [string, Size][] {
  const plain = { ...(width && { width }), ...(height && { height }) };
  return [
    ["", plain],
    // @1x sets no dpr, because other options would be another entry in the edge's cache (C1).
    ...dpr.map((x): [string, Size] => [`@${x}x`, x === 1 ? plain : { ...plain, dpr: x }]),
    ...widths.map((w): [string, Size] => {
      const scaled = width && height && (Math.round((height * w) / width) || 1);
      return [`@${w}w`, { width: w, ...(scaled && { height: scaled }) }];
    }),
  ];
}

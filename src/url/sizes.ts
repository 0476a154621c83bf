// The sizes that a preset allows, and the descriptors that name them in URLs. Pure. The Worker makes a preset's variants
// from them, and the client its `srcset`, so no app builds the URL of a size that the Worker does not have.

/** The options of a preset that set its sizes. All widths and heights are in pixels. */
export type Sizing = {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** For screens with more pixels: the factors that a URL may name. `[1, 2]` allows `@1x` and `@2x`. */
  readonly dpr?: readonly number[] | undefined;
  /** For pictures as wide as their place on the page: the widths that a URL may name. `[640]` allows `@640w`. */
  readonly widths?: readonly number[] | undefined;
};

/** The size of a rendition: its sides in CSS pixels, and the factor to multiply them by. */
export type Size = {
  readonly width?: number;
  readonly height?: number;
  readonly dpr?: number;
};

/**
 * Returns the sizes that a preset allows, each with the descriptor that follows the preset's name in a variant.
 * @example
 * sizesOf({ width: 480, dpr: [1, 2] });
 * // [["", { width: 480 }], ["@1x", { width: 480 }], ["@2x", { width: 480, dpr: 2 }]]
 */
export function sizesOf({
  width,
  height,
  dpr = [],
  widths = [],
}: Sizing): [descriptor: string, Size][] {
  const ownSize: Size = { ...(width && { width }), ...(height && { height }) };
  const sizes: [string, Size][] = [["", ownSize]];

  for (const factor of dpr) {
    // `@1x` sets no dpr: with other options than "", it would be another entry in the edge's cache (C1).
    const size = factor === 1 ? ownSize : { ...ownSize, dpr: factor };
    sizes.push([`@${factor}x`, size]);
  }

  for (const newWidth of widths) {
    let size: Size = { width: newWidth };
    if (width && height) {
      // The height changes in proportion.
      size = { ...size, height: Math.round((height * newWidth) / width) || 1 };
    }
    sizes.push([`@${newWidth}w`, size]);
  }

  return sizes;
}

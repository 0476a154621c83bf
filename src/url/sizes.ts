// The sizes that a preset allows, and the descriptors that name them in URLs, such as `@2x` in `card@2x`. Pure. The
// Worker and the client both use this list, so the client builds no URL of a size that the Worker refuses.

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
    // `@1x` has the options of the preset itself. With `dpr: 1`, the edge would cache the same picture twice (C1).
    const size = factor === 1 ? ownSize : { ...ownSize, dpr: factor };
    sizes.push([`@${factor}x`, size]);
  }

  // A preset with `widths` has a `width`: the Worker refuses it otherwise. So no height stands alone here.
  for (const listedWidth of widths) {
    let size: Size = { width: listedWidth };
    if (width && height) {
      // The height changes in proportion to the width. It is at least 1: `|| 1` replaces 0.
      size = { ...size, height: Math.round((height * listedWidth) / width) || 1 };
    }
    sizes.push([`@${listedWidth}w`, size]);
  }

  return sizes;
}

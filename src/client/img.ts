// The attributes of an <img>. It never touches the page: it returns plain values.

import { dimensionsOf } from "./dimensions.ts";
import { requirePreset, srcset, urlOf } from "./site.ts";
import type { ImgOptions, ImgProps, Original, PresetShape, PresetTable, Site } from "./types.ts";

/**
 * Returns the attributes of an `<img>` for one object at one preset. Set them in this order: a browser may
 * start to load when `srcset` or `src` is set, so `loading` and `sizes` come first.
 * @throws RangeError if the route does not show the preset or does not lead to the key, if no object can
 *   have the key, or if the route is signed and there is no query
 * @example
 * imgProps(images.site, "photos/fig.jpg", "hero", { alt: "A fig", sizes: "50vw" });
 * // { alt, loading, decoding, sizes, srcset, src }, and width and height if they are known
 * imgProps(images.site, key, "hero", { alt: "A fig", sizes: "50vw", original: facts[key] });
 * // the same with width, height and style
 */
export function imgProps<
  Presets extends PresetTable,
  Name extends keyof Presets & string,
  Preset extends Name,
  Known extends Original = Original,
>(
  site: Site<Presets, Name>,
  key: string,
  preset: Preset,
  options: ImgOptions<Presets[Preset], Known>,
): ImgProps {
  const { alt, sizes = "100vw", loading = "lazy", original, query } = options;
  const { shape } = requirePreset(site, preset);
  const background = backgroundOf(options);
  const css = [positionOf(shape, original), background && `background: ${background}`];
  const style = css.filter(Boolean).join("; ");
  return {
    alt,
    loading,
    decoding: "async",
    ...dimensionsOf(shape, original),
    ...(style && { style }),
    ...(shape.widths && { sizes }),
    srcset: srcset(site, key, preset, query),
    src: urlOf(site, key, preset, query),
  };
}

/**
 * Where the focal point is in the picture, for CSS that crops it further: the engine's crop around it leaves it there.
 * A fact may come from anywhere: only two percentages get into the CSS.
 */
function positionOf({ gravity }: PresetShape, original?: Original): string | false {
  const { x, y } = original?.focus ?? { x: -1, y: -1 };
  const isShown = gravity === "object" && x >= 0 && x <= 1 && y >= 0 && y <= 1;
  return isShown && `object-position: ${Math.round(x * 100)}% ${Math.round(y * 100)}%`;
}

/** A fact may come from anywhere: only a colour gets into the CSS. */
function backgroundOf<Known extends Original>({
  original,
  placeholder,
}: Pick<ImgOptions<unknown, Known>, "original" | "placeholder">): string | undefined {
  if (!original || original.alpha) return undefined;
  if (placeholder) return placeholder(original);
  const { color } = original;
  return typeof color === "string" && /^#[0-9a-f]{6}$/.test(color) ? color : undefined;
}

/** The position comes first: a background may have any text. */
const STYLE = /^(?:object-position: (\d+% \d+%))?(?:; )?(?:background: ([\s\S]*))?$/;

/**
 * Returns the same attributes by the names that React uses, and `style` as React takes it.
 * @example
 * <img {...reactProps(fig)} alt={fig.alt} />
 */
export function reactProps({ srcset, style, ...props }: ImgProps) {
  const [, objectPosition, background] = STYLE.exec(style ?? "") ?? [];
  const reactStyle = {
    ...(background && { background }),
    ...(objectPosition && { objectPosition }),
  };
  return { srcSet: srcset, ...props, ...(style && { style: reactStyle }) };
}

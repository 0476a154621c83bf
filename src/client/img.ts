// The attributes of an <img>. It returns plain values, and never touches the page.
// An original is an object as the bucket has it. What the app knows of it may come from anywhere, such as a database
// that visitors write to. So only two percentages and a colour of it get into the CSS. The app's own `placeholder`
// answers for what it returns.

import { candidatesFor } from "./candidates.ts";
import { dimensionsOf } from "./dimensions.ts";
import { requirePreset, urlOf } from "./site.ts";
import type { ImgOptions, ImgProps, Original, PresetShape, PresetTable, Site } from "./types.ts";

/**
 * Returns the attributes of an `<img>` for one object at one preset. Set them in this order: a browser may
 * start to load when `srcset` or `src` is set, so `loading` and `sizes` come first.
 * @throws RangeError if the route does not show the preset or does not lead to the key, if no object can
 *   have the key, or if the route is signed and there is no query
 * @example
 * // images: see the example of createClient
 * imgProps(images.site, "photos/fig.jpg", "card", { alt: "A fig", original: { width: 4000, height: 3000 } });
 * // {
 * //   alt: "A fig",
 * //   loading: "lazy",
 * //   decoding: "async",
 * //   width: 480,
 * //   height: 360,
 * //   srcset: "https://images.example.com/images/card/photos/fig.jpg 1x, https://images.example.com/images/card@2x/photos/fig.jpg 2x",
 * //   src: "https://images.example.com/images/card/photos/fig.jpg",
 * // }
 */
export function imgProps<
  Presets extends PresetTable,
  Name extends keyof Presets & string,
  // The name of the preset of this picture: it decides whether `sizes` is required.
  Preset extends Name,
  // The app's own type of what it knows of an original.
  Known extends Original = Original,
>(
  site: Site<Presets, Name>,
  key: string,
  preset: Preset,
  options: ImgOptions<Presets[Preset], Known>,
): ImgProps {
  const { alt, sizes = "100vw", loading = "lazy", original, query } = options;
  const { shape } = requirePreset(site, preset);

  const declarations = [positionOf(shape, original), backgroundOf(options)];
  const style = declarations.filter(Boolean).join("; ");

  const srcset = candidatesFor(site, preset, original).map(
    ({ variant, as }) => `${urlOf(site, key, variant, query)} ${as}`,
  );

  return {
    alt,
    loading,
    decoding: "async",
    ...dimensionsOf(shape, original),
    ...(style && { style }),
    ...(shape.widths && { sizes }),
    srcset: srcset.join(", "),
    src: urlOf(site, key, preset, query),
  };
}

/**
 * Returns the CSS that keeps the focal point in view if the page crops the picture once more. With
 * `gravity = "object"`, a point at 62 % of the original's width is at 62 % of the picture's, too: of what the crop
 * cuts off, 62 % is at the left.
 * @returns undefined for any other preset, and for an original without a valid focal point
 */
function positionOf({ gravity }: PresetShape, original?: Original): string | undefined {
  const focus = original?.focus;
  if (!focus || gravity !== "object") return undefined;

  const { x, y } = focus;
  const isInside = x >= 0 && x <= 1 && y >= 0 && y <= 1;
  if (!isInside) return undefined;

  return `object-position: ${Math.round(x * 100)}% ${Math.round(y * 100)}%`;
}

/** Returns the CSS of the background that is there until the picture comes, or undefined if there is none. */
function backgroundOf<Known extends Original>(
  options: Pick<ImgOptions<unknown, Known>, "original" | "placeholder">,
): string | undefined {
  const { original, placeholder } = options;
  // Through a transparent picture, the background would stay visible.
  if (!original || original.alpha) return undefined;

  const { color } = original;
  const isColor = typeof color === "string" && /^#[0-9a-f]{6}$/.test(color);

  let background = isColor ? color : undefined;
  if (placeholder) background = placeholder(original);

  return background ? `background: ${background}` : undefined;
}

/** Matches the first part of a `style` of `imgProps`: `object-position: 62% 30%; ` before a background, or alone. */
const POSITION = /^object-position: (\d+% \d+%)(?:; |$)/;

/** Matches the other part: `background: #8a5b3c`. A `placeholder` may return any text, also one with `; `. */
const BACKGROUND = /^background: ([\s\S]*)$/;

/**
 * Returns the same attributes by the names that React uses, and `style` as React takes it.
 * @example
 * // images: see the example of createClient
 * const fig = images.imgProps("photos/fig.jpg", "card", {
 *   alt: "A fig",
 *   original: { width: 4000, height: 3000, color: "#8a5b3c" },
 * });
 * reactProps(fig).style;
 * // { background: "#8a5b3c" }
 *
 * <img {...reactProps(fig)} alt={fig.alt} />
 */
export function reactProps({ srcset, style = "", ...props }: ImgProps) {
  // React takes a style as an object, so take the text of `imgProps` apart again.
  const objectPosition = POSITION.exec(style)?.[1];
  const background = BACKGROUND.exec(style.replace(POSITION, ""))?.[1];
  const reactStyle = {
    ...(background && { background }),
    ...(objectPosition && { objectPosition }),
  };

  return { srcSet: srcset, ...props, ...(style && { style: reactStyle }) };
}

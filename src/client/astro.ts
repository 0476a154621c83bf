// The image service for Astro: its <Image>, <Picture> and getImage() show presets. It imports nothing of Astro, and
// sends no request. It runs where Astro renders, so the page gets URLs that are signed, and no key.

import { imgProps } from "./img.ts";
import { findSite, readSrc } from "./loader-url.ts";
import { fail, needsQuery } from "./site.ts";
import type { ImgOptions, Original, PresetTable, Site } from "./types.ts";

/** An image that a page imports from the app's own files. */
type ImportedImage = { readonly src: string; readonly width: number; readonly height: number };

/** The properties of a picture as Astro passes them on, with some that Astro adds. */
type Transform = { readonly src: string | ImportedImage; readonly [name: string]: unknown };

/** The attributes of the `<img>`. `format` is for Astro alone. */
type Validated = { src: string; srcset: string; format: string; [attribute: string]: unknown };

/** What the service asks the app for, on the server alone. */
type ServiceOptions<Name extends string, Known extends Original> = {
  /**
   * For signed routes: returns the query that the function of `createSigner` makes for `site`. It gets presets
   * of that site alone, and need not know the others: that is why it is a method.
   */
  sign?(key: string, preset: Name, site: Site<PresetTable, Name>): Promise<string>;
  /** Returns the facts of an original: `factOf` of `npx vitrine facts`, or what your database has. */
  factOf?(key: string): Known | undefined | Promise<Known | undefined>;
  /** Makes the background until the picture is there, as for `imgProps`: `thumbHash`. */
  placeholder?: ImgOptions<unknown, Known>["placeholder"];
};

/**
 * <Picture> writes a <source> for each format, in whose `srcset` Astro mixes descriptors. Browsers skip a type
 * that they do not know, and take the <img>. So Vitrine negotiates the format there, too.
 */
const NO_FORMAT = "auto";

/**
 * Makes an image service for Astro. A picture names its preset, and its `src` is the key. Its `srcset` has all
 * variants of the preset. Its `width` and `height` are those of the preset, or what `factOf` knows; what the
 * page sets replaces both. A file that the page imports stays as it is.
 *
 * Give it the site of each route that the app uses. It takes the first one that shows the preset and leads to
 * the key. If that one is signed, `sign` signs, unless a cookie opens it.
 *
 * A picture fails with a RangeError if it names no preset of these routes, if none of them leads to the key, if
 * no object can have the key, or if its route is signed and there is no `sign`.
 * @example
 * // src/image-service.ts, which `image.service.entrypoint` in astro.config.mjs names
 * export default astroService([privateImages.site, images.site], { sign: signed, factOf });
 *
 * // in a page
 * <Image preset="hero" src="photos/fig.jpg" inferSize sizes="50vw" alt="A fig" />
 */
export function astroService<Name extends string, Known extends Original = Original>(
  sites: readonly [Site<PresetTable, Name>, ...Site<PresetTable, Name>[]],
  { sign, factOf, placeholder }: ServiceOptions<NoInfer<Name>, Known> = {},
) {
  async function showObject(src: string, presetName: unknown, sizes: unknown) {
    const { key, query } = readSrc(src);
    if (query !== undefined) fail(`the image service signs "${key}" itself: write the key as src`);
    const { site, preset } = findSite(sites, key, presetName, "write <Image preset>");
    const isSigned = needsQuery(site.route);
    if (isSigned && !sign) fail(`route ${site.route.path} is signed: pass { sign }`);
    const { alt: _, ...img } = imgProps<PresetTable, Name, Name, Known>(site, key, preset, {
      alt: "",
      sizes: typeof sizes === "string" ? sizes : "100vw",
      original: await factOf?.(key),
      placeholder,
      query: isSigned ? await sign?.(key, preset, site) : undefined,
    });
    return img;
  }

  return {
    async validateOptions(options: Transform): Promise<Validated> {
      const { src, preset, width, height, sizes, style, ...rest } = options;
      const {
        format,
        quality,
        widths,
        densities,
        fit,
        position,
        background,
        layout,
        ...attributes
      } = rest; // the preset sets these
      const img =
        typeof src === "string"
          ? await showObject(src, preset, sizes)
          : { src: src.src, width: src.width, height: src.height, srcset: "", style: "" };
      const isText = style === undefined || typeof style === "string";
      const styles = [img.style, style].filter(Boolean).join("; ");
      return {
        ...img,
        ...(width || height ? { width: width || undefined, height: height || undefined } : {}),
        ...attributes,
        style: isText ? styles || undefined : style,
        format: NO_FORMAT,
      };
    },

    getURL: ({ src }: Transform): string => `${src}`,

    /** The descriptors, each with a URL that `getURL` returns as it is. */
    getSrcSet({ srcset }: Transform) {
      return `${srcset}`.split(", ").flatMap((candidate) => {
        const [src = "", descriptor = ""] = candidate.split(" ");
        return src ? [{ transform: { src }, descriptor }] : [];
      });
    },

    /** With the `srcset`: adapters may add a parameter to what Astro makes of `getURL`, and no signature allows it. */
    getHTMLAttributes({ src, srcset, format, ...attributes }: Transform) {
      return { ...attributes, srcset: srcset || undefined };
    },

    /** <Picture inferSize> asks for it before the preset is known. 0: what is set later. */
    getRemoteSize: () => ({ width: 0, height: 0, format: "jpg" as const }),
  };
}

// The image service for Astro: its <Image>, <Picture> and getImage() show presets. It imports nothing of Astro, and
// sends no request. It runs where Astro renders, on the server, so the page gets signed URLs, and never a signing key.
// Astro calls validateOptions first, and passes the result to the other functions.

import { imgProps } from "./img.ts";
import { findSite, readSrc } from "./loader-url.ts";
import { needsQuery, throwRangeError } from "./site.ts";
import type { ImgOptions, ImgProps, Original, PresetTable, Site } from "./types.ts";

/** An image that a page imports from the app's own files. */
type ImportedImage = { readonly src: string; readonly width: number; readonly height: number };

/** The properties of a picture as Astro passes them on, with some that Astro adds. */
type Transform = { readonly src: string | ImportedImage; readonly [name: string]: unknown };

/** The attributes of the `<img>`. `format` is for Astro alone. */
type Validated = { src: string; srcset: string; format: string; [attribute: string]: unknown };

/** What the service asks the app for, on the server alone. */
type ServiceOptions<Name extends string, Known extends Original> = {
  // This is a method, so that the compiler accepts a function for the presets of the signed site alone. `sign` never gets
  // any other preset.
  /**
   * For signed routes: returns the query that the function of `createSigner` makes for `site`. Default: none, so a
   * picture of a signed route is a RangeError.
   */
  sign?(key: string, preset: Name, site: Site<PresetTable, Name>): Promise<string>;
  /**
   * Returns the facts of an original: `factOf` of `npx vitrine facts`, or what your database has. Default: none, so
   * only presets with a fixed shape have a `width` and a `height`. Pictures of the others move the page when they
   * come.
   */
  factOf?(key: string): Known | undefined | Promise<Known | undefined>;
  /**
   * Makes the background until the picture is there, as for `imgProps`: `thumbHash`. Default: the `color` of the
   * fact.
   */
  placeholder?: ImgOptions<unknown, Known>["placeholder"];
};

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
 *
 * // what Astro asks it for
 * const service = astroService([images.site]);
 * const options = await service.validateOptions({ src: "photos/fig.jpg", preset: "card" });
 * service.getURL(options);
 * // "https://images.example.com/images/card/photos/fig.jpg"
 */
export function astroService<Name extends string, Known extends Original = Original>(
  sites: readonly [Site<PresetTable, Name>, ...Site<PresetTable, Name>[]],
  { sign, factOf, placeholder }: ServiceOptions<NoInfer<Name>, Known> = {},
) {
  return {
    async validateOptions(options: Transform): Promise<Validated> {
      const { src, preset, sizes } = options;

      // An imported file stays as it is, and has one size.
      if (typeof src !== "string") {
        const { width, height } = src;
        return addPageOptions({ src: src.src, width, height, srcset: "", style: "" }, options);
      }

      const { key, query: signedQuery } = readSrc(src);
      if (signedQuery !== undefined) {
        throwRangeError(`the image service signs "${key}" itself: write the key as src`);
      }

      const { site, preset: name } = findSite(sites, key, preset, "write <Image preset>");
      const isSigned = needsQuery(site.route);
      if (isSigned && !sign) throwRangeError(`route ${site.route.path} is signed: pass { sign }`);

      const original = await factOf?.(key);
      const query = isSigned ? await sign?.(key, name, site) : undefined;
      const { alt: _, ...img } = imgProps<PresetTable, Name, Name, Known>(site, key, name, {
        alt: "", // the page sets it
        sizes: typeof sizes === "string" ? sizes : "100vw",
        original,
        placeholder,
        query,
      });

      return addPageOptions(img, options);
    },

    getURL: ({ src }: Transform): string => `${src}`,

    /** The descriptors, each with a URL that `getURL` returns as it is. */
    getSrcSet({ srcset }: Transform) {
      return readCandidates(`${srcset}`);
    },

    /**
     * Returns the `srcset`, too, as `imgProps` made it. Astro would make one of what `getURL` returns. An adapter may
     * have added a parameter to that, and no signature allows one.
     */
    getHTMLAttributes({ src, srcset, format, ...attributes }: Transform) {
      return { ...attributes, srcset: srcset || undefined };
    },

    /** <Picture inferSize> asks for a size before it passes on the preset. 0 means that the page sets none. */
    getRemoteSize: () => ({ width: 0, height: 0, format: "jpg" as const }),
  };
}

/**
 * For each format, <Picture> writes a <source> whose `srcset` would be wrong: Astro mixes descriptors in it. No browser
 * knows the type `image/auto`, so it skips this <source> and takes the <img>, whose format Vitrine negotiates.
 */
const NO_FORMAT = "auto";

/** Adds what the page sets to the attributes of a picture. */
function addPageOptions(
  img: Pick<ImgProps, "src" | "srcset" | "width" | "height" | "style">,
  options: Transform,
): Validated {
  const { src, preset, sizes, width, height, style, ...otherOptions } = options;
  // Leave out what the preset of Vitrine sets.
  const { format, quality, widths, densities, fit, position, background, layout, ...attributes } =
    otherOptions;

  // One side of the page replaces both sides of the preset, because the other side of the preset would not fit to it.
  const hasPageSize = Boolean(width || height);
  const pageSize = { width: width || undefined, height: height || undefined };

  // A style as an object, which Astro takes, too, replaces that of the picture.
  let joinedStyle = style;
  if (style === undefined || typeof style === "string") {
    joinedStyle = [img.style, style].filter(Boolean).join("; ") || undefined;
  }

  return {
    ...img,
    ...(hasPageSize && pageSize),
    ...attributes,
    style: joinedStyle,
    format: NO_FORMAT,
  };
}

/** Reads a `srcset` of `imgProps`: `https://… 1x, https://… 2x`. No URL in it holds a space. */
function readCandidates(srcset: string) {
  const candidates: { transform: { src: string }; descriptor: string }[] = [];
  for (const candidate of srcset.split(", ")) {
    const [src = "", descriptor = ""] = candidate.split(" ");
    if (src) candidates.push({ transform: { src }, descriptor });
  }

  return candidates;
}

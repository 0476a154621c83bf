// The image service for Astro: its <Image>, <Picture> and getImage() show presets. It imports nothing of Astro, and
// sends no request. It runs where Astro renders, so the page gets URLs that are signed, and no key.
// Astro calls validateOptions first, and gives what it returns to the other functions.

import { imgProps } from "./img.ts";
import { findSite, readSrc } from "./loader-url.ts";
import { needsQuery, throwRangeError } from "./site.ts";
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
   * of that site alone, and need not know the others: that is why it is a method. Default: none, so a picture of a
   * signed route is a RangeError.
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

/** The options of a service as they were when it was made. */
type Callbacks<Name extends string, Known extends Original> = {
  readonly sign: ServiceOptions<Name, Known>["sign"];
  readonly factOf: ServiceOptions<Name, Known>["factOf"];
  readonly placeholder: ServiceOptions<Name, Known>["placeholder"];
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
  const callbacks = { sign, factOf, placeholder };

  return {
    async validateOptions(options: Transform): Promise<Validated> {
      const { src, preset, width, height, sizes, style, ...otherOptions } = options;
      const isKey = typeof src === "string";
      const img = isKey
        ? await showObject(sites, callbacks, { src, preset, sizes })
        : showImported(src);

      return {
        ...img,
        ...readPageSize(width, height),
        ...withoutPresetOptions(otherOptions),
        style: joinStyles(img.style, style),
        format: NO_FORMAT,
      };
    },

    getURL: ({ src }: Transform): string => `${src}`,

    /** The descriptors, each with a URL that `getURL` returns as it is. */
    getSrcSet({ srcset }: Transform) {
      return readCandidates(`${srcset}`);
    },

    /** With the `srcset`: adapters may add a parameter to what Astro makes of `getURL`, and no signature allows it. */
    getHTMLAttributes({ src, srcset, format, ...attributes }: Transform) {
      return { ...attributes, srcset: srcset || undefined };
    },

    /** <Picture inferSize> asks for it before the preset is known. 0: what is set later. */
    getRemoteSize: () => ({ width: 0, height: 0, format: "jpg" as const }),
  };
}

/** The properties of a picture that choose its URLs. The compiler does not check them. */
type Picture = { readonly src: string; readonly preset: unknown; readonly sizes: unknown };

/** Returns the attributes of an object's picture, without `alt`: the page sets it. */
async function showObject<Name extends string, Known extends Original>(
  sites: readonly Site<PresetTable, Name>[],
  { sign, factOf, placeholder }: Callbacks<Name, Known>,
  picture: Picture,
) {
  const { key, query: signedQuery } = readSrc(picture.src);
  if (signedQuery !== undefined) {
    throwRangeError(`the image service signs "${key}" itself: write the key as src`);
  }

  const { site, preset } = findSite(sites, key, picture.preset, "write <Image preset>");
  const isSigned = needsQuery(site.route);
  if (isSigned && !sign) throwRangeError(`route ${site.route.path} is signed: pass { sign }`);

  const original = await factOf?.(key);
  const query = isSigned ? await sign?.(key, preset, site) : undefined;
  const sizes = typeof picture.sizes === "string" ? picture.sizes : "100vw";

  const options = { alt: "", sizes, original, placeholder, query };
  const { alt: _, ...img } = imgProps<PresetTable, Name, Name, Known>(site, key, preset, options);
  return img;
}

/** Returns the attributes of a file of the app: it stays as it is, and has one size. */
function showImported({ src, width, height }: ImportedImage) {
  return { src, width, height, srcset: "", style: "" };
}

/**
 * Returns the size that the page sets. One side of the page replaces both sides of the preset, because the other side of
 * the preset would not fit to it.
 */
function readPageSize(width: unknown, height: unknown) {
  if (!width && !height) return {};

  return { width: width || undefined, height: height || undefined };
}

/** Returns the properties of a picture without those that the preset sets. */
function withoutPresetOptions(properties: { readonly [name: string]: unknown }) {
  const { format, quality, widths, densities, fit, position, background, layout, ...attributes } =
    properties;
  return attributes;
}

/** Adds the style of the page to that of the picture. Astro takes an object, too: it replaces the picture's style. */
function joinStyles(pictureStyle: string | undefined, pageStyle: unknown): unknown {
  const isText = pageStyle === undefined || typeof pageStyle === "string";
  if (!isText) return pageStyle;

  const styles = [pictureStyle, pageStyle].filter(Boolean).join("; ");
  return styles || undefined;
}

/** Reads a `srcset` of `imgProps`: `https://… 1x, https://… 2x`. No URL of it holds a space. */
function readCandidates(srcset: string) {
  const candidates: { transform: { src: string }; descriptor: string }[] = [];
  for (const candidate of srcset.split(", ")) {
    const [src = "", descriptor = ""] = candidate.split(" ");
    if (src) candidates.push({ transform: { src }, descriptor });
  }

  return candidates;
}

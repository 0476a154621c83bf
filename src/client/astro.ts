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
  // `sign` may be a function for the signed presets alone: its `preset` is "hero", say, when `Name` is "card" | "hero".
  // The compiler accepts that for a method, `sign?(…)`, and not for a property, `sign?: (…) => …`. It is safe, because
  // `sign` is called only for presets of signed sites.
  /**
   * For signed routes: returns the query that the function of `createSigner` makes for `site`. Default: none, so a
   * picture of a signed route is a RangeError.
   */
  sign?(key: string, preset: Name, site: Site<PresetTable, Name>): Promise<string>;
  /**
   * Returns the facts of an original: `factOf` of `npx vitrine facts`, or what your database has. Default: none, so
   * only presets with a fixed shape have a `width` and a `height`, and each `srcset` has all variants. Pictures of the
   * other presets move the page when they come.
   */
  factOf?(key: string): Known | undefined | Promise<Known | undefined>;
  /**
   * Makes the background until the picture is there, as for `imgProps`: `thumbHash`. Default: the `color` of the
   * fact.
   */
  placeholder?: ImgOptions<unknown, Known>["placeholder"];
};

/**
 * Makes an image service for Astro. A picture names its preset, and its `src` is the key. Its `srcset` has the variants of
 * the preset, up to the size of the original if `factOf` knows it. Its `width` and `height` are those of the preset, or what
 * `factOf` knows. What the page sets replaces both. A file that the page imports stays as it is.
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
  // `NoInfer`: the compiler takes the names from `sites` alone, and not from `sign`, too.
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

      // A `src` with a query is one that `signedSrc` has made.
      const { key, query: signedQuery } = readSrc(src);
      if (signedQuery !== undefined) {
        throwRangeError(`the image service signs "${key}" itself: write the key as src`);
      }

      const { site, preset: name } = findSite(sites, key, preset, "write <Image preset>");
      const isSigned = needsQuery(site.route);
      if (isSigned && !sign) throwRangeError(`route ${site.route.path} is signed: pass { sign }`);

      const original = await factOf?.(key);
      const query = isSigned ? await sign?.(key, name, site) : undefined;

      // `imgProps` requires an `alt`. It is taken out again, since `options` has the `alt` of the page. The compiler does
      // not find the types in brackets itself: of the presets, their names, this name and the original.
      const { alt: _, ...img } = imgProps<PresetTable, Name, Name, Known>(site, key, name, {
        alt: "",
        sizes: typeof sizes === "string" ? sizes : "100vw",
        original,
        placeholder,
        query,
      });

      return addPageOptions(img, options);
    },

    getURL: ({ src }: Transform): string => `${src}`,

    /** Returns each URL with its descriptor. Astro passes the `src` to `getURL`, which returns it as it is. */
    getSrcSet({ srcset }: Transform) {
      return readCandidates(`${srcset}`);
    },

    /**
     * Returns the attributes of the <img>, with the `srcset` that `imgProps` made. If it were missing, Astro would make
     * one from the results of `getURL`. Astro's adapters may add a parameter to those, and a signed URL is then refused.
     */
    getHTMLAttributes({ src, srcset, format, ...attributes }: Transform) {
      return { ...attributes, srcset: srcset || undefined };
    },

    /**
     * With `inferSize`, <Picture> asks for the size before the preset is known, so there is no answer yet. Astro puts
     * this 0 × 0 into the options, as if the page had set it, and `addPageOptions` ignores a 0.
     */
    getRemoteSize: () => ({ width: 0, height: 0, format: "jpg" as const }),
  };
}

/**
 * Makes browsers ignore the <source> that <Picture> adds to its <img>. Astro makes `type="image/auto"` of this format.
 * No browser knows that type, so it takes the <img>, whose format Vitrine chooses for each browser. The `srcset` of the
 * <source>, which Astro makes, is of no use: it mixes descriptors such as `2x` and `640w`.
 */
const UNKNOWN_FORMAT = "auto";

/** Adds what the page sets to the attributes of a picture. */
function addPageOptions(
  img: Pick<ImgProps, "src" | "srcset" | "width" | "height" | "style">,
  options: Transform,
): Validated {
  // These do not become attributes as they are. The caller has made `img` of `src`, `preset` and `sizes`. The sides and
  // the style are read below.
  const { src, preset, sizes, width, height, style, ...otherOptions } = options;

  // These are left out: the preset of Vitrine sets them.
  const { format, quality, widths, densities, fit, position, background, layout, ...attributes } =
    otherOptions;

  // A page that sets one side alone gets no other side: the undefined here replaces that of `img`, which would not match.
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
    format: UNKNOWN_FORMAT,
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

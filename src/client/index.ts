// vitrine/client: builds and reads the URLs of a deployed Vitrine, for apps. It holds no secret, and it never sends a
// request.

import { imgProps } from "./img.ts";
import {
  checkBaseUrl,
  factsUrl,
  imageUrl,
  openSite,
  parseUrl,
  srcset,
  throwRangeError,
  urlForWidth,
  widths,
} from "./site.ts";
import type {
  ImgOptions,
  ImgProps,
  Original,
  Parsed,
  PresetOf,
  PresetTable,
  RouteShape,
  Settings,
  Site,
  VariantOf,
} from "./types.ts";

export { imgProps, reactProps } from "./img.ts";
export { signedSrc } from "./loader-url.ts";
export {
  checkBaseUrl,
  factsUrl,
  imageUrl,
  openSite,
  parseUrl,
  srcset,
  urlForWidth,
  widths,
} from "./site.ts";
export type * from "./types.ts";

/**
 * The functions of this module, each bound to one site. The function of the same name says more, such as when it
 * throws. The examples use `images`, the client in the example of `createClient`.
 */
export type Client<Presets extends PresetTable, Name extends keyof Presets & string> = {
  /** The site itself, for other functions of the package, such as `createSigner` and `nextLoader`. */
  readonly site: Site<Presets, Name>;

  /**
   * Returns the URL of one variant of an object.
   * @param query for a signed route: `?exp=…&kid=…&sig=…`, which `createSigner`'s function returns. A signed route
   *   without `cookie: true` needs it: if it is missing, the call throws a RangeError
   * @example
   * images.imageUrl("photos/fig.jpg", "card@2x");
   * // "https://images.example.com/images/card@2x/photos/fig.jpg"
   */
  imageUrl(key: string, variant: VariantOf<Presets, Name>, query?: string): string;

  /**
   * Returns the `srcset` of an object at a preset.
   * @param query as for `imageUrl`: one query opens all candidates
   * @example
   * images.srcset("fig.jpg", "card");
   * // "https://images.example.com/images/card/fig.jpg 1x, https://images.example.com/images/card@2x/fig.jpg 2x"
   */
  srcset(key: string, preset: Name, query?: string): string;

  /**
   * Returns the attributes of an `<img>`. It passes `options.original` to `options.placeholder`. Both have the type
   * `Known`, which may have more fields than `Original`: your own function then reads them.
   * @example
   * images.imgProps("fig.jpg", "card", { alt: "A fig", original: { width: 4000, height: 3000 } });
   * // {
   * //   alt: "A fig",
   * //   loading: "lazy",
   * //   decoding: "async",
   * //   width: 480,
   * //   height: 360,
   * //   srcset: "https://images.example.com/images/card/fig.jpg 1x, https://images.example.com/images/card@2x/fig.jpg 2x",
   * //   src: "https://images.example.com/images/card/fig.jpg",
   * // }
   */
  imgProps<P extends Name, Known extends Original = Original>(
    key: string,
    preset: P,
    options: ImgOptions<Presets[P], Known>,
  ): ImgProps;

  /**
   * Returns the URL of the preset's smallest variant that is at least this wide. If none is, it takes the widest.
   * @param width in pixels of the screen, not in CSS pixels
   * @param query as for `imageUrl`
   * @example
   * images.urlForWidth("photos/fig.jpg", "hero", 700);
   * // "https://images.example.com/images/hero@960w/photos/fig.jpg"
   */
  urlForWidth(key: string, preset: Name, width: number, query?: string): string;

  /**
   * Returns the widths in the `srcset` of a preset, in pixels and in ascending order.
   * @example
   * images.widths("hero");
   * // [640, 960, 1280, 1920]
   */
  widths(preset: Name): number[];

  /**
   * Returns the URL of the facts of an object at a preset: the Worker answers it with the size of the picture, as
   * JSON. The route needs `facts = true`: without it, the call throws a RangeError.
   * @param query as for `imageUrl`
   * @example
   * images.factsUrl("photos/fig.jpg", "card");
   * // "https://images.example.com/images/card/photos/fig.jpg?facts"
   */
  factsUrl(key: string, preset: Name, query?: string): string;

  /**
   * Returns what a URL asks for, or undefined if it does not belong to this route. It never throws.
   * @example
   * images.parseUrl("https://images.example.com/images/card@2x/photos/fig.jpg");
   * // { variant: "card@2x", key: "photos/fig.jpg", preset: "card" }
   * images.parseUrl("https://elsewhere.example.com/fig.jpg");
   * // undefined
   */
  parseUrl(url: string): Parsed<Name> | undefined;
};

/**
 * Makes the client of one route. `npx vitrine client` writes a file that has one for each route, with their types.
 * @throws RangeError if the base URL is invalid, if the path has no `:preset`, or if the route names a preset
 *   that `presets` does not have
 * @example
 * const images = createClient({
 *   baseUrl: "https://images.example.com",
 *   route: { path: "/images/:preset/*", object: "media/*", facts: true },
 *   presets: {
 *     card: { width: 480, dpr: [1, 2] },
 *     hero: { width: 1920, widths: [640, 960, 1280, 1920] },
 *   },
 * });
 * images.imageUrl("photos/fig.jpg", "card@2x");
 * // "https://images.example.com/images/card@2x/photos/fig.jpg"
 */
// Because of `const`, the compiler keeps the names and the numbers as they are written: `card`, `2`. It checks
// "card@2x" against them.
export function createClient<const Presets extends PresetTable, const Route extends RouteShape>(
  settings: Settings<Presets, Route>,
): Client<Presets, PresetOf<Presets, Route>> {
  const { baseUrl, route } = settings;
  // "" is the host of the page itself: there is nothing to check.
  if (baseUrl !== "") checkBaseUrl(baseUrl, "baseUrl");

  // `:presets` would be another placeholder.
  const hasPreset = /:preset(?!\w)/.test(route.path);
  if (!hasPreset) {
    throwRangeError(`route ${route.path} has no :preset: write a path like "/images/:preset/*"`);
  }

  return clientOf(openSite(settings));
}

/**
 * Makes a client of a site. It holds all functions of this module, used or not. To ship less, import single functions
 * and pass them the site, as in `imageUrl(site, "photos/fig.jpg", "card@2x")`: a bundler then leaves out the others.
 * @example
 * const client = clientOf(images.site);
 * client.imageUrl("photos/fig.jpg", "card@2x");
 * // "https://images.example.com/images/card@2x/photos/fig.jpg"
 */
export function clientOf<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
): Client<Presets, Name> {
  return {
    site,
    imageUrl: (...args) => imageUrl(site, ...args),
    srcset: (...args) => srcset(site, ...args),
    imgProps: (...args) => imgProps(site, ...args),
    urlForWidth: (...args) => urlForWidth(site, ...args),
    widths: (preset) => widths(site, preset),
    factsUrl: (...args) => factsUrl(site, ...args),
    parseUrl: (url) => parseUrl(site, url),
  };
}

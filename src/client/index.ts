// vitrine/client: builds and reads the URLs of a deployed Vitrine, for apps. It shares only the grammar of
// URLs with the Worker. It holds no secret, and it never sends a request.

import { imgProps } from "./img.ts";
import {
  checkBaseUrl,
  factsUrl,
  fail,
  imageUrl,
  openSite,
  parseUrl,
  srcset,
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

/** The functions of this module, each bound to one site. Each of them is documented at the function. */
export type Client<Presets extends PresetTable, Name extends keyof Presets & string> = {
  readonly site: Site<Presets, Name>;
  /** Returns the URL of one variant of an object. */
  imageUrl(key: string, variant: VariantOf<Presets, Name>, query?: string): string;
  /** Returns the `srcset` of an object at a preset. */
  srcset(key: string, preset: Name, query?: string): string;
  /** Returns the attributes of an `<img>`. */
  imgProps<P extends Name, Known extends Original = Original>(
    key: string,
    preset: P,
    options: ImgOptions<Presets[P], Known>,
  ): ImgProps;
  /** Returns the URL of the preset's smallest variant of this width in pixels or more, or of its widest. */
  urlForWidth(key: string, preset: Name, width: number, query?: string): string;
  /** Returns the widths of a preset's candidates, in pixels. */
  widths(preset: Name): number[];
  /** Returns the URL of the facts of an object at a preset. */
  factsUrl(key: string, preset: Name, query?: string): string;
  /** Returns what a URL asks for, or undefined if it does not belong to this route. */
  parseUrl(url: string): Parsed<Name> | undefined;
};

/**
 * Makes the client of one route.
 * @throws RangeError if the base URL is invalid, if the path has no `:preset`, or if the route names a preset
 *   that `presets` does not have
 * @example
 * const images = createClient({
 *   baseUrl: "https://images.example.com",
 *   route: { path: "/images/:preset/*", object: "media/*" },
 *   presets: { card: { width: 480, dpr: [1, 2] } },
 * });
 * images.imageUrl("photos/fig.jpg", "card@2x");
 */
export function createClient<const Presets extends PresetTable, const Route extends RouteShape>(
  settings: Settings<Presets, Route>,
): Client<Presets, PresetOf<Presets, Route>> {
  const { baseUrl, route } = settings;
  if (baseUrl !== "") checkBaseUrl(baseUrl, "baseUrl");
  if (!/:preset(?!\w)/.test(route.path)) {
    fail(`route ${route.path} has no :preset: write a path like "/images/:preset/*"`);
  }
  return clientOf(openSite(settings));
}

/**
 * Binds all functions of this module to one site. To ship less, import the functions that you use
 * instead: a bundler then leaves out the others.
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

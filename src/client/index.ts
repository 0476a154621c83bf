// vitrine/client: the URLs of a deployed Vitrine, for apps. No code of the Worker's is in it but the
// grammar that both share, and no secret.

import { imgProps } from "./img.ts";
import { imageUrl, openSite, parseUrl, srcset, urlForWidth, widths } from "./site.ts";
import type {
  ImgOptions,
  ImgProps,
  Parsed,
  PresetOf,
  PresetTable,
  RouteShape,
  Settings,
  Site,
  VariantOf,
} from "./types.ts";

export type { Border, Dimensions } from "./dimensions.ts";
export { imgProps, reactProps } from "./img.ts";
export { imageUrl, openSite, parseUrl, srcset, urlForWidth, widths } from "./site.ts";
export type * from "./types.ts";

/** The functions of this module, each for the one site. */
export type Client<Presets extends PresetTable, Name extends keyof Presets & string> = {
  readonly site: Site<Presets, Name>;
  imageUrl(key: string, variant: VariantOf<Presets, Name>, query?: string): string;
  srcset(key: string, preset: Name, query?: string): string;
  imgProps<P extends Name>(key: string, preset: P, options: ImgOptions<Presets[P]>): ImgProps;
  urlForWidth(key: string, preset: Name, width: number, query?: string): string;
  widths(preset: Name): number[];
  parseUrl(url: string): Parsed<Name> | undefined;
};

/** A client of one route. @throws RangeError where the route shows a preset that there is not */
export function createClient<const Presets extends PresetTable, const Route extends RouteShape>(
  settings: Settings<Presets, Route>,
): Client<Presets, PresetOf<Presets, Route>> {
  return clientOf(openSite(settings));
}

/**
 * All functions of this module for one site. To ship no more than is used, take the functions themselves.
 */
export function clientOf<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
): Client<Presets, Name> {
  return {
    site,
    imageUrl: (...asked) => imageUrl(site, ...asked),
    srcset: (...asked) => srcset(site, ...asked),
    imgProps: (...asked) => imgProps(site, ...asked),
    urlForWidth: (...asked) => urlForWidth(site, ...asked),
    widths: (preset) => widths(site, preset),
    parseUrl: (url) => parseUrl(site, url),
  };
}

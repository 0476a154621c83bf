// The loader for Angular's NgOptimizedImage. It imports nothing of Angular. From a request, it reads the `src`, the width
// and the name of the preset, which is a named set of options in wrangler.toml.

import { loaderUrl } from "./loader-url.ts";
import { requirePreset } from "./site.ts";
import type { AnySite, PresetTable, Site } from "./types.ts";

/** The part of Angular's `ImageLoaderConfig` that the loader reads. */
type LoaderConfig = {
  readonly src: string;
  /** Pixels. Without it, the loader returns the URL of the preset itself. */
  readonly width?: number | undefined;
  /** `{ preset: "hero" }`, as `angularPreset` returns it. */
  readonly loaderParams?: { readonly [name: string]: unknown } | undefined;
};

/**
 * Makes the loader for Angular's `IMAGE_LOADER`. `loaderParams` names the preset. A height that Angular calculates
 * is ignored: the preset sets it. Angular's `placeholder` shows the preset in its smallest size.
 *
 * Give it the site of each route that the app uses. It takes the first one that shows the preset and leads to
 * the object's key. On a signed route, `ngSrc` is what `signedSrc` returns. The server signs, so the page holds only
 * the query, and never a signing key.
 *
 * The loader throws a RangeError if `loaderParams` names no preset that these sites show, if no site that shows it
 * leads to the object's key, or if no object can have that key.
 * @example
 * // app.config.ts
 * providers: [{ provide: IMAGE_LOADER, useValue: angularLoader(images.site) }]
 *
 * // what Angular asks it for
 * angularLoader(images.site)({ src: "photos/fig.jpg", width: 700, loaderParams: { preset: "hero" } });
 * // "https://images.example.com/images/hero@960w/photos/fig.jpg"
 */
export function angularLoader(...sites: readonly [AnySite, ...AnySite[]]) {
  return ({ src, width, loaderParams }: LoaderConfig): string => {
    const request = { src, preset: loaderParams?.["preset"], width };
    const advice = 'write [loaderParams]="{ preset }"';
    return loaderUrl(sites, request, advice);
  };
}

/**
 * Returns the inputs of an image that shows a preset: `loaderParams`, and an `ngSrcset` of the sizes that the preset
 * has. Without this `ngSrcset`, Angular asks for other widths. If the preset has `dpr`, give the image the `width` of
 * the preset: for `2x`, Angular asks for twice that number.
 * @throws RangeError if the route does not show the preset
 * @example
 * angularPreset(images.site, "hero");
 * // { loaderParams: { preset: "hero" }, ngSrcset: "640w, 960w, 1280w, 1920w" }
 *
 * readonly hero = angularPreset(images.site, "hero");
 * <img ngSrc="photos/fig.jpg" [loaderParams]="hero.loaderParams" [ngSrcset]="hero.ngSrcset" fill alt="A fig">
 */
export function angularPreset<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  preset: NoInfer<Name>,
) {
  const { candidates } = requirePreset(site, preset);
  const descriptors = candidates.map((candidate) => candidate.as); // "1x" alone if the preset lists no sizes

  return { loaderParams: { preset }, ngSrcset: descriptors.join(", ") };
}

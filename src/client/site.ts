// One route of a deployed Vitrine, and the URLs of its images. No I/O: it never asks the Worker or S3.
// What cannot exist is a RangeError, never a URL that would be a 404.

import { decodePath, encodePath } from "../url/encoding.ts";
import { compilePattern, readPath, writePath } from "../url/grammar.ts";
import { keyFault } from "../url/key.ts";
import { sizesOf } from "../url/sizes.ts";
import type {
  AnySite,
  Candidate,
  Parsed,
  PresetOf,
  PresetShape,
  PresetTable,
  RouteShape,
  Settings,
  ShownPreset,
  Site,
  VariantOf,
} from "./types.ts";

/**
 * Prepares one route of a deployed Vitrine. Use it with the functions below if you do not want all of
 * `createClient` in your bundle. Unlike that, it does not check `baseUrl` and `path`.
 * @throws RangeError if the route names a preset that `presets` does not have
 * @example
 * const site = openSite({ baseUrl: "", route: { path: "/images/:preset/*", object: "media/*" }, presets });
 * const url = imageUrl(site, "photos/fig.jpg", "card@2x");
 */
export function openSite<const Presets extends PresetTable, const Route extends RouteShape>(
  settings: Settings<Presets, Route>,
): Site<Presets, PresetOf<Presets, Route>> {
  const { route, presets } = settings;
  type Name = PresetOf<Presets, Route>;
  const variants = new Map<string, Name>();
  const shownPresets = new Map<string, ShownPreset>();
  const isName = (name: string): name is Name => Object.hasOwn(presets, name);
  for (const name of route.presets ?? Object.keys(presets)) {
    const shape = isName(name) && presets[name];
    if (!shape) fail(`presets has no preset "${name}"`);
    for (const [descriptor] of sizesOf(shape)) variants.set(name + descriptor, name);
    shownPresets.set(name, { shape, candidates: candidatesOf(name, shape) });
  }
  const template = [route.object].flat()[0]?.replace(/^[^/]*\//, "") ?? "";
  const mapping = { path: compilePattern(route.path, "*"), key: compilePattern(template, "+") };
  return {
    // Read for each URL: an app may set its base URL after it has imported this.
    get base() {
      return settings.baseUrl.replace(/\/+$/, "");
    },
    ...{ route, mapping, presets, variants, shown: shownPresets },
  };
}

const BASE_URL = /^(?:https?:\/\/[^/?#]+)?(?:\/[^?#]*)?$/i;

/**
 * Returns a base URL if it is valid: an http(s) URL, or a path of the page's own host: `/`.
 * @param name what the app calls it; part of the error message
 * @throws RangeError if it is empty or anything else
 * @example
 * createClient({ baseUrl: checkBaseUrl(process.env.IMAGES_URL, "IMAGES_URL"), route, presets });
 */
export function checkBaseUrl(baseUrl: string | undefined, name: string): string {
  if (baseUrl && BASE_URL.test(baseUrl)) return baseUrl;
  const actual = baseUrl ? `"${baseUrl}"` : "not set";
  return fail(`${name} is ${actual}: it must be like "https://images.example.com" or "/"`);
}

/**
 * Returns the URL of one variant of an object.
 * @param key the object's key in its bucket, below the bucket's `prefix`
 * @param variant a preset, alone or with a descriptor: `card`, `card@2x`, `hero@640w`
 * @param query on a signed route, the query that `createSigner`'s function returns; it begins with `?`
 * @throws RangeError if the route does not show the variant or does not lead to the key, if no object can
 *   have the key, or if the route is signed, no cookie opens it, and there is no query
 * @example
 * imageUrl(images.site, "photos/fig.jpg", "card@2x"); // "https://…/images/card@2x/photos/fig.jpg"
 */
export const imageUrl: <Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  key: string,
  variant: VariantOf<Presets, NoInfer<Name>>,
  query?: string,
) => string = urlOf;

/**
 * Returns the `srcset` of an object: one candidate for each descriptor of the preset, or the preset alone
 * if it has none.
 * @throws RangeError as `imageUrl` does
 * @example
 * srcset(images.site, "photos/fig.jpg", "card"); // "https://…/card/… 1x, https://…/card@2x/… 2x"
 */
export function srcset<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  key: string,
  preset: NoInfer<Name>,
  query?: string,
): string {
  return requirePreset(site, preset)
    .candidates.map(({ variant, as }) => `${urlOf(site, key, variant, query)} ${as}`)
    .join(", ");
}

/**
 * Returns the URL of the smallest candidate of a preset that is at least `width` wide, or of the widest
 * one. If the preset has no width, it returns the URL of the preset itself.
 * @param width in pixels
 * @throws RangeError as `imageUrl` does
 * @example
 * urlForWidth(images.site, "photos/fig.jpg", "hero", 700); // "https://…/images/hero@960w/photos/fig.jpg"
 */
export function urlForWidth<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  key: string,
  preset: NoInfer<Name>,
  width: number,
  query?: string,
): string {
  const wide = requirePreset(site, preset).candidates.filter(({ pixels }) => pixels > 0);
  const candidate = wide.find(({ pixels }) => pixels >= width) ?? wide.at(-1);
  return urlOf(site, key, candidate?.variant ?? preset, query);
}

/**
 * Returns the URL of the facts of an object at a preset. It answers JSON, a `FactsAnswer`, if the route has
 * `facts = true`. The `original` of the answer is one for `imgProps` if it has both sides.
 * @param query on a signed route, the query that signs the picture
 * @throws RangeError as `imageUrl` does, and if the route does not have `facts: true`
 * @example
 * const answer = await fetch(factsUrl(images.site, "photos/fig.jpg", "card"));
 * const { width, height }: FactsAnswer = await answer.json();
 */
export function factsUrl<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  key: string,
  preset: NoInfer<Name>,
  query?: string,
): string {
  const { path, facts } = site.route;
  if (!facts) fail(`route ${path} has no facts: set facts = true in wrangler.toml`);
  return urlOf(site, key, preset, query) + (query ? "&facts" : "?facts");
}

/**
 * Returns the largest possible width of each candidate of a preset, in pixels and in ascending order. It is
 * 0 if the preset has no width.
 * @throws RangeError if the route does not show the preset
 * @example
 * widths(images.site, "hero"); // [640, 960, 1280, 1920]
 */
export function widths<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  preset: NoInfer<Name>,
): number[] {
  return requirePreset(site, preset).candidates.map(({ pixels }) => pixels);
}

/**
 * Returns what a URL asks for, or undefined if it does not belong to this route. It is the inverse of
 * `imageUrl`, and it never throws.
 * @param url as browsers spell it (`img.currentSrc`); its query and its fragment are ignored
 * @example
 * parseUrl(images.site, "https://…/images/card@2x/a.jpg"); // { key: "a.jpg", preset: "card", variant: "card@2x" }
 */
export function parseUrl<Presets extends PresetTable, Name extends keyof Presets & string>(
  { base: baseUrl, mapping, variants }: Site<Presets, Name>,
  url: string,
): Parsed<Name> | undefined {
  if (!url.startsWith(baseUrl)) return undefined;
  const path = decodePath(url.slice(baseUrl.length).replace(/[?#][\s\S]*/, ""));
  const match = path === undefined ? undefined : readPath(mapping, path);
  if (!match || keyFault(match.key) || !writePath(mapping, match)) return undefined;
  const preset = variants.get(match.variant);
  return preset && { ...match, preset };
}

/** Does what `imageUrl` does, for a variant that the compiler cannot check. */
export function urlOf(
  { base: baseUrl, route, mapping, variants }: AnySite,
  key: string,
  variant: string,
  query = "",
): string {
  if (!variants.has(variant)) fail(`route ${route.path} has no variant "${variant}"`);
  if (route.signed && !route.cookie && !query)
    fail(`route ${route.path} is signed: pass createSigner's query`);
  const fault = keyFault(key);
  if (fault) fail(`invalid key "${key}": ${fault}`);
  const path =
    writePath(mapping, { variant, key }) ?? fail(`route ${route.path} does not lead to "${key}"`);
  return baseUrl + encodePath(path) + query;
}

/** Returns whether its URLs need the query that `createSigner`'s function returns: no cookie opens them. */
export function needsQuery({ signed, cookie }: RouteShape): boolean {
  return signed === true && !cookie;
}

/** Returns a preset that the route shows. @throws RangeError if it does not show it */
export function requirePreset({ route, shown: presets }: AnySite, preset: string): ShownPreset {
  return presets.get(preset) ?? fail(`route ${route.path} has no preset "${preset}"`);
}

/**
 * The candidates in ascending order, each size once. One that is as large as the preset itself has the
 * preset's name without a descriptor, so that one rendition has one URL.
 */
function candidatesOf(name: string, preset: PresetShape): Candidate[] {
  const candidates = new Map<string, Candidate>();
  for (const [descriptor, { width = 0, dpr = 1 }] of sizesOf(preset)) {
    if (preset.widths && !descriptor) continue;
    const as = preset.widths ? `${width}w` : `${dpr}x`;
    const isPresetSize = preset.widths ? width === preset.width : dpr === 1;
    candidates.set(as, {
      variant: isPresetSize ? name : name + descriptor,
      as,
      pixels: width * dpr,
    });
  }
  return [...candidates.values()].sort((a, b) => a.pixels - b.pixels);
}

/** @throws RangeError always */
export function fail(reason: string): never {
  throw new RangeError(`Vitrine: ${reason}`);
}

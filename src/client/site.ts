// One route of a deployed Vitrine, and the URLs of its images. No I/O: it never asks the Worker or S3.
// What cannot exist is a RangeError, never a URL that would be a 404. Whether an object exists, only the Worker knows.
// A variant is a preset, alone or with a descriptor: `card`, `card@2x`. The examples use `images`, the client in the
// example of `createClient`.

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
 * `createClient` in your bundle. Unlike that, it does not check `baseUrl` and `path`: a mistake in them is a
 * URL that the Worker answers with 404.
 * @throws RangeError if the route names a preset that `presets` does not have
 * @example
 * const site = openSite({
 *   baseUrl: "https://images.example.com",
 *   route: { path: "/images/:preset/*", object: "media/*" },
 *   presets: { card: { width: 480, dpr: [1, 2] } },
 * });
 * imageUrl(site, "photos/fig.jpg", "card@2x");
 * // "https://images.example.com/images/card@2x/photos/fig.jpg"
 */
export function openSite<const Presets extends PresetTable, const Route extends RouteShape>(
  settings: Settings<Presets, Route>,
): Site<Presets, PresetOf<Presets, Route>> {
  type Name = PresetOf<Presets, Route>;
  const { route, presets } = settings;
  const shownPresets = new Map<string, ShownPreset>();
  const variants = new Map<string, Name>();

  const isName = (name: string): name is Name => Object.hasOwn(presets, name);
  for (const name of route.presets ?? Object.keys(presets)) {
    const shape = isName(name) && presets[name];
    if (!shape) throwRangeError(`presets has no preset "${name}"`);

    shownPresets.set(name, { shape, candidates: candidatesOf(name, shape) });
    for (const [descriptor] of sizesOf(shape)) variants.set(name + descriptor, name);
  }

  // All objects of a list have one pattern of the key. It follows the bucket's name and a slash: `media/photos/*`.
  const [object = ""] = [route.object].flat();
  const keyPattern = object.replace(/^[^/]*\//, "");

  return {
    // Read for each URL: an app may set its base URL after it has imported this.
    get base() {
      return settings.baseUrl.replace(/\/+$/, "");
    },
    route,
    mapping: { path: compilePattern(route.path, "*"), key: compilePattern(keyPattern, "+") },
    presets,
    variants,
    shown: shownPresets,
  };
}

/**
 * Returns the candidates of a preset in ascending order, each size once. A candidate that is as large as the preset
 * itself has the preset's name without a descriptor, so that one rendition has one URL.
 */
function candidatesOf(name: string, preset: PresetShape): Candidate[] {
  const candidates = new Map<string, Candidate>();

  for (const [descriptor, { width = 0, dpr = 1 }] of sizesOf(preset)) {
    let srcsetDescriptor = `${dpr}x`;
    let isPresetSize = dpr === 1;

    if (preset.widths) {
      // The preset's own width is a candidate only if `widths` has it, too.
      if (!descriptor) continue;
      srcsetDescriptor = `${width}w`;
      isPresetSize = width === preset.width;
    }

    const variant = isPresetSize ? name : name + descriptor;
    candidates.set(srcsetDescriptor, { variant, as: srcsetDescriptor, pixels: width * dpr });
  }

  return [...candidates.values()].sort((a, b) => a.pixels - b.pixels);
}

/** `https://images.example.com`, `http://localhost:8787/img` or `/img`. */
const BASE_URL = /^(?:https?:\/\/[^/?#]+)?(?:\/[^?#]*)?$/i;

/**
 * Returns a base URL if it is valid: an http(s) URL, or a path of the page's own host, such as `/`.
 * @param baseUrl what the environment of the app has: undefined where its variable is not set
 * @param name what the app calls it; part of the error message
 * @throws RangeError if it is empty or anything else
 * @example
 * checkBaseUrl("https://images.example.com", "IMAGES_URL");
 * // "https://images.example.com"
 * checkBaseUrl("images.example.com", "IMAGES_URL");
 * // RangeError: Vitrine: IMAGES_URL is "images.example.com": it must be like "https://images.example.com" or "/"
 */
export function checkBaseUrl(baseUrl: string | undefined, name: string): string {
  if (baseUrl && BASE_URL.test(baseUrl)) return baseUrl;

  const actual = baseUrl ? `"${baseUrl}"` : "not set";
  return throwRangeError(
    `${name} is ${actual}: it must be like "https://images.example.com" or "/"`,
  );
}

/**
 * Returns the URL of one variant of an object.
 * @param key the object's key in its bucket, below the bucket's `prefix`
 * @param variant a preset, alone or with a descriptor: `card`, `card@2x`, `hero@640w`
 * @param query on a signed route, the query that `createSigner`'s function returns; it begins with `?`
 * @throws RangeError if the route does not show the variant or does not lead to the key, if no object can
 *   have the key, or if the route is signed, no cookie opens it, and there is no query
 * @example
 * imageUrl(images.site, "photos/fig.jpg", "card@2x");
 * // "https://images.example.com/images/card@2x/photos/fig.jpg"
 * imageUrl(images.site, "photos//fig.jpg", "card");
 * // RangeError: Vitrine: invalid key "photos//fig.jpg": an empty segment
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
 * @param query as for `imageUrl`: one query opens all candidates
 * @throws RangeError as `imageUrl` does
 * @example
 * srcset(images.site, "photos/fig.jpg", "card");
 * // "https://images.example.com/images/card/photos/fig.jpg 1x, https://images.example.com/images/card@2x/photos/fig.jpg 2x"
 */
export function srcset<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  key: string,
  preset: NoInfer<Name>,
  query?: string,
): string {
  const candidates = requirePreset(site, preset).candidates;
  const entries = candidates.map(
    (candidate) => `${urlOf(site, key, candidate.variant, query)} ${candidate.as}`,
  );
  return entries.join(", ");
}

/**
 * Returns the URL of the smallest candidate of a preset that is at least `width` wide, or of the widest
 * one. If the preset has no width, it returns the URL of the preset itself.
 * @param width in pixels of the screen, not in CSS pixels
 * @param query as for `imageUrl`
 * @throws RangeError as `imageUrl` does
 * @example
 * urlForWidth(images.site, "photos/fig.jpg", "hero", 700);
 * // "https://images.example.com/images/hero@960w/photos/fig.jpg"
 * urlForWidth(images.site, "photos/fig.jpg", "hero", 5000);
 * // "https://images.example.com/images/hero/photos/fig.jpg"
 */
export function urlForWidth<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  key: string,
  preset: NoInfer<Name>,
  width: number,
  query?: string,
): string {
  const candidates = requirePreset(site, preset).candidates;
  const withWidth = candidates.filter((candidate) => candidate.pixels > 0);
  const wideEnough = withWidth.find((candidate) => candidate.pixels >= width);

  const candidate = wideEnough ?? withWidth.at(-1);
  return urlOf(site, key, candidate?.variant ?? preset, query);
}

/**
 * Returns the URL of the facts of an object at a preset. It answers JSON, a `FactsAnswer`, if the route has
 * `facts = true`. The `original` of the answer is one for `imgProps` if it has both sides.
 * @param query on a signed route, the query that signs the picture
 * @throws RangeError as `imageUrl` does, and if the route does not have `facts: true`
 * @example
 * factsUrl(images.site, "photos/fig.jpg", "card");
 * // "https://images.example.com/images/card/photos/fig.jpg?facts"
 */
export function factsUrl<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  key: string,
  preset: NoInfer<Name>,
  query?: string,
): string {
  const { path, facts } = site.route;
  if (!facts) throwRangeError(`route ${path} has no facts: set facts = true in wrangler.toml`);

  const url = urlOf(site, key, preset, query);
  const parameter = query ? "&facts" : "?facts";
  return url + parameter;
}

/**
 * Returns the largest possible width of each candidate of a preset, in pixels and in ascending order. It is
 * 0 if the preset has no width.
 * @throws RangeError if the route does not show the preset
 * @example
 * widths(images.site, "hero");
 * // [640, 960, 1280, 1920]
 * widths(images.site, "card");
 * // [480, 960]
 */
export function widths<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  preset: NoInfer<Name>,
): number[] {
  const candidates = requirePreset(site, preset).candidates;
  return candidates.map((candidate) => candidate.pixels);
}

/**
 * Returns what a URL asks for, or undefined if it does not belong to this route. It is the inverse of
 * `imageUrl`, and it never throws.
 * @param url as browsers spell it (`img.currentSrc`); its query and its fragment are ignored
 * @example
 * parseUrl(images.site, "https://images.example.com/images/card@2x/a%20b.jpg?v=1");
 * // { variant: "card@2x", key: "a b.jpg", preset: "card" }
 * parseUrl(images.site, "https://images.example.com/images/crad/a.jpg");
 * // undefined
 */
export function parseUrl<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  url: string,
): Parsed<Name> | undefined {
  const { base: baseUrl, mapping, variants } = site;
  if (!url.startsWith(baseUrl)) return undefined;

  const pathname = url.slice(baseUrl.length).replace(/[?#][\s\S]*/, "");
  const path = decodePath(pathname);
  if (path === undefined) return undefined;

  const match = readPath(mapping, path);
  if (!match || keyFault(match.key)) return undefined;

  // The pattern also matches paths with an empty part, which the client never builds.
  if (!writePath(mapping, match)) return undefined;

  const preset = variants.get(match.variant);
  if (!preset) return undefined;

  return { ...match, preset };
}

/** Does what `imageUrl` does, for a variant that the compiler cannot check. */
export function urlOf(
  { base: baseUrl, route, mapping, variants }: AnySite,
  key: string,
  variant: string,
  query = "",
): string {
  if (!variants.has(variant)) throwRangeError(`route ${route.path} has no variant "${variant}"`);

  const needsSignature = route.signed && !route.cookie;
  if (needsSignature && !query) {
    throwRangeError(`route ${route.path} is signed: pass createSigner's query`);
  }

  const fault = keyFault(key);
  if (fault) throwRangeError(`invalid key "${key}": ${fault}`);

  const path = writePath(mapping, { variant, key });
  if (!path) throwRangeError(`route ${route.path} does not lead to "${key}"`);

  return baseUrl + encodePath(path) + query;
}

/** Returns whether its URLs need the query that `createSigner`'s function returns: no cookie opens them. */
export function needsQuery({ signed, cookie }: RouteShape): boolean {
  return signed === true && !cookie;
}

/** Returns a preset that the route shows. @throws RangeError if it does not show it */
export function requirePreset({ route, shown: presets }: AnySite, preset: string): ShownPreset {
  return presets.get(preset) ?? throwRangeError(`route ${route.path} has no preset "${preset}"`);
}

/** @throws RangeError always */
export function throwRangeError(reason: string): never {
  throw new RangeError(`Vitrine: ${reason}`);
}

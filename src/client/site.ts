// One route of a deployed Vitrine, and the URLs of its images. No I/O: it never asks the Worker or S3.
// A URL that the Worker cannot answer is a RangeError here. Whether an object exists, only the Worker knows.
// A variant is a preset, alone or with a descriptor of its size: `card`, `card@2x`. A route leads to a key if the
// pattern in its `object` fits the key. The examples use `images`, the client in the example of `createClient`.

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
 * `createClient` in your bundle. Unlike `createClient`, it does not check `baseUrl` and `path`: the Worker answers
 * URLs with a mistake in them with 404.
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
  // `const` in the signature keeps the literals of the settings, such as "card". Name is the name of one of the presets
  // that the route shows: `"card" | "hero"`.
  type Name = PresetOf<Presets, Route>;
  const { route, presets } = settings;
  const shownPresets = new Map<string, ShownPreset>();
  const variants = new Map<string, Name>();

  // `hasOwn`, because every object has a `toString`, which is no preset.
  const isName = (name: string): name is Name => Object.hasOwn(presets, name);
  for (const name of route.presets ?? Object.keys(presets)) {
    if (!isName(name) || !presets[name]) throwRangeError(`presets has no preset "${name}"`);

    const shape = presets[name];
    shownPresets.set(name, { shape, candidates: candidatesOf(name, shape) });

    // A size is a pair, such as `["@2x", { width: 480, dpr: 2 }]`.
    for (const [descriptor] of sizesOf(shape)) variants.set(name + descriptor, name);
  }

  // `object` is one text or a list: `flat` makes a list of both. Each entry has the same pattern of the key. It follows
  // the bucket's name and a slash: `media/photos/*`.
  const [object = ""] = [route.object].flat();
  const keyPattern = object.replace(/^[^/]*\//, "");

  return {
    // A getter, because an app may set `settings.baseUrl` after it has called `openSite`.
    get base() {
      return settings.baseUrl.replace(/\/+$/, "");
    },
    route,
    // A placeholder may stand for an empty text in the path (`*`), as in the Worker, but not in the key (`+`).
    mapping: { path: compilePattern(route.path, "*"), key: compilePattern(keyPattern, "+") },
    presets,
    variants,
    shown: shownPresets,
  };
}

/**
 * Returns the entries of a preset's `srcset` in ascending order, each size once. The preset's own size has the URL
 * without a descriptor, so that one rendition has one URL.
 * - `card: { width: 480, dpr: [1, 2] }` has the entries `card 1x` and `card@2x 2x`.
 * - `hero: { width: 1920, widths: [640, 1920] }` has `hero@640w 640w` and `hero 1920w`.
 * - `logo: { width: 100 }` has `logo 1x`.
 */
function candidatesOf(name: string, preset: PresetShape): Candidate[] {
  const candidates = new Map<string, Candidate>();

  for (const [descriptor, { width = 0, dpr = 1 }] of sizesOf(preset)) {
    // With `widths`, the preset itself is an entry only if `widths` has its width.
    if (preset.widths && !descriptor) continue;

    const isPresetSize = dpr === 1 && width === (preset.width ?? 0);
    const variant = isPresetSize ? name : name + descriptor;

    // The preset itself and `@1x` are both `1x`: the map keeps one of them.
    const as = descriptor.slice(1) || "1x";
    candidates.set(as, { variant, as, pixels: width * dpr });
  }

  return [...candidates.values()].sort((a, b) => a.pixels - b.pixels);
}

/**
 * Matches `https://images.example.com`, `http://localhost:8787/img` or `/img`: no query, and no fragment. It also
 * matches an empty text, which `checkBaseUrl` refuses by itself.
 */
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
export function imageUrl<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  key: string,
  variant: VariantOf<Presets, NoInfer<Name>>,
  query?: string,
): string {
  return urlOf(site, key, variant, query);
}

/**
 * Returns the `srcset` of an object: one candidate, a URL and its descriptor, for each size of the preset, or the
 * preset alone if it has no descriptors.
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
 * Returns the URL of the facts of an object at a preset: the size of the picture and what is known of its original.
 * The Worker answers it with JSON, a `FactsAnswer`. Pass the answer's `original` to `imgProps` if it has `width` and
 * `height`.
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
 * Returns the largest possible width of each candidate of a preset, in pixels and in ascending order. Each width
 * is 0 if the preset has none.
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

  // A placeholder of the path also matches an empty text, but `imageUrl` never writes such a path.
  const writtenPath = writePath(mapping, match);
  if (!writtenPath) return undefined;

  const preset = variants.get(match.variant);
  if (!preset) return undefined;

  return { ...match, preset };
}

/** Does what `imageUrl` does, for a variant that the compiler cannot check. */
export function urlOf(site: AnySite, key: string, variant: string, query = ""): string {
  if (!site.variants.has(variant)) {
    throwRangeError(`route ${site.route.path} has no variant "${variant}"`);
  }

  if (needsQuery(site.route) && !query) {
    throwRangeError(`route ${site.route.path} is signed: pass createSigner's query`);
  }

  // In an app without types, the key of a record without a picture is undefined or null.
  const fault = keyFault(key ?? "");
  if (fault) throwRangeError(`invalid key "${key}": ${fault}`);

  const path = writePath(site.mapping, { variant, key });
  if (!path) throwRangeError(`route ${site.route.path} does not lead to "${key}"`);

  return site.base + encodePath(path) + query;
}

/** Returns whether the route's URLs need the query that `createSigner`'s function returns: no cookie opens them. */
export function needsQuery(route: RouteShape): boolean {
  return Boolean(route.signed && !route.cookie);
}

/** Returns a preset that the route shows. @throws RangeError if it does not show it */
export function requirePreset(site: AnySite, preset: string): ShownPreset {
  const shownPreset = site.shown.get(preset);
  return shownPreset ?? throwRangeError(`route ${site.route.path} has no preset "${preset}"`);
}

/** @throws RangeError always */
export function throwRangeError(reason: string): never {
  throw new RangeError(`Vitrine: ${reason}`);
}

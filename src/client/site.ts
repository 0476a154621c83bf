import {
  compilePattern,
  decodePath,
  encodePath,
  readPath,
  sizesOf,
  writePath,
} from "../url/grammar.ts";
import { keyFault } from "../url/key.ts";
import type {
  AnySite,
  Candidate,
  Parsed,
  PresetOf,
  PresetShape,
  PresetTable,
  RouteShape,
  Settings,
  Shown,
  Site,
  VariantOf,
} from "./types.ts";

// A key is the object's in its bucket, below the bucket's prefix. A query is what vitrine/sign gives, on
// a signed route. What cannot be is a RangeError: a key that no object has or that the route does not
// lead to, a preset or a variant that it does not show.

/**
 * Makes one route of a deployed Vitrine ready.
 * @throws RangeError where the route shows a preset that there is not
 */
export function openSite<const Presets extends PresetTable, const Route extends RouteShape>({
  baseUrl,
  route,
  presets,
}: Settings<Presets, Route>): Site<Presets, PresetOf<Presets, Route>> {
  type Name = PresetOf<Presets, Route>;
  const variants = new Map<string, Name>();
  const shown = new Map<string, Shown>();
  const isName = (name: string): name is Name => Object.hasOwn(presets, name);
  for (const name of route.presets ?? Object.keys(presets)) {
    const shape = presets[name];
    if (!shape || !isName(name)) return fail(`there is no preset "${name}"`);
    for (const [descriptor] of sizesOf(shape)) variants.set(name + descriptor, name);
    shown.set(name, { shape, candidates: candidatesOf(name, shape) });
  }
  const template = route.object.slice(route.object.indexOf("/") + 1);
  const mapping = { path: compilePattern(route.path, "*"), key: compilePattern(template, "+") };
  return { base: baseUrl.replace(/\/+$/, ""), route, mapping, presets, variants, shown };
}

/** The URL of one variant of an object. */
export function imageUrl<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  key: string,
  variant: VariantOf<Presets, NoInfer<Name>>,
  query?: string,
): string {
  return urlOf(site, key, variant, query);
}

/** The srcset of a preset: a candidate for each of its descriptors, or the one that it is itself. */
export function srcset<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  key: string,
  preset: NoInfer<Name>,
  query?: string,
): string {
  return shownIn(site, preset)
    .candidates.map(({ variant, as }) => `${urlOf(site, key, variant, query)} ${as}`)
    .join(", ");
}

/**
 * The URL of the smallest candidate of a preset that is so many pixels wide or more, or of its widest:
 * for what asks for widths. A preset without a width gives itself.
 */
export function urlForWidth<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  key: string,
  preset: NoInfer<Name>,
  width: number,
  query?: string,
): string {
  const wide = shownIn(site, preset).candidates.filter(({ pixels }) => pixels > 0);
  const found = wide.find(({ pixels }) => pixels >= width) ?? wide.at(-1);
  return urlOf(site, key, found?.variant ?? preset, query);
}

/** How many pixels wide the candidates of a preset are at most, in ascending order; 0 where it names no width. */
export function widths<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  preset: NoInfer<Name>,
): number[] {
  return shownIn(site, preset).candidates.map(({ pixels }) => pixels);
}

/**
 * What a URL asks for, or undefined where it is none of this route's: the inverse of `imageUrl`.
 * @param url as browsers spell it (`img.currentSrc`); its query and its fragment are not looked at
 */
export function parseUrl<Presets extends PresetTable, Name extends keyof Presets & string>(
  { base, mapping, variants }: Site<Presets, Name>,
  url: string,
): Parsed<Name> | undefined {
  if (!url.startsWith(base)) return undefined;
  const path = decodePath(url.slice(base.length).replace(/[?#][\s\S]*/, ""));
  const found = path === undefined ? undefined : readPath(mapping, path);
  if (!found || keyFault(found.key) || !writePath(mapping, found)) return undefined;
  const preset = variants.get(found.variant);
  return preset && { ...found, preset };
}

/** The URL of a variant of which the compiler does not know whether it is one. */
export function urlOf(
  { base, route, mapping, variants }: AnySite,
  key: string,
  variant: string,
  query = "",
): string {
  if (!variants.has(variant)) return fail(`${route.path} shows no "${variant}"`);
  const fault = keyFault(key);
  if (fault) return fail(`"${key}" is no key: ${fault}`);
  const path = writePath(mapping, { variant, key }) ?? fail(`${route.path} leads not to "${key}"`);
  return base + encodePath(path) + query;
}

/** A preset of a site. */
export function shownIn({ route, shown }: AnySite, preset: string): Shown {
  return shown.get(preset) ?? fail(`${route.path} shows no "${preset}"`);
}

/** In ascending order, each size once: what is as large as the preset itself goes by its name alone. */
function candidatesOf(name: string, preset: PresetShape): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const [descriptor, { width = 0, dpr = 1 }] of sizesOf(preset)) {
    if (preset.widths && !descriptor) continue;
    const as = preset.widths ? `${width}w` : `${dpr}x`;
    const own = preset.widths ? width === preset.width : dpr === 1;
    found.set(as, { variant: own ? name : name + descriptor, as, pixels: width * dpr });
  }
  return [...found.values()].sort((one, other) => one.pixels - other.pixels);
}

function fail(reason: string): never {
  throw new RangeError(`Vitrine: ${reason}`);
}

// The types of the client. No code: nothing of this file gets into an app's bundle.
// An original is an object as the bucket has it. A preset is a named set of options in wrangler.toml, such as `card`. A
// variant is a preset, alone or with a descriptor of its size: `card`, `card@2x`.

import type { Mapping } from "../url/grammar.ts";
import type { Sizing } from "../url/sizes.ts";

/** The size of an upright picture, in pixels: `{ width: 4000, height: 3000 }`. */
export type Dimensions = { readonly width: number; readonly height: number };

/** A point of an upright picture: how far from its left, and from its top. 0 to 1: `{ x: 0.62, y: 0.3 }`. */
export type Focus = { readonly x: number; readonly y: number };

/**
 * What is known of an original, as `vitrine facts` writes it down:
 * `{ width: 4000, height: 3000, type: "image/jpeg", bytes: 812345, color: "#8a5b3c", thumbhash: "1QcSHQRnh493V4dIh4eXh1h4kJUI" }`
 */
export type Fact = Dimensions & {
  /** The media type: `image/jpeg`. */
  readonly type: string;
  /** The length of the object. */
  readonly bytes: number;
  /** The dominant colour, as CSS: `#8a5b3c`. An original with `alpha` has none. */
  readonly color?: string;
  /** The ThumbHash, in base64. An SVG has none. */
  readonly thumbhash?: string;
  /** True if some of its pixels are transparent, or may be: for an SVG, nobody knows. Missing if none is. */
  readonly alpha?: true;
  /** True if it has more than one frame. Missing if it has one. */
  readonly animated?: true;
  /** The focal point, from the metadata of the object. Missing if the object has none. */
  readonly focus?: Focus;
  /** Changes when the object or its focal point changes. `createSigner`'s function takes it as `version`. */
  readonly version?: string;
};

/** What `imgProps` reads of a fact. The two sides alone are enough for `width` and `height`. */
export type Original = Dimensions & {
  /** The media type. Default: not an SVG. Without it, an SVG may get the wrong sides: Vitrine never resizes one. */
  readonly type?: string | undefined;
  /** The background until the picture is there: `#` and six small hexadecimal digits. Default: none. */
  readonly color?: string | undefined;
  /** For a `placeholder` such as `thumbHash`, which throws without it. */
  readonly thumbhash?: string | undefined;
  /**
   * Whether some of its pixels are transparent. Default: none is. Without it, a background shines through such pixels.
   * The type allows false, because TypeScript reads each `true` of a JSON file as a boolean.
   */
  readonly alpha?: boolean | undefined;
  /** Default: none, so CSS that crops the picture keeps its centre. */
  readonly focus?: Focus | undefined;
};

/**
 * What a URL of `factsUrl` answers: JSON. The two sides are those of the picture at the preset:
 * `{ width: 480, height: 360, original: { width: 4000, height: 3000, type: "image/jpeg" } }`
 */
export type FactsAnswer = Dimensions & {
  /**
   * The upright original. What is not known for certain is left out, so check for `width` before you pass it to
   * `imgProps`. Its `focus` is there only for `gravity = "object"`.
   */
  readonly original?: Partial<Dimensions> & { readonly type?: string; readonly focus?: Focus };
};

/** What a border adds, in CSS pixels: `width` on all sides, or a value for each side. */
export type Border = {
  /** For each side that has no value of its own. Default: 0. */
  readonly width?: number;
  readonly top?: number;
  readonly right?: number;
  readonly bottom?: number;
  readonly left?: number;
};

/**
 * The options of a preset that the client reads: `{ width: 480, dpr: [1, 2] }`. Each must be the same as in
 * wrangler.toml. Otherwise the Worker answers the URLs with 404, or the `width` and `height` are wrong.
 */
export type PresetShape = Sizing & {
  /** `contain`, `cover`, `crop`, `pad`, `scale-down`, `scale-up` or `squeeze`. Default: `scale-down`. */
  readonly fit?: string;
  /** Degrees: 0, 90, 180 or 270. Default: 0. */
  readonly rotate?: number;
  /** Default: none. With it, the `width` and `height` of an `<img>` are known only if `fit` fixes both. */
  readonly trim?: unknown;
  /** `"object"` for the focal point of each object. Only then, `imgProps` writes an `object-position`. */
  readonly gravity?: unknown;
  /** Default: none. */
  readonly border?: Border;
};

/** Presets by their names. */
export type PresetTable = Readonly<Record<string, PresetShape>>;

/**
 * The fields of a route that the client reads. Each must be the same as in wrangler.toml. Otherwise the Worker refuses
 * the URLs.
 */
export type RouteShape = {
  /** The public path pattern: `/images/:preset/*`. */
  readonly path: string;
  /**
   * The bucket's name in `BUCKETS`, a slash, and the pattern of the key: `media/*`. A list names several buckets, all
   * with the same pattern.
   */
  readonly object: string | readonly string[];
  /** The presets that the route shows. Default: all. */
  readonly presets?: readonly string[];
  /** Whether its URLs are signed: each then needs the query that `createSigner`'s function returns. Default: false. */
  readonly signed?: boolean;
  /** Whether the cookie of `signCookie` opens its URLs, too: they then need no query. Default: false. */
  readonly cookie?: boolean;
  /**
   * How many seconds ahead a signature may expire at most: `createSigner` and `signCookie` refuse more. Default: for a
   * cookie, a day. For a URL, no limit here, but the Worker answers 404 to a URL beyond its own limit.
   */
  readonly max_age?: number;
  /** Whether `factsUrl` has URLs for it. Default: false: each call is a RangeError. */
  readonly facts?: boolean;
};

/** What `createClient` and `openSite` need to know of a deployed Vitrine. */
export type Settings<Presets extends PresetTable, Route extends RouteShape> = {
  /**
   * The URL of Vitrine, such as `https://images.example.com`; `""` for the host of the page itself. Slashes at its end
   * do not count.
   */
  readonly baseUrl: string;
  /** An entry of `ROUTES` or `ROUTES_2` in wrangler.toml. */
  readonly route: Route;
  /** `PRESETS` in wrangler.toml, with those of `PRESETS_2`. */
  readonly presets: Presets;
};

/**
 * The names of the presets that a route shows: `"card" | "hero"`. They are those of its list that `Presets` has, or
 * all of `Presets` if it has no list.
 */
export type PresetOf<Presets, Route> = Route extends { readonly presets: readonly (infer Name)[] }
  ? Name & keyof Presets & string
  : keyof Presets & string;

/**
 * The descriptors that a preset allows: `"1x" | "2x"` for `dpr: [1, 2]`, or `"640w"` for `widths: [640]`. A list that
 * is missing adds none (`never`).
 */
type DescriptorOf<Preset> =
  | (Preset extends { readonly dpr: readonly (infer X extends number)[] } ? `${X}x` : never)
  | (Preset extends { readonly widths: readonly (infer W extends number)[] } ? `${W}w` : never);

// `Name extends unknown` is always true. It makes the compiler go through the names one by one, so that each gets only
// the descriptors of its own preset.
/** The variants that presets allow: `"card" | "card@1x" | "card@2x"`. */
export type VariantOf<Presets, Name extends keyof Presets & string> = Name extends unknown
  ? Name | `${Name}@${DescriptorOf<Presets[Name]>}`
  : never;

/** One entry of a `srcset`: `{ variant: "card@2x", as: "2x", pixels: 960 }`. */
export type Candidate = {
  /** The preset, alone or with a descriptor: `card`, `card@2x`. */
  readonly variant: string;
  /** Its descriptor in the `srcset`: `2x`, `640w`. */
  readonly as: string;
  /** Its largest possible width in pixels; 0 if the preset has no width. */
  readonly pixels: number;
};

/** One route of a deployed Vitrine, prepared to build and to read its URLs. See `openSite`. */
export type Site<Presets extends PresetTable, Name extends keyof Presets & string> = {
  /** The base URL, without a slash at its end. */
  readonly base: string;
  readonly route: RouteShape;
  /** The route's patterns of paths and of keys, compiled. */
  readonly mapping: Mapping;
  /** All presets of the settings, also those that the route does not show. */
  readonly presets: Presets;
  /** The preset of each variant that the route shows: `card@2x` → `card`. */
  readonly variants: ReadonlyMap<string, Name>;
  /** The presets that the route shows, by their names. */
  readonly shown: ReadonlyMap<string, ShownPreset>;
};

/** A preset that the route shows. */
export type ShownPreset = {
  /** The preset as it stands in the settings. */
  readonly shape: PresetShape;
  /** In ascending order of their widths, each size once. */
  readonly candidates: readonly Candidate[];
};

/** A site whose presets the compiler does not know. */
export type AnySite = Site<PresetTable, string>;

/** What `imgProps` needs besides the key and the preset. `Known` is the type of what the app knows of an original. */
export type ImgOptions<Preset, Known extends Original = Original> = {
  /** A text for people who do not see the picture, for example `A fig`. Use `""` if the picture is only decoration. */
  readonly alt: string;
  /** Default: `"lazy"`. Use `"eager"` for a picture that is visible at once: a lazy one comes later. */
  readonly loading?: "lazy" | "eager";
  /**
   * A fact of the original, or its upright size in pixels. It makes `width` and `height` exact. The `color` of a fact
   * is the background until the picture is there. Its `focus` is the `object-position`, if the preset has
   * `gravity = "object"`. If the preset's `fit` is `scale-down` or `crop`, `srcset` ends with the first candidate that
   * covers the original: a larger one would be the same picture under another URL.
   *
   * Default: none. Then `srcset` has all candidates of the preset. `width` and `height` are both set only if the preset
   * fixes both, as with `fit: "cover"`. With another preset, the page moves when the picture comes.
   */
  readonly original?: Known | undefined;
  /**
   * Returns another CSS `background` for the fact, as `thumbHash` of `vitrine/placeholder` does. Default: the fact's
   * `color`. It is not called for an original with `alpha`, through which the background would shine.
   */
  // NoInfer: `original` alone decides what `Known` is.
  readonly placeholder?: ((original: NoInfer<Known>) => string | undefined) | undefined;
  /**
   * On a signed route: the query that `createSigner`'s function returns. Default: none, which is a RangeError there,
   * unless a cookie opens the route.
   */
  readonly query?: string | undefined;
} & SizesOption<WithWidths<Preset>>;

/** The preset if it certainly has `widths`, else `never`. */
type WithWidths<Preset> = Extract<Preset, { readonly widths: readonly number[] }>;

// `[T] extends [never]` is how TypeScript tests for `never`. Without the brackets, the result would be `never`, too.
/** `sizes` is required if the preset has `widths`. */
type SizesOption<PresetWithWidths> = [PresetWithWidths] extends [never]
  ? {
      /**
       * A preset without `widths` ignores it. Default: `100vw`, for a preset with `widths` that the compiler does not
       * know, as with `AnySite`.
       */
      readonly sizes?: string;
    }
  : {
      /**
       * How wide the picture is on the page, for example `(max-width: 600px) 100vw, 600px`. With a wrong value, the
       * browser loads a picture that is blurred, or larger than it needs to be.
       */
      readonly sizes: string;
    };

/** The attributes of an `<img>`. React has other names for some: see `reactProps`. */
export type ImgProps = {
  readonly alt: string;
  readonly loading: "lazy" | "eager";
  readonly decoding: "async";
  /** CSS pixels. Missing if it is not certain. */
  readonly width?: number;
  /** CSS pixels. Missing if it is not certain. */
  readonly height?: number;
  /** `object-position: 62% 30%; background: #8a5b3c`. Missing if there is neither. */
  readonly style?: string;
  /** Missing for a preset without `widths`. */
  readonly sizes?: string;
  readonly srcset: string;
  /** The URL of the preset without a descriptor, for a program that does not read `srcset`. */
  readonly src: string;
};

/** What a public URL asks for: `{ key: "photos/fig.jpg", preset: "card", variant: "card@2x" }`. See `parseUrl`. */
export type Parsed<Name> = {
  /** The object's key, below the bucket's `prefix`. */
  readonly key: string;
  readonly preset: Name;
  /** The preset, alone or with a descriptor: `card`, `card@2x`. */
  readonly variant: string;
};

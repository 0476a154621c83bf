// The types of the client. No code: nothing of this file gets into an app's bundle.

import type { Mapping } from "../url/grammar.ts";
import type { Sizing } from "../url/sizes.ts";

/** The size of a picture, in pixels, upright. */
export type Dimensions = { readonly width: number; readonly height: number };

/** A point of an upright picture: how far from its left, and from its top. 0 to 1. */
export type Focus = { readonly x: number; readonly y: number };

/** What is known of an original, as `vitrine facts` writes it down. */
export type Fact = Dimensions & {
  /** `image/jpeg`. */
  readonly type: string;
  readonly bytes: number;
  /** The dominant colour, as CSS: `#8a5b3c`. One with `alpha` has none. */
  readonly color?: string;
  /** The ThumbHash, in base64. An SVG has none. */
  readonly thumbhash?: string;
  /** Whether some of its pixels are transparent, or may be: of an SVG, that is not known. */
  readonly alpha?: true;
  /** Whether it has more than one frame. */
  readonly animated?: true;
  /** The focal point, from the metadata of the object. */
  readonly focus?: Focus;
  /** Another one after the object or its focal point changed. `createSigner`'s function takes it as `version`. */
  readonly version?: string;
};

/** What `imgProps` reads of a fact. The two sides alone are enough for `width` and `height`. */
export type Original = Dimensions & {
  readonly type?: string | undefined;
  readonly color?: string | undefined;
  readonly thumbhash?: string | undefined;
  readonly alpha?: boolean | undefined; // as TypeScript reads a JSON file
  readonly focus?: Focus | undefined;
};

/** What a URL of `factsUrl` answers: JSON. */
export type FactsAnswer = Dimensions & {
  /** The upright original. What is not known for certain is left out. `focus`: see `gravity = "object"`. */
  readonly original?: Partial<Dimensions> & { readonly type?: string; readonly focus?: Focus };
};

/** What a border adds, in CSS pixels: `width` on all sides, or a value for each side. */
export type Border = {
  readonly width?: number;
  readonly top?: number;
  readonly right?: number;
  readonly bottom?: number;
  readonly left?: number;
};

/** The options of a preset that the client reads, as they stand in wrangler.toml. */
export type PresetShape = Sizing & {
  readonly fit?: string;
  /** Degrees: 0, 90, 180 or 270. */
  readonly rotate?: number;
  readonly trim?: unknown;
  readonly gravity?: unknown;
  readonly border?: Border;
};

/** Presets by their names. */
export type PresetTable = Readonly<Record<string, PresetShape>>;

/** The fields of a route that the client reads, as they stand in wrangler.toml. */
export type RouteShape = {
  /** The public path pattern: `/images/:preset/*`. */
  readonly path: string;
  /** The bucket's name in `BUCKETS`, a slash, and the pattern of the key: `media/*`. All of a list have one pattern. */
  readonly object: string | readonly string[];
  /** The presets that the route shows. Default: all. */
  readonly presets?: readonly string[];
  /** Whether its URLs are signed: each then needs the query that `createSigner`'s function returns. */
  readonly signed?: boolean;
  /** Whether the cookie of `signCookie` opens its URLs, too: they then need no query. */
  readonly cookie?: boolean;
  /** How far ahead a signature may expire at most, in seconds: `createSigner` and `signCookie` refuse more. */
  readonly max_age?: number;
  /** Whether `factsUrl` has URLs for it. */
  readonly facts?: boolean;
};

/** What `createClient` and `openSite` need to know of a deployed Vitrine. */
export type Settings<Presets extends PresetTable, Route extends RouteShape> = {
  /** The URL of Vitrine, such as `https://images.example.com`; `""` for the host of the page itself. */
  readonly baseUrl: string;
  /** An entry of `ROUTES` in wrangler.toml. */
  readonly route: Route;
  /** `PRESETS` in wrangler.toml. */
  readonly presets: Presets;
};

/** The names of the presets that a route shows. */
export type PresetOf<Presets, Route> = Route extends { readonly presets: readonly (infer Name)[] }
  ? Name & keyof Presets & string
  : keyof Presets & string;

type DescriptorOf<Preset> =
  | (Preset extends { readonly dpr: readonly (infer X extends number)[] } ? `${X}x` : never)
  | (Preset extends { readonly widths: readonly (infer W extends number)[] } ? `${W}w` : never);

/** The variants that presets allow: `card`, `card@2x`. */
export type VariantOf<Presets, Name extends keyof Presets & string> = Name extends unknown
  ? Name | `${Name}@${DescriptorOf<Presets[Name]>}`
  : never;

/** One entry of a `srcset`. */
export type Candidate = {
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
  readonly mapping: Mapping;
  readonly presets: Presets;
  /** The preset of each variant that the route shows. */
  readonly variants: ReadonlyMap<string, Name>;
  /** The presets that the route shows, by their names. */
  readonly shown: ReadonlyMap<string, ShownPreset>;
};

/** A preset that the route shows. */
export type ShownPreset = {
  readonly shape: PresetShape;
  /** In ascending order of their widths, each size once. */
  readonly candidates: readonly Candidate[];
};

/** A site whose presets the compiler does not know. */
export type AnySite = Site<PresetTable, string>;

/** What `imgProps` needs besides the key and the preset. */
export type ImgOptions<Preset, Known extends Original = Original> = {
  /** A text for people who do not see the picture; `""` if it is only decoration. */
  readonly alt: string;
  /** Default: `"lazy"`. Use `"eager"` for a picture that is visible at once. */
  readonly loading?: "lazy" | "eager";
  /**
   * A fact of the original, or its upright size in pixels. It makes `width` and `height` exact, so nothing
   * shifts while the page loads. The `color` of a fact is the background until the picture is there. Its `focus` is
   * the `object-position`, if the preset has `gravity = "object"`.
   */
  readonly original?: Known | undefined;
  /**
   * Makes another background of the fact: a CSS `background`, as `thumbHash` of `vitrine/placeholder` does.
   * It is not called for an original with `alpha`, through which it would shine.
   */
  readonly placeholder?: ((original: NoInfer<Known>) => string | undefined) | undefined;
  /** On a signed route: the query that `createSigner`'s function returns. */
  readonly query?: string | undefined;
} & ([Extract<Preset, { readonly widths: readonly number[] }>] extends [never]
  ? { readonly sizes?: string }
  : {
      /** How wide the picture is on the page, for example `(max-width: 600px) 100vw, 600px`. */
      readonly sizes: string;
    });

/** The attributes of an `<img>`. React has other names for some: see `reactProps`. */
export type ImgProps = {
  readonly alt: string;
  readonly loading: "lazy" | "eager";
  readonly decoding: "async";
  readonly width?: number;
  readonly height?: number;
  /** `object-position: 62% 30%; background: #8a5b3c`. */
  readonly style?: string;
  readonly sizes?: string;
  readonly srcset: string;
  readonly src: string;
};

/** What a public URL asks for. See `parseUrl`. */
export type Parsed<Name> = {
  /** The object's key, below the bucket's `prefix`. */
  readonly key: string;
  readonly preset: Name;
  /** The preset, alone or with a descriptor: `card`, `card@2x`. */
  readonly variant: string;
};

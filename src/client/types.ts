import type { Mapping, Sizing } from "../url/grammar.ts";
import type { Border, Dimensions } from "./dimensions.ts";

/** What a client looks at of a preset, as it stands in wrangler.toml. */
export type PresetShape = Sizing & {
  readonly fit?: string;
  readonly rotate?: number;
  readonly trim?: unknown;
  readonly border?: Border;
};
export type PresetTable = Readonly<Record<string, PresetShape>>;

/** What a client looks at of a route, as it stands in wrangler.toml. */
export type RouteShape = {
  readonly path: string;
  /** `BUCKET/key`. */
  readonly object: string;
  readonly presets?: readonly string[];
};

/** Where the images are, and what there is of them. */
export type Settings<Presets extends PresetTable, Route extends RouteShape> = {
  /** Where Vitrine is, as `https://images.example.com`; `""` for the page's own host. */
  readonly baseUrl: string;
  /** An entry of `ROUTES`. */
  readonly route: Route;
  /** `PRESETS`. */
  readonly presets: Presets;
};

/** The names of the presets that a route shows. */
export type PresetOf<Presets, Route> = Route extends { readonly presets: readonly (infer Name)[] }
  ? Name & keyof Presets & string
  : keyof Presets & string;

type DescriptorOf<Preset> =
  | (Preset extends { readonly dpr: readonly (infer X extends number)[] } ? `${X}x` : never)
  | (Preset extends { readonly widths: readonly (infer W extends number)[] } ? `${W}w` : never);

/** The variants of presets: `card`, `card@2x`. */
export type VariantOf<Presets, Name extends keyof Presets & string> = Name extends unknown
  ? Name | `${Name}@${DescriptorOf<Presets[Name]>}`
  : never;

/** A variant as a srcset has it. */
export type Candidate = {
  readonly variant: string;
  /** `2x`, `640w`. */
  readonly as: string;
  /** How wide it is at most; 0 where the preset has no width. */
  readonly pixels: number;
};

/** One route of a deployed Vitrine, made ready to build and to read its URLs. */
export type Site<Presets extends PresetTable, Name extends keyof Presets & string> = {
  readonly base: string;
  readonly route: RouteShape;
  readonly mapping: Mapping;
  readonly presets: Presets;
  /** The preset of each variant. */
  readonly variants: ReadonlyMap<string, Name>;
  readonly shown: ReadonlyMap<string, Shown>;
};

/** A preset that the route shows. */
export type Shown = {
  readonly shape: PresetShape;
  /** In ascending order. */
  readonly candidates: readonly Candidate[];
};

/** The same where its presets are not known to the compiler. */
export type AnySite = Site<PresetTable, string>;

/** What an `<img>` is told beside its preset. */
export type ImgOptions<Preset> = {
  /** What the picture shows, for who does not see it; `""` where it only decorates. */
  readonly alt: string;
  /** Default: `"lazy"`. For what is seen at once: `"eager"`. */
  readonly loading?: "lazy" | "eager";
  /** The original's pixels, upright: with them `width` and `height` are exact, and nothing shifts. */
  readonly original?: Dimensions | undefined;
  /** On a signed route: what `vitrine/sign` gave. */
  readonly query?: string | undefined;
} & ([Extract<Preset, { readonly widths: readonly number[] }>] extends [never]
  ? { readonly sizes?: string }
  : {
      /** How wide the picture is on the page, as `(max-width: 600px) 100vw, 600px`. */
      readonly sizes: string;
    });

/** The attributes of an `<img>`. In React, `srcset` is `srcSet`: see `reactProps`. */
export type ImgProps = {
  readonly alt: string;
  readonly loading: "lazy" | "eager";
  readonly decoding: "async";
  readonly width?: number;
  readonly height?: number;
  readonly sizes?: string;
  readonly srcset: string;
  readonly src: string;
};

/** What a public URL asks for. */
export type Parsed<Name> = {
  readonly key: string;
  readonly preset: Name;
  /** The preset, alone or with a descriptor. */
  readonly variant: string;
};

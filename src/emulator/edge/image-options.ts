// The options of `cf.image` that the edge knows (O1–O12), with types of our own.

/**
 * Where the part is that an image keeps (O4).
 * @example
 * const gravity: GravityPoint = { x: 0.5, y: 0.2 };
 */
export type GravityPoint = {
  /** 0 is left, 1 is right. */
  readonly x?: number;
  /** 0 is top, 1 is bottom. */
  readonly y?: number;
  readonly mode?: "remainder" | "box-center";
};

/**
 * The options that images and overlays share.
 * @example
 * const shared: Transformations = { width: 160, height: 160, fit: "cover" };
 */
export type Transformations = {
  readonly width?: number;
  readonly height?: number;
  readonly dpr?: number;
  readonly fit?:
    | "scale-down"
    | "scale-up"
    | "contain"
    | "cover"
    | "crop"
    | "pad"
    | "squeeze"
    // Cloudflare's documentation lists it, and its types do not (O3).
    | "aspect-crop";
  readonly gravity?:
    | "auto"
    | "face"
    | "left"
    | "right"
    | "top"
    | "bottom"
    | "center"
    | "entropy"
    | GravityPoint;
  readonly zoom?: number;
  readonly sharpen?: number;
  readonly blur?: number;
  readonly brightness?: number;
  readonly contrast?: number;
  readonly gamma?: number;
  readonly saturation?: number;
  readonly rotate?: 0 | 90 | 180 | 270 | 360;
  readonly flip?: "h" | "v" | "hv";
  /** A colour of CSS. */
  readonly background?: string;
  readonly border?: { readonly color: string } & (
    | { readonly width: number }
    | {
        readonly top: number;
        readonly right: number;
        readonly bottom: number;
        readonly left: number;
      }
  );
  readonly trim?:
    | "border"
    | {
        readonly top?: number;
        readonly right?: number;
        readonly bottom?: number;
        readonly left?: number;
        readonly width?: number;
        readonly height?: number;
        readonly border?:
          | boolean
          | { readonly color?: string; readonly tolerance?: number; readonly keep?: number };
      };
  readonly segment?: "foreground";
  readonly upscale?: "interpolate" | "generate";
};

/**
 * An image that is drawn over another one (O12).
 * @example
 * const mark: OverlayOptions = { url: "https://images.example/mark.png", bottom: 8, right: 8 };
 */
export type OverlayOptions = Transformations & {
  readonly url: string;
  readonly opacity?: number;
  readonly repeat?: true | "x" | "y";
  readonly composite?: "over" | "in" | "atop" | "out" | "xor" | "lighter";
  readonly top?: number;
  readonly right?: number;
  readonly bottom?: number;
  readonly left?: number;
};

/**
 * What the edge takes as `cf.image`.
 * @example
 * const image: ImageOptions = { width: 160, height: 160, fit: "cover", "origin-auth": "share-publicly" };
 */
export type ImageOptions = Transformations & {
  readonly quality?: number | "high" | "medium-high" | "medium-low" | "low";
  readonly format?:
    | "avif"
    | "webp"
    | "jpeg"
    | "baseline-jpeg"
    | "png"
    | "png-force"
    | "json"
    | "svg";
  readonly anim?: boolean;
  readonly metadata?: "keep" | "copyright" | "none";
  readonly compression?: "fast";
  readonly draw?: readonly OverlayOptions[];
  /** Without it, the origin gets none of the headers that open it (E2). */
  readonly "origin-auth"?: "share-publicly";
};

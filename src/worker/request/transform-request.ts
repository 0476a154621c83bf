// The request to an engine, which is Cloudflare's image edge or its Images binding: the variant of an object, and the
// format of the answer. Pure.

import { type PixelSize, renditionSize, sourceSize } from "../../url/rendition-size.ts";
import {
  isShortEnoughForAvif,
  MAX_SIDE,
  type OutputFormat,
  type Variant,
} from "../config/preset.ts";
import type { ObjectType } from "../http/refusal.ts";
import type { AcceptedFormats, BrowserFormats } from "./accept.ts";
import { chooseQuality, maxBytesOf } from "./quality.ts";

/** A point of the upright picture: how far from its left, and from its top. 0 to 1, in steps of 0.01. */
export type Focus = { readonly x: number; readonly y: number };

/** An original, as far as its first bytes tell. */
export type SourceImage = {
  readonly type: ObjectType;
  /** In bytes. */
  readonly length?: number | undefined;
  /** After the rotation that EXIF asks for (O9). */
  readonly sides?: PixelSize | undefined;
  /** Whether it is certain that no pixel is transparent. */
  readonly isOpaque?: boolean;
};

export type TransformRequest = {
  readonly variant: Variant;
  /** The options that are requested: those of the variant, with the sides and the quality that fit this original. */
  readonly image: Variant["image"];
  /** Whether `auto` may become AVIF or WebP. */
  readonly accepts: BrowserFormats;
  /** Whether an SVG may be passed on. */
  readonly svg: boolean;
  /** Undefined: the edge is free to keep JPEG or PNG. */
  readonly format: OutputFormat | undefined;
  /** Whether only the first frame is rendered, even if the preset has `anim`. */
  readonly isStill: boolean;
  /** The original. */
  readonly source: SourceImage;
  /** The size of the rendition, as far as it is known. */
  readonly size?: PixelSize | undefined;
  /** How many bytes the rendition may have; undefined: any number. */
  readonly maxBytes?: number | undefined;
  /** The object's focal point, where the variant uses it. */
  readonly focus?: Focus | undefined;
};

const UNKNOWN_SOURCE: SourceImage = { type: "unknown" };

/**
 * Creates the request for what `formats` allows.
 * @param formats "avif.webp", "avif", "webp", "plain", "own", "svg" or "facts": see accept.ts
 * @param source the original, as far as it is known
 */
export function createTransformRequest(
  variant: Variant,
  formats: AcceptedFormats,
  source = UNKNOWN_SOURCE,
): TransformRequest {
  const accepts = browserFormatsOf(formats);
  const svg = formats === "svg";

  const size = source.sides && renditionSize(source.sides, variant.image);
  const format = formatFor(variant, svg, accepts, source, size);

  // Only a GIF may move, and only as WebP or AVIF. As a GIF it might come back untransformed, if it is too large (O8).
  const canMove = format === "webp" || format === "avif";
  const isMoving = variant.image.anim && canMove && source.type === "image/gif";

  const maxBytes = svg ? undefined : maxBytesOf(variant, source, size);
  const quality = chooseQuality(variant, source.type, size, maxBytes);
  const image = { ...limitSides(variant.image, source.sides), ...(quality && { quality }) };
  return { variant, image, accepts, svg, format, isStill: !isMoving, source, size, maxBytes };
}

/** Returns which formats a browser reads. The edge cannot look at Accept, because it caches by option (O6). */
export function browserFormatsOf(formats: AcceptedFormats): BrowserFormats {
  // "avif.webp" includes both names.
  const avif = formats.includes("avif");
  // Facts are asked for as if for WebP. Most pictures have the same options then, and both are billed as one (L2).
  const webp = formats.includes("webp") || formats === "facts";
  return { avif, webp };
}

function formatFor(
  variant: Variant,
  svg: boolean,
  accepts: BrowserFormats,
  source: SourceImage,
  size: PixelSize | undefined,
): OutputFormat | undefined {
  // The edge passes an SVG on without its scripts. It refuses to make another format of an SVG (R8).
  if (svg) return undefined;

  const fitsAvif = size ? isShortEnoughForAvif(size) : variant.avif;
  // A preset of AVIF is the same for every browser. Each browser that reads AVIF reads WebP, too.
  if (variant.format === "avif" && !fitsAvif) return "webp";
  if (variant.format !== "auto") return variant.format;

  if (accepts.avif && fitsAvif) return "avif";
  if (accepts.webp) return "webp";

  if (isOpaqueSource(source)) return "jpeg";

  // The edge looks at the pixels of a PNG or a GIF, and makes a JPEG or a PNG. It would keep WebP and AVIF (O6).
  const wouldStay = source.type === "image/webp" || source.type === "image/avif";
  return wouldStay ? "png" : undefined;
}

/** Returns whether it is certain that no pixel is transparent. A JPEG has no transparency, and a HEIC counts as one. */
export function isOpaqueSource({ type, isOpaque }: SourceImage): boolean {
  return isOpaque ?? (type === "image/jpeg" || type === "image/heic");
}

/**
 * Returns the options with sides that are not longer than the original's own. So all variants above the original are one
 * transformation (L2), and the edge never finds the original smaller because of its sides (R6).
 */
function limitSides(image: Variant["image"], sides: PixelSize | undefined): Variant["image"] {
  const { width, height, dpr = 1, ...shape } = image;

  if (!hasOwnSidesAlone(image)) return image;

  const source = sides && sourceSize(sides, image);
  if (!source) return image;

  // The edge takes no longer original (L1), and refuses such a width as a fault of the request (O1).
  if (source.width > MAX_SIDE || source.height > MAX_SIDE) return image;

  const pixelWidth = Math.round((width ?? Infinity) * dpr);
  const pixelHeight = Math.round((height ?? Infinity) * dpr);
  const isWider = width !== undefined && pixelWidth > source.width;
  const isHigher = height !== undefined && pixelHeight > source.height;
  if (!isWider && !isHigher) return image;

  // The picture keeps its own size. One side says so, the same one for all variants.
  const isWhole = pixelWidth >= source.width && pixelHeight >= source.height;
  if (isWhole) return { ...shape, width: source.width };

  return {
    ...shape,
    ...(width !== undefined && { width: Math.min(pixelWidth, source.width) }),
    ...(height !== undefined && { height: Math.min(pixelHeight, source.height) }),
  };
}

/**
 * Returns whether a picture is only made smaller, and its sides are the only lengths. Others, as those of a trim, are
 * multiplied by `dpr`, too, or count from the sides of the picture.
 */
export function hasOwnSidesAlone({ fit, trim, border, draw }: Variant["image"]): boolean {
  const hasLengths = Boolean(trim || border || draw);
  return fit === "scale-down" && !hasLengths;
}

/**
 * Returns whether the output may be a PNG although the preset does not ask for one. Such a request must not have
 * `quality`, which would reduce the colours of a PNG (O5).
 */
export function mayBePng(request: TransformRequest): boolean {
  const { variant, format, source } = request;

  // The preset asks for PNG by `png` or `png-force`.
  if (variant.format.startsWith("png")) return false;

  // edge/ladder.ts may have set PNG as the format.
  if (format) return format.startsWith("png");

  // Without a format, a JPEG and a HEIC come back as a JPEG. Other types may come back as a PNG (O6).
  return source.type !== "image/jpeg" && source.type !== "image/heic";
}

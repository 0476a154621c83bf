// Sizes and boxes: which part of an image a print shows, how large, and on what canvas.

export type Size = { readonly width: number; readonly height: number };

export type Box = Size & { readonly left: number; readonly top: number };

export type Sides = Record<"top" | "right" | "bottom" | "left", number>;

/** Pixels of sRGB: four bytes each (red, green, blue, alpha), row by row, not premultiplied. */
export type Picture = Size & { readonly data: Uint8Array };

/** With the fit that Cloudflare's docs list and its types lack (O3). */
type Fit = { fit?: NonNullable<BasicImageTransformations["fit"]> | "aspect-crop" };

/** The options that an image and an overlay have in common. */
export type Transformations = Omit<BasicImageTransformations, "fit"> & Fit;

export type Image = Omit<RequestInitCfPropertiesImage, "fit"> & Fit;

export const clamp = (value: number, least: number, most: number): number =>
  Math.min(Math.max(value, least), most);

/** What pixels of the options are multiplied with: above 0, at most 2 (O2). */
export const density = ({ dpr = 1 }: Transformations): number => Math.min(dpr, 2);

/**
 * How an image is fitted (O3): the part of it that stays, the size that this part is scaled to,
 * and the canvas, which only pad makes larger than that. All in px, each side at least 1.
 */
export type Fitting = { readonly part: Size; readonly scaled: Size; readonly canvas: Size };

const cropped = (part: Size, scaled: Size): Fitting => ({ part, scaled, canvas: scaled });

const times = ({ width, height }: Size, scale: number): Size => ({
  width: Math.max(1, Math.round(width * scale)),
  height: Math.max(1, Math.round(height * scale)),
});

/** The largest part of a source that has the shape of a box. */
function partShapedLike(box: Size, source: Size): Size {
  const part = times(box, Math.min(source.width / box.width, source.height / box.height));
  return {
    width: Math.min(part.width, source.width),
    height: Math.min(part.height, source.height),
  };
}

function limited(scale: number, fit: Transformations["fit"]): number {
  if (fit === "scale-down" || fit === "crop" || fit === "aspect-crop") return Math.min(scale, 1);
  return fit === "scale-up" ? Math.max(scale, 1) : scale;
}

/** Fits a source, already trimmed and turned, into width and height × dpr (O2, O3). */
export function fitting(source: Size, options: Transformations): Fitting {
  const { width = Infinity, height = Infinity, fit = "scale-down" } = options;
  const scale = Math.min(width / source.width, height / source.height) * density(options);
  if (scale === Infinity) return cropped(source, source);
  const contained = cropped(source, times(source, limited(scale, fit)));
  if (width === Infinity || height === Infinity) return contained;

  const box = times({ width, height }, density(options));
  const part = partShapedLike(box, source);
  const covers = ({ width, height }: Size) => width >= box.width && height >= box.height;
  const overlap = {
    width: Math.min(box.width, source.width),
    height: Math.min(box.height, source.height),
  };
  switch (fit) {
    case "squeeze":
      return cropped(source, box);
    case "pad":
      return { ...contained, canvas: box };
    case "cover":
      return cropped(part, box);
    case "crop":
      return covers(source) ? cropped(part, box) : cropped(overlap, overlap);
    case "aspect-crop":
      return cropped(part, covers(part) ? box : part);
    default:
      return contained;
  }
}

const FOCUS = {
  left: { x: 0 },
  right: { x: 1 },
  top: { y: 0 },
  bottom: { y: 1 },
  center: {},
  // Nobody looks for faces here, and the centre is where the edge looks if it finds none.
  face: {},
  // These need pixels: pixels.ts turns them into a box.
  auto: {},
  entropy: {},
} satisfies Record<string, BasicImageTransformationsGravityCoordinates>;

/** Where in a source the part lies that gravity keeps (O4). */
export function place(source: Size, part: Size, { gravity = "center" }: Transformations): Box {
  const focus: BasicImageTransformationsGravityCoordinates =
    typeof gravity === "string" ? FOCUS[gravity] : gravity;
  const offset = (whole: number, kept: number, at = 0.5) =>
    focus.mode === "box-center"
      ? clamp(Math.round(whole * at - kept / 2), 0, whole - kept)
      : Math.round((whole - kept) * at);
  return {
    left: offset(source.width, part.width, focus.x),
    top: offset(source.height, part.height, focus.y),
    ...part,
  };
}

/** What trim leaves of an upright source by its sides and sizes × dpr (O2, O12): at least 1 px. */
export function trimBox(source: Size, options: Transformations): Box {
  const trim = typeof options.trim === "object" ? options.trim : {};
  const along = (whole: number, before?: number, after?: number, kept?: number) => {
    const scaled = (px = 0) => Math.round(px * density(options));
    const last = whole - scaled(after);
    const fromTheEnd = before === undefined && after !== undefined && kept !== undefined;
    const start = clamp(fromTheEnd ? last - scaled(kept) : scaled(before), 0, whole - 1);
    const end = kept === undefined ? last : Math.min(last, start + scaled(kept));
    return { start, length: clamp(end, start + 1, whole) - start };
  };
  const across = along(source.width, trim.left, trim.right, trim.width);
  const down = along(source.height, trim.top, trim.bottom, trim.height);
  return { left: across.start, top: down.start, width: across.length, height: down.length };
}

export type Surroundings = {
  /** Four bytes, as in a picture. */
  readonly colour: Uint8Array;
  /** How far off a channel may be, 0–255. */
  readonly tolerance: number;
  /** How many px of them stay. */
  readonly keep: number;
};

/** The part of a box that its surroundings do not fill (O12); all of it, if they fill it all. */
export function boxInside({ data, width }: Picture, box: Box, around: Surroundings): Box {
  const { keep, tolerance } = around;
  const [red = 0, green = 0, blue = 0, alpha = 0] = around.colour;
  const unlike = (at: number) => {
    const opacity = data[at + 3] ?? 0;
    // As seen on black, since a transparent pixel may have any colour.
    const off = (value = 0, other = 0) =>
      Math.abs(value * opacity - other * alpha) > tolerance * 255;
    return (
      off(data[at], red) ||
      off(data[at + 1], green) ||
      off(data[at + 2], blue) ||
      Math.abs(opacity - alpha) > tolerance
    );
  };
  const end = { x: box.left + box.width, y: box.top + box.height };
  let [left, top, right, bottom] = [end.x, end.y, -1, -1];
  for (let y = box.top; y < end.y; y += 1) {
    for (let x = box.left; x < end.x; x += 1) {
      if (!unlike((y * width + x) * 4)) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  if (right < 0) return box;
  const start = {
    left: Math.max(box.left, left - keep),
    top: Math.max(box.top, top - keep),
  };
  return {
    ...start,
    width: Math.min(end.x, right + 1 + keep) - start.left,
    height: Math.min(end.y, bottom + 1 + keep) - start.top,
  };
}

/** How wide the border is, in px × dpr (O2, O12). */
export function borderSides(options: Transformations): Sides {
  const { border } = options;
  const scaled = (px = 0) => Math.round(px * density(options));
  if (border === undefined) return { top: 0, right: 0, bottom: 0, left: 0 };
  if ("width" in border) {
    const width = scaled(border.width);
    return { top: width, right: width, bottom: width, left: width };
  }
  const { top, right, bottom, left } = border;
  return { top: scaled(top), right: scaled(right), bottom: scaled(bottom), left: scaled(left) };
}

/** The size of the print of a source that is upright and trimmed (O2, O3, O11, O12). */
export function outputSize({ width, height }: Size, options: Transformations): Size {
  const turned = (options.rotate ?? 0) % 180 !== 0;
  const { canvas } = fitting(
    turned ? { width: height, height: width } : { width, height },
    options,
  );
  const { top, right, bottom, left } = borderSides(options);
  return { width: canvas.width + left + right, height: canvas.height + top + bottom };
}

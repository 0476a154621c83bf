// What of the options cannot be played here, and is not pretended.

import sharp from "sharp";
import type { Image, Transformations } from "./geometry.ts";

/**
 * The options that makePrint leaves out (O4, O12), those of overlays too; [] if there are none. With
 * them are colours that CSS may have, but sharp cannot read.
 */
export function unplayable(image: Image): readonly string[] {
  const of = ({ gravity, zoom, segment, upscale, ...others }: Transformations) => [
    ...(gravity === "face" ? ['gravity "face"'] : []),
    ...(zoom !== undefined ? ["zoom"] : []),
    ...(segment !== undefined ? ["segment"] : []),
    ...(upscale === "generate" ? ['upscale "generate"'] : []),
    ...coloursOf(others)
      .filter((colour) => readable(colour) === undefined)
      .map((colour) => `the colour ${colour}`),
  ];
  const ofOverlays = (image.draw ?? []).flatMap((overlay, index) =>
    of(overlay).map((option) => `draw[${index}] ${option}`),
  );
  return [...of(image), ...ofOverlays];
}

function coloursOf({ background, border, trim }: Transformations): readonly string[] {
  const around = typeof trim === "object" ? trim.border : undefined;
  const trimmed = typeof around === "object" ? around.color : undefined;
  return [background, border?.color, trimmed].filter((colour) => colour !== undefined);
}

/** A colour, if sharp can read it. */
export function readable(css: string | undefined): string | undefined {
  if (css === undefined) return undefined;
  try {
    sharp({ create: { width: 1, height: 1, channels: 4, background: css } });
    return css;
  } catch {
    return undefined;
  }
}

// The options that the emulator does not implement.

import { readableColour } from "./colour.ts";
import type { ImageOptions, Transformations } from "./image-options.ts";

/**
 * Names the options that makeRendition leaves out (O4, O12), also those of overlays, and the CSS
 * colours that sharp cannot read. Returns [] if there are none.
 */
export function unplayable(image: ImageOptions): readonly string[] {
  const of = ({ gravity, zoom, segment, upscale, ...others }: Transformations) => [
    ...(gravity === "face" ? ['gravity "face"'] : []),
    ...(zoom !== undefined ? ["zoom"] : []),
    ...(segment !== undefined ? ["segment"] : []),
    ...(upscale === "generate" ? ['upscale "generate"'] : []),
    ...coloursOf(others)
      .filter((colour) => readableColour(colour) === undefined)
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

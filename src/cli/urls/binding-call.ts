// What the Images binding is asked for. Pure.

import { outputOptions, overlayOptions, transformOptions } from "../../worker/images/options.ts";
import type { TransformRequest } from "../../worker/request/format.ts";

/** The options of `.transform()`, the objects that are drawn, by their keys, and the options of `.output()`. */
export function bindingCall(request: TransformRequest) {
  const { variant, original: type } = request;
  const draw = (variant.image.draw ?? []).map((overlay) => {
    const { shape, draw: place } = overlayOptions(overlay);
    return { key: overlay.key, transform: shape, ...place };
  });
  return {
    transform: transformOptions(variant),
    ...(draw.length > 0 && { draw }),
    output: outputOptions(request, { type, body: { head: new Uint8Array() } }),
  };
}

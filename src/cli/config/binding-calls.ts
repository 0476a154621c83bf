// What the Worker asks of the Images binding for a variant. Nothing is sent.

import type { Variant } from "../../worker/config/preset.ts";
import { outputOptions, overlayOptions, transformOptions } from "../../worker/images/options.ts";
import {
  acceptedFormatsOf,
  createTransformRequest,
  type Readable,
} from "../../worker/request/format.ts";

/** The calls of the binding for a browser that reads some formats. */
export type BindingCall = {
  readonly reads: string;
  /** The original that it is asked for: the output depends on it. */
  readonly of: "a GIF" | "a JPEG";
  readonly transform: object;
  /** The objects that are drawn on it. */
  readonly draw?: readonly Readonly<Record<string, unknown>>[];
  readonly output: object;
};

export function bindingCalls(
  reads: string,
  variant: Variant,
  readable: Readable,
): readonly BindingCall[] {
  const formats = acceptedFormatsOf(variant, readable, false);
  const draw = (variant.image.draw ?? []).map((overlay) => {
    const { shape, draw } = overlayOptions(overlay);
    return { key: overlay.key, transform: shape, ...draw };
  });
  const call = (of: BindingCall["of"]): BindingCall => {
    const type = of === "a GIF" ? "image/gif" : "image/jpeg";
    const request = createTransformRequest(variant, formats, type);
    return {
      ...{ reads, of, transform: transformOptions(variant) },
      ...(draw.length > 0 && { draw }),
      output: outputOptions(request, { type, body: { head: new Uint8Array() } }),
    };
  };
  const moving = createTransformRequest(variant, formats, "image/gif");
  return moving.still ? [call("a JPEG")] : [call("a GIF"), call("a JPEG")];
}

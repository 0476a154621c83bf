// What the Worker asks of the Images binding for a variant. Nothing is sent.

import type { Variant } from "../../worker/config/preset.ts";
import { outputOf, overlayOf, transformOf } from "../../worker/images/options.ts";
import { chooseFormat, type Readable } from "../../worker/request/format.ts";

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
  const asked = chooseFormat(variant, readable, false);
  const draw = (variant.image.draw ?? []).map((overlay) => {
    const { shape, draw } = overlayOf(overlay);
    return { key: overlay.key, transform: shape, ...draw };
  });
  const call = (of: BindingCall["of"]): BindingCall => ({
    ...{ reads, of, transform: transformOf(variant) },
    ...(draw.length > 0 && { draw }),
    output: outputOf(asked, of === "a GIF" ? GIF : JPEG),
  });
  return asked.still ? [call("a JPEG")] : [call("a GIF"), call("a JPEG")];
}

const JPEG = { type: "image/jpeg", opaque: true } as const;
const GIF = { type: "image/gif", opaque: false } as const;

// What the Worker asks of the edge for a variant. Nothing is sent.

import type { Variant } from "../../worker/config/preset.ts";
import { edgeOptions } from "../../worker/edge/ask-edge.ts";
import {
  acceptedFormatsOf,
  createTransformRequest,
  type Readable,
} from "../../worker/request/format.ts";

/** A request to the edge. */
export type EdgeCall = {
  /** The originals for which it is sent, where it is not sent for all. */
  readonly when?: string;
  readonly image: RequestInitCfPropertiesImage;
};

/** Originals for which the edge may be asked in different ways. */
const ORIGINALS = [
  ["a GIF", "image/gif"],
  ["a JPEG", "image/jpeg"],
  ["another original", "image/png"],
] as const;

/**
 * @param readable the formats that the browser reads
 * @param svg whether the route shows SVGs
 */
export function edgeCalls(variant: Variant, readable: Readable, svg: boolean): EdgeCall[] {
  const formats = acceptedFormatsOf(variant, readable, svg);
  const calls = new Map<string, { image: RequestInitCfPropertiesImage; of: string[] }>();
  for (const [name, original] of ORIGINALS) {
    const image = edgeOptions(createTransformRequest(variant, formats, original));
    const text = JSON.stringify(image);
    calls.set(text, { image, of: [...(calls.get(text)?.of ?? []), name] });
  }
  const all = [...calls.values()];
  return all.map(({ image, of }) =>
    all.length === 1 ? { image } : { when: `of ${of.join(" or ")}`, image },
  );
}

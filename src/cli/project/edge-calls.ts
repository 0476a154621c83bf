// What the Worker asks of the edge for a variant. Nothing is sent.

import type { Variant } from "../../worker/config/preset.ts";
import { edgeOptions } from "../../worker/edge/ask-edge.ts";
import { factsOptions } from "../../worker/edge/original.ts";
import { chooseFormat, type Readable } from "../../worker/request/format.ts";

/** A request to the edge. */
export type EdgeCall = {
  readonly when?: "first, what it is" | "then, of a GIF" | "then, of what is no GIF";
  readonly image: RequestInitCfPropertiesImage;
};

/**
 * @param readable the formats that the browser reads
 * @param svg whether the route shows SVGs
 */
export function edgeCalls(variant: Variant, readable: Readable, svg: boolean): EdgeCall[] {
  const asked = chooseFormat(variant, readable, svg);
  if (asked.still) return [{ image: edgeOptions(asked) }];
  return [
    { when: "first, what it is", image: factsOptions(asked) },
    { when: "then, of a GIF", image: edgeOptions(asked) },
    { when: "then, of what is no GIF", image: edgeOptions({ ...asked, still: true }) },
  ];
}

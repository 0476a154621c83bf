// Asks Cloudflare's image edge for a variant of an object. Always a GET, and never with a header of
// the visitor (E4).

import type { Variant } from "../config/preset.ts";
import type { Refusal } from "../http/refusal.ts";
import { type Reply, send } from "../http/send.ts";
import type { SignedHeaders } from "../origin/sigv4.ts";
import { withFocus } from "../request/focus.ts";
import { type Focus, mayBePng, type TransformRequest } from "../request/transform-request.ts";

/**
 * Statuses that the edge must not cache (C4), the origin's or its own. Its cache key does not have the
 * credentials (C1): a cached denial of one slot would also deny the other. S3 has just given the object.
 */
const NOT_CACHED = { "400-404": -1, "500-599": -1 };

/** The options of one call (O1–O12). */
export function edgeOptions(request: TransformRequest): RequestInitCfPropertiesImage {
  const { variant, format, isStill, focus } = request;
  const { quality, ...image } = imageOf(variant, focus);
  return {
    ...image,
    ...(quality !== undefined && !mayBePng(request) && { quality }), // O5
    anim: variant.image.anim && !isStill,
    ...(format && { format }),
    "origin-auth": "share-publicly", // E1
  };
}

/** The rendition's own options: they are billed once, whatever the format is (L2). */
export function factsOptions(request: TransformRequest): RequestInitCfPropertiesImage {
  return { ...edgeOptions(request), format: "json" };
}

/** The edge draws URLs alone: a preset with other overlays is for the other engine. */
export function imageOf(variant: Pick<Variant, "image">, focus?: Focus) {
  const { draw, ...image } = withFocus(variant.image, focus);
  if (!draw) return image;
  return {
    ...image,
    draw: draw.map(({ key: _key, url = "", ...overlay }) => ({ ...overlay, url })),
  };
}

/** @param deadline when to stop waiting for the headers of the answer: ms since 1970 */
export function askEdge(
  url: string,
  headers: SignedHeaders,
  image: RequestInitCfPropertiesImage,
  deadline: number,
): Promise<Reply | Refusal> {
  const init = { headers, cf: { image, cacheTtlByStatus: NOT_CACHED } };
  return send(url, init, deadline, image.format === "json");
}

import type { Refusal } from "../base/refusal.ts";
import { type Reply, send } from "../base/send.ts";
import type { Asked } from "../request/format.ts";
import type { SignedHeaders } from "../s3/sigv4.ts";

/**
 * What the edge is not to keep (C4), by the origin's status or its own for it: since who asks is no
 * part of its cache's key (C1), what was denied to one slot would be denied to the other.
 */
const NOT_KEPT = { "400-403": -1, "500-599": -1 };

/** The options of one call (O1–O12). */
export function edgeOptions({ variant, format, still }: Asked): RequestInitCfPropertiesImage {
  return {
    ...variant.image,
    anim: variant.image.anim && !still,
    ...(format === undefined ? {} : { format }),
    "origin-auth": "share-publicly", // E1
  };
}

/**
 * Asks Cloudflare's image edge for a variant of an object. Always a GET, with no header of the
 * visitor's (E4).
 * @param seconds how long the edge may take until its headers are here
 */
export function askEdge(
  url: string,
  headers: SignedHeaders,
  image: RequestInitCfPropertiesImage,
  seconds: number,
): Promise<Reply | Refusal> {
  const init = { headers, cf: { image, cacheTtlByStatus: NOT_KEPT } };
  return send(url, init, seconds, image.format === "json");
}

// `createEdge`: the strict edge that renders with sharp, and its Images binding.

import { withImages } from "./binding/service.ts";
import { createEdgeWith } from "./edge/edge.ts";
import { SHARP_RENDERER } from "./edge/render.ts";
import type { EdgeCore, EdgeSettings } from "./edge/settings.ts";
import { requireSharp } from "./edge/sharp.ts";

/**
 * Cloudflare's image edge, as strict as in production.
 * @example
 * const edge: Edge = createEdge({ zone: "images.example", fetch: s3.fetch });
 * edge.switches.transformations = false;
 */
export type Edge = Omit<EdgeCore, "quota" | "addRefusal"> & {
  /** The unique transformations, which are billed once a month (L2). */
  readonly transformations: ReadonlySet<string>;
  /** The Images binding, `env.IMAGES`. It has the same switches and the same quota. */
  readonly images: ImagesBinding;
  /** What the binding posts its forms to: `…/transform` and `…/info`. */
  answerImages(request: Request): Promise<Response>;
};

/**
 * Creates an edge with an empty cache, in place of Cloudflare's. A request with `cf.image` gets an
 * image, or the error that production would answer with; any other request goes to the network.
 * @throws if the package sharp is not installed, or a setting is wrong or unknown
 * @example
 * const edge = createEdge({ zone: "images.example", sources: ["*.example"], fetch: s3.fetch });
 * vi.stubGlobal("fetch", edge.fetch);
 */
export function createEdge(settings: EdgeSettings): Edge {
  requireSharp();
  return withImages(createEdgeWith(SHARP_RENDERER, settings));
}

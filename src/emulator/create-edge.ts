// The strict edge with its own makers of images, and with the Images binding.

import { createEdgeWith } from "./edge/edge.ts";
import { makeRendition } from "./edge/rendition.ts";
import type { EdgeCore, EdgeSettings } from "./edge/settings.ts";
import { loadSharp } from "./edge/sharp.ts";
import { imagesBinding } from "./images/binding.ts";
import type { develop } from "./images/develop.ts";
import { createImagesService, type ImagesService } from "./images/service.ts";
import type { ImagesBinding } from "./images/types.ts";

/**
 * Cloudflare's image edge, as strict as in production.
 * @example
 * const edge: Edge = createEdge({ zone: "images.example", fetch: s3.fetch });
 * vi.stubGlobal("fetch", edge.fetch);
 * edge.switches.transformations = false;
 */
export type Edge = Omit<EdgeCore, "transformations"> & {
  /** The unique transformations, which are billed (L2). */
  readonly transformations: ReadonlySet<string>;
  /** The Images binding, `env.IMAGES`. It has the same switches and the same quota. */
  readonly images: ImagesBinding;
  /** What the binding posts its forms to: `…/transform` and `…/info`. */
  readonly answerImages: ImagesService;
};

/**
 * Creates an edge with an empty cache, in place of Cloudflare's. A request with `cf.image` gets an
 * image, or the error that production would answer with; any other request goes to the network.
 * @throws if the package sharp is not installed, or a setting is wrong or unknown
 * @example
 * const edge = createEdge({
 *   zone: "images.example",
 *   sources: ["acme-media.s3.eu-west-1.amazonaws.com"],
 *   fetch: s3.fetch,
 * });
 * vi.stubGlobal("fetch", edge.fetch);
 * const answer = await worker.fetch(new Request("https://images.example/fig.jpg"));
 * expect(answer.headers.get("cf-resized")).toMatch(/^internal=ok/);
 */
export function createEdge(settings: EdgeSettings): Edge {
  loadSharp();
  return withImages(createEdgeWith(makeRendition, settings));
}

/**
 * Adds the Images binding to an edge.
 * @param developer makes the images; tests pass one that remembers them
 */
export function withImages(core: EdgeCore, developer?: typeof develop): Edge {
  const answerImages = createImagesService(core, developer);
  const images = imagesBinding((path, { type, body }) => {
    const init = { method: "POST", headers: { "content-type": type }, body, duplex: "half" };
    return answerImages(new Request(`https://js.images.cloudflare.com${path}`, init));
  });
  return { ...core, images, answerImages };
}

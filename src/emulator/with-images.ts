// Adds the Images binding to an edge. Apart from create-edge.ts, whose types are published: these need sharp's.

import type { EdgeCore } from "./edge/settings.ts";
import { imagesBinding } from "./images/binding.ts";
import { createImagesService, type ImagesMaker } from "./images/service.ts";

/**
 * Adds the Images binding to an edge.
 * @param maker reads and makes the images; tests pass one that remembers them
 */
export function withImages(core: EdgeCore, maker?: ImagesMaker) {
  const { quota, ...edge } = core;
  const answerImages = createImagesService(core, maker);
  const images = imagesBinding((path, body) =>
    answerImages(new Request(`https://js.images.cloudflare.com${path}`, { method: "POST", body })),
  );
  return { ...edge, transformations: quota.billed, images, answerImages };
}

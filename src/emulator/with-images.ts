// Adds the Images binding to an edge. Apart from create-edge.ts, whose types are published: these need sharp's.

import type { EdgeCore } from "./edge/settings.ts";
import { imagesBinding } from "./images/binding.ts";
import type { develop } from "./images/develop.ts";
import { createImagesService } from "./images/service.ts";

/**
 * Adds the Images binding to an edge.
 * @param developer makes the images; tests pass one that remembers them
 */
export function withImages(core: EdgeCore, developer?: typeof develop) {
  const { quota, ...edge } = core;
  const answerImages = createImagesService(core, developer);
  const images = imagesBinding((path, { type, body }) => {
    const init = { method: "POST", headers: { "content-type": type }, body, duplex: "half" };
    return answerImages(new Request(`https://js.images.cloudflare.com${path}`, init));
  });
  return { ...edge, transformations: quota.billed, images, answerImages };
}

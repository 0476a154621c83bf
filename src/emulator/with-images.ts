// Adds the Images binding to an edge. Apart from create-edge.ts, whose types are published: these need sharp's.

import type { EdgeCore } from "./edge/settings.ts";
import { imagesBinding } from "./images/binding.ts";
import type { develop } from "./images/develop.ts";
import { createImagesService } from "./images/service.ts";

/**
 * Adds the Images binding to an edge.
 * @param render makes the images; tests pass one that remembers them
 */
export function withImages(core: EdgeCore, render?: typeof develop) {
  const { quota, ...edge } = core;
  const answerImages = createImagesService(core, render);
  const images = imagesBinding((path, body) =>
    answerImages(new Request(`https://js.images.cloudflare.com${path}`, { method: "POST", body })),
  );
  return { ...edge, transformations: quota.billed, images, answerImages };
}

// The floor without the cached entrypoint: it asks S3 and the edge for one URL each, with fixed headers and
// options, and answers with the rendition and the nine headers of an image.

import { ANSWER_OF_DIRECT, askBoth } from "./fixed.js";

export default {
  async fetch() {
    const { body } = await askBoth();
    return new Response(body, ANSWER_OF_DIRECT);
  },
};

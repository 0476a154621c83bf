// The floor of a hit: it asks a second entrypoint, which answers at once as the cache does, and answers
// with its body and the nine headers of an image.

import { ANSWER_OF_A_HIT, inTime, RENDITION_INIT, RENDITION_URL } from "./fixed.js";

export { Renditions } from "./cached.js";

export default {
  async fetch(_request, _env, { exports }) {
    const request = new Request(RENDITION_URL, RENDITION_INIT);
    const { body } = await inTime(exports.Renditions.fetch(request));
    return new Response(body, ANSWER_OF_A_HIT);
  },
};

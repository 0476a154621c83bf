// The floor without the cached entrypoint: it fetches one URL with three fixed headers and fixed options,
// and answers with its body and the ten headers of an image.

import { ANSWER_OF_DIRECT, inTime, SOURCE, SOURCE_INIT } from "./fixed.js";

export default {
  async fetch() {
    const { body } = await inTime(fetch(SOURCE, SOURCE_INIT));
    return new Response(body, ANSWER_OF_DIRECT);
  },
};

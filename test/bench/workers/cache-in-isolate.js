// In place of the cached entrypoint and of the call to it: an object of the isolate answers, as Cloudflare's cache
// does on a hit (W11).

import { KEPT, KEPT_BODY } from "./fixed.js";

export const HERE = {
  exports: { Renditions: { fetch: async () => new Response(KEPT_BODY, KEPT) } },
};

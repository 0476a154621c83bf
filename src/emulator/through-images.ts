// The Images binding for a Worker in another process: it asks the strict edge that `serveEdge` serves. It
// runs in the Workers runtime.

import { imagesBinding } from "./images/binding.ts";
import type { ImagesBinding } from "./images/types.ts";

/**
 * Returns an Images binding that asks the served edge, as `env.IMAGES` asks Cloudflare.
 * @param send the `fetch` of the runtime
 * @param url the URL that `serveEdge` gives
 * @example
 * const send = globalThis.fetch;
 * export default {
 *   fetch(request: Request, env: { readonly EDGE: string }): Promise<Response> {
 *     return worker.fetch(request, { ...env, IMAGES: throughImages(send, env.EDGE) });
 *   },
 * };
 */
export function throughImages(send: typeof fetch, url: string): ImagesBinding {
  return imagesBinding((path, { type, body }) => {
    // Node.js sends a stream only if `duplex` says that it need not wait for an answer.
    const init = { method: "POST", headers: { "content-type": type }, body, duplex: "half" };
    return send(`${url}/images${path}`, init);
  });
}

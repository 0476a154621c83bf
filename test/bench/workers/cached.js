// In place of the cached entrypoint: answers at once, as Cloudflare's cache does on a hit (W11).

import { WorkerEntrypoint } from "cloudflare:workers";
import { KEPT, KEPT_BODY } from "./fixed.js";

export class Renditions extends WorkerEntrypoint {
  fetch() {
    return new Response(KEPT_BODY, KEPT);
  }
}

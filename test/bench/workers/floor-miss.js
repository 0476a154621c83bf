// The floor of a miss: it asks a second entrypoint for one URL, and answers with its body and the nine
// headers of an image. The second entrypoint does what the floor without it does.

import { WorkerEntrypoint } from "cloudflare:workers";
import { ANSWER_OF_A_MISS, askBoth, inTime, MADE, RENDITION_INIT, RENDITION_URL } from "./fixed.js";

export class Renditions extends WorkerEntrypoint {
  async fetch() {
    const { body } = await askBoth();
    return new Response(body, MADE);
  }
}

export default {
  async fetch(_request, _env, { exports }) {
    const request = new Request(RENDITION_URL, RENDITION_INIT);
    const { body } = await inTime(exports.Renditions.fetch(request));
    return new Response(body, ANSWER_OF_A_MISS);
  },
};

// The floor of a check: a second entrypoint asks S3 for the first bytes of one object, and answers 304.

import { WorkerEntrypoint } from "cloudflare:workers";
import { askS3, RENDITION_URL, UNCHANGED } from "./fixed.js";

export class Renditions extends WorkerEntrypoint {
  async fetch() {
    await askS3();
    return new Response(null, UNCHANGED);
  }
}

export default {
  fetch(_request, _env, { exports }) {
    return exports.Renditions.fetch(new Request(RENDITION_URL));
  },
};

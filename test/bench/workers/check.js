// Asks the cached entrypoint of the built Worker whether a rendition is still right, as Workers Cache does (W18).

import { RENDITION_URL } from "./fixed.js";

export { Renditions } from "vitrine.js";

export default {
  fetch({ url }, _env, { exports }) {
    const key = url.slice(url.indexOf("/photos/"));
    const rendition = RENDITION_URL.replace("/photos/dandelion.jpg", key);
    return exports.Renditions.fetch(new Request(rendition, { headers: { "if-none-match": "*" } }));
  },
};

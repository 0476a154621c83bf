// The floor of a gateway alone: as that of a hit, but an object of the isolate answers in place of the second
// entrypoint.

import { HERE } from "./cache-in-isolate.js";
import floor from "./floor-hit.js";

export default {
  fetch: (request, env) => floor.fetch(request, env, HERE),
};

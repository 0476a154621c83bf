// The gateway of the built Worker alone: an object of the isolate answers in place of the cached entrypoint.

import gateway from "vitrine.js";
import { HERE } from "./cache-in-isolate.js";

export default {
  fetch: (request, env) => gateway.fetch(request, env, HERE),
};

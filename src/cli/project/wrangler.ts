// wrangler, loaded when it is first used: that takes a second, which `--help` need not wait for.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

export function loadWrangler(): typeof import("wrangler") {
  return require("wrangler");
}

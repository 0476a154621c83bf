// The wrangler of this project. It is loaded when it is first used: that takes a second, which `--help` need
// not wait for.

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Fault } from "../command.ts";
import { missingPeer } from "./missing-peer.ts";

const require = createRequire(import.meta.url);

export function loadWrangler(): typeof import("wrangler") | Fault {
  return missingPeer("wrangler") ?? require("wrangler");
}

/** The file that runs wrangler. It is there wherever `loadWrangler` has loaded it. */
export function wranglerProgram(): string {
  return join(dirname(require.resolve("wrangler/package.json")), "bin/wrangler.js");
}

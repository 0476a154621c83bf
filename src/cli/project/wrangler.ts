// The wrangler of this project. It is loaded when it is first used: that takes a second, which `--help` need
// not wait for.

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Fault } from "../command.ts";
import { missingPeer } from "./missing-peer.ts";
import { compareNumbers, oldestPeer } from "./version.ts";

const require = createRequire(import.meta.url);

export function loadWrangler(): typeof import("wrangler") | Fault {
  return (
    missingPeer("wrangler") ??
    oldFault(require("wrangler/package.json").version) ??
    require("wrangler")
  );
}

/** What to install, if wrangler is too old: other package managers than npm install it all the same. */
export function oldFault(installed: string): Fault | undefined {
  const oldest = oldestPeer("wrangler");
  if (compareNumbers(installed, oldest) >= 0) return undefined;
  const remedy = `npm install --save-dev wrangler@^${oldest}`;
  return { fault: `wrangler ${installed} is too old: Vitrine needs ${oldest}. Run: ${remedy}` };
}

/** The file that runs wrangler. It is there wherever `loadWrangler` has loaded it. */
export function wranglerProgram(): string {
  return join(dirname(require.resolve("wrangler/package.json")), "bin/wrangler.js");
}

// The wrangler of this project. It is loaded when it is first used: that takes a second, which `--help` need
// not wait for.

import { dirname, join } from "node:path";
import { type Fault, isFault } from "../command.ts";
import { requireOf } from "./peer.ts";
import { compareNumbers, oldestPeer } from "./version.ts";

export function loadWrangler(): typeof import("wrangler") | Fault {
  const require = requireOf("wrangler");
  if (isFault(require)) return require;
  return oldFault(require("wrangler/package.json").version) ?? require("wrangler");
}

/** What to install, if wrangler is too old: other package managers than npm install it all the same. */
export function oldFault(installed: string): Fault | undefined {
  const oldest = oldestPeer("wrangler");
  if (compareNumbers(installed, oldest) >= 0) return undefined;
  const remedy = `npm install --save-dev wrangler@^${oldest}`;
  return { fault: `wrangler ${installed} is too old: Vitrine needs ${oldest}. Run: ${remedy}` };
}

/** The file that runs wrangler. @throws if it is not installed: `loadWrangler` says what to do */
export function wranglerProgram(): string {
  const require = requireOf("wrangler");
  if (isFault(require)) throw new Error(require.fault);
  return join(dirname(require.resolve("wrangler/package.json")), "bin/wrangler.js");
}

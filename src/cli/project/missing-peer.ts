// Packages that not everybody needs who installs Vitrine, so they are optional peers in package.json.

import { createRequire } from "node:module";
import type { Fault } from "../command.ts";

const require = createRequire(import.meta.url);

/** What to install, if a package is not there. */
export function missingPeer(name: "wrangler" | "sharp"): Fault | undefined {
  try {
    require.resolve(name);
    return undefined;
  } catch {
    return { fault: `${name} is not installed. Run: npm install --save-dev ${name}` };
  }
}

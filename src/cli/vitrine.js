#!/usr/bin/env node

// The beginning of `npx vitrine`: it runs the sources in the repository, and what was compiled of them in the
// package. Plain JavaScript without packages, because an old Node.js must be able to say that it is too old.

import { existsSync } from "node:fs";

/** That of wrangler and of commander. */
const NEEDED = [22, 12];

if (existsSync(new URL("main.ts", import.meta.url))) {
  await import("./installed.js");
  await import("./main.ts");
} else {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
    console.error(
      `vitrine needs Node.js ${NEEDED.join(".")} or newer. This is ${process.version}. ` +
        "Install Node.js 24 from https://nodejs.org, or with a version manager: nvm install 24",
    );
    process.exit(2); // it could not be done
  }
  await import("../../dist/cli/main.js");
}

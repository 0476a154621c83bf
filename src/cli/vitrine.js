#!/usr/bin/env node

// The beginning of `npx vitrine` and `npm run vitrine --`.

import "./installed.js";

// Later than the import above: without packages, this one fails.
await import("./main.ts");

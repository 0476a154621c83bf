// Checks of the fallbacks of routes: what visitors see in place of an object that cannot be shown.

import type { CheckEntry } from "./entry.ts";

export const FALLBACK_CHECKS = {
  fallback: {
    asks: "does each fallback show an image?",
    severity: "warning",
    what: "{route}: a missing object does not show the fallback {key}, but answers 404 without an image",
    why: "visitors see a broken image where an object is missing",
    remedy:
      "upload an image as {key}, such as a JPEG, or correct fallback of the route {route} in wrangler.toml",
    harmless: true,
    deploys: true,
    causes: {
      "fallback-missing": {
        what: "{route}: the fallback {key} is missing, or the key may not read it ({said})",
      },
      "fallback-not-an-image": {
        what: "{route}: the fallback {key} cannot be shown: it is {type}",
      },
    },
  },
} as const satisfies Record<string, CheckEntry>;

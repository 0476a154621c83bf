// Checks of the fallbacks of routes: what visitors see in place of an object that cannot be shown.

import { type CheckEntry, LOCAL_LOG, READ_LOG } from "./entry.ts";

const REPLACE =
  "upload an image as {key}, such as a JPEG, or correct fallback of the route {route} in wrangler.toml";

export const FALLBACK_CHECKS = {
  fallback: {
    asks: "does each fallback show an image?",
    severity: "warning",
    what: "{route}: a missing object does not show the fallback {key}, but answers 404 without an image",
    why: "visitors see a broken image where an object is missing",
    // The deployed fallback may be another one than that of wrangler.toml, which may be a good image.
    remedy: `npx vitrine deploy if wrangler.toml has changed. Else ${READ_LOG}`,
    here: LOCAL_LOG,
    harmless: true,
    causes: {
      "fallback-missing": {
        what: "{route}: the fallback {key} is missing ({said})",
        remedy: REPLACE,
        deploys: true,
      },
      // A6
      "fallback-denied": {
        what: "{route}: the fallback {key} {state} ({said})",
        remedy: `if it exists, the key's policy must allow s3:GetObject on it, and no bucket policy may deny it. If not, ${REPLACE}`,
        deploys: true,
      },
      "fallback-not-an-image": {
        what: "{route}: the fallback {key} cannot be shown: it is {type}",
        remedy: REPLACE,
        deploys: true,
      },
    },
  },
} as const satisfies Record<string, CheckEntry>;

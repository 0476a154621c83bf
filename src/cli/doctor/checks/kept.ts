// The check of Cloudflare's cache in front of the Worker's renditions. `{seen}` is what server-timing says.

import type { CheckEntry } from "./entry.ts";

const EACH_ANEW =
  "visitors notice nothing but longer waits: each of Cloudflare's data centres makes every rendition anew, and S3 sends more";
const SWITCH_OFF = "To do without the cache: keep = 0 in [vars.ANSWERS]";

export const KEPT_CHECKS = {
  // W1, W11
  kept: {
    asks: "does Cloudflare keep renditions for all visitors?",
    severity: "warning",
    what: "an image that was shown before did not come out of Workers Cache: {seen}",
    why: EACH_ANEW,
    remedy: `npx vitrine deploy, if [cache] and [exports] in wrangler.toml are new: npx vitrine check looks at them. ${SWITCH_OFF}`,
    harmless: true,
    causes: {
      // W13, W15
      "kept-unusable": {
        what: "the Worker makes renditions itself, because it cannot use the cache: {seen}",
        remedy: `npx vitrine deploy, if keep or compatibility_date has changed. Otherwise the log has cache-unusable: docs/errors.md#cache-unusable. ${SWITCH_OFF}`,
      },
      "kept-unknown-to-it": {
        what: "server-timing does not speak of the cache ({seen}), so an older Vitrine is deployed",
        remedy: "npx vitrine deploy",
      },
      "kept-anyway": {
        what: "the deployed Worker asks the cache ({seen}), but wrangler.toml has keep = 0",
        why: "a changed object may be shown late",
        remedy: "npx vitrine deploy",
      },
    },
  },
} as const satisfies Record<string, CheckEntry>;

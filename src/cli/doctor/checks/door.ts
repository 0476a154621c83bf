// The check of `/cdn-cgi/image/` on the deployed site, which anybody may ask. `{seen}` is its answer.

import { type CheckEntry, DASHBOARD } from "./entry.ts";

const SHUT_DOOR =
  'block it by a rule: the domain → Security → Security rules → Create rule → Custom rules, with the expression starts_with(http.request.uri.path, "/cdn-cgi/image/") and the action Block';
const BILL = "$0.50 for 1,000 above the 5,000 a month that are free, without a limit";

export const DOOR_CHECKS = {
  // E10, L2
  "side-door": {
    asks: "does /cdn-cgi/image/ transform nothing for others?",
    what: "anyone can have images of other buckets at {host} transformed: {seen}",
    why: `each image and size is on your bill: ${BILL}. On the free plan your own new images are 503 when those are used up`,
    remedy: `${DASHBOARD} → the domain → Sources: replace every wider entry by {entry} (domain, then path). And ${SHUT_DOOR}. If others share the bucket's host: addressing = "virtual", where the provider has it`,
    harmless: true,
    causes: {
      "side-door-inside": {
        what: "anyone can have {key} at any size, without Vitrine: {seen}",
        why: `presets and signatures protect nothing then, and each size is on your bill: ${BILL}`,
        remedy: `${SHUT_DOOR}. If the bucket is public, close it`,
      },
      "side-door-half": {
        severity: "warning",
        what: "anyone can make the edge ask the bucket for an object: {seen}",
        why: "each costs one request to the bucket, and no transformation while the bucket is private. Whether others ever get what the edge has kept for Vitrine is not known",
        remedy: SHUT_DOOR,
      },
    },
  },
} as const satisfies Record<string, CheckEntry>;

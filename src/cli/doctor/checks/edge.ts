// Checks of Cloudflare's image edge, by what /healthz reports. `{seen}` is what the edge said.

import {
  BREAK_LOOP,
  type CheckEntry,
  LONGER_TIMEOUT,
  NO_IMAGE,
  SEE_PROVIDER,
  UNREADABLE,
} from "./entry.ts";

const DASHBOARD = "in Cloudflare's dashboard, Images → Transformations";
const ENABLE = `${DASHBOARD}: select the domain, then Enable. It must be this Worker's domain, with no other Worker in front`;
const ADD_SOURCE = `${DASHBOARD} → the domain → Sources: add the origin`;
const SPEND_LESS = `use a paid plan (${DASHBOARD}), or fewer presets and descriptors: npm run check counts them`;
const SIMULATED = "remove EDGE from .dev.vars: it simulates this. Deployed:";

export const EDGE_CHECKS = {
  transformations: {
    asks: "does the edge transform images?",
    what: "the edge transforms nothing: its answers have no cf-resized header",
    why: "the edge returns originals, which the Worker refuses: visitors get 502",
    remedy: ENABLE,
    here: `${SIMULATED} ${ENABLE}`,
  },
  // E5
  sources: {
    asks: "may the edge fetch from the bucket's host?",
    what: "{seen}: the bucket's host is not among the zone's Sources",
    why: NO_IMAGE,
    remedy: `${ADD_SOURCE} {host}, exactly as it is spelt here`,
    here: `${SIMULATED} ${ADD_SOURCE} that npm run check lists`,
  },
  // L2
  quota: {
    asks: "are there unique transformations left this month?",
    what: "{seen}: the limit of unique transformations is reached",
    why: "new variants get 503 until next month",
    remedy: SPEND_LESS,
    here: `${SIMULATED} ${SPEND_LESS}`,
  },
  edge: {
    asks: "does the edge turn the canary into an image?",
    what: "{seen}: it refuses the request{reason}",
    why: NO_IMAGE,
    remedy: "look the code up: https://developers.cloudflare.com/images/reference/troubleshooting/",
    causes: {
      "canary-missing": {
        what: "{seen}: the object was not found",
        why: "the deployed Worker finds no canary in the bucket",
        remedy:
          "upload it, or correct canary, prefix or bucket in wrangler.toml. Then npx wrangler deploy",
      },
      "canary-unreadable": {
        what: "{seen}: the canary is not an image that the edge can read",
        why: UNREADABLE,
        remedy:
          "set another canary in wrangler.toml, a JPEG, then npx wrangler deploy. Or repair that object",
      },
      "edge-denied": {
        what: "{seen}: the origin denies the object",
        why: "S3 denies the edge what it gives to others: a policy allows only some addresses, or the host is not the bucket's own",
        remedy:
          "make sure that no bucket policy limits addresses (aws:SourceIp, a VPC): the edge has Cloudflare's. Then check endpoint and region in wrangler.toml",
      },
      // A5, E7
      "edge-elsewhere": {
        what: "{seen}: the origin denies the object",
        why: "S3 redirects the edge, or calls its request bad: most often the bucket is in another region",
        remedy:
          "correct region and endpoint of the bucket in wrangler.toml: npx vitrine doctor asks S3 for the region",
      },
      "origin-failed": {
        what: "{seen}: the origin failed{reason}",
        remedy: `make sure that BUCKETS.*.endpoint is reachable from the internet. Then ${SEE_PROVIDER}`,
      },
      "origin-unknown": {
        what: "{seen}: the origin's host has no address",
        remedy: "correct BUCKETS.*.endpoint or addressing in wrangler.toml",
      },
      "options-refused": {
        what: "{seen}: an option of the preset is not accepted",
        remedy: "compare the preset with docs/configuration.md: npm run check",
      },
      // E8
      "edge-loop": {
        what: "{seen}: a loop, because the edge is to read what it has made itself",
        remedy: BREAK_LOOP,
      },
      // E6
      "url-refused": {
        what: "{seen}: the origin's URL is not accepted",
        remedy: "BUCKETS.*.endpoint in wrangler.toml must be an https:// URL, of usual characters",
      },
      "edge-failed": {
        severity: "warning",
        what: "{seen}: it is busy, or has an error",
        why: "the fault is Cloudflare's, and most often passes",
        remedy: "try again in a minute, then see https://www.cloudflarestatus.com",
      },
      "edge-slow": {
        what: "{seen}: the origin or the edge took too long",
        why: "visitors get 504",
        remedy: LONGER_TIMEOUT,
      },
    },
  },
} as const satisfies Record<string, CheckEntry>;
